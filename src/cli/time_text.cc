// SPDX-License-Identifier: MIT
#include "cli/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

#include "base/clock.h"

namespace fsherald {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kLastSecond = INT64_MAX / kNsPerSecond - 1;

// What is left of the text; every function takes what it understands, or nothing.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }

  bool Take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  bool TakeAny(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }

  // All the digits there are; too large a number is none.
  std::optional<int64_t> Number() {
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + digits, number);
    if (digits == 0 || error != std::errc()) return std::nullopt;
    text_.remove_prefix(digits);
    return number;
  }

  std::optional<int> Digits(size_t count, int least, int most) {
    if (std::min(text_.find_first_not_of("0123456789"), text_.size()) < count) return std::nullopt;
    int number = 0;
    std::from_chars(text_.data(), text_.data() + count, number);
    if (number < least || number > most) return std::nullopt;
    text_.remove_prefix(count);
    return number;
  }

  // ".25" as nanoseconds; 0 where there is none. Beyond nine digits nothing is told apart.
  std::optional<int64_t> Fraction() {
    if (!TakeAny(".,")) return 0;
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (digits == 0) return std::nullopt;
    int64_t ns = 0;
    for (size_t i = 0; i < 9; ++i) ns = ns * 10 + (i < digits ? text_[i] - '0' : 0);
    text_.remove_prefix(digits);
    return ns;
  }

 private:
  std::string_view text_;
};

std::optional<int64_t> ToNs(int64_t seconds, int64_t ns) {
  if (seconds < -kLastSecond || seconds > kLastSecond) return std::nullopt;
  return seconds * kNsPerSecond + ns;
}

std::optional<int64_t> LocalSeconds(std::tm local) {
  local.tm_isdst = -1;
  local.tm_wday = -1;  // mktime sets it, unless it fails: -1 is also a time
  const std::time_t seconds = ::mktime(&local);
  if (seconds == -1 && local.tm_wday == -1) return std::nullopt;
  return seconds;
}

std::optional<int64_t> BeginOfDay(int64_t now_utc_ns, int days_before) {
  const std::time_t now = SplitUtcNs(now_utc_ns).seconds;
  std::tm local{};
  if (::localtime_r(&now, &local) == nullptr) return std::nullopt;
  local.tm_mday -= days_before;
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  const auto seconds = LocalSeconds(local);
  return seconds ? ToNs(*seconds, 0) : std::nullopt;
}

std::optional<int64_t> ParseUnix(Scanner scanner) {
  if (!scanner.Take("@")) return std::nullopt;
  const auto seconds = scanner.Number();
  if (!seconds) return std::nullopt;
  const auto fraction = scanner.Fraction();
  if (!fraction || !scanner.AtEnd()) return std::nullopt;
  return ToNs(*seconds, *fraction);
}

// The seconds of a unit. "min" stands before "m", which it begins with.
std::optional<int64_t> TakeUnit(Scanner& scanner) {
  struct Unit {
    std::string_view name;
    int64_t seconds;
  };
  constexpr Unit kUnits[] = {{"min", 60}, {"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
  for (const Unit& unit : kUnits)
    if (scanner.Take(unit.name)) return unit.seconds;
  return std::nullopt;
}

std::optional<int64_t> ParseAgo(Scanner scanner, int64_t now_utc_ns) {
  int64_t total_s = 0;
  do {
    const auto number = scanner.Number();
    while (scanner.Take(" ")) {
    }
    const auto unit_s = number ? TakeUnit(scanner) : std::nullopt;
    if (!unit_s || *number > kLastSecond / *unit_s) return std::nullopt;
    total_s += *number * *unit_s;
    if (total_s > kLastSecond) return std::nullopt;
    while (scanner.Take(" ")) {
    }
  } while (!scanner.AtEnd() && !scanner.Take("ago"));
  if (!scanner.AtEnd()) return std::nullopt;
  const int64_t ago_ns = total_s * kNsPerSecond;
  return ago_ns > now_utc_ns ? 0 : now_utc_ns - ago_ns;
}

// "Z", "+01:00", "-0530": the seconds that the zone is ahead; empty: none of these.
std::optional<int64_t> TakeZone(Scanner& scanner) {
  if (scanner.TakeAny("Zz")) return 0;
  const bool behind = scanner.Take("-");
  if (!behind && !scanner.Take("+")) return std::nullopt;
  const auto hours = scanner.Digits(2, 0, 23);
  scanner.Take(":");
  const auto minutes = hours ? scanner.Digits(2, 0, 59) : std::nullopt;
  if (!minutes) return std::nullopt;
  const int64_t ahead_s = *hours * 3600 + *minutes * 60;
  return behind ? -ahead_s : ahead_s;
}

// "10:31", "10:31:07", "10:31:07.5" into the fields; the fraction in nanoseconds.
std::optional<int64_t> TakeClock(Scanner& scanner, std::tm& time) {
  const auto hours = scanner.Digits(2, 0, 23);
  if (!hours || !scanner.Take(":")) return std::nullopt;
  const auto minutes = scanner.Digits(2, 0, 59);
  if (!minutes) return std::nullopt;
  time.tm_hour = *hours;
  time.tm_min = *minutes;
  if (!scanner.Take(":")) return 0;
  const auto seconds = scanner.Digits(2, 0, 60);
  if (!seconds) return std::nullopt;
  time.tm_sec = *seconds;
  return scanner.Fraction();
}

std::optional<int64_t> UtcSeconds(const std::tm& time) {
  std::tm utc = time;
  return ::timegm(&utc);
}

std::optional<int64_t> ParseCalendar(Scanner scanner) {
  using namespace std::chrono;
  const auto years = scanner.Digits(4, 1970, 2261);
  if (!years || !scanner.Take("-")) return std::nullopt;
  const auto months = scanner.Digits(2, 1, 12);
  if (!months || !scanner.Take("-")) return std::nullopt;
  const auto days = scanner.Digits(2, 1, 31);
  if (!days) return std::nullopt;
  if (!year_month_day(year(*years), month(static_cast<unsigned>(*months)), day(static_cast<unsigned>(*days))).ok())
    return std::nullopt;
  std::tm time{};
  time.tm_year = *years - 1900;
  time.tm_mon = *months - 1;
  time.tm_mday = *days;
  std::optional<int64_t> fraction = 0;
  if (scanner.TakeAny("Tt ")) fraction = TakeClock(scanner, time);
  if (!fraction) return std::nullopt;
  std::optional<int64_t> seconds;
  if (scanner.AtEnd()) {
    seconds = LocalSeconds(time);
  } else {
    const auto ahead_s = TakeZone(scanner);
    if (!ahead_s || !scanner.AtEnd()) return std::nullopt;
    seconds = *UtcSeconds(time) - *ahead_s;
  }
  return seconds ? ToNs(*seconds, *fraction) : std::nullopt;
}

std::optional<int64_t> Parse(std::string_view text, int64_t now_utc_ns) {
  if (text == "now") return now_utc_ns;
  if (text == "today") return BeginOfDay(now_utc_ns, 0);
  if (text == "yesterday") return BeginOfDay(now_utc_ns, 1);
  if (auto time = ParseUnix(Scanner(text))) return time;
  if (auto time = ParseCalendar(Scanner(text))) return time;
  return ParseAgo(Scanner(text), now_utc_ns);
}

}  // namespace

Result<int64_t> ParseTime(std::string_view text, int64_t now_utc_ns) {
  if (const auto time = Parse(text, now_utc_ns)) return *time;
  return Error{
      fmt::format("'{}' is no time: write 2026-11-20, 2026-11-20T10:31:07 (local; with Z or +01:00 behind it of that "
                  "zone), 2h or 3d (ago), today, yesterday, now, or @SECONDS since 1970",
                  text),
      0};
}

std::string LocalTimeText(int64_t utc_ns) { return LocalTimeTextOfSeconds(SplitUtcNs(utc_ns).seconds); }

std::string LocalTimeTextOfSeconds(int64_t utc_s) {
  const std::time_t time = utc_s;
  std::tm local{};
  ::localtime_r(&time, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace fsherald
