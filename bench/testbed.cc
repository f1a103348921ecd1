// SPDX-License-Identifier: MIT
#include "testbed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "process.h"

namespace fsherald::bench {
namespace {

constexpr const char* kConsole = "/proc/sys/kernel/printk";

// Used by a signal handler: plain memory.
char console_before[64];
size_t console_before_size = 0;

void RestoreConsole() {
  const int fd = ::open(kConsole, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t size = ::write(fd, console_before, console_before_size);
  ::close(fd);
}

void EndBySignal(int signal) {
  RestoreConsole();
  ::_exit(128 + signal);
}

void QuietConsole() {
  const std::string before = ReadFile(kConsole);
  console_before_size = before.copy(console_before, sizeof console_before);
  std::atexit(RestoreConsole);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, EndBySignal);
  ::signal(SIGPIPE, SIG_IGN);
  WriteFile(kConsole, "1\n");
}

LoopDevice Attach(const std::string& image) {
  auto loop = LoopDevice::Attach(image);
  if (!loop) Fail(loop.error().ToString());
  return std::move(*loop);
}

// Without the prefetch, by which a kernel thread would load the block bitmaps, and meet their damage, before us.
ScopedMount Mount(const std::string& source, const std::string& directory) {
  ::mkdir(directory.c_str(), 0755);
  auto mounted = ScopedMount::Mount(source, directory, "ext4", "errors=continue,no_prefetch_block_bitmaps");
  if (!mounted) Fail(mounted.error().ToString());
  return std::move(*mounted);
}

}  // namespace

void EnterTestbed(int cpu) {
  if (Status entered = EnterPrivateMountNamespace(); !entered) Fail(entered.error().ToString());
  if (::mount("bench", "/mnt", "tmpfs", 0, nullptr) != 0) Fail("cannot mount a tmpfs on /mnt");
  QuietConsole();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  ::setpriority(PRIO_PROCESS, 0, -15);
  if (cpu < 0) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  ::sched_setaffinity(0, sizeof cpus, &cpus);
}

void PrintMachine() {
  utsname name{};
  ::uname(&name);
  const time_t now = ::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%MZ", ::gmtime(&now));
  std::string load = ReadFile("/proc/loadavg");
  fmt::print("# {}, Linux {}, {} cores, load {}\n", date, name.release, ::sysconf(_SC_NPROCESSORS_ONLN),
             load.substr(0, load.find(' ')));
}

std::string MakeImage(const ImageOptions& options) {
  const std::string image = "/mnt/" + options.name + ".img";
  const Fd fd(::open(image.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(options.size_bytes)) != 0) Fail("cannot make " + image);
  std::vector<std::string> command{"mke2fs",
                                   "-q",
                                   "-F",
                                   "-t",
                                   "ext4",
                                   "-O",
                                   "^metadata_csum,^uninit_bg",
                                   "-E",
                                   "lazy_itable_init=0,lazy_journal_init=0"};
  command.insert(command.end(), options.mke2fs.begin(), options.mke2fs.end());
  command.push_back(image);
  auto made = RunProgram(command);
  if (!made || made->exit_code != 0) Fail("mke2fs failed: " + (made ? made->text : made.error().ToString()));
  if (options.requests.empty()) return image;
  const std::string script = "/mnt/requests";
  std::string requests;
  for (const std::string& request : options.requests) requests += request + "\n";
  WriteFile(script, requests);
  auto changed = RunProgram({"debugfs", "-w", "-f", script, image});
  if (!changed || changed->exit_code != 0) Fail("debugfs failed");
  return image;
}

Filesystem::Filesystem(const std::string& image, const std::string& name)
    : directory_("/mnt/" + name), loop_(Attach(image)), mount_(Mount(loop_.path(), directory_)) {}

uint64_t Filesystem::ErrorsCount() const { return std::stoull(ReadFile(attribute_path("errors_count"))); }

uint64_t Filesystem::ErrorsCountOnceAtLeast(uint64_t count) const {
  for (int waited_ms = 0; waited_ms < 10'000 && ErrorsCount() < count; ++waited_ms) ::usleep(1000);
  return ErrorsCount();
}

void Filesystem::PrintEveryError(bool every) const {
  WriteFile(attribute_path("err_ratelimit_burst"), every ? "1000000\n" : "10\n");
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) Fail("cannot write " + path);
}

}  // namespace fsherald::bench
