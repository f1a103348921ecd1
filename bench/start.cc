// SPDX-License-Identifier: MIT
// From the start of `fsherald watch` to "ready": everything is armed. With 200 mounted file systems, and without some of
// its sources, which shows where the time goes.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <utility>
#include <vector>

#include "figures.h"
#include "process.h"
#include "testbed.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

// A copy of an image, with a uuid of its own: else the copies would be told apart only by their devices.
std::string Copy(const std::string& image, int number) {
  constexpr std::streamoff kUuidOffset = 1024 + 0x68;  // s_uuid (Documentation/filesystems/ext4/super.rst)
  static std::mt19937_64 random(1);
  const std::string copy = fmt::format("/mnt/{}.img", number);
  WriteFile(copy, ReadFile(image));
  std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(kUuidOffset);
  for (int half = 0; half < 2; ++half) {
    const uint64_t bits = random();
    file.write(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  if (!file.flush()) Fail("cannot write " + copy);
  return copy;
}

void Measure(const char* what, const std::vector<std::string>& arguments, int rounds) {
  Figures ms;
  for (int round = 0; round < rounds; ++round) ms.Add(Reader(FsheraldWatch(arguments)).ready_after_ms());
  fmt::print("  {:<28} {}\n", what, Words(ms));
}

}  // namespace

int main(int argc, char** argv) {
  const int mounts = argc > 1 ? std::atoi(argv[1]) : 200;
  constexpr int kRounds = 15;
  EnterTestbed(-1);
  PrintMachine();
  const std::string image = MakeImage({.name = "image", .size_bytes = 1 << 20, .mke2fs = {"-O", "^has_journal"}});
  std::vector<Filesystem> filesystems;
  filesystems.reserve(static_cast<size_t>(mounts));
  const std::vector<std::pair<const char*, std::vector<std::string>>> ways{
      {"all sources", {}},
      {"without trace", {"--without=trace"}},
      {"without fanotify", {"--without=fanotify"}},
      {"without counters", {"--without=counters"}},
      {"the log alone", {"--without=trace,fanotify,counters"}},
  };
  fmt::print("ms from the start to \"ready\", with the file systems of the machine alone\n");
  for (const auto& [what, arguments] : ways) Measure(what, arguments, kRounds);
  for (int i = 0; i < mounts; ++i) filesystems.emplace_back(Copy(image, i), std::to_string(i));
  fmt::print("ms from the start to \"ready\", with {} mounts more (target 200)\n", mounts);
  for (const auto& [what, arguments] : ways) Measure(what, arguments, kRounds);
}
