// SPDX-License-Identifier: MIT
// File systems that speak in the kernel's log alone: each is a table of what its lines mean. And what file systems without
// a row anywhere have in common.
#pragma once

#include <span>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

// What one line means. Patterns: log_pattern.h.
struct LineRow {
  std::string_view pattern;
  Kind kind = Kind::kMetadata;
  int code = 0;      // errno, where the function that prints the line always fails with it; 0: not known
  bool told = true;  // false: no error (a wrong type, a feature that this kernel lacks, news)
  ErrorReport::Meaning meaning = ErrorReport::Meaning::kError;
  // As in ErrorReport. In a topic that ends in '#', the inode's or the block's number is there instead.
  std::string_view topic = {};
  bool follows = false;
  uint32_t part = 0;
  bool more = false;
  bool by_worker = false;  // the task that prints it is a worker's: who wanted it may say more
  bool corrected = false;
  bool healthy = false;  // what was wrong no longer is: corrected, and no error
};

// What stands before the words, and what they mean: the first row that fits counts, a line of none is not told.
struct LineHead {
  std::string_view pattern;
  std::span<const LineRow> rows;
};

struct GeneralType {
  std::string_view type;
  std::span<const std::string_view> prefixes;
  std::span<const LineHead> heads;                 // the first that fits counts
  std::span<const std::string_view> fields;        // of the specific record: always these, in this order
  std::span<const std::string_view> helpers = {};  // functions that only print
  bool (*sends_fanotify)(std::string_view kernel_release) = nullptr;
  const Advice* advice = nullptr;
};

std::optional<ErrorReport> ParseGeneralLine(const GeneralType& type, std::string_view line);
bool IsGeneralHelper(const GeneralType& type, std::string_view function);
// Only of a file's data: to load a damaged inode again would raise its error again.
bool IsGeneralObjectLoadable(const ErrorReport& report);
// A record of the type's fields, each null where the report has it not.
Specific SpecificOfFields(const GeneralType& type, const ErrorReport& report);

// The row of a type that is a table.
template <const GeneralType& kType>
FilesystemModule TableModule() {
  return {
      .type = kType.type,
      .log_prefixes = kType.prefixes,
      .parse_log = [](std::string_view line) { return ParseGeneralLine(kType, line); },
      .is_reporting_helper = [](std::string_view function) { return IsGeneralHelper(kType, function); },
      .specific = [](const ErrorReport& report) { return SpecificOfFields(kType, report); },
      .object_is_loadable = IsGeneralObjectLoadable,
      .sends_fanotify = kType.sends_fanotify,
      .advice = kType.advice,
  };
}

// The row of all types that have none.
FilesystemModule GeneralModule();

// A file-system-specific record of just what the report says.
Specific GeneralSpecific(const ErrorReport& report);

}  // namespace fsherald
