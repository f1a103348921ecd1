// SPDX-License-Identifier: MIT
#include "notify/stray_errors.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

using Teller = StrayErrors::Teller;

constexpr Uuid kDisk{{1}};
constexpr Uuid kOther{{2}};
constexpr FilesystemKey kBefore{1};
constexpr FilesystemKey kAfter{2};

TEST(StrayErrors, WhatTheTraceLaidToTheMountingBeforeIsToldAlreadyOnceToEachTeller) {
  StrayErrors strays;
  strays.Traced(kDisk, kBefore, 1000, 2);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 1, 2000), 1U);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 3, 2000), 1U) << "the rest is news";
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kCounter, 3, 2000), 2U);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kCounter, 3, 2000), 0U);
}

TEST(StrayErrors, OfTheSameMountingNothingIsAstray) {
  StrayErrors strays;
  strays.Traced(kDisk, kAfter, 1000, 2);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 1, 2000), 0U);
}

TEST(StrayErrors, OfAnotherFileSystemNothingIsAstray) {
  StrayErrors strays;
  strays.Traced(kOther, kBefore, 1000, 2);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 1, 2000), 0U);
}

TEST(StrayErrors, WhatFanotifyHasToldOfTheMountingBeforeIsItsOwn) {
  StrayErrors strays;
  strays.Traced(kDisk, kBefore, 1000, 3);
  strays.Confirmed(kDisk, kBefore, 2);
  strays.Confirmed(kOther, kBefore, 2);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 3, 2000), 1U);
}

TEST(StrayErrors, WhatWasLongAgoIsNotMeant) {
  StrayErrors strays;
  strays.Traced(kDisk, kBefore, 1000, 1);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 1, 1001 + StrayErrors::kKeepNs), 0U);
  strays.Traced(kDisk, kBefore, 2000 + StrayErrors::kKeepNs, 1);
  EXPECT_EQ(strays.Take(kDisk, kAfter, Teller::kFanotify, 2, 3000 + StrayErrors::kKeepNs), 1U)
      << "the first is forgotten";
}

}  // namespace
}  // namespace fsherald
