// SPDX-License-Identifier: MIT
#include "notify/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CoverageTest, WithEverythingNothingIsLacking) {
  EXPECT_TRUE(
      Lacks({.fanotify = true, .trace = true, .detail = true, .lines = true, .lines_with_task = true, .counters = true},
            "")
          .empty());
}

TEST(CoverageTest, MarkedByNothingIsToldAsSuch) {
  EXPECT_THAT(Lacks({}, ""), ElementsAre(HasSubstr("no source covers")));
}

TEST(CoverageTest, EachMissingSourceIsOneSentence) {
  EXPECT_THAT(Lacks({.trace = true, .detail = true, .lines = true, .counters = true}, ""),
              ElementsAre(HasSubstr("without fanotify")));
  EXPECT_THAT(Lacks({.fanotify = true, .trace = true, .detail = true, .counters = true}, ""),
              ElementsAre(HasSubstr("without kmsg")));
  EXPECT_THAT(Lacks({.fanotify = true, .counters = true}, ""),
              ElementsAre(HasSubstr("without trace"), HasSubstr("without kmsg")));
}

TEST(CoverageTest, TheKernelsRefusalIsGivenAsTheReason) {
  EXPECT_THAT(
      Lacks({.fanotify = true, .trace = true, .lines = true, .counters = true}, "fentry: Operation not permitted"),
      ElementsAre(HasSubstr("fentry: Operation not permitted")));
}

}  // namespace
}  // namespace fsherald
