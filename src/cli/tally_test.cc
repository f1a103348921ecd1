// SPDX-License-Identifier: MIT
#include "cli/tally.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

Notification Errors(uint64_t count) { return {.error = {.count = count}}; }
Notification Lost(std::optional<uint64_t> count, bool exact = true) {
  return {.kind = Kind::kGap, .gap = Gap{.count = count, .exact = exact}};
}

TEST(TallyTest, NothingIsAWordToo) { EXPECT_EQ(Tally().Words(), "told 0 notifications of 0 errors; lost none"); }

TEST(TallyTest, OneIsSingular) {
  Tally tally;
  tally.Count(Errors(1));
  EXPECT_EQ(tally.Words(), "told 1 notification of 1 error; lost none");
}

TEST(TallyTest, WhatWasLostExactlyIsANumber) {
  Tally tally;
  tally.Count(Errors(7));
  tally.Count(Lost(2));
  tally.Count(Lost(3));
  EXPECT_EQ(tally.Words(), "told 3 notifications of 7 errors; lost 5");
}

TEST(TallyTest, WhatIsNotKnownIsNotNone) {
  Tally unknown;
  unknown.Count(Lost(std::nullopt));
  EXPECT_EQ(unknown.Words(), "told 1 notification of 0 errors; lost an unknown number");
  unknown.Count(Lost(5));
  EXPECT_EQ(unknown.Words(), "told 2 notifications of 0 errors; lost at least 5");
  Tally at_least;
  at_least.Count(Lost(5, false));
  EXPECT_EQ(at_least.Words(), "told 1 notification of 0 errors; lost at least 5");
}

}  // namespace
}  // namespace fsherald
