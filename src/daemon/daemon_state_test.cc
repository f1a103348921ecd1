// SPDX-License-Identifier: MIT
#include "daemon/daemon_state.h"

#include <gtest/gtest.h>

#include <random>
#include <span>

#include "notify/test_notification.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

Bytes BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string Joined(const std::vector<std::string>& streams) {
  std::string all;
  for (const std::string& stream : streams) all += stream;
  return all;
}

DaemonState Example() {
  DaemonState state{.told = 41, .monitor = "as bytes", .health = std::string("\0x", 2)};
  state.unreleased = {{.ring = 99, .read = {.lanes = {16, 4096}, .counted = 7, .cell_ticks = 12345}}};
  Notification gap;
  gap.seq = 40;
  gap.error.count = 0;
  gap.kind = Kind::kGap;
  gap.gap = Gap{.source = SourceId::kGroup, .count = 5};
  state.unstored = {gap};
  return state;
}

TEST(DaemonStateTest, ComesBackAsItWas) {
  const DaemonState state = Example();
  const auto back = DecodeDaemonState(BytesOf(Encode(state, {})));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->told, 41U);
  EXPECT_EQ(back->monitor, state.monitor);
  EXPECT_EQ(back->health, state.health);
  ASSERT_EQ(back->unreleased.size(), 1U);
  EXPECT_EQ(back->unreleased[0].ring, 99U);
  EXPECT_EQ(back->unreleased[0].read.lanes, (std::vector<uint64_t>{16, 4096}));
  EXPECT_EQ(back->unreleased[0].read.counted, 7U);
  EXPECT_EQ(back->unreleased[0].read.cell_ticks, 12345U);
  ASSERT_EQ(back->unstored.size(), 1U);
  EXPECT_EQ(back->unstored[0].seq, 40U);
  EXPECT_EQ(back->unstored[0].gap, state.unstored[0].gap);
}

TEST(DaemonStateTest, WhatTheJournalHasNoRoomForIsCommittedByItsCount) {
  const TestDirectory directory;
  auto journal =
      Journal::Open(directory.file("journal"), {.ring_bytes = 65536, .state_bytes = 4096, .max_state_bytes = 65536});
  ASSERT_TRUE(journal);
  SavedState monitor;
  for (int i = 0; i < 100; ++i) AppendStream(TestNotification(0, "disk", 3), kTestHost, monitor.rest.emplace_back());
  const auto rest = [&] {
    const auto found = DecodeDaemonState(BytesOf((*journal)->state()));
    EXPECT_EQ(found->told, 41U);
    return ToldIn(BytesOf(Joined(DecodeSavedState(BytesOf(found->monitor))->rest)));
  };
  auto committed = Commit(Example(), monitor, kTestHost, **journal);
  ASSERT_TRUE(committed) << committed.error().ToString();
  EXPECT_EQ(*committed, Committed::kWhole) << "larger than its place, and the file has grown";
  EXPECT_EQ(rest(), std::vector(100, Told{0, "disk", 3, false}));

  while (monitor.rest.size() < 1000) monitor.rest.push_back(monitor.rest.front());
  committed = Commit(Example(), monitor, kTestHost, **journal);
  ASSERT_TRUE(committed) << committed.error().ToString();
  EXPECT_EQ(*committed, Committed::kCounted);
  EXPECT_EQ(rest(), std::vector(1, Told{0, "disk", 3000, true}));
}

TEST(DaemonStateTest, NoPartOfItIsTakenForAll) {
  const std::string bytes = Encode(Example(), {});
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeDaemonState(BytesOf(bytes).first(size))) << size;
  EXPECT_FALSE(DecodeDaemonState(BytesOf(bytes + 'x')));
}

TEST(DaemonStateTest, DamagedBytesAreReadOrRefusedAndHarmNobody) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = Encode(Example(), {});
    for (int changes = 0; changes < 3; ++changes) bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)DecodeDaemonState(BytesOf(bytes));
  }
}

}  // namespace
}  // namespace fsherald
