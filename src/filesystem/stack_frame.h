// SPDX-License-Identifier: MIT
// The function of a stack frame as the kernel prints it.
#pragma once

#include <string_view>

namespace fsherald {

// "__ext4_error" of "__ext4_error.cold+0x76/0x7b": without offset and module, and without what the compiler appends to the
// parts it splits off (.cold, .isra.0, .part.0, .constprop.0).
constexpr std::string_view FrameFunction(std::string_view frame) {
  std::string_view function = frame.substr(0, frame.find_first_of("+ "));
  return function.substr(0, function.find('.', 1));
}

// Whether the function belongs to tracing or to printk: it stands between a reporter and the program that takes the stack.
bool IsTracingMachinery(std::string_view function);

// Whether the function only runs what was queued for a thread of the kernel: where nothing else is on the stack but who carries
// a report on, no place is known.
bool IsWorkerMachinery(std::string_view function);

}  // namespace fsherald
