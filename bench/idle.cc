// SPDX-License-Identifier: MIT
// How often an idle `fsherald watch` wakes up: the voluntary context switches of its threads in a minute without errors.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "process.h"
#include "testbed.h"

namespace {

// The kernel's log from now on, which shows whether the machine was idle: the errors and mounts of others wake us too.
class LogLines {
 public:
  LogLines() : fd_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) { ::lseek(fd_.get(), 0, SEEK_END); }
  int Count() const {
    int lines = 0;
    for (char record[8192]; ::read(fd_.get(), record, sizeof record) > 0;) ++lines;
    return lines;
  }

 private:
  fsherald::Fd fd_;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace fsherald::bench;
  const unsigned seconds = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 60;
  EnterTestbed(-1);
  PrintMachine();
  const Filesystem filesystem(MakeImage({}), "fs");
  Reader reader(FsheraldWatch({filesystem.directory()}));
  ::sleep(2);  // what the mount just before it still stirs up
  const LogLines log;
  const uint64_t before = reader.VoluntarySwitches();
  ::sleep(seconds);
  const uint64_t after = reader.VoluntarySwitches();
  fmt::print("woke up {} times in {} s, in which the kernel's log got {} lines\n", after - before, seconds,
             log.Count());
  fmt::print("peak memory {:.1f} MiB\n", static_cast<double>(reader.PeakMemoryKib()) / 1024);
}
