// SPDX-License-Identifier: MIT
#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fsherald {
namespace {

const std::vector<std::string_view> kWords = {"max_size", "max_age", "directory", "enabled"};

TEST(NearestTest, FindsTheWordThatWasMistyped) {
  EXPECT_EQ(Nearest("max_sise", kWords), "max_size");
  EXPECT_EQ(Nearest("maxage", kWords), "max_age");
  EXPECT_EQ(Nearest("dierctory", kWords), "directory");
  EXPECT_EQ(Nearest("Enabled", kWords), "enabled");
}

TEST(NearestTest, OfTwoNearOnesTheNearer) {
  EXPECT_EQ(Nearest("max_agee", kWords), "max_age");
  EXPECT_EQ(Nearest("max_size", kWords), "max_size");
}

TEST(NearestTest, WhatIsFarFromAllIsNearNone) {
  EXPECT_EQ(Nearest("retention", kWords), std::nullopt);
  EXPECT_EQ(Nearest("", kWords), std::nullopt);
  EXPECT_EQ(Nearest("ab", std::vector<std::string_view>{"xy"}), std::nullopt) << "every letter another";
}

TEST(NearestTest, AWordOfAnyLengthEnds) {
  EXPECT_EQ(Nearest(std::string(1'000'000, 'm'), kWords), std::nullopt);
  const std::string longest(64, 'm');
  EXPECT_EQ(Nearest(longest, std::vector<std::string_view>{longest}), longest);
}

}  // namespace
}  // namespace fsherald
