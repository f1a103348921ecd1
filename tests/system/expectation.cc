// SPDX-License-Identifier: MIT
#include "expectation.h"

#include <algorithm>
#include <limits>
#include <regex>

#include "process.h"

namespace fsherald::system_test {
namespace {

const std::string& FactOf(const Facts& facts, const std::string& name) {
  const auto found = facts.find(name);
  if (found == facts.end()) Fail("expect.json speaks of $" + name + ", which nobody said");
  return found->second;
}

Json TextWithFacts(const std::string& text, const Facts& facts) {
  static const std::regex kWhole("\\$([A-Z_]+)");
  std::smatch match;
  if (std::regex_match(text, match, kWhole)) {
    const std::string& fact = FactOf(facts, match[1]);
    const bool number = !fact.empty() && std::ranges::all_of(fact, [](char c) { return c >= '0' && c <= '9'; });
    return number ? Json(std::stoull(fact)) : Json(fact);
  }
  std::string result;
  std::string rest = text;
  while (std::regex_search(rest, match, kWhole)) {
    result += match.prefix().str() + FactOf(facts, match[1]);
    rest = match.suffix().str();
  }
  return result + rest;
}

bool IsAsExpected(const Json& expected, const Json& told) {
  if (expected == "@any") return true;
  if (expected == "@some") return !told.is_null() && !(told.is_array() && told.empty());
  constexpr std::string_view kBegins = "@begins ";
  if (expected.is_string() && told.is_string() && expected.get_ref<const std::string&>().starts_with(kBegins)) {
    return told.get<std::string>().starts_with(expected.get<std::string>().substr(kBegins.size()));
  }
  return expected == told;
}

// Takes out of `left` what was told of one expected error; returns how many errors are missing (below 0: too many).
int64_t TakeMatching(const Json& expected, int64_t times, std::vector<Json>& left) {
  for (auto line = left.begin(); times > 0 && line != left.end();) {
    if (!Differences(expected, *line).empty()) {
      ++line;
      continue;
    }
    times -= line->at("error").at("count").get<int64_t>();
    line = left.erase(line);
  }
  return times;
}

void Compare(const Json& expected, const Json& told, const std::string& place, std::vector<std::string>& differences) {
  if (expected.is_object() && told.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      if (told.contains(key)) Compare(value, told[key], place + "." + key, differences);
      else differences.push_back(place + "." + key + " is not there");
    }
    return;
  }
  if (!IsAsExpected(expected, told))
    differences.push_back(place + " is " + told.dump() + ", expected " + expected.dump());
}

}  // namespace

Json WithFacts(const Json& expected, const Facts& facts) {
  if (expected.is_string()) return TextWithFacts(expected, facts);
  Json result = expected;
  if (expected.is_structured()) {
    for (auto& value : result) value = WithFacts(value, facts);
  }
  return result;
}

std::vector<std::string> Differences(const Json& expected, const Json& told) {
  std::vector<std::string> differences;
  Compare(expected, told, "", differences);
  return differences;
}

std::string Compare(const std::vector<Json>& expected, const std::vector<Json>& told) {
  std::string wrong;
  std::vector<Json> left = told;
  for (Json one : expected) {
    const Json wanted = one.value("times", Json(1));
    const bool may_be_none = wanted == "@maybe";
    const bool any_number = may_be_none || wanted == "@some";
    const int64_t times = any_number ? std::numeric_limits<int64_t>::max() : one.value("times", 1);
    one.erase("times");
    const int64_t missing = TakeMatching(one, times, left);
    if (may_be_none || (any_number ? missing != times : missing == 0)) continue;
    wrong += "told " + std::to_string(times - missing) + " times, expected " +
             (any_number ? "once or more often" : std::to_string(times)) + ": " + one.dump() + "\n";
    const auto nearest =
        std::ranges::min_element(left, {}, [&](const Json& line) { return Differences(one, line).size(); });
    if (missing < 0 || nearest == left.end()) continue;
    for (const std::string& difference : Differences(one, *nearest))
      wrong += "    in the nearest, " + difference + "\n";
  }
  for (const Json& line : left) wrong += "not expected (or the nearest above): " + line.dump() + "\n";
  return wrong;
}

}  // namespace fsherald::system_test
