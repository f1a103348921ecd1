// SPDX-License-Identifier: MIT
// `fsherald doctor`: what this kernel and this process can see of each mounted file system, why not where not, how to
// see more, and the errors of the past. It reads and reports; it changes nothing.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace fsherald {

struct DoctorOptions {
  std::vector<std::string> paths;  // only the file systems that these lie on; empty: all
  Color color = Color::kAuto;
};

// Returns the exit code: 0 also where something cannot be seen (it is told); 1 failure, an unknown path included; 4
// where nothing can be watched for lack of permission: the rest of the report is printed all the same.
int RunDoctor(const DoctorOptions& options);

}  // namespace fsherald
