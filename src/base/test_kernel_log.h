// SPDX-License-Identifier: MIT
// For tests that need the kernel to print all its lines: btrfs's rate limits and the block layer's (ten of a kind in five seconds)
// are the whole machine's, and the tests before have had their share.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <string>

#include "base/fd.h"

namespace fsherald {

// How many lines of `origin` with one of these words stand in the kernel's log of the last 5.5 seconds.
inline int RecentLines(const char* origin, std::initializer_list<const char*> all_words) {
  const Fd log(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t since_us =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000 - 5'500'000;
  int lines = 0;
  char record[8192];
  for (ssize_t size = 1; log && size > 0;) {
    size = ::read(log.get(), record, sizeof record);
    if (size < 0 && errno == EPIPE) size = 1;  // overwritten: goes on with the next that is there
    if (size <= 1) continue;
    unsigned priority = 0;
    unsigned long long sequence = 0;
    unsigned long long us = 0;
    const std::string text(record, static_cast<size_t>(size));
    if (std::sscanf(text.c_str(), "%u,%llu,%llu", &priority, &sequence, &us) != 3 || us < since_us) continue;
    for (const char* words : all_words)
      if (text.find(origin) != std::string::npos && text.find(words) != std::string::npos) ++lines;
  }
  return lines;
}

// Waits until btrfs may print what a test makes it print: ten seconds at the most.
inline void WaitUntilBtrfsMayPrint() {
  const auto recent = [] {
    return RecentLines("BTRFS ", {" errs: wr ", "csum failed ", "error corrected: ", " verify failed on "});
  };
  for (int tries = 0; tries < 200 && recent() > 2; ++tries) ::poll(nullptr, 0, 50);
}

// The same of the block layer and what disks fail.
inline void WaitUntilDisksMayPrint() {
  const auto recent = [] { return RecentLines("I/O error, dev ", {" op 0x"}); };
  for (int tries = 0; tries < 200 && recent() > 4; ++tries) ::poll(nullptr, 0, 50);
}

}  // namespace fsherald
