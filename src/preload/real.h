// SPDX-License-Identifier: MIT
// The calls that libfsherald-fanotify.so takes the place of, as whoever comes behind it defines them: the C library.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

struct epoll_event;
struct iovec;

namespace fsherald::preload {

struct RealCalls {
  int (*fanotify_init)(unsigned flags, unsigned event_f_flags);
  int (*fanotify_mark)(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path);
  ssize_t (*read)(int fd, void* buffer, size_t bytes);
  ssize_t (*read_chk)(int fd, void* buffer, size_t bytes, size_t buffer_bytes);
  ssize_t (*readv)(int fd, const iovec* parts, int count);
  int (*close)(int fd);
  int (*dup)(int fd);
  int (*dup2)(int fd, int wanted);
  int (*dup3)(int fd, int wanted, int flags);
  int (*epoll_ctl)(int epoll, int op, int fd, epoll_event* event);
};

// Found at the first call; any thread.
const RealCalls& Real();

}  // namespace fsherald::preload
