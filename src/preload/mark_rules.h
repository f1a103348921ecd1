// SPDX-License-Identifier: MIT
// What the RFC lets a program mark, and how its groups are told from today's, which use the same bits for other things.
#pragma once

#include <cstdint>

namespace fsherald::preload {

// The group may be one of the RFC's: FAN_PREALLOC_QUEUE, and nothing that came later. Its first mark tells.
bool MayBeRfcGroup(unsigned init_flags);

// The mark is one of the RFC's: FAN_ERROR. Today that bit is FAN_PRE_ACCESS, which such a group may not mark.
bool IsRfcMark(unsigned mark_flags, uint64_t mask);

// 0, or the errno that the RFC's kernel answers to fanotify_mark on an RFC group made with `init_flags`.
int CheckRfcMark(unsigned init_flags, unsigned mark_flags, uint64_t mask);

}  // namespace fsherald::preload
