// SPDX-License-Identifier: MIT
// Teller: makes a whole notification of what the join has put together: adds the file system, the specific record, the
// UTC time and the path of the file, numbers it and hands it on. One whose path only a walk can find waits for it, while
// others pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "join/join.h"
#include "mount/mount_table.h"
#include "notify/numbering.h"
#include "object/path_finder.h"

namespace fsherald {

class Teller {
 public:
  using Handler = std::function<void(const Notification&, FilesystemKey)>;

  // `paths` may be null (then no path is looked for); it must outlive the teller.
  Teller(PathFinder* paths, Handler handler) : paths_(paths), handler_(std::move(handler)) {}

  // Tells one. `mounting` is null for a file system that is in no mount table; then `seen` is all that is known of it.
  void Tell(Joined joined, const FilesystemInfo& seen, const Mounting* mounting);

  // The same notification as it is known now: without a number, and without a path that has to be looked for.
  static Notification Describe(const Joined& joined, const FilesystemInfo& seen, const Mounting* mounting);
  // Tells one that another teller had described.
  void Retell(Notification notification, FilesystemKey filesystem) { Finish(notification, filesystem); }
  // Those that wait for their walks, as they are known now, each as a stream: made once, for it is asked for with each commit.
  std::vector<std::string> parked(const Host& host);

  // Tells those whose walks have ended.
  void TellFound();
  // Tells all that wait, without their paths.
  void TellAll();

  uint64_t told() const { return numbering_.told(); }
  size_t waiting() const { return parked_.size(); }

 private:
  struct Parked {
    Notification notification;
    FilesystemKey filesystem;
    std::string stream;  // empty: nobody has asked
  };
  void Finish(Notification& notification, FilesystemKey filesystem);
  // Whether the notification waits for a walk now.
  bool Park(Notification& notification, const PathQuery& query);

  static constexpr size_t kMaxParked = 1024;  // beyond it they are told without a path

  PathFinder* paths_;
  Handler handler_;
  Numbering numbering_;
  uint64_t tickets_ = 0;
  std::map<uint64_t, Parked> parked_;
};

}  // namespace fsherald
