// SPDX-License-Identifier: MIT
// The input goes behind each beginning of an ext4 line, so that no time is spent on guessing them.
#include <cstdlib>
#include <string>

#include "filesystem/ext4_log.h"

namespace {

void CheckLine(const std::string& line) {
  auto message = fsherald::ParseExt4Line(line);
  if (!message) return;
  if (message->device.empty() || message->message.size() > line.size()) std::abort();
  if (message->code && (*message->code <= 0 || *message->code > 4095)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string input(reinterpret_cast<const char*>(data), size);
  for (const char* beginning :
       {"EXT4-fs error (device loop0): f:1: ", "EXT4-fs error (device ", "EXT4-fs error (device a) in ",
        "EXT4-fs warning (device a): f:1: ", "EXT4-fs (a): ", "Aborting journal on device ", "JBD2: "}) {
    CheckLine(beginning + input);
  }
  return 0;
}
