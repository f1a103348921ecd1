// SPDX-License-Identifier: MIT
#include "notify/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ext4 has all that there is.
Sight Ext4(JoinCoverage coverage, std::string detail_refused = "") {
  return {.coverage = coverage,
          .type = "ext4",
          .has_tracepoints = true,
          .has_handler = true,
          .tells_fanotify = true,
          .keeps_counter = true,
          .detail_refused = std::move(detail_refused)};
}

TEST(CoverageTest, WithEverythingNothingIsLacking) {
  EXPECT_TRUE(Lacks(Ext4({.fanotify = true,
                          .trace = true,
                          .detail = true,
                          .lines = true,
                          .lines_with_task = true,
                          .counters = true}))
                  .empty());
}

TEST(CoverageTest, MarkedByNothingIsToldAsSuch) {
  EXPECT_THAT(Lacks(Ext4({})), ElementsAre(HasSubstr("no source covers")));
  EXPECT_FALSE(IsCovered({}));
  EXPECT_FALSE(IsCovered({.detail = true, .lines_with_task = true}));
  EXPECT_TRUE(IsCovered({.lines = true}));
}

TEST(CoverageTest, EachMissingSourceIsOneSentence) {
  EXPECT_THAT(Lacks(Ext4({.trace = true, .detail = true, .lines = true, .counters = true})),
              ElementsAre(HasSubstr("without fanotify")));
  EXPECT_THAT(Lacks(Ext4({.fanotify = true, .trace = true, .detail = true, .counters = true})),
              ElementsAre(HasSubstr("without kmsg")));
  EXPECT_THAT(Lacks(Ext4({.fanotify = true, .counters = true})),
              ElementsAre(HasSubstr("without trace"), HasSubstr("without kmsg")));
}

TEST(CoverageTest, TheKernelsRefusalIsGivenAsTheReason) {
  EXPECT_THAT(Lacks(Ext4({.fanotify = true, .trace = true, .lines = true, .counters = true},
                         "fentry: Operation not permitted")),
              ElementsAre(HasSubstr("fentry: Operation not permitted")));
}

TEST(CoverageTest, WhatATypeDoesNotHaveIsSaidOfTheType) {
  const JoinCoverage by_log{.lines = true, .lines_with_task = true};
  EXPECT_THAT(Lacks({.coverage = by_log, .type = "btrfs"}),
              ElementsAre(HasSubstr("btrfs has no tracepoints of its own"), HasSubstr("btrfs of this kernel"),
                          HasSubstr("btrfs keeps no counter")));
  const JoinCoverage traced{.trace = true, .lines = true, .lines_with_task = true};
  EXPECT_THAT(Lacks({.coverage = traced, .type = "xfs", .has_tracepoints = true}),
              ElementsAre(HasSubstr("xfs of this kernel"), HasSubstr("xfs keeps no counter")));
}

}  // namespace
}  // namespace fsherald
