// SPDX-License-Identifier: MIT
// Subscribers: the programs that subscribe, each with its group: takes their marks, sends them what their groups hold. One that
// does not read costs its ring and what its socket holds, and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/peer.h"
#include "daemon/replays.h"
#include "daemon/subscribe_request.h"
#include "notify/groups.h"
#include "record/notification.h"

namespace fsherald {

// One thread.
class Subscribers {
 public:
  struct Options {
    std::optional<gid_t> group;                // who may subscribe besides root
    uint32_t max_groups = 32;                  // of one user, who is not root; named ones without a reader included
    uint64_t keep_named_ns = 600'000'000'000;  // a named group without a reader
    uint32_t ring_bytes = Group::kRingBytes;
  };

  // What a mark is on: a descriptor's mount (of process `peer`'s namespace), or a file system by name, for user `asker`. Errors:
  // EOPNOTSUPP or EDQUOT, and a sentence.
  struct Callbacks {
    std::function<Result<FilesystemKey>(int descriptor, pid_t peer)> resolve_descriptor;
    std::function<Result<FilesystemKey>(const std::string& type, const std::string& name, uint32_t uid, uid_t asker)>
        resolve_name;
    std::function<std::string()> describe;  // what the daemon watches, in lines: the text of the answer to Open
    // The text of the answer; descriptor -1: there is none, the request has a name. Must not Deliver.
    std::function<Result<std::string>(const ClearRequest&, int descriptor, const Peer& peer)> clear = {};
    std::function<void()> marks_changed = {};  // may be empty; marks have come or gone
    // Empty: there is no history. When it has come to its end its group is given all that is Delivered from then on.
    std::function<std::unique_ptr<Replay>(uint64_t since)> replay = {};
  };

  static Result<std::unique_ptr<Subscribers>> Open(Options options, Host host, Fd listener, Callbacks callbacks);
  ~Subscribers();

  // poll(2) says POLLIN when Pump has something to do.
  int fd() const;

  // Accepts, answers requests, sends what the sockets take, ends what has ended. Never waits.
  void Pump();

  // Gives a notification to the groups that marked one of `keys`, or with none to all, and sends at once what their sockets take.
  void Deliver(const Notification& notification, std::span<const FilesystemKey> keys);
  // Replays that had nothing yet may have something now.
  void Resume();
  void Forget(FilesystemKey key);
  // Whether any group has marked it, or all.
  bool IsMarked(FilesystemKey key) const;

  // Who may subscribe besides root from now on; who does already goes on.
  void SetGroup(std::optional<gid_t> group);

  // Groups that have a reader.
  size_t attached() const;
  // All groups; named ones without a reader among them.
  size_t groups() const;

 private:
  class Impl;
  explicit Subscribers(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
