// SPDX-License-Identifier: MIT
#include "health/rules.h"

#include <array>

namespace fsherald {
namespace {

using Cell = std::optional<HealthStep>;

constexpr Cell Stays() { return std::nullopt; }
constexpr Cell To(HealthState to, HealthRule rule) { return HealthStep{to, rule}; }

constexpr auto kWell = HealthState::kWell;
constexpr auto kPast = HealthState::kPastErrors;
constexpr auto kErrors = HealthState::kErrors;
constexpr auto kReadOnly = HealthState::kReadOnly;
constexpr auto kShutDown = HealthState::kShutDown;
constexpr auto kGone = HealthState::kGone;
constexpr std::array kStates = {kWell, kPast, kErrors, kReadOnly, kShutDown, kGone};

using R = HealthRule;

struct Row {
  HealthEvent event;
  std::string_view words;
  std::array<Cell, kStates.size()> next;  // in the order of kStates
};

// A state is left to the worse by what is told, to the better only by what shows it. What was read-only or shut down and is not
// any more still has the errors that led there. What is mounted again without a word of repair has them from an earlier mounting.
// clang-format off
constexpr Row kRows[] = {
    {HealthEvent::kError, "an error is told",
     {To(kErrors, R::kErrors), To(kErrors, R::kErrors), Stays(), Stays(), Stays(), Stays()}},
    {HealthEvent::kMadeReadOnly, "it makes itself read-only",
     {To(kReadOnly, R::kReadOnly), To(kReadOnly, R::kReadOnly), To(kReadOnly, R::kReadOnly), Stays(), Stays(), Stays()}},
    {HealthEvent::kShutdown, "it shuts itself down",
     {To(kShutDown, R::kShutdown), To(kShutDown, R::kShutdown), To(kShutDown, R::kShutdown),
      To(kShutDown, R::kShutdown), Stays(), Stays()}},
    {HealthEvent::kCorrected, "a corrected error is told",
     {Stays(), Stays(), Stays(), Stays(), Stays(), Stays()}},
    {HealthEvent::kUntrusted, "a line that cannot be trusted is told",
     {Stays(), Stays(), Stays(), Stays(), Stays(), Stays()}},
    {HealthEvent::kGap, "a counted loss is told",
     {Stays(), Stays(), Stays(), Stays(), Stays(), Stays()}},
    {HealthEvent::kHealthy, "all that it had marked as damaged is healthy, and no other error was told",
     {Stays(), To(kWell, R::kRepaired), To(kWell, R::kRepaired), Stays(), Stays(), Stays()}},
    {HealthEvent::kCountersReset, "its own counters are set back",
     {Stays(), To(kWell, R::kCountersReset), To(kWell, R::kCountersReset), Stays(), Stays(), Stays()}},
    {HealthEvent::kScrubbed, "a scrub of all its devices has found no error",
     {Stays(), To(kWell, R::kScrubbed), To(kWell, R::kScrubbed), Stays(), Stays(), Stays()}},
    {HealthEvent::kRemounted, "it is remounted writable",
     {Stays(), Stays(), Stays(), To(kErrors, R::kRemounted), Stays(), Stays()}},
    {HealthEvent::kEnded, "its last mount is gone",
     {Stays(), To(kGone, R::kGone), To(kGone, R::kGone), To(kGone, R::kGone), To(kGone, R::kGone), Stays()}},
    {HealthEvent::kFoundWell, "found: nothing shows an error",
     {Stays(), Stays(), Stays(), To(kErrors, R::kRemounted), Stays(), To(kPast, R::kMountedAgain)}},
    {HealthEvent::kFoundReset, "found: its own counters know of no error, and did",
     {Stays(), To(kWell, R::kCountersReset), To(kWell, R::kCountersReset), To(kWell, R::kCountersReset),
      To(kWell, R::kCountersReset), To(kWell, R::kCountersReset)}},
    {HealthEvent::kFoundPast, "found: its own counters know of errors of before this boot",
     {To(kPast, R::kFound), Stays(), Stays(), To(kErrors, R::kRemounted), Stays(), To(kPast, R::kMountedAgain)}},
    {HealthEvent::kFoundErrors, "found: they know of errors of this boot",
     {To(kErrors, R::kFound), To(kErrors, R::kFound), Stays(), To(kErrors, R::kRemounted), Stays(),
      To(kErrors, R::kMountedAgain)}},
    {HealthEvent::kFoundReadOnly, "found: it has made itself read-only",
     {To(kReadOnly, R::kFound), To(kReadOnly, R::kFound), To(kReadOnly, R::kFound), Stays(), Stays(),
      To(kReadOnly, R::kMountedAgain)}},
    {HealthEvent::kFoundShutDown, "found: it has shut itself down",
     {To(kShutDown, R::kFound), To(kShutDown, R::kFound), To(kShutDown, R::kFound), To(kShutDown, R::kFound), Stays(),
      To(kShutDown, R::kMountedAgain)}},
    {HealthEvent::kCleared, "the operator clears it",
     {Stays(), To(kWell, R::kCleared), To(kWell, R::kCleared), To(kWell, R::kCleared), To(kWell, R::kCleared),
      To(kWell, R::kCleared)}},
};
// clang-format on

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<size_t>(kRows[i].event) != i) return false;
  return true;
}
static_assert(std::size(kRows) == kHealthEventCount && RowsAreInOrder());

}  // namespace

std::string_view Words(HealthEvent event) { return kRows[static_cast<size_t>(event)].words; }

std::span<const HealthState> HealthStates() { return kStates; }

std::optional<HealthStep> Next(HealthState from, HealthEvent event) {
  const Row& row = kRows[static_cast<size_t>(event)];
  for (size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == from) return row.next[i];
  return std::nullopt;
}

std::string HealthTable() {
  std::string table = "| what happens |";
  for (HealthState state : kStates) table.append(" `").append(Name(state)).append("` |");
  table += "\n|---|";
  for (size_t i = 0; i < kStates.size(); ++i) table += "---|";
  table += '\n';
  for (const Row& row : kRows) {
    table.append("| ").append(row.words).append(" |");
    for (const Cell& cell : row.next) {
      if (cell) table.append(" `").append(Name(cell->to)).append("` (").append(Name(cell->rule)).append(") |");
      else table += " - |";
    }
    table += '\n';
  }
  return table;
}

}  // namespace fsherald
