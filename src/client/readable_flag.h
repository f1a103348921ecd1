// SPDX-License-Identifier: MIT
// ReadableFlag: a descriptor that poll(2) finds readable for as long as the flag is up.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

class ReadableFlag {
 public:
  static Result<ReadableFlag> Open();

  // A system call only where it changes.
  void Set(bool is_up);

  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  bool is_up_ = false;
};

}  // namespace fsherald
