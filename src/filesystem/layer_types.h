// SPDX-License-Identifier: MIT
// File systems that hand on what others keep: a layer over others, a server's, a process's.
#pragma once

#include "filesystem/general.h"

namespace fsherald {

extern const GeneralType kOverlay;
extern const GeneralType kNfs;
extern const GeneralType kFuse;

}  // namespace fsherald
