// SPDX-License-Identifier: MIT
// The names that libfsherald-fanotify.so puts before the C library's (cmake/libfsherald-fanotify.map).
#include <sys/fanotify.h>

#include "preload/preload.h"
#include "preload/real.h"

using fsherald::preload::Preload;
using fsherald::preload::Real;

extern "C" {

ssize_t read(int fd, void* buffer, size_t bytes);
ssize_t readv(int fd, const iovec* parts, int count);
ssize_t __read_chk(int fd, void* buffer, size_t bytes, size_t buffer_bytes);
int close(int fd);
int dup(int fd) noexcept;
int dup2(int fd, int wanted) noexcept;
int dup3(int fd, int wanted, int flags) noexcept;

int fanotify_init(unsigned flags, unsigned event_f_flags) noexcept {
  return Preload::FanotifyInit(flags, event_f_flags);
}

int fanotify_mark(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path) noexcept {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->FanotifyMark(fd, flags, mask, dirfd, path)
                            : Real().fanotify_mark(fd, flags, mask, dirfd, path);
}

ssize_t read(int fd, void* buffer, size_t bytes) {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Read(fd, buffer, bytes) : Real().read(fd, buffer, bytes);
}

ssize_t __read_chk(int fd, void* buffer, size_t bytes, size_t buffer_bytes) {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->ReadChecked(fd, buffer, bytes, buffer_bytes)
                            : Real().read_chk(fd, buffer, bytes, buffer_bytes);
}

ssize_t readv(int fd, const iovec* parts, int count) {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Readv(fd, parts, count) : Real().readv(fd, parts, count);
}

int close(int fd) {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Close(fd) : Real().close(fd);
}

int dup(int fd) noexcept {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Dup(fd) : Real().dup(fd);
}

int dup2(int fd, int wanted) noexcept {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Dup2(fd, wanted) : Real().dup2(fd, wanted);
}

int dup3(int fd, int wanted, int flags) noexcept {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->Dup3(fd, wanted, flags) : Real().dup3(fd, wanted, flags);
}

int epoll_ctl(int epoll, int op, int fd, epoll_event* event) noexcept {
  Preload* preload = Preload::Existing();
  return preload != nullptr ? preload->EpollCtl(epoll, op, fd, event) : Real().epoll_ctl(epoll, op, fd, event);
}
}
