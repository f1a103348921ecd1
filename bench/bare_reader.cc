// SPDX-License-Identifier: MIT
// The least that a reader of FAN_FS_ERROR can do: mark the file systems it is given, wait, read, write one short line.
// What fsherald is measured against.
#include <poll.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "source/fanotify_abi.h"
#include "source/fanotify_record.h"

namespace {

using namespace fsherald;

void Tell(Bytes bytes) {
  for (const FanotifyRecord& record : ParseFanotify(bytes, 0).records) {
    std::array<char, 96> line;
    const int size = std::snprintf(line.data(), line.size(), "errno %d count %llu inode %llu\n", record.signal.code,
                                   static_cast<unsigned long long>(record.signal.count),
                                   static_cast<unsigned long long>(record.signal.inode.value_or(0)));
    if (::write(STDOUT_FILENO, line.data(), static_cast<size_t>(size)) < 0) std::perror("write");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int group = ::fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
  for (int i = 1; i < argc; ++i) {
    if (::fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, argv[i]) == 0) continue;
    std::perror(argv[i]);
    return 1;
  }
  std::fputs("ready\n", stderr);
  alignas(8) std::array<std::byte, 16384> buffer;
  for (;;) {
    pollfd wait{.fd = group, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, -1) < 0) return 1;
    const ssize_t size = ::read(group, buffer.data(), buffer.size());
    if (size > 0) Tell(Bytes(buffer).first(static_cast<size_t>(size)));
  }
}
