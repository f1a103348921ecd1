// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

using namespace std::string_literals;

std::string JsonString(std::string_view raw) {
  std::string out;
  AppendJsonString(raw, out);
  return out;
}

TEST(TextTest, PlainTextStaysAsItIs) {
  EXPECT_EQ(ForTerminal("/data/a file"), "/data/a file");
  EXPECT_EQ(JsonString("/data/a file"), "\"/data/a file\"");
  EXPECT_EQ(ForTerminal(""), "");
  EXPECT_EQ(JsonString(""), "\"\"");
}

TEST(TextTest, AppendingKeepsWhatIsThere) {
  std::string out = "path: ";
  AppendForTerminal("/a\n", out);
  EXPECT_EQ(out, "path: /a\\n");
}

TEST(TextTest, ValidUtf8OfEveryLengthIsKept) {
  EXPECT_EQ(ForTerminal("ä€𝄞"), "ä€𝄞");
  EXPECT_EQ(JsonString("ä€𝄞"), "\"ä€𝄞\"");
  EXPECT_EQ(ForTerminal("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF");
}

TEST(TextTest, AsciiControlsAreEscaped) {
  EXPECT_EQ(ForTerminal("a\n\r\t\x1b[31m\x7f\0z"s), "a\\n\\r\\t\\x1b[31m\\x7f\\x00z");
  EXPECT_EQ(JsonString("a\n\r\t\x1b[31m\x7f\0z"s), "\"a\\n\\r\\t\\u001b[31m\\u007f\\u0000z\"");
}

TEST(TextTest, C1ControlsAreEscaped) {
  EXPECT_EQ(ForTerminal("\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0"), "\\u0080\\u009b\\u009f\xC2\xA0");
  EXPECT_EQ(JsonString("\xC2\x9B"), "\"\\u009b\"");
}

TEST(TextTest, QuoteAndBackslashAreEscapedInJsonOnly) {
  EXPECT_EQ(JsonString("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(ForTerminal("a\"b\\c"), "a\"b\\c");
}

TEST(TextTest, CharactersThatReorderTheLineAreMadeVisible) {
  EXPECT_EQ(ForTerminal("gpj.\u202Eexe"), "gpj.\\u202eexe");
  EXPECT_EQ(ForTerminal("\u202A\u202B\u202C\u202D\u202E"), "\\u202a\\u202b\\u202c\\u202d\\u202e");
  EXPECT_EQ(ForTerminal("\u2066\u2067\u2068\u2069"), "\\u2066\\u2067\\u2068\\u2069");
  EXPECT_EQ(ForTerminal("\u061C\u200E\u200F"), "\\u061c\\u200e\\u200f");
  EXPECT_EQ(JsonString("\u202E"), "\"\\u202e\"");
  EXPECT_EQ(ForTerminal("\u2065\u206A\u2027\u202F"), "\u2065\u206A\u2027\u202F");
}

TEST(TextTest, LineAndParagraphSeparatorsAreEscaped) {
  EXPECT_EQ(ForTerminal("\u2028\u2029"), "\\u2028\\u2029");
  EXPECT_EQ(JsonString("\u2028\u2029"), "\"\\u2028\\u2029\"");
}

TEST(TextTest, EachByteThatIsNotUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(ForTerminal("a\x80z"), "a\uFFFDz") << "a continuation alone";
  EXPECT_EQ(ForTerminal("a\xC3z"), "a\uFFFDz") << "a lead without its continuation";
  EXPECT_EQ(ForTerminal("a\xE2\x82"), "a\uFFFD\uFFFD") << "cut off by the end";
  EXPECT_EQ(ForTerminal("\xC0\xAF"), "\uFFFD\uFFFD") << "an overlong slash";
  EXPECT_EQ(ForTerminal("\xE0\x80\x9B"), "\uFFFD\uFFFD\uFFFD") << "an overlong control";
  EXPECT_EQ(ForTerminal("\xF0\x82\x82\xAC"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "an overlong euro sign";
  EXPECT_EQ(ForTerminal("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(ForTerminal("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "above U+10FFFF";
  EXPECT_EQ(ForTerminal("\xF8\x88\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD") << "five bytes";
  EXPECT_EQ(ForTerminal("\xFE\xFF"), "\uFFFD\uFFFD");
  EXPECT_EQ(JsonString("\xFF"), "\"\uFFFD\"");
}

TEST(TextTest, AnInvalidLeadDoesNotSwallowTheControlBehindIt) {
  EXPECT_EQ(ForTerminal("\xE2\x1b[2J"), "\uFFFD\\x1b[2J");
  EXPECT_EQ(JsonString("\xE2\""), "\"\uFFFD\\\"\"");
}

TEST(TextTest, NoSequenceOfTwoBytesLeavesAControlInTheOutput) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char raw[] = {static_cast<char>(first), static_cast<char>(second)};
      for (const std::string& out : {ForTerminal({raw, 2}), JsonString({raw, 2})}) {
        for (size_t i = 0; i < out.size(); ++i) {
          const auto c = static_cast<unsigned char>(out[i]);
          ASSERT_TRUE(c >= 0x20 && c != 0x7F) << first << ' ' << second;
          ASSERT_FALSE(c == 0xC2 && static_cast<unsigned char>(out[i + 1]) < 0xA0) << first << ' ' << second;
        }
      }
    }
  }
}

}  // namespace
}  // namespace fsherald
