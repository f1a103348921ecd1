// SPDX-License-Identifier: MIT
// What must be told (expect.json of a scenario), compared with what was told.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fsherald::system_test {

using Json = nlohmann::json;
using Facts = std::map<std::string, std::string>;

// Puts the facts in: "$INODE" becomes the number (or the text), "letters of $NAME" a text. Fails where one is missing.
Json WithFacts(const Json& expected, const Facts& facts);

// Empty: every key that is expected was told with that value. "@some" stands for whatever is neither null nor empty,
// "@any" for anything, "@begins TEXT" for a text that goes on behind TEXT. Else what differs, an entry each.
std::vector<std::string> Differences(const Json& expected, const Json& told);

// Finds for each expected notification, in any order, those that were told of it: equal errors may be told as one, with
// their count; together they must stand for as many errors as its "times" says (1, where it has none; "@some": any number).
// And nothing else may have been told. Returns what is wrong, as text for people; empty: nothing.
std::string Compare(const std::vector<Json>& expected, const std::vector<Json>& told);

}  // namespace fsherald::system_test
