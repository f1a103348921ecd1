// SPDX-License-Identifier: MIT
#include "preload/real.h"

#include <dlfcn.h>

namespace fsherald::preload {
namespace {

template <typename Function>
void Find(Function*& function, const char* name) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

RealCalls FindAll() {
  RealCalls real{};
  Find(real.fanotify_init, "fanotify_init");
  Find(real.fanotify_mark, "fanotify_mark");
  Find(real.read, "read");
  Find(real.read_chk, "__read_chk");
  Find(real.readv, "readv");
  Find(real.close, "close");
  Find(real.dup, "dup");
  Find(real.dup2, "dup2");
  Find(real.dup3, "dup3");
  Find(real.epoll_ctl, "epoll_ctl");
  return real;
}

}  // namespace

const RealCalls& Real() {
  static const RealCalls real = FindAll();
  return real;
}

}  // namespace fsherald::preload
