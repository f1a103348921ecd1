// SPDX-License-Identifier: MIT
// LTTng-UST, with its own daemons as the live consumer: they write the trace into memory.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "ring_lttng_event.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ring_subjects.h"

namespace fsherald::bench {
namespace {

constexpr const char* kReady = "FSHERALD_BENCH_LTTNG";  // set for the program once it has begun anew

class Lttng : public Subject {
 public:
  size_t Push(int, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      lttng_ust_tracepoint(fsherald_bench, record, &record.number);
    }
    return count;  // what it has discarded is told at the end
  }

  size_t Drain() override { return 0; }
  bool is_drained_by_us() const override { return false; }
};

// Null where it cannot.
const char* MakeMounts() {
  if (::unshare(CLONE_NEWNS) != 0) return "it needs root";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "no mounts of our own";
  for (const char* directory : {"/run", "/dev/shm"})
    if (::mount("ring", directory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) return "no tmpfs";
  return nullptr;
}

pid_t Start(const std::array<const char*, 4>& argv) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd : {0, 1, 2}) ::dup2(nowhere, fd);
  ::execvp(argv[0], const_cast<char* const*>(argv.data()));
  ::_exit(127);
}

bool Run(const char* command) { return std::system(command) == 0; }

}  // namespace

std::unique_ptr<Subject> MakeLttng() { return std::make_unique<Lttng>(); }

std::string PrepareLttng(char** argv) {
  if (const char* ready = std::getenv(kReady)) return ready;
  ::setenv(kReady, "", 1);
  if (!Run("command -v lttng >/dev/null && command -v lttng-sessiond >/dev/null"))
    return "package lttng-tools is not installed";
  if (const char* why = MakeMounts()) return why;
  ::setenv("LTTNG_HOME", "/run", 1);
  Start({"lttng-sessiond", "--no-kernel", nullptr, nullptr});
  bool is_up = false;
  for (int i = 0; i < 100 && !is_up; ++i) {
    is_up = Run("lttng --no-sessiond list >/dev/null 2>&1");
    if (!is_up) ::usleep(50'000);
  }
  const bool is_tracing =
      is_up && Run("(lttng --no-sessiond create ring --output=/run/trace &&"
                   " lttng --no-sessiond enable-channel --userspace --discard --subbuf-size=1M --num-subbuf=8"
                   " --tracefile-size=8388608 --tracefile-count=2 ring &&"
                   " lttng --no-sessiond enable-event --userspace --channel=ring fsherald_bench:record &&"
                   " lttng --no-sessiond start) >/dev/null 2>&1");
  if (!is_tracing) ::setenv(kReady, "its session cannot be made", 1);
  ::execv("/proc/self/exe", argv);
  return "the program could not begin anew";
}

long DiscardedByLttng() {
  FILE* lines = ::popen("lttng --no-sessiond list ring 2>/dev/null", "r");
  if (lines == nullptr) return -1;
  long discarded = -1;
  char line[512];
  while (std::fgets(line, sizeof line, lines) != nullptr)
    if (const char* at = std::strstr(line, "Discarded events:")) discarded = std::atol(at + 17);
  ::pclose(lines);
  return discarded;
}

}  // namespace fsherald::bench
