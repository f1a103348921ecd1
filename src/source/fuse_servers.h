// SPDX-License-Identifier: MIT
// The processes that serve FUSE file systems. The death of a server prints nothing and has no event; every call below the
// mount fails from then on (ENOTCONN). A server is known by its open /dev/fuse: /proc/PID/fdinfo/FD names the connection
// ("fuse_connection:", in the kernels that have it), which is the device number of the mount. When the last that held it
// has ended, and the file system is still mounted, its server is dead. Neither this nor anything that it asks ever touches
// the mount: while a server is stuck, nobody would come back.
//
// What it does not see: a server that closes the connection and lives on; a connection that is on its way between two
// processes (SCM_RIGHTS) when the sender ends is taken for closed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/poller.h"
#include "base/result.h"
#include "source/signal.h"

namespace fsherald {

// One thread.
class FuseServers {
 public:
  static Result<FuseServers> Open(std::string proc_root = "/proc", std::string sys_root = "/sys");

  static bool IsServed(std::string_view type);

  // To poll(2) for POLLIN: a server has ended.
  int fd() const { return poller_.fd(); }

  // A file system is mounted, or is no more. Add the key only once.
  void Add(FilesystemKey key, DeviceNumber dev);
  void Forget(FilesystemKey key);
  // Looks for the servers of those that were added since the last call: through the open files of all processes.
  void Look();
  // Whether the death of its server will be seen.
  bool Covers(FilesystemKey key) const;

  // Those whose server has ended, each once. What has been unmounted must be forgotten before: it is no death.
  std::vector<Signal> Read(uint64_t now_boottime_ns);

 private:
  struct Holder {
    Fd pidfd;
    Task task;
  };
  struct Server {
    uint64_t connection = 0;
    std::vector<Holder> holders;
    bool looked = false;
  };

  FuseServers(std::string proc_root, std::string sys_root, Poller poller)
      : proc_root_(std::move(proc_root)), sys_root_(std::move(sys_root)), poller_(std::move(poller)) {}

  void LookFor(const std::vector<Server*>& servers);
  bool LookInto(uint32_t pid, const std::vector<Server*>& servers);
  void AddHolder(Server& server, uint32_t pid, const std::string& descriptor);
  std::optional<uint64_t> Connection(uint32_t pid, const std::string& descriptor) const;
  void Drop(Server& server);
  bool IsConnected(const Server& server) const;

  std::string proc_root_;
  std::string sys_root_;
  Poller poller_;
  std::map<FilesystemKey, Server> servers_;
  bool denied_ = false;  // the last look: a process did not show its open files, and may hold any connection
};

}  // namespace fsherald
