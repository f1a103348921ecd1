// SPDX-License-Identifier: MIT
// File systems that are only read: images and discs.
#pragma once

#include "filesystem/general.h"

namespace fsherald {

extern const GeneralType kSquashfs;
extern const GeneralType kErofs;
extern const GeneralType kIso9660;
extern const GeneralType kUdf;

}  // namespace fsherald
