// SPDX-License-Identifier: MIT
#include "ring/ticks.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/clock.h"

namespace fsherald::ring {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

// Two and a half ticks a nanosecond, from a moment on at which the counter stood elsewhere.
ClockReading At(uint64_t boottime_ns) { return {.ticks = 7'000 + boottime_ns * 5 / 2, .boottime_ns = boottime_ns}; }

uint64_t Off(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

TEST(TickTranslatorTest, TicksBeforeAndAfterTheLastReadingAreTranslatedByTheRate) {
  TickTranslator translator(kTsc, At(kSecond), At(kSecond + kMs));
  translator.Update(At(kSecond + 2 * kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(At(kSecond).ticks), kSecond), 1u);
  EXPECT_LE(Off(translator.ToBoottimeNs(At(kSecond + 3 * kMs).ticks), kSecond + 3 * kMs), 1u);
}

TEST(TickTranslatorTest, NothingIsLaterThanASecondAfterTheLastReading) {
  const TickTranslator translator(kTsc, At(kSecond), At(2 * kSecond));
  EXPECT_EQ(translator.ToBoottimeNs(At(9 * kSecond).ticks), 3 * kSecond);
  const TickTranslator plain(kBoottimeNs, {kSecond, kSecond}, {2 * kSecond, 2 * kSecond});
  EXPECT_EQ(plain.ToBoottimeNs(UINT64_MAX), 3 * kSecond);
  EXPECT_EQ(plain.ToBoottimeNs(17), 17u);
}

TEST(TickTranslatorTest, NothingIsBeforeTheBoot) {
  const TickTranslator translator(kTsc, At(kSecond), At(2 * kSecond));
  EXPECT_EQ(translator.ToBoottimeNs(0), 0u);
  EXPECT_EQ(translator.ToBoottimeNs(At(2 * kSecond).ticks - (uint64_t{1} << 63)), 0u);
}

TEST(TickTranslatorTest, AfterASuspendTheNextReadingPutsItRight) {
  TickTranslator translator(kTsc, At(kSecond), At(kSecond + kMs));
  const uint64_t slept_ns = 3600 * kSecond;  // the counter stood still
  const auto awake = [&](uint64_t ns) { return ClockReading{At(ns).ticks, ns + slept_ns}; };
  translator.Update(awake(kSecond + 2 * kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(At(kSecond + 3 * kMs).ticks), kSecond + 3 * kMs + slept_ns), 1u);
  translator.Update(awake(kSecond + 4 * kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(At(kSecond + 5 * kMs).ticks), kSecond + 5 * kMs + slept_ns), 1u);
}

TEST(TickTranslatorTest, ACounterThatBeganAnewIsFollowed) {
  TickTranslator translator(kTsc, At(kSecond), At(2 * kSecond));
  const auto migrated = [](uint64_t ns) { return ClockReading{At(ns).ticks - At(2 * kSecond).ticks, ns}; };
  translator.Update(migrated(2 * kSecond + kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(migrated(2 * kSecond + 2 * kMs).ticks), 2 * kSecond + 2 * kMs), 1u);
}

TEST(TickTranslatorTest, ARateThatIsWrongFromTheFirstIsLeft) {
  // Interrupted for 4 ms between the two clocks.
  const ClockReading interrupted = {At(kSecond + 4 * kMs).ticks, kSecond};
  TickTranslator translator(kTsc, interrupted, At(kSecond + 5 * kMs));
  for (int i = 6; i < 9; ++i) translator.Update(At(kSecond + i * kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(At(kSecond + 10 * kMs).ticks), kSecond + 10 * kMs), 1u);
}

TEST(TickTranslatorTest, AReadingThatWasInterruptedDoesNotMoveTheRate) {
  TickTranslator translator(kTsc, At(kSecond), At(2 * kSecond));
  ClockReading late = At(2 * kSecond + kMs);
  late.ticks += 2 * 2'500'000;  // two milliseconds later
  translator.Update(late);
  translator.Update(At(2 * kSecond + 5 * kMs));
  EXPECT_LE(Off(translator.ToBoottimeNs(At(2 * kSecond + 6 * kMs).ticks), 2 * kSecond + 6 * kMs), 1000u);
}

TEST(TickTranslatorTest, TheBestClockOfThisMachineIsTranslatedToItsBootTime) {
  const Clock clock = BestClock();
  TickTranslator translator(clock);
  for (int i = 0; i < 100; ++i) {
    translator.Update();
    const uint64_t before_ns = BoottimeNowNs();
    const uint64_t ticks = Ticks(clock);
    const uint64_t after_ns = BoottimeNowNs();
    const uint64_t translated_ns = translator.ToBoottimeNs(ticks);
    // A reading may be off by the time of an interrupt.
    EXPECT_GE(translated_ns + 10 * kMs, before_ns);
    EXPECT_LE(translated_ns, after_ns + 10 * kMs);
  }
}

}  // namespace
}  // namespace fsherald::ring
