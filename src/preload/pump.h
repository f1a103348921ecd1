// SPDX-License-Identifier: MIT
// Pump: the one thread that brings notifications from the monitors into the groups. All signals are blocked in it.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "preload/rfc_group.h"

namespace fsherald::preload {

// Any thread.
class Pump {
 public:
  ~Pump() { Stop(); }

  // From now on the group is filled, for as long as somebody has it. 0, or an errno: there is no thread.
  int Add(const std::shared_ptr<RfcGroup>& group);

  // Ends the thread; for the end of the process. Not from the thread itself.
  void Stop();

 private:
  int Start();
  void Run();
  std::vector<std::weak_ptr<RfcGroup>> Groups();

  std::mutex mutex_;
  std::vector<std::weak_ptr<RfcGroup>> groups_;
  bool stop_ = false;
  Fd wake_;
  std::thread thread_;
};

}  // namespace fsherald::preload
