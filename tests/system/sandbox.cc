// SPDX-License-Identifier: MIT
#include "sandbox.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>

#include "process.h"
#include "watcher.h"

namespace fsherald::system_test {

std::string ChooseSandbox() {
  const std::string program = Program();
  for (const std::string directory : {"/mnt", "/media", "/srv"}) {
    const auto covers = [&](const std::string& path) { return path.starts_with(directory + "/"); };
    if (access(directory.c_str(), X_OK) == 0 && !covers(program) && !covers(FSHERALD_IMAGES)) return directory;
  }
  return {};
}

void EnterSandbox() {
  if (WhyNoSandbox()) return;
  if (unshare(CLONE_NEWNS) != 0) FailErrno("unshare");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) FailErrno("make all mounts private");
  if (mount("sandbox", kSandbox.c_str(), "tmpfs", 0, nullptr) != 0) FailErrno("mount a tmpfs on " + kSandbox);
  // A daemon of this machine is none of ours.
  setenv("FSHERALD_RUNTIME_DIR", (kSandbox + "/run").c_str(), 1);
}

std::optional<std::string> WhyNoSandbox() {
  if (geteuid() != 0) return "not root";
  if (access("/dev/loop-control", R_OK | W_OK) != 0) return "no loop devices (/dev/loop-control)";
  if (access("/sys/fs/ext4", X_OK) != 0) return "this kernel has no ext4";
  if (kSandbox.empty()) return "none of /mnt, /media, /srv can be covered by a tmpfs";
  return std::nullopt;
}

std::optional<std::string> WhyNoFuse() {
  if (access("/dev/fuse", R_OK | W_OK) != 0) return "no FUSE (/dev/fuse)";
  return std::nullopt;
}

void DropCaches(const std::string& device) {
  sync();
  // 4: without a line in the kernel's log from now on; 3: the page cache and inodes. (6.1 does not take the sum of them.)
  for (const char* what : {"4\n", "3\n"}) WriteFile("/proc/sys/vm/drop_caches", what);
  // Buffers that a processor has used last stay even so.
  const Fd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ioctl(fd.get(), BLKFLSBUF) != 0) FailErrno("flush the buffers of " + device);
}

}  // namespace fsherald::system_test
