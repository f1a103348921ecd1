// SPDX-License-Identifier: MIT
#include "ring_subjects.h"

namespace fsherald::bench {

std::unique_ptr<Subject> MakeLttng() { return nullptr; }
std::string PrepareLttng(char**) { return ""; }
long DiscardedByLttng() { return -1; }

}  // namespace fsherald::bench
