// SPDX-License-Identifier: MIT
// What a watch has told and lost, counted for its summary. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "record/notification.h"

namespace fsherald {

class Tally {
 public:
  void Count(const Notification& notification);

  // "told 3 notifications of 7 errors; lost none", "... lost at least 5", "... lost an unknown number".
  std::string Words() const;

 private:
  std::string Lost() const;

  uint64_t told_ = 0;
  uint64_t errors_ = 0;
  uint64_t lost_ = 0;
  bool lost_more_ = false;  // a gap whose extent is not known, or not exactly
};

}  // namespace fsherald
