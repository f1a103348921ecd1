// SPDX-License-Identifier: MIT
// While it lives no signal handler runs in this thread: what it locks, a handler that reads or closes cannot wait for.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace fsherald::preload {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace fsherald::preload
