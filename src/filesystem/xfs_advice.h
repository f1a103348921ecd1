// SPDX-License-Identifier: MIT
// What is known of XFS's errors by those who repair it.
#pragma once

#include "filesystem/advice.h"

namespace fsherald {

extern const Advice kXfsAdvice;

}  // namespace fsherald
