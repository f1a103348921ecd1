// SPDX-License-Identifier: MIT
// ReporterLink: how it stands between one reporter and the daemon. The keeper (reporter_keeper.h) drives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "client/reporter_memory.h"
#include "protocol/messages.h"
#include "record/notification.h"

namespace fsherald {

// What is reported about, and to whom.
struct ReporterTarget {
  std::string runtime_dir;
  std::string type;  // both empty: of the mount
  std::string name;
  std::string mount_path;  // absolute; opened anew for each offer: a descriptor that is kept would pin the mount
  uint64_t mount_id = 0;   // what is found there has to be the same mount still
  DeviceNumber mount_dev;
};

// The target of a path on a mount. Errors: as open(2) gives them; code 0: no mount.
Status SetMount(ReporterTarget& target, const char* path);

// One thread at a time.
class ReporterLink {
 public:
  explicit ReporterLink(ReporterTarget target) : target_(std::move(target)) {}

  // Offers the memory, unless it is attached, due later, or refused for good by the daemon whose socket is there.
  void Try(const ReporterMemory& memory, uint64_t now_ns);
  // Something happened where the daemon's socket is or will be: it is not due later, but now.
  void Changed();
  // poll(2) said that the socket is readable.
  void Receive(uint64_t now_ns);
  // In the child of a fork(2): the connection is the parent's.
  void Forget();

  int socket() const { return socket_.get(); }  // -1: none
  bool needs_daemon() const { return !socket_; }
  // When to call Try again if nothing changes; empty: not at all.
  std::optional<uint64_t> retry_ns() const { return retry_ns_; }
  // 1: attached; 0: there is no daemon, or it has not answered yet; a negative errno: it refused.
  int state() const { return state_; }
  const ReporterTarget& target() const { return target_; }

 private:
  // Tells one daemon's socket from the next one's at the same path.
  struct SocketId {
    uint64_t inode = 0;  // 0: there is none
    int64_t changed_ns = 0;
    friend bool operator==(const SocketId&, const SocketId&) = default;
  };
  SocketId FindSocket() const;
  Status Offer(const ReporterMemory& memory);
  void Answered(int error, uint64_t now_ns);
  void HungUp(uint64_t now_ns);
  void RetrySoon(uint64_t now_ns);
  void RetryLater(uint64_t now_ns);

  ReporterTarget target_;
  Fd socket_;
  int state_ = 0;
  SocketId asked_;        // the one that was offered to
  bool refused_ = false;  // for good, by `asked_`
  std::optional<uint64_t> retry_ns_;
  uint64_t delay_ns_ = 0;
  uint64_t attached_ns_ = 0;  // since when, in state 1
};

}  // namespace fsherald
