// SPDX-License-Identifier: MIT
// What of the kernel and of this process decides which sources work.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fsherald {

// A capability that a source needs, by its bit in CapEff (linux/capability.h).
struct NeededCapability {
  std::string_view name;
  unsigned bit = 0;
  std::string_view gives;
  bool has_sys_admin_too = false;  // CAP_SYS_ADMIN does in its place
};
std::span<const NeededCapability> NeededCapabilities();

struct Machine {
  std::string kernel_release;
  std::optional<uint32_t> uid;     // effective
  uint64_t capabilities = 0;       // effective, bit by bit
  bool in_user_namespace = false;  // not the first one: then the capabilities do not count for the machine's own things
  bool has_btf = false;            // the kernel's type information is there and readable
  Result<std::string> lockdown;    // "none", "integrity", "confidentiality"; error: why that is not known

  bool Has(const NeededCapability& capability) const { return (capabilities >> capability.bit & 1) != 0; }
};

Machine ReadMachine(const std::string& proc_root = "/proc", const std::string& sys_root = "/sys");

// What would let fsherald see more, one sentence each. Pure.
std::vector<std::string> MachineAdvice(const Machine& machine);

}  // namespace fsherald
