// SPDX-License-Identifier: MIT
#include "cli/tally.h"

#include <fmt/format.h>

namespace fsherald {

void Tally::Count(const Notification& notification) {
  ++told_;
  if (!notification.gap) {
    errors_ += notification.error.count;
    return;
  }
  lost_ += notification.gap->count.value_or(0);
  if (!notification.gap->count || !notification.gap->exact) lost_more_ = true;
}

std::string Tally::Words() const {
  return fmt::format("told {} notification{} of {} error{}; lost {}", told_, told_ == 1 ? "" : "s", errors_,
                     errors_ == 1 ? "" : "s", Lost());
}

std::string Tally::Lost() const {
  if (lost_more_) return lost_ == 0 ? "an unknown number" : fmt::format("at least {}", lost_);
  return lost_ == 0 ? "none" : std::to_string(lost_);
}

}  // namespace fsherald
