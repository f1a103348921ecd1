// SPDX-License-Identifier: MIT
// What all notifications of one run share.
#pragma once

#include <string>

#include "record/notification.h"

namespace fsherald {

// The boot id and the kernel's release.
Host ReadHost(const std::string& proc_root = "/proc");

}  // namespace fsherald
