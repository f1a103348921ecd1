// SPDX-License-Identifier: MIT
#include "client/readable_flag.h"

#include <sys/eventfd.h>

namespace fsherald {

Result<ReadableFlag> ReadableFlag::Open() {
  ReadableFlag flag;
  flag.fd_.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!flag.fd_) return ErrnoError("eventfd", "");
  return flag;
}

void ReadableFlag::Set(bool is_up) {
  if (is_up == is_up_) return;
  is_up_ = is_up;
  if (is_up) (void)::eventfd_write(fd_.get(), 1);
  eventfd_t value = 0;
  if (!is_up) (void)::eventfd_read(fd_.get(), &value);
}

}  // namespace fsherald
