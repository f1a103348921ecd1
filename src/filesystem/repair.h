// SPDX-License-Identifier: MIT
// What to do next about a file system, by its type and what is the matter with it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fsherald {

struct Patient {
  enum class Trouble { kErrors, kReadOnly, kShutDown };
  std::string_view type;
  std::string node;         // of its device: "/dev/sda1"
  std::string mount_point;  // empty: in no mount table of ours
  bool is_root = false;     // it cannot be unmounted
};

// Sentences and commands, in their order; names as they are, control bytes included.
std::vector<std::string> NextSteps(const Patient& patient, Patient::Trouble trouble);

}  // namespace fsherald
