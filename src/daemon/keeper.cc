// SPDX-License-Identifier: MIT
#include "daemon/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/kept_fds.h"

namespace fsherald {
namespace {

constexpr size_t kMostKept = 1024;
constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

// The value of a line "KEY=value" of a message.
std::string_view ValueOf(std::string_view message, std::string_view key) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      return line.substr(key.size() + 1);
    message.remove_prefix(std::min(message.size(), line.size() + 1));
  }
  return {};
}

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options) : options_(options) {}

  Result<int> Run() {
    if (Status opened = OpenSocket(); !opened) return opened.error();
    for (int failures = 0; failures < options_.most_failures;) {
      if (Status started = StartDaemon(); !started) return started.error();
      is_ready_ = false;
      const int status = WaitForDaemon();
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      if (is_ending_) return 128 + WTERMSIG(status);
      failures = is_ready_ ? 0 : failures + 1;
    }
    return Error{"the daemon has died " + std::to_string(options_.most_failures) + " times before it was ready", 0};
  }

 private:
  // In the abstract namespace: nothing of it is left, however we end.
  Status OpenSocket() {
    socket_.Reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_) return ErrnoError("socket", "");
    const int on = 1;
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return ErrnoError("setsockopt", "");
    name_ = "@fsherald-keeper-" + std::to_string(::getpid());
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0)
      return ErrnoError("bind", name_);
    return {};
  }

  Status StartDaemon() {
    const pid_t keeper = ::getpid();
    daemon_ = ::fork();
    if (daemon_ < 0) return ErrnoError("fork", "");
    if (daemon_ > 0) return {};
    BecomeDaemon(keeper);
    ::_exit(127);
  }

  // In the child, which has no threads.
  void BecomeDaemon(pid_t keeper) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != keeper) return;
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::string names;
    // First above all that is to be passed, so that none is written over before it is passed itself.
    std::vector<int> moved;
    const int above = kFirstPassed + static_cast<int>(kept_.size());
    for (const Kept& kept : kept_) {
      moved.push_back(::fcntl(kept.fd.get(), F_DUPFD_CLOEXEC, above));
      if (moved.back() < 0) return;
      names += (names.empty() ? "" : ":") + kept.name;
    }
    int next = kFirstPassed;
    for (int fd : moved)
      if (::dup2(fd, next++) < 0) return;
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
    if (!kept_.empty()) {
      ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
      ::setenv("LISTEN_FDS", std::to_string(kept_.size()).c_str(), 1);
      ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const std::string& argument : options_.command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments.front(), arguments.data());
  }

  // Its wait status. What it had still said is heard first.
  int WaitForDaemon() {
    std::array<pollfd, 2> fds{pollfd{.fd = socket_.get(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = options_.signals, .events = POLLIN, .revents = 0}};
    for (;;) {
      if (::poll(fds.data(), fds.size(), -1) < 0) continue;
      while (Hear()) {
      }
      if ((fds[1].revents & POLLIN) == 0) continue;
      signalfd_siginfo signal{};
      if (::read(options_.signals, &signal, sizeof signal) != sizeof signal) continue;
      if (signal.ssi_signo != SIGCHLD) {
        is_ending_ = is_ending_ || signal.ssi_signo != SIGHUP;
        ::kill(daemon_, static_cast<int>(signal.ssi_signo));
        continue;
      }
      int status = 0;
      if (::waitpid(daemon_, &status, WNOHANG) == daemon_ && !WIFSTOPPED(status)) {
        while (Hear()) {
        }
        return status;
      }
    }
  }

  // One message, of the daemon alone. False: there is none.
  bool Hear() {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(16 * sizeof(int))> control{};
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return errno == EINTR;
    std::vector<Fd> fds;
    pid_t sender = 0;
    for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr; part_of = CMSG_NXTHDR(&message, part_of)) {
      if (part_of->cmsg_level != SOL_SOCKET) continue;
      if (part_of->cmsg_type == SCM_CREDENTIALS) {
        ucred credentials{};
        std::memcpy(&credentials, CMSG_DATA(part_of), sizeof credentials);
        sender = credentials.pid;
      }
      if (part_of->cmsg_type != SCM_RIGHTS) continue;
      for (size_t at = 0; at + sizeof(int) <= part_of->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part_of) + at, sizeof fd);
        fds.emplace_back(fd);
      }
    }
    if (sender == daemon_) Obey({text.data(), static_cast<size_t>(size)}, fds);
    return true;
  }

  void Obey(std::string_view message, std::vector<Fd>& fds) {
    if (ValueOf(message, "READY") == "1") is_ready_ = true;
    if (ValueOf(message, "FDSTORE") != "1") return;
    const std::string_view name = ValueOf(message, "FDNAME");
    for (Fd& fd : fds)
      if (kept_.size() < kMostKept && name.find(':') == std::string_view::npos && !Has(fd, name))
        kept_.push_back({std::string(name), std::move(fd)});
  }

  // Whether it is kept already: by another daemon, which had it from us.
  bool Has(const Fd& fd, std::string_view name) const {
    for (const Kept& kept : kept_)
      if (kept.name == name &&
          ::syscall(SYS_kcmp, ::getpid(), ::getpid(), 0 /* KCMP_FILE */, kept.fd.get(), fd.get()) == 0)
        return true;
    return false;
  }

  struct Kept {
    std::string name;
    Fd fd;
  };

  const KeeperOptions& options_;
  Fd socket_;
  std::string name_;
  std::vector<Kept> kept_;
  pid_t daemon_ = -1;
  bool is_ready_ = false;
  bool is_ending_ = false;
};

}  // namespace

Result<int> RunKeeper(const KeeperOptions& options) { return Keeper(options).Run(); }

}  // namespace fsherald
