// SPDX-License-Identifier: MIT
#include "cli/clear.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "base/fd.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "client/subscription.h"
#include "protocol/packet.h"
#include "record/notification.h"

namespace fsherald {
namespace {

// How the daemon is asked for a file system.
struct Target {
  Fd descriptor;     // of a path on it
  std::string name;  // else: a uuid, or the kernel's name of its device
};

// "loop0" of the device with that number; empty: there is none.
std::string DeviceName(dev_t number) {
  std::error_code error;
  const auto link = fmt::format("/sys/dev/block/{}:{}", major(number), minor(number));
  const std::filesystem::path device = std::filesystem::read_symlink(link, error);
  return error ? std::string() : device.filename().string();
}

Result<Target> FindTarget(const std::string& words) {
  Target target;
  Fd descriptor(::open(words.c_str(), O_PATH | O_CLOEXEC));
  const int code = errno;
  // What is no path can be a name. That of a device which is gone is known without its directory.
  if (!descriptor && code == ENOENT) {
    target.name = words.starts_with("/dev/") ? words.substr(5) : words;
    if (target.name.starts_with('/')) return Error{"open " + words, code};
    return target;
  }
  if (!descriptor) return Error{"open " + words, code};
  struct stat64 status {};
  const bool is_device = ::fstat64(descriptor.get(), &status) == 0 && S_ISBLK(status.st_mode);
  if (is_device) target.name = DeviceName(status.st_rdev);
  if (target.name.empty()) target.descriptor = std::move(descriptor);
  return target;
}

int Fail(const Error& error, const ClearOptions& options, const std::string& dir) {
  if (error.code == ECONNREFUSED) {
    Complain("no daemon serves " + dir + ": only the daemon keeps states (start it: fsherald daemon)");
    return kExitNoDaemon;
  }
  Complain(options.filesystem + ": " + error.what);
  return error.code == EPERM || error.code == EACCES ? kExitNotPermitted : kExitFailure;
}

}  // namespace

int RunClear(const ClearOptions& options) {
  const std::string dir = protocol::RuntimeDir(options.runtime_dir.c_str());
  Result<Target> target = FindTarget(options.filesystem);
  if (!target) {
    Complain(target.error().ToString());
    return target.error().code == EACCES ? kExitNotPermitted : kExitFailure;
  }
  const int fd = target->descriptor ? target->descriptor.get() : -1;
  Result<std::string> cleared = ClearHealth(dir, fd, target->name, options.reason);
  if (!cleared) return Fail(cleared.error(), options, dir);
  Say(options.filesystem + ": " + *cleared + "\n");
  return kExitOk;
}

}  // namespace fsherald
