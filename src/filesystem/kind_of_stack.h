// SPDX-License-Identifier: MIT
// What a line of the log is about whose words do not say it: by the functions below its printk. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "record/notification.h"

namespace fsherald {

// `type`: of the module that understood the line (ErrorReport::filesystem_type). `stack`: "function+0xoffset", innermost first.
// Empty: as the words have it.
std::optional<Kind> KindOfStack(std::string_view type, std::span<const std::string> stack);

}  // namespace fsherald
