// SPDX-License-Identifier: MIT
// `fsherald history`: what the store has kept, as a table, as blocks, as JSON, as CSV; and what comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/terminal.h"

namespace fsherald {

struct HistoryOptions {
  enum class Form { kTable, kBlocks, kJson, kCsv };
  std::string store;
  Form form = Form::kTable;
  std::string since;  // as ParseTime has it; empty: all
  std::string until;
  std::string filesystem;  // a device, a uuid, a type or a mount point
  std::string kind;
  std::string function;
  std::optional<uint64_t> count;  // only the newest
  bool newest_first = false;
  bool follow = false;
  Color color = Color::kAuto;
};

// Returns the exit code: 2 a time or a kind that is none, 3 there is no history, 4 not permitted to read it.
int RunHistory(const HistoryOptions& options);

}  // namespace fsherald
