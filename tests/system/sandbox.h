// SPDX-License-Identifier: MIT
// Where the tests may break things: a mount namespace of their own with an empty tmpfs, so that nothing survives them.
#pragma once

#include <optional>
#include <string>

namespace fsherald::system_test {

// An empty directory in memory, in this process's own mount namespace.
inline const std::string kSandbox = "/mnt";

// Enters the namespace and mounts the tmpfs; once, before the process has threads.
void EnterSandbox();

// Why file systems cannot be broken here ("not root", ...), for GTEST_SKIP. Empty: they can.
std::optional<std::string> WhyNoSandbox();
std::optional<std::string> WhyNoFuse();

void DropCaches();

}  // namespace fsherald::system_test
