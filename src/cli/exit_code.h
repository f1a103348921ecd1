// SPDX-License-Identifier: MIT
// The exit codes of every subcommand, as README.md lists them.
#pragma once

namespace fsherald {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNoDaemon = 3;
inline constexpr int kExitNotPermitted = 4;
inline constexpr int kExitFindings = 10;  // status: not all is well

}  // namespace fsherald
