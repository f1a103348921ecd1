// SPDX-License-Identifier: MIT
// What file systems without a module of their own have in common.
#pragma once

#include "filesystem/filesystem.h"

namespace fsherald {

FilesystemModule GeneralModule();

// A file-system-specific record of just what the report says.
Specific GeneralSpecific(const ErrorReport& report);

}  // namespace fsherald
