// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>

#include "guest_output.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: kernel_test [--gtest_filter=...] DIR\n");
    return 2;
  }
  fsherald::kernel_test::SetOutput(argv[1]);
  fsherald::kernel_test::RegisterScenarios();
  return RUN_ALL_TESTS();
}
