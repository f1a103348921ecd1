// SPDX-License-Identifier: MIT
#include "source/xfs_health_record.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "source/test_xfs_health.h"

namespace fsherald {
namespace {

using Domain = XfsHealthEvent::Domain;
using Type = XfsHealthEvent::Type;

TEST(XfsHealthRecord, EachKindHasItsValues) {
  XfsHealthBytes bytes;
  bytes.Running().Sick(0x10, 0xa0080, 77).SickGroup(2, 3).Shutdown(0x8).Media(800, 8).File(8, 131, 4096, 512, EIO);
  const XfsHealthBatch batch = ParseXfsHealth(bytes.bytes());
  const std::vector<XfsHealthEvent> expected = {
      {.domain = Domain::kInode,
       .type = Type::kSick,
       .utc_ns = 1'000'000'000,
       .mask = 0x10,
       .inode = 0xa0080,
       .generation = 77},
      {.domain = Domain::kGroup, .type = Type::kSick, .utc_ns = 1'000'000'000, .mask = 2, .group = 3},
      {.domain = Domain::kMount, .type = Type::kShutdown, .utc_ns = 1'000'000'000, .mask = 8},
      {.domain = Domain::kDataDevice, .type = Type::kMediaError, .utc_ns = 1'000'000'000, .start = 800, .length = 8},
      {.domain = Domain::kFileRange,
       .type = Type::kBufferedRead,
       .utc_ns = 1'000'000'000,
       .inode = 131,
       .generation = 77,
       .start = 4096,
       .length = 512,
       .code = EIO}};
  EXPECT_EQ(batch.events, expected);
  EXPECT_EQ(batch.refused, 0U);
  EXPECT_FALSE(batch.unmounted);
}

TEST(XfsHealthRecord, WhatWasLostIsCounted) {
  EXPECT_EQ(ParseXfsHealth(XfsHealthBytes().Lost(5).Lost(7).bytes()).lost, 12U);
  EXPECT_EQ(ParseXfsHealth(XfsHealthBytes().Lost(UINT64_MAX).Lost(7).bytes()).lost, UINT64_MAX);
}

TEST(XfsHealthRecord, AnUnmountIsNoError) {
  const XfsHealthBatch batch = ParseXfsHealth(XfsHealthBytes().Unmount().bytes());
  EXPECT_TRUE(batch.unmounted);
  EXPECT_TRUE(batch.events.empty());
}

TEST(XfsHealthRecord, WhatDoesNotGoTogetherIsRefusedAndWhatFollowsIsNot) {
  XfsHealthBytes bytes;
  bytes.Event(9, 3).Event(3, 13).Event(3, 7).Event(8, 3).Event(0, 3).Event(5, 8).Event(~0U, ~0U).Sick(1, 12, 0);
  const XfsHealthBatch batch = ParseXfsHealth(bytes.bytes());
  EXPECT_EQ(batch.refused, 7U);
  ASSERT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(batch.events[0].inode, 12U);
}

TEST(XfsHealthRecord, HalfAnEventIsRefused) {
  std::vector<std::byte> bytes = XfsHealthBytes().Sick(1, 12, 0).Sick(1, 13, 0).bytes();
  bytes.resize(100);
  const XfsHealthBatch batch = ParseXfsHealth(bytes);
  EXPECT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(batch.refused, 1U);
  EXPECT_EQ(ParseXfsHealth({}).refused, 0U);
}

}  // namespace
}  // namespace fsherald
