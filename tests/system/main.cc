// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "sandbox.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  fsherald::system_test::EnterSandbox();
  return RUN_ALL_TESTS();
}
