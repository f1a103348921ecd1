// SPDX-License-Identifier: MIT
#include "filesystem/general.h"

#include <algorithm>

#include "filesystem/log_pattern.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

using FieldValue = decltype(SpecificField::value);

FieldValue ValueOf(const std::optional<uint64_t>& number) {
  return number ? FieldValue(*number) : FieldValue(std::monostate{});
}

FieldValue ValueOf(std::string_view name, const ErrorReport& report) {
  if (name == "inode") return ValueOf(report.inode);
  if (name == "block") return ValueOf(report.block);
  auto field = std::ranges::find(report.fields, name, &SpecificField::name);
  return field == report.fields.end() ? FieldValue(std::monostate{}) : field->value;
}

void SetMeaning(const LineRow& row, ErrorReport& report) {
  report.kind = row.kind;
  report.meaning = row.meaning;
  if (row.code != 0) report.code = row.code;
  report.topic = row.topic;
  if (report.topic.ends_with('#'))
    report.topic.replace(report.topic.size() - 1, 1, std::to_string(report.inode.value_or(report.block.value_or(0))));
  report.follows = row.follows;
  report.part = row.part;
  report.more = row.more;
  report.task_is_any = row.by_worker;
  report.corrected = row.corrected || row.healthy;
  if (row.healthy) report.count = 0;
}

std::optional<ErrorReport> ParseWords(std::span<const LineRow> rows, std::string_view words, ErrorReport report) {
  for (const LineRow& row : rows) {
    std::string_view rest;
    if (!MatchPattern(row.pattern, words, report, rest)) continue;
    if (!row.told) return std::nullopt;
    SetMeaning(row, report);
    report.message = words;
    return report;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ErrorReport> ParseGeneralLine(const GeneralType& type, std::string_view line) {
  while (line.ends_with('\n')) line.remove_suffix(1);
  for (const LineHead& head : type.heads) {
    ErrorReport report;
    std::string_view words;
    if (MatchPattern(head.pattern, line, report, words)) return ParseWords(head.rows, words, std::move(report));
  }
  return std::nullopt;
}

bool IsGeneralHelper(const GeneralType& type, std::string_view function) {
  return std::ranges::find(type.helpers, FrameFunction(function)) != type.helpers.end();
}

bool IsGeneralObjectLoadable(const ErrorReport& report) {
  return report.kind == Kind::kDataRead || report.kind == Kind::kDataWrite || report.kind == Kind::kWriteback;
}

Specific SpecificOfFields(const GeneralType& type, const ErrorReport& report) {
  Specific specific{.type = std::string(type.type), .fields = {}, .message = std::nullopt};
  for (std::string_view name : type.fields) specific.fields.push_back({std::string(name), ValueOf(name, report)});
  if (!report.message.empty()) specific.message = report.message;
  return specific;
}

Specific GeneralSpecific(const ErrorReport& report) {
  Specific specific{.type = std::string(report.filesystem_type), .fields = report.fields, .message = std::nullopt};
  if (!report.message.empty()) specific.message = report.message;
  return specific;
}

FilesystemModule GeneralModule() { return {.type = "", .specific = GeneralSpecific}; }

}  // namespace fsherald
