// SPDX-License-Identifier: MIT
// A gap that is put together from notifications: whoever has no room for them counts them.
#pragma once

#include "record/notification.h"

namespace fsherald {

// Of the file system that `first` is of, with a count of none yet: `first` too is still to be added.
Notification GapFor(const Notification& first, SourceId source);

// The errors that `one` stands for: a gap for those that it counts, and if it does not know them all, neither does `gap`.
void AddTo(Gap& gap, const Notification& one);

}  // namespace fsherald
