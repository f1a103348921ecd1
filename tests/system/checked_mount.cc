// SPDX-License-Identifier: MIT
#include "checked_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"

namespace fsherald::system_test {
namespace {

constexpr std::chrono::seconds kPatience{10};

void MakeDirectory(const std::string& directory, const Account& owner) {
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) FailErrno("mkdir " + directory);
  if (chown(directory.c_str(), owner.user, owner.group) != 0) FailErrno("chown " + directory);
}

Process StartServer(const std::string& backing, const std::string& directory, const std::optional<Account>& account,
                    const std::vector<std::string>& options) {
  MakeDirectory(backing, account.value_or(Account{}));
  MakeDirectory(directory, account.value_or(Account{}));
  Command command;
  if (account) command.arguments = As(*account);
  for (const std::string& word :
       {std::string(FSHERALD_EXAMPLES) + "/checksum_fs", backing, directory, std::string("-f")})
    command.arguments.push_back(word);
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  return Process::Start(command, {{2, 2}});
}

void WaitUntilMounted(const std::string& directory) {
  const Fd table(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!table) FailErrno("open /proc/self/mountinfo");
  const Deadline deadline = After(kPatience);
  while (ReadFile("/proc/self/mountinfo").find(" " + directory + " ") == std::string::npos) {
    pollfd changed{.fd = table.get(), .events = POLLPRI, .revents = 0};
    if (poll(&changed, 1, MillisecondsUntil(deadline)) != 1) Fail("checksum_fs is not mounted");
  }
}

}  // namespace

CheckedMount::CheckedMount(const std::string& name, std::optional<Account> account,
                           const std::vector<std::string>& options)
    : backing_(kSandbox + "/" + name + ".backing"),
      directory_(kSandbox + "/" + name),
      process_(StartServer(backing_, directory_, account, options)) {
  WaitUntilMounted(directory_);
}

CheckedMount::~CheckedMount() {
  umount2(directory_.c_str(), MNT_DETACH);
  try {
    process_.Wait(After(kPatience));
  } catch (const std::exception&) {  // it hangs: its owner kills it
  }
}

std::vector<std::string> As(const Account& account) {
  return {"setpriv", "--reuid=" + std::to_string(account.user), "--regid=" + std::to_string(account.group),
          "--clear-groups"};
}

void Damage(const std::string& path, uint64_t offset_bytes) {
  const Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) FailErrno("open " + path);
  char byte = 0;
  if (pread(fd.get(), &byte, 1, static_cast<off_t>(offset_bytes)) != 1) FailErrno("read " + path);
  byte = static_cast<char>(byte ^ 1);
  if (pwrite(fd.get(), &byte, 1, static_cast<off_t>(offset_bytes)) != 1) FailErrno("write " + path);
}

}  // namespace fsherald::system_test
