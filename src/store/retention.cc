// SPDX-License-Identifier: MIT
#include "store/retention.h"

namespace fsherald {

Result<bool> Retention::Step(int64_t) { return false; }

}  // namespace fsherald
