// SPDX-License-Identifier: MIT
#include "cli/damage.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace fsherald {
namespace {

// Another process may take the free device first, as often as this before we give up.
constexpr int kAttachAttempts = 64;

std::optional<std::string> FindProgram(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    std::string path = directory + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

// Which package of Debian has a program.
struct Packaged {
  std::string_view program;
  const char* package;
};
constexpr Packaged kPackaged[] = {
    {"mke2fs", "e2fsprogs"}, {"debugfs", "e2fsprogs"},      {"mkfs.xfs", "xfsprogs"},
    {"xfs_db", "xfsprogs"},  {"mkfs.btrfs", "btrfs-progs"}, {"btrfs", "btrfs-progs"},
};

Error NotInstalled(const std::string& name) {
  const auto* known = std::ranges::find(kPackaged, std::string_view(name), &Packaged::program);
  const bool is_known = known != std::end(kPackaged);
  return Error{name + " is not installed" + (is_known ? std::string(": apt-get install ") + known->package : "")};
}

std::string ReadToEnd(int fd) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer, static_cast<size_t>(size));
  }
}

// The child starts with default signals, as from a shell, whatever this process blocks or ignores.
int Spawn(const std::string& path, const std::vector<std::string>& argv, int output, pid_t& pid) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);

  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  sigset_t all;
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const int code = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return code;
}

constexpr const char* kNewMounts = "the mounts of the new namespace";

// In a chroot "/" is no mount point. Entering a mount namespace, also the own one, leads to its real root; from there we
// come back to where we were.
Status MakePrivateFromChroot() {
  Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd folder(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd mounts(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!root || !folder || !mounts) return ErrnoError("open", "this chroot");
  if (::setns(mounts.get(), CLONE_NEWNS) != 0) return ErrnoError("leave", "this chroot");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return ErrnoError("make private", kNewMounts);
  if (::fchdir(root.get()) != 0 || ::chroot(".") != 0 || ::fchdir(folder.get()) != 0) {
    return ErrnoError("come back to", "this chroot");
  }
  return {};
}

}  // namespace

Result<ProgramOutput> RunProgram(const std::vector<std::string>& argv) {
  const std::optional<std::string> path = FindProgram(argv[0]);
  if (!path) return NotInstalled(argv[0]);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoError("open a pipe to", argv[0]);
  Fd reading(ends[0]);
  Fd writing(ends[1]);

  pid_t pid = 0;
  if (const int code = Spawn(*path, argv, writing.get(), pid); code != 0) return ErrnoError("start", *path, code);
  writing.Reset();
  ProgramOutput output;
  output.text = ReadToEnd(reading.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoError("wait for", *path);
  }
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

Status RunOrFail(const std::vector<std::string>& argv) {
  auto output = RunProgram(argv);
  if (!output) return output.error();
  if (output->exit_code != 0) return Error{argv[0] + " failed: " + output->text};
  return {};
}

Status MakeSparseFile(const std::string& path, uint64_t size_bytes) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return ErrnoError("create", path);
  if (::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) return ErrnoError("size", path);
  return {};
}

Status WriteBytes(const std::string& path, uint64_t offset_bytes, std::string_view bytes) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  const ssize_t written = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
  if (written < 0) return ErrnoError("write to", path);
  if (static_cast<size_t>(written) != bytes.size()) return Error{"write to " + path, EIO};
  return {};
}

Status MakeExt4Image(const std::string& image, uint64_t size_bytes, const std::string& tree) {
  if (Status made = MakeSparseFile(image, size_bytes); !made) return made;
  // Nothing is left for the kernel to initialise after the mount: a quiet file system stays quiet.
  return RunOrFail({"mke2fs", "-q", "-F", "-t", "ext4", "-O", "^metadata_csum", "-E",
                    "lazy_itable_init=0,lazy_journal_init=0", "-d", tree, image});
}

Status ChangeExt4Image(const std::string& image, const std::vector<std::string>& requests) {
  for (const std::string& request : requests) {
    auto output = RunProgram({"debugfs", "-w", "-R", request, image});
    if (!output) return output.error();
    // debugfs exits with 0 also when a request failed; all it prints of a success is its version, in the first line.
    const size_t first_line = output->text.find('\n');
    const bool complained = first_line != std::string::npos && first_line + 1 < output->text.size();
    if (output->exit_code != 0 || complained) return Error{"debugfs " + request + " failed: " + output->text};
  }
  return {};
}

Status EnterPrivateMountNamespace() {
  if (::unshare(CLONE_NEWNS) != 0) return ErrnoError("make a mount namespace", "(it needs CAP_SYS_ADMIN)");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return {};
  if (errno != EINVAL) return ErrnoError("make private", kNewMounts);
  return MakePrivateFromChroot();
}

Result<LoopDevice> LoopDevice::Attach(const std::string& image) {
  Fd file(::open(image.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return ErrnoError("open", image);
  Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) return ErrnoError("open", "/dev/loop-control");
  loop_config config{};
  config.fd = static_cast<uint32_t>(file.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int attempt = 0;; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return ErrnoError("find", "a free loop device");
    std::string path = "/dev/loop" + std::to_string(number);
    Fd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!device && errno != ENXIO) return ErrnoError("open", path);
    if (device && ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      return LoopDevice(std::move(device), std::move(path));
    }
    const int code = device ? errno : EBUSY;
    if (code != EBUSY || attempt == kAttachAttempts) return ErrnoError("set up", path, code);
  }
}

Result<ScopedMount> ScopedMount::Mount(const std::string& source, const std::string& target, const std::string& type,
                                       const std::string& options) {
  if (::mount(source.c_str(), target.c_str(), type.c_str(), MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return ErrnoError("mount " + source + " on", target);
  }
  return ScopedMount(target);
}

ScopedMount::~ScopedMount() {
  if (target_.empty()) return;
  // At once if nobody is in it, which gives the device back before we return; else as soon as they leave.
  if (::umount2(target_.c_str(), 0) != 0) ::umount2(target_.c_str(), MNT_DETACH);
}

}  // namespace fsherald
