// SPDX-License-Identifier: MIT
// What is behind a fsherald_monitor: a daemon's socket, or the kernel in this process. client/subscribe.cc is the C functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "protocol/messages.h"

namespace fsherald {

struct MarkRequest {
  protocol::MarkOp op = protocol::kAdd;
  protocol::MarkTarget target = protocol::kOnAll;
  int fd = -1;       // kOnDescriptor
  std::string type;  // kOnName
  std::string name;
  uint32_t uid = UINT32_MAX;
};

// One thread.
class Subscription {
 public:
  virtual ~Subscription() = default;
  virtual Status Mark(const MarkRequest& request) = 0;
  // poll(2) says POLLIN when there may be something to read, also when what came before was only read in part.
  virtual int fd() const = 0;
  // Whole notifications, at most `most`; EAGAIN: none; EINVAL: `to` is too small for the first; ECONNRESET: the daemon is gone and
  // all was read.
  virtual Result<size_t> Read(std::span<std::byte> to, size_t most = SIZE_MAX) = 0;
  virtual Status Acknowledge(uint64_t seq) = 0;
  // Ends the group; without it a group with a name lives on.
  virtual void Close() = 0;
  // What is watched and what cannot be seen, in lines; the daemon's own words.
  virtual std::string Describe() const = 0;
  virtual bool has_daemon() const = 0;
};

// With `since` it has marked all, and first tells what the daemon has told above that number. Errors: ECONNREFUSED: no daemon;
// ECONNRESET: it takes connections and answers nobody; EPERM, EDQUOT, EBUSY, EOPNOTSUPP (it keeps no history) with the daemon's
// sentence.
Result<std::unique_ptr<Subscription>> SubscribeToDaemon(const std::string& runtime_dir, const std::string& group_name,
                                                        std::optional<uint64_t> since = std::nullopt);

// Says to the daemon that a file system is well: that of the descriptor `fd`, or with -1 the one of that `name` (a uuid, or the name
// of a device). Its answer in words. Errors: ECONNREFUSED: no daemon; EPERM; ENOENT: it knows no such file system.
Result<std::string> ClearHealth(const std::string& runtime_dir, int fd, const std::string& name,
                                const std::string& reason);

// Errors: EPERM and a sentence: not the privileges.
Result<std::unique_ptr<Subscription>> SubscribeLocally();

}  // namespace fsherald
