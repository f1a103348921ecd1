// SPDX-License-Identifier: MIT
// What is known of ext4's errors by those who repair it.
#pragma once

#include "filesystem/advice.h"

namespace fsherald {

extern const Advice kExt4Advice;

}  // namespace fsherald
