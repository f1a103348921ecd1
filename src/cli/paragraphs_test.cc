// SPDX-License-Identifier: MIT
#include "cli/paragraphs.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

std::string Wrapped(std::string_view text, size_t width) {
  std::string out;
  AppendWrapped("- ", "  ", text, width, out);
  return out;
}

TEST(ParagraphsTest, LinesAreBrokenAtSpaces) {
  EXPECT_EQ(Wrapped("one two three", 9), "- one two\n  three\n");
  EXPECT_EQ(Wrapped("one two three", 80), "- one two three\n");
}

TEST(ParagraphsTest, AWordThatIsTooLongStandsAlone) {
  EXPECT_EQ(Wrapped("a verylongword b", 6), "- a\n  verylongword\n  b\n");
}

TEST(ParagraphsTest, CharactersAreCountedNotBytes) {
  EXPECT_EQ(ColumnsOf("\xC3\xA4\xE2\x96\x88"), 2U);
  EXPECT_EQ(Wrapped("\xC3\xA4\xC3\xA4 b", 6), "- \xC3\xA4\xC3\xA4 b\n");
}

TEST(ParagraphsTest, NothingIsALineOfNothing) { EXPECT_EQ(Wrapped("", 10), "- \n"); }

}  // namespace
}  // namespace fsherald
