// SPDX-License-Identifier: MIT
// Retention: what is too old goes; and where the file is too large, first the middles of bursts are merged, the oldest
// first, then the oldest rows go. Chunk by chunk, a few of them a step.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/result.h"
#include "store/writer.h"

namespace fsherald {

class Retention {
 public:
  // `writer` must outlive it.
  Retention(Writer& writer, uint64_t max_bytes, uint64_t max_age_s)
      : writer_(writer), max_bytes_(max_bytes), max_age_s_(max_age_s) {}

  // A transaction of its own. True: more is to be done.
  Result<bool> Step(int64_t now_utc_s);

 private:
  Writer& writer_;
  uint64_t max_bytes_;
  uint64_t max_age_s_;
};

}  // namespace fsherald
