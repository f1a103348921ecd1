// SPDX-License-Identifier: MIT
// File systems of cards, sticks and foreign disks.
#pragma once

#include "filesystem/general.h"

namespace fsherald {

extern const GeneralType kF2fs;
extern const GeneralType kVfat;
extern const GeneralType kExfat;
extern const GeneralType kNtfs3;

}  // namespace fsherald
