// SPDX-License-Identifier: MIT
#include "cli/explanation_text.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(ExplanationTextTest, IsATitleParagraphsAndLists) {
  const Explanation explanation{
      .title = "EIO (5): Input/output error",
      .meaning = {"The device failed."},
      .sections = {{"what to do", {"look", "copy what is not saved"}}, {"on xfs", {"it retries"}}}};
  EXPECT_EQ(ExplanationText(explanation, 20, false),
            "EIO (5): Input/output error\n"
            "\n"
            "The device failed.\n"
            "\n"
            "what to do\n"
            "  - look\n"
            "  - copy what is not\n"
            "    saved\n"
            "\n"
            "on xfs\n"
            "  - it retries\n");
}

TEST(ExplanationTextTest, WhatANotificationNamesReachesNoTerminalRaw) {
  const Explanation explanation{.title = "a\x1b[2J", .meaning = {"b\x1b"}, .sections = {{"c", {"umount /d\x07"}}}};
  const std::string text = ExplanationText(explanation, 80, false);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_NE(text.find("umount /d\\x07"), std::string::npos);
}

}  // namespace
}  // namespace fsherald
