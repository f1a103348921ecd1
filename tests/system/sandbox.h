// SPDX-License-Identifier: MIT
// Where the tests may break things: a mount namespace of their own with an empty tmpfs, so that nothing survives them.
#pragma once

#include <optional>
#include <string>

namespace fsherald::system_test {

// A directory that this process, in a mount namespace of its own, covers with an empty tmpfs: nothing that the tests
// need lies below it, and nothing in it is left when the process ends, however it ends. Empty: there is none.
std::string ChooseSandbox();
inline const std::string kSandbox = ChooseSandbox();

// Enters the namespace, mounts the tmpfs, and lets it hold the daemon's sockets ($FSHERALD_RUNTIME_DIR); once, before the process has threads.
void EnterSandbox();

// Why file systems cannot be broken here ("not root", ...), for GTEST_SKIP. Empty: they can.
std::optional<std::string> WhyNoSandbox();
std::optional<std::string> WhyNoFuse();

// Of all file systems, and what the kernel has read of a device ("/dev/loop0"), so that it has to read it again.
void DropCaches(const std::string& device);

}  // namespace fsherald::system_test
