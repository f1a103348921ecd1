// SPDX-License-Identifier: MIT
// How often an idle `fsherald watch` wakes up: the voluntary context switches of its threads in a minute without errors.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "process.h"
#include "testbed.h"

int main(int argc, char** argv) {
  using namespace fsherald::bench;
  const unsigned seconds = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 60;
  EnterTestbed(-1);
  PrintMachine();
  const Filesystem filesystem(MakeImage({}), "fs");
  Reader reader(FsheraldWatch({filesystem.directory()}));
  ::sleep(2);  // what the mount just before it still stirs up
  const uint64_t before = reader.VoluntarySwitches();
  ::sleep(seconds);
  const uint64_t after = reader.VoluntarySwitches();
  fmt::print("woke up {} times in {} s; {:.1f} MiB at the peak, which is the loading of the BPF programs\n",
             after - before, seconds, static_cast<double>(reader.PeakMemoryKib()) / 1024);
}
