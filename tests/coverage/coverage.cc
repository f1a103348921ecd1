// SPDX-License-Identifier: MIT
// coverage [--write] DOC KERNEL=DIR...: makes the tables of docs/coverage.md from what the scenarios have recorded (one file a
// scenario in each DIR), and compares them with those in DOC; with --write it puts them in, and leaves the rows of scenarios that
// have left no record in this run, and are still there. Counts, the log's part and
// latencies are not compared: they are of the run that wrote the page. A scenario that has left no record in this run (not selected, skipped) is not compared.
//
// Exit status: 0: DOC says what was seen; 1: it does not, the differences are on stdout; 77: nothing was recorded, or by a long run, which has more than the page shows.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kSources[] = {"fanotify", "trace", "kmsg", "counters"};
constexpr const char* kHead =
    "| file system | fault | scenario | fanotify | trace | kmsg | counters | told as | records | latency |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n";

std::string Begin(const std::string& kernel) { return "<!-- table " + kernel + " -->\n"; }
constexpr const char* kEnd = "<!-- end of table -->\n";

std::string Read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Join(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// What has seen it, where it is none of the columns' sources: the mount table, or nothing of the kernel's at all, when the process
// that serves a file system has ended.
std::string SeenOtherwise(const json& sources) {
  if (sources.empty()) return ", by the end of its server";
  return sources == json::array({"mounts"}) ? ", by the mount table" : "";
}

// "metadata EUCLEAN ×2, with the device's error"
std::string ToldAs(const json& told) {
  std::map<std::string, uint64_t> counts;
  for (const json& one : told) {
    std::string words = one["kind"];
    if (one["errno"].is_string()) words += " " + one["errno"].get<std::string>();
    if (one["corrected"] == true) words += ", corrected";
    if (one["object"] == true) words += ", with the file";
    if (one["device_error"] == true) words += ", with the device's error";
    words += SeenOtherwise(one["sources"]);
    counts[words] += one["count"].get<uint64_t>();
  }
  std::vector<std::string> all;
  for (const auto& [words, count] : counts) all.push_back(words + (count == 1 ? "" : " ×" + std::to_string(count)));
  return all.empty() ? "**nothing**" : Join(all, "; ");
}

// Of the notification that has the most.
std::string Records(const json& told) {
  size_t most = 0;
  json records = json::array();
  for (const json& one : told)
    if (one["records"].size() > most) most = one["records"].size(), records = one["records"];
  if (most == 3) return "all three";
  std::vector<std::string> words;
  for (const json& record : records) words.push_back(record);
  return words.empty() ? "-" : Join(words, ", ");
}

// Of the first that was told.
std::string Latency(const json& told) {
  int64_t least = -1;
  for (const json& one : told)
    if (one["latency_us"].is_number() && (least < 0 || one["latency_us"] < least)) least = one["latency_us"];
  if (least < 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(least) / 1000);
  return text;
}

struct Row {
  std::string type;
  std::string fault;
  std::string scenario;
  std::string text;  // without latency
  std::string latency;
  auto operator<=>(const Row&) const = default;
};

Row MakeRow(const json& record) {
  const json& told = record["told"];
  std::set<std::string> seen;
  for (const json& one : told)
    for (const json& source : one["sources"]) seen.insert(source);
  Row row{record["type"], record["fault"], record["scenario"], "", Latency(told)};
  row.text =
      "| " + row.type + " | " + row.fault + " | [" + row.scenario + "](../tests/images/" + row.scenario + "/make) |";
  for (const char* source : kSources) row.text += seen.contains(source) ? " seen |" : " - |";
  row.text += " " + ToldAs(told) + " | " + Records(told) + " |";
  return row;
}

std::vector<Row> ReadRows(const std::string& directory) {
  std::vector<Row> rows;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory, none))
    if (entry.path().extension() == ".json") rows.push_back(MakeRow(json::parse(Read(entry.path()))));
  std::ranges::sort(rows);
  return rows;
}

std::vector<std::string> Split(const std::string& text, const std::string& between) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(between, begin)) != std::string::npos; begin = end + between.size())
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

// What of a row is the same in every run: how many lines the kernel prints, and so how many requests a notification stands for,
// its rate limits decide, which are the whole machine's.
std::string Essence(const std::string& row) {
  const std::vector<std::string> cells = Split(row, " | ");
  if (cells.size() < 9) return row;
  std::set<std::string> kinds;
  for (const std::string& told : Split(cells[7], "; ")) kinds.insert(told.substr(0, told.find_first_of(" ,")));
  std::string essence;
  for (const size_t cell : {0, 1, 2, 3, 4, 6}) essence += cells[cell] + " | ";
  return essence + Join({kinds.begin(), kinds.end()}, "; ");
}

// The rows of a table in the page by scenario.
std::map<std::string, std::string> RowsOfPage(const std::string& table) {
  std::map<std::string, std::string> rows;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find('[');
    const size_t end = line.find(']');
    if (begin != std::string::npos && end != std::string::npos) rows[line.substr(begin + 1, end - begin - 1)] = line;
  }
  return rows;
}

// The rows that were seen, and of the page those of other scenarios that lie beside it.
std::string Table(const std::vector<Row>& rows, const std::string& old_table, const fs::path& images) {
  std::map<std::vector<std::string>, std::string> by_place;  // file system, fault, scenario
  for (const auto& [scenario, line] : RowsOfPage(old_table)) {
    const std::vector<std::string> cells = Split(line.substr(2), " | ");
    if (fs::exists(images / scenario) && cells.size() > 2) by_place[{cells[0], cells[1], scenario}] = line;
  }
  for (const Row& row : rows) {
    std::erase_if(by_place, [&](const auto& place) { return place.first[2] == row.scenario; });
    by_place[{row.type, row.fault, row.scenario}] = row.text + " " + row.latency + " |";
  }
  std::string table = kHead;
  for (const auto& [place, line] : by_place) table += line + "\n";
  return table;
}

// Whether each row that was seen stands in the table, as it was seen.
bool Compare(const std::vector<Row>& rows, const std::string& table) {
  const std::map<std::string, std::string> page = RowsOfPage(table);
  bool same = true;
  for (const Row& row : rows) {
    const auto found = page.find(row.scenario);
    if (found != page.end() && Essence(found->second) == Essence(row.text + " " + row.latency + " |")) continue;
    same = false;
    std::cout << "seen:     " << row.text << "\nthe page: " << (found == page.end() ? "(nothing)" : found->second)
              << "\n";
  }
  return same;
}

int Run(const std::vector<std::string>& arguments) {
  const bool write = arguments.at(0) == "--write";
  // A long run has scenarios and options that the page does not show, and the record of each is that of its last options.
  if (const char* is_long = std::getenv("FSHERALD_LONG"); !write && is_long != nullptr && is_long == std::string("1")) {
    std::cout << "the page shows what the short form runs\n";
    return 77;
  }
  const std::string& page_path = arguments.at(write ? 1 : 0);
  std::string page = Read(page_path);
  bool same = true;
  size_t recorded = 0;
  for (size_t i = write ? 2 : 1; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    const std::string begin = Begin(arguments[i].substr(0, equals));
    const std::vector<Row> rows = ReadRows(arguments[i].substr(equals + 1));
    recorded += rows.size();
    const size_t at = page.find(begin);
    const size_t end = page.find(kEnd, at);
    if (at == std::string::npos || end == std::string::npos) throw std::runtime_error(page_path + " has no " + begin);
    const size_t table = at + begin.size();
    const std::string old_table = page.substr(table, end - table);
    const fs::path images = fs::path(page_path).parent_path() / ".." / "tests" / "images";
    if (write && !rows.empty()) page.replace(table, end - table, Table(rows, old_table, images));
    else same = Compare(rows, old_table) && same;
  }
  if (write) std::ofstream(page_path) << page;
  if (recorded == 0) {
    std::cout << "no scenario has recorded anything\n";
    return 77;
  }
  if (!same) std::cout << "docs/coverage.md does not say what was seen; `coverage --write` puts it right\n";
  return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
