// SPDX-License-Identifier: MIT
#include "process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace fsherald::bench {
namespace {

constexpr size_t kOutputBytes = size_t{64} << 20;
// Readers and writers alike run before what else this machine does.
constexpr int kNice = -15;

uint64_t StatusNumber(const std::string& path, std::string_view name) {
  std::ifstream status(path);
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
  }
  return 0;
}

[[noreturn]] void Become(const std::vector<std::string>& argv, int output, int errors, std::optional<int> cpu) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const int all = static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF));
  for (int i = 0; i < all; ++i)
    if (!cpu || *cpu == i) CPU_SET(i, &cpus);
  ::sched_setaffinity(0, sizeof cpus, &cpus);
  ::setpriority(PRIO_PROCESS, 0, kNice);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

void Fail(const std::string& sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::exit(1);
}

uint64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

std::vector<std::string> FsheraldWatch(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{FSHERALD_PROGRAM, "watch", "--json"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::string> BareReader(const std::vector<std::string>& mounts) {
  std::vector<std::string> argv{FSHERALD_BARE_READER};
  argv.insert(argv.end(), mounts.begin(), mounts.end());
  return argv;
}

Reader::Reader(const std::vector<std::string>& argv, std::optional<int> cpu) {
  output_.Reset(::memfd_create("output", MFD_CLOEXEC));
  if (!output_ || ::ftruncate(output_.get(), kOutputBytes) != 0) Fail("no memory for the output");
  ::fallocate(output_.get(), 0, 0, 8 << 20);  // as many pages as an ordinary run needs: their making is not measured
  void* memory = ::mmap(nullptr, kOutputBytes, PROT_READ, MAP_SHARED, output_.get(), 0);
  if (memory == MAP_FAILED) Fail("no memory for the output");
  text_ = static_cast<const char*>(memory);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) Fail("no pipe");
  errors_.Reset(ends[0]);
  Fd writing(ends[1]);
  const uint64_t begin_ns = NowNs();
  pid_ = ::fork();
  if (pid_ < 0) Fail("no process");
  if (pid_ == 0) Become(argv, output_.get(), writing.get(), cpu);
  writing.Reset();
  while (!talk_.ends_with("ready\n")) {
    char buffer[65536];
    const ssize_t size = ::read(errors_.get(), buffer, sizeof buffer);
    if (size <= 0) Fail(argv[0] + " has not come up: " + talk_);
    talk_.append(buffer, static_cast<size_t>(size));
  }
  ready_after_ms_ = static_cast<double>(NowNs() - begin_ns) / 1e6;
}

Reader::~Reader() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(const_cast<char*>(text_), kOutputBytes);
}

// How far the output reaches by now: it holds no zero byte.
size_t Reader::Written(size_t from) const {
  const auto* end = static_cast<const volatile char*>(text_) + from;
  while (from < kOutputBytes && *end != 0) ++end, ++from;
  return from;
}

std::optional<uint64_t> Reader::SpinForLine(uint64_t limit_ns) {
  const uint64_t deadline_ns = NowNs() + limit_ns;
  size_t end = seen_;
  for (;;) {
    end = Written(end);
    const uint64_t now_ns = NowNs();
    if (end > seen_ && std::memchr(text_ + seen_, '\n', end - seen_) != nullptr) return now_ns;
    if (now_ns > deadline_ns) return std::nullopt;
  }
}

size_t Reader::Skip() {
  const size_t end = Written(seen_);
  size_t lines = 0;
  for (; seen_ < end; ++seen_) lines += text_[seen_] == '\n';
  return lines;
}

std::string_view Reader::Stop() {
  ::kill(pid_, SIGINT);
  // Its last words must not block it.
  char buffer[4096];
  while (::read(errors_.get(), buffer, sizeof buffer) > 0) {
  }
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return {text_, Written(0)};
}

uint64_t Reader::PeakMemoryKib() const { return StatusNumber("/proc/" + std::to_string(pid_) + "/status", "VmHWM:"); }

uint64_t Reader::CpuNs() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

uint64_t Reader::VoluntarySwitches() const {
  uint64_t switches = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task"))
    switches += StatusNumber(task.path() / "status", "voluntary_ctxt_switches:");
  return switches;
}

}  // namespace fsherald::bench
