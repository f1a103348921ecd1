// SPDX-License-Identifier: MIT
#include "kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <regex>

#include "process.h"

namespace fsherald::system_test {

KernelLog::KernelLog() : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (!fd_) FailErrno("open /dev/kmsg");
  lseek(fd_.get(), 0, SEEK_END);
}

std::vector<std::string> KernelLog::Lines(const std::string& device) {
  char record[8192];
  for (;;) {
    const ssize_t size = read(fd_.get(), record, sizeof record);
    if (size < 0 && errno == EPIPE) continue;  // overwritten: goes on with the next that is there
    if (size <= 0) break;
    const std::string text(record, static_cast<size_t>(size));
    const size_t begin = text.find(';') + 1;
    lines_.push_back(text.substr(begin, text.find('\n') - begin));
  }
  if (device.empty()) return lines_;
  std::vector<std::string> lines;
  const std::regex name("(^|[^a-z0-9])" + device + "([^0-9]|$)");
  for (const std::string& line : lines_) {
    if (std::regex_search(line, name)) lines.push_back(line);
  }
  return lines;
}

std::optional<uint32_t> KernelLog::LineOf(const std::string& device, const std::string& function) {
  const std::regex place("[ (]" + function + ":([0-9]+)");
  for (const std::string& line : Lines(device)) {
    std::smatch found;
    if (std::regex_search(line, found, place)) return static_cast<uint32_t>(std::stoul(found[1]));
  }
  return std::nullopt;
}

}  // namespace fsherald::system_test
