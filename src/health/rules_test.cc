// SPDX-License-Identifier: MIT
#include "health/rules.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace fsherald {
namespace {

using enum HealthState;
using Step = std::optional<HealthStep>;

constexpr HealthState kAll[] = {kWell, kPastErrors, kErrors, kReadOnly, kShutDown, kGone};

// Every state, and everything that can happen to it: what comes of it. A dot: it stays.
//
//                     well           past_errors    errors         read_only      shut_down      gone
constexpr std::string_view kExpected = R"(
kError               errors/errors  errors/errors  .              .              .              .
kMadeReadOnly        read_only/read_only read_only/read_only read_only/read_only . .            .
kShutdown            shut_down/shutdown shut_down/shutdown shut_down/shutdown shut_down/shutdown . .
kCorrected           .              .              .              .              .              .
kUntrusted           .              .              .              .              .              .
kGap                 .              .              .              .              .              .
kHealthy             .              well/repaired  well/repaired  .              .              .
kCountersReset       .              well/counters_reset well/counters_reset . .                 .
kScrubbed            .              well/scrubbed  well/scrubbed  .              .              .
kRemounted           .              .              .              errors/remounted .            .
kEnded               .              gone/gone      gone/gone      gone/gone      gone/gone      .
kFoundWell           .              .              .              errors/remounted .            past_errors/mounted_again
kFoundReset          . well/counters_reset well/counters_reset well/counters_reset well/counters_reset well/counters_reset
kFoundPast           past_errors/found . .         errors/remounted .              past_errors/mounted_again
kFoundErrors         errors/found   errors/found . errors/remounted .              errors/mounted_again
kFoundReadOnly       read_only/found read_only/found read_only/found . .           read_only/mounted_again
kFoundShutDown       shut_down/found shut_down/found shut_down/found shut_down/found . shut_down/mounted_again
kCleared             .              well/cleared   well/cleared   well/cleared   well/cleared   well/cleared
)";

std::string Word(const Step& step) {
  return step ? std::string(Name(step->to)).append("/").append(Name(step->rule)) : ".";
}

TEST(HealthRulesTest, EveryStateAndEveryEventLeadWhereTheTableSays) {
  std::istringstream lines{std::string(kExpected)};
  std::string event_name;
  int event = 0;
  while (lines >> event_name) {
    for (HealthState state : kAll) {
      std::string expected;
      ASSERT_TRUE(lines >> expected) << event_name;
      EXPECT_EQ(Word(Next(state, static_cast<HealthEvent>(event))), expected) << event_name << " in " << Name(state);
    }
    ++event;
  }
  EXPECT_EQ(event, kHealthEventCount);
}

TEST(HealthRulesTest, TheStatesAreAllButThatOfWhatNothingCovers) {
  EXPECT_EQ(std::vector<HealthState>(HealthStates().begin(), HealthStates().end()),
            std::vector<HealthState>(std::begin(kAll), std::end(kAll)));
  EXPECT_EQ(std::size(kAll), kHealthStateCount - 2U);
  for (int event = 0; event < kHealthEventCount; ++event)
    EXPECT_FALSE(Next(kNotCovered, static_cast<HealthEvent>(event)));
}

TEST(HealthRulesTest, EveryStateCanBeLeftForWellAndByMoreThanTheOperatorsWord) {
  for (HealthState state : HealthStates()) {
    if (state == kWell) continue;
    int ways_out = 0;
    bool can_be_well = false;
    for (int event = 0; event < kHealthEventCount; ++event) {
      const Step step = Next(state, static_cast<HealthEvent>(event));
      ways_out += step.has_value() ? 1 : 0;
      can_be_well = can_be_well || (step && step->to == kWell);
    }
    EXPECT_GT(ways_out, 1) << Name(state);
    EXPECT_TRUE(can_be_well) << Name(state);
  }
}

TEST(HealthRulesTest, NoStepLeadsWhereItComesFrom) {
  for (HealthState state : HealthStates()) {
    for (int event = 0; event < kHealthEventCount; ++event) {
      const Step step = Next(state, static_cast<HealthEvent>(event));
      EXPECT_NE(step.value_or(HealthStep{kNotCovered}).to, state) << Words(static_cast<HealthEvent>(event));
    }
  }
}

TEST(HealthRulesTest, WhatUserSpaceAloneHasSaidAndWhatWasLostChangesNothing) {
  for (HealthState state : HealthStates()) {
    EXPECT_FALSE(Next(state, HealthEvent::kUntrusted)) << Name(state);
    EXPECT_FALSE(Next(state, HealthEvent::kGap)) << Name(state);
    EXPECT_FALSE(Next(state, HealthEvent::kCorrected)) << Name(state);
  }
}

TEST(HealthRulesTest, EveryRuleIsOfTheTable) {
  std::map<HealthRule, int> used;
  for (HealthState state : HealthStates())
    for (int event = 0; event < kHealthEventCount; ++event)
      if (const Step step = Next(state, static_cast<HealthEvent>(event))) ++used[step->rule];
  EXPECT_EQ(used.size(), static_cast<size_t>(kHealthRuleCount));
}

TEST(HealthRulesTest, TheDocumentShowsThisTable) {
  std::ifstream document(FSHERALD_FIXTURES "/../../docs/health.md");
  ASSERT_TRUE(document.is_open());
  std::stringstream text;
  text << document.rdbuf();
  EXPECT_NE(text.str().find("\n" + HealthTable() + "\n"), std::string::npos)
      << "docs/health.md should have this table:\n"
      << HealthTable();
}

}  // namespace
}  // namespace fsherald
