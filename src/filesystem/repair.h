// SPDX-License-Identifier: MIT
// What to do next about a file system, by its type and what is the matter with it. Pure.
#pragma once

#include <string>
#include <vector>

#include "filesystem/advice.h"

namespace fsherald {

// Sentences and commands, in their order; names as they are, control bytes included.
std::vector<std::string> NextSteps(const Patient& patient, Patient::Trouble trouble);

}  // namespace fsherald
