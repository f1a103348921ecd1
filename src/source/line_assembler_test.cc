// SPDX-License-Identifier: MIT
#include "source/line_assembler.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TraceLineRecord Piece(uint32_t tid, const char* text, bool continues = false, uint64_t boottime_ns = 1) {
  return {.head = {.boottime_ns = boottime_ns, .task = {.pid = tid, .tid = tid}}, .text = text, .continues = continues};
}

std::vector<std::string> Texts(const std::vector<TraceLineRecord>& lines) {
  std::vector<std::string> texts;
  for (const TraceLineRecord& line : lines) texts.push_back(line.text);
  return texts;
}

using Lines = std::vector<std::string>;

TEST(LineAssemblerTest, AWholeLineComesBackAtOnce) {
  EXPECT_EQ(Texts(LineAssembler().Add(Piece(1, "EXT4-fs (loop0): words"))), Lines{"EXT4-fs (loop0): words"});
}

TEST(LineAssemblerTest, PiecesOfOneTaskBecomeOneLine) {
  LineAssembler assembler;
  EXPECT_EQ(Texts(assembler.Add(Piece(1, "EXT4-fs error (device loop0): f:1: group 3, "))), Lines{});
  EXPECT_EQ(Texts(assembler.Add(Piece(2, "EXT4-fs (loop1): another task"))), Lines{"EXT4-fs (loop1): another task"});
  EXPECT_EQ(Texts(assembler.Add(Piece(1, "inode 12: ", true))), Lines{});
  EXPECT_EQ(Texts(assembler.Add(Piece(1, "block 99:", true))), Lines{});
  EXPECT_EQ(Texts(assembler.Add(Piece(1, "wrong", true))),
            Lines{"EXT4-fs error (device loop0): f:1: group 3, inode 12: block 99:wrong"});
  EXPECT_TRUE(assembler.empty());
}

TEST(LineAssemblerTest, ANewLineOfTheTaskEndsTheOneBefore) {
  LineAssembler assembler;
  assembler.Add(Piece(1, "EXT4-fs error (device loop0): f:1: comm x: ends so:"));
  EXPECT_EQ(Texts(assembler.Add(Piece(1, "EXT4-fs (loop0): next"))),
            (Lines{"EXT4-fs error (device loop0): f:1: comm x: ends so:", "EXT4-fs (loop0): next"}));
}

TEST(LineAssemblerTest, AnEndWithoutBeginningIsNoLine) {
  EXPECT_EQ(Texts(LineAssembler().Add(Piece(1, "words", true))), Lines{});
}

TEST(LineAssemblerTest, WhatIsNeverContinuedIsGivenUpInTheOrderOfTime) {
  LineAssembler assembler;
  assembler.Add(Piece(1, "second: ", false, 20));
  assembler.Add(Piece(2, "first: ", false, 10));
  assembler.Add(Piece(3, "later: ", false, 30));
  EXPECT_EQ(Texts(assembler.Expire(25)), (Lines{"first: ", "second: "}));
  EXPECT_FALSE(assembler.empty());
}

}  // namespace
}  // namespace fsherald
