// SPDX-License-Identifier: MIT
// ReporterKeeper: the one thread of a process that keeps its reporters attached to the daemon: it waits for the daemon to come,
// offers it their memory, and waits for it to go. It sleeps unless something happens.
//
// There is one of it in a process, as there is one fork(2): what its handlers have to find cannot be passed to them.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "client/reporter.h"
#include "client/reporter_watch.h"

namespace fsherald {

class ReporterKeeper {
 public:
  // Never destroyed: reporters may be used until the process ends.
  static ReporterKeeper& Instance();

  // The reporter is attached from now on, whenever there is a daemon; the first starts the thread. Errors: EAGAIN, EMFILE.
  Status Add(fsherald_reporter* reporter);
  // The last ends the thread.
  void Remove(fsherald_reporter* reporter);

  int StateOf(fsherald_reporter& reporter);

 private:
  ReporterKeeper() = default;
  static void RegisterForkHandlers();
  void BeforeFork();
  void AfterForkInParent();
  void AfterForkInChild();

  Status StartThread();
  void StopThread();
  static void* RunThread(void* keeper);
  void Run() noexcept;
  std::optional<uint64_t> Pass(uint64_t now_ns);
  void Wait(std::optional<uint64_t> until_ns);
  void Received(const std::vector<int>& readable);
  void Wake();

  std::mutex life_;   // of the thread: taken by Add and Remove for all of their time, never by the thread
  std::mutex mutex_;  // of all below; held for a moment only, by the thread too. Taken after life_
  std::vector<fsherald_reporter*> reporters_;
  ReporterWatch watch_;
  Fd wake_;
  pthread_t thread_{};
  bool runs_ = false;
  bool stopping_ = false;
};

}  // namespace fsherald
