// SPDX-License-Identifier: MIT
// Check: whether a history file is fit to be written to. Looks at what the writer will need and at rows spread over all of
// it, for two seconds at the most, however large it is; writes nothing.
#pragma once

#include <string>

#include "base/result.h"

namespace fsherald {

struct Verdict {
  enum class Fitness { kSound, kDamaged, kNewer } fitness = Fitness::kSound;
  std::string why;  // a sentence
};

// The file must be there. Errors: it cannot be read, for a reason that is not in the file.
Result<Verdict> CheckHistory(const std::string& path, const std::string& vfs);

}  // namespace fsherald
