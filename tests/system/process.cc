// SPDX-License-Identifier: MIT
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

extern char** environ;

namespace fsherald::system_test {
namespace {

std::vector<std::string> Environment(const std::map<std::string, std::string>& more) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  for (const auto& [name, value] : more) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

int MillisecondsUntil(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

void Fail(const std::string& what) { throw std::runtime_error(what); }

void FailErrno(const std::string& action, int code) { Fail(action + ": " + std::strerror(code)); }

Process Process::Start(const Command& command, const std::map<int, int>& keep) {
  FileActions actions;
  for (int fd = 0; fd <= 2; ++fd) {
    if (!keep.contains(fd)) posix_spawn_file_actions_addopen(actions.get(), fd, "/dev/null", O_RDWR, 0);
  }
  for (const auto& [theirs, ours] : keep) {
    if (ours >= 0) posix_spawn_file_actions_adddup2(actions.get(), ours, theirs);
    else posix_spawn_file_actions_addclose(actions.get(), theirs);
  }
  if (!command.directory.empty()) posix_spawn_file_actions_addchdir_np(actions.get(), command.directory.c_str());
  const std::vector<std::string> environment = Environment(command.environment);
  pid_t pid = -1;
  const int code = posix_spawnp(&pid, command.arguments.at(0).c_str(), actions.get(), nullptr,
                                Pointers(command.arguments).data(), Pointers(environment).data());
  if (code != 0) FailErrno("start " + command.arguments[0], code);
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) FailErrno("pidfd_open");
  return Process(pid, std::move(pidfd));
}

Process::~Process() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Process::HasEnded() const {
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  return poll(&ended, 1, 0) == 1;
}

void Process::Signal(int signal) const {
  if (kill(pid_, signal) != 0) FailErrno("kill");
}

int Process::Wait(Deadline deadline) {
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ended, 1, MillisecondsUntil(deadline)) != 1) Fail("process " + std::to_string(pid_) + " has not ended");
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) FailErrno("waitpid");
  pid_ = -1;
  return status;
}

Finished RunToEnd(const Command& command) {
  Pipe pipe = MakePipe();
  Process process = Process::Start(command, {{1, pipe.write.get()}, {2, pipe.write.get()}});
  pipe.write.Reset();
  Finished finished{.pid = process.pid(), .exit_code = -1, .output = {}};
  const Deadline deadline = After(std::chrono::seconds(30));
  for (;;) {
    pollfd readable{.fd = pipe.read.get(), .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, MillisecondsUntil(deadline)) != 1) Fail(command.arguments[0] + " has not ended");
    if (!ReadSome(pipe.read.get(), finished.output)) break;
  }
  const int status = process.Wait(deadline);
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  return finished;
}

std::string RunOrFail(const Command& command) {
  Finished finished = RunToEnd(command);
  if (finished.exit_code != 0) {
    std::string line;
    for (const std::string& argument : command.arguments) line += argument + " ";
    Fail(line + "ended with " + std::to_string(finished.exit_code) + ": " + finished.output);
  }
  return std::move(finished.output);
}

bool ReadSome(int fd, std::string& text) {
  char buffer[65536];
  const ssize_t size = read(fd, buffer, sizeof buffer);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size <= 0) return false;
  text.append(buffer, static_cast<size_t>(size));
  return true;
}

std::string ReadFile(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) FailErrno("open " + path);
  std::string text;
  while (ReadSome(fd.get(), text)) {
  }
  return text;
}

void WriteFile(const std::string& path, const std::string& text) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) FailErrno("open " + path);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) FailErrno("write " + path);
}

Pipe MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) FailErrno("pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

}  // namespace fsherald::system_test
