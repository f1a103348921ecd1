// SPDX-License-Identifier: MIT
// The base of the tests that break file systems: skips where that cannot be done, and says why.
#pragma once

#include <gtest/gtest.h>

#include "sandbox.h"

namespace fsherald::system_test {

class SystemTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = WhyNoSandbox()) GTEST_SKIP() << *why;
  }
};

// Long runs, for ./test --long: FSHERALD_LONG=1.
bool LongRuns();

}  // namespace fsherald::system_test
