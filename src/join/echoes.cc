// SPDX-License-Identifier: MIT
#include "join/echoes.h"

#include <algorithm>
#include <cerrno>

namespace fsherald {
namespace {

using Echo = ErrorReport::Echo;

enum class Fit { kNone, kPossible, kOwed, kCertain };

template <typename T>
bool Differ(const std::optional<T>& a, const std::optional<T>& b) {
  return a && b && *a != *b;
}

template <typename T>
bool Same(const std::optional<T>& a, const std::optional<T>& b) {
  return a && b && *a == *b;
}

// Who asked for something that is damaged is told EUCLEAN, also where the check itself has found a wrong checksum.
bool CodesFit(const std::optional<int>& a, const std::optional<int>& b) {
  auto is_damage = [](int code) { return code == EUCLEAN || code == EBADMSG; };
  return !Differ(a, b) || (is_damage(*a) && is_damage(*b));
}

// Fanotify says no kind. A shutdown has an errno of its own there, and elsewhere that of its reason.
bool KindsFit(const ErrorReport& echo, const EchoTarget& target) {
  if (echo.kind == Kind::kShutdown || target.kind == Kind::kShutdown) return echo.kind == target.kind;
  if (target.kind == Kind::kReadOnly) return false;
  return echo.echo == Echo::kRecord || !target.kind_is_known || echo.kind == target.kind;
}

Fit FitOf(const ErrorReport& echo, const EchoTarget& target) {
  if ((target.count == 0) != (echo.count == 0) || !KindsFit(echo, target)) return Fit::kNone;
  if (target.kind == Kind::kShutdown) return Fit::kCertain;
  if (!CodesFit(echo.code, target.code) || Differ(echo.inode, target.inode) || Differ(echo.group, target.group))
    return Fit::kNone;
  if (Same(echo.inode, target.inode) || Same(echo.group, target.group)) return Fit::kCertain;
  if (target.kind == Kind::kDevice) return Fit::kNone;
  // What is marked has its inode by then: an echo with one is of another error.
  const bool is_owed = target.books.owed() > target.books.taken(echo.echo);
  if (is_owed) return echo.inode && !target.is_folded ? Fit::kNone : Fit::kOwed;
  return Fit::kPossible;
}

}  // namespace

uint64_t EchoBooks::owed() const { return std::max(marks_, taken(Echo::kCall)); }

uint64_t EchoBooks::Room(Echo echo, uint64_t count) const {
  uint64_t most = std::max<uint64_t>(1, echo == Echo::kCall ? marks_ : owed());
  if (echo == Echo::kRecord) most = std::max(most, count);
  return most - std::min(most, taken(echo));
}

std::optional<size_t> FindEchoed(const ErrorReport& echo, std::span<const EchoTarget> targets) {
  std::optional<size_t> found;
  Fit best = Fit::kNone;
  size_t possible = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].books.Room(echo.echo, targets[i].count) == 0) continue;
    const Fit fit = FitOf(echo, targets[i]);
    if (fit == Fit::kPossible) ++possible;
    if (fit <= best) continue;
    best = fit;
    found = i;
  }
  return best == Fit::kPossible && possible > 1 ? std::nullopt : found;
}

bool CanBeOf(const ErrorReport& report, const EchoTarget& echo) {
  if ((report.kind == Kind::kShutdown) != (echo.kind == Kind::kShutdown)) return false;
  if (report.kind == Kind::kReadOnly || report.kind == Kind::kDevice) return false;
  if (report.kind == Kind::kShutdown) return true;
  return CodesFit(report.code, echo.code) && !Differ(report.inode, echo.inode) && !Differ(report.group, echo.group);
}

}  // namespace fsherald
