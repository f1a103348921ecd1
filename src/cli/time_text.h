// SPDX-License-Identifier: MIT
// Times as people write them, and as they are shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fsherald {

// A moment in nanoseconds since 1970 (UTC):
//   2026-11-20, 2026-11-20T10:31, "2026-11-20 10:31:07.5", with Z or +01:00 behind it; else in the local time zone
//   2h, 3d, 1h30m (w, d, h, m or min, s): so long before `now`; " ago" may follow
//   now, today, yesterday (their beginning, in the local time zone)
//   @1732098667.25: seconds since 1970
// Error: a sentence that says what is wrong, and what is accepted.
Result<int64_t> ParseTime(std::string_view text, int64_t now_utc_ns);

// "2026-11-20 10:31:07", in the local time zone.
std::string LocalTimeText(int64_t utc_ns);
std::string LocalTimeTextOfSeconds(int64_t utc_s);

}  // namespace fsherald
