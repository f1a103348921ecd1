// SPDX-License-Identifier: MIT
// Which errors of a code point the BPF programs tell whole: bpf/window.h, as the programs have it.
#include "bpf/window.h"

#include <gtest/gtest.h>

#include <vector>

namespace fsherald {
namespace {

constexpr unsigned long long kLater = 1'000 * FSH_WINDOW_NS;  // after the boot

struct Told {
  uint64_t records = 0;
  uint64_t wakeups = 0;
};

// So many errors at one moment.
Told Raise(fsh_cell& cell, unsigned long long now, uint64_t errors, unsigned int room = FSH_WINDOW_ROOM) {
  Told told;
  for (uint64_t i = 0; i < errors; ++i) {
    const fsh_entry entry = enter_window(&cell, now, room);
    told.records += entry.is_folded ? 0 : 1;
    told.wakeups += !entry.is_folded && entry.wakes ? 1 : 0;
  }
  return told;
}

TEST(WindowTest, ABurstIsToldWholeToItsSixtyFourthErrorAndTheRestIsCounted) {
  fsh_cell cell{};
  EXPECT_EQ(Raise(cell, kLater, 1'000).records, 64U);
  EXPECT_EQ(cell.folded, 1'000U - 64U);
}

TEST(WindowTest, EachErrorIsEitherARecordOrCounted) {
  fsh_cell cell{};
  uint64_t records = 0;
  for (uint64_t i = 0; i < 10'000; ++i) records += Raise(cell, kLater + i * FSH_WINDOW_NS / 7, i % 5).records;
  EXPECT_EQ(records + cell.folded, 10'000U / 5 * (0 + 1 + 2 + 3 + 4));
  EXPECT_GT(cell.folded, 0U);
}

TEST(WindowTest, OfAStreamThatDoesNotEndThereAreAsManyRecordsAsEachWindowHasRoomFor) {
  fsh_cell cell{};
  Raise(cell, kLater, 100);
  for (uint64_t window = 1; window <= 1'000; ++window)
    EXPECT_EQ(Raise(cell, kLater + window * FSH_WINDOW_NS, 100).records, FSH_WINDOW_ROOM);
}

TEST(WindowTest, TheFirstErrorOfAWindowIsARecordAndWakesHoweverManyCameBefore) {
  fsh_cell cell{};
  Raise(cell, kLater, 1'000'000);
  const fsh_entry first = enter_window(&cell, kLater + FSH_WINDOW_NS, FSH_WINDOW_ROOM);
  EXPECT_FALSE(first.is_folded);
  EXPECT_TRUE(first.wakes);
}

TEST(WindowTest, AClockThatIsALittleBehindAnotherProcessorsMakesNoRoom) {
  fsh_cell cell{};
  Raise(cell, kLater, 100);
  EXPECT_EQ(Raise(cell, kLater - 1, 100).records, 0U);
  EXPECT_EQ(Raise(cell, kLater + FSH_WINDOW_NS, 100).records, FSH_WINDOW_ROOM);
}

// A page that cannot be written to is an event, a line each: hundreds within some milliseconds, each of the error of its line.
TEST(WindowTest, OfEventsEachWindowTellsABurstWhole) {
  fsh_cell cell{};
  for (uint64_t window = 0; window < 10; ++window) {
    const unsigned long long now = kLater + window * FSH_WINDOW_NS;
    EXPECT_EQ(Raise(cell, now, 60, FSH_WINDOW_ROOM_OF_EVENTS).records, 60U) << window;
  }
  EXPECT_EQ(cell.folded, 0U);
}

TEST(WindowTest, AfterAPauseABurstIsToldWholeAgain) {
  fsh_cell cell{};
  Raise(cell, kLater, 1'000);
  EXPECT_EQ(Raise(cell, kLater + (64 / FSH_WINDOW_ROOM) * FSH_WINDOW_NS, 1'000).records, 64U);
}

TEST(WindowTest, TheFirstFewOfAWindowWakeTheReader) {
  fsh_cell cell{};
  EXPECT_EQ(Raise(cell, kLater, 60).wakeups, FSH_WINDOW_WAKEUPS);
  EXPECT_EQ(Raise(cell, kLater + 1, 4).wakeups, 0U);
  EXPECT_EQ(Raise(cell, kLater + FSH_WINDOW_NS, 3).wakeups, 3U);
}

TEST(WindowTest, AQuietCellWakesNobody) {
  fsh_cell cell{.quiet = 1};
  EXPECT_EQ(Raise(cell, kLater, 60).wakeups, 0U);
}

// Else what follows would wait for the next that wakes: the reader looks again by himself after one that says so.
TEST(WindowTest, WhatMayWakeNobodyOrBeOnlyCountedIsAnnouncedByARecordBeforeIt) {
  for (const unsigned int quiet : {0U, 1U}) {
    fsh_cell cell{.quiet = quiet};
    bool is_announced = false;
    for (int i = 0; i < 100; ++i) {
      const fsh_entry entry = enter_window(&cell, kLater, FSH_WINDOW_ROOM);
      const bool needs_it = entry.is_folded || (quiet == 0 && !entry.wakes);
      EXPECT_TRUE(is_announced || !needs_it) << i;
      is_announced = is_announced || (!entry.is_folded && entry.more);
    }
    EXPECT_TRUE(is_announced);
  }
}

}  // namespace
}  // namespace fsherald
