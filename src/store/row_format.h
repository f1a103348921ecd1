// SPDX-License-Identifier: MIT
// A notification as a row of the table `notification`, and back (docs/store.md: the row). What is read is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/dictionary.h"
#include "store/entry.h"

namespace fsherald {

// The columns, in their order.
struct Row {
  uint64_t seq = 0;
  int64_t utc_ns = 0;
  int64_t kind = 0;
  uint64_t filesystem = 0;
  uint64_t location = 0;
  std::optional<int64_t> code;
  uint64_t errors = 0;
  uint64_t rows = 1;
  std::string detail;  // with the checksum
};

inline constexpr std::string_view kSelectRow =
    "SELECT seq, utc_ns, kind, filesystem, location, code, errors, rows, detail FROM notification ";
inline constexpr std::string_view kInsertRow = "INSERT INTO notification VALUES(?,?,?,?,?,?,?,?,?)";
inline constexpr std::string_view kInsertRowIfNew = "INSERT OR IGNORE INTO notification VALUES(?,?,?,?,?,?,?,?,?)";
inline constexpr std::string_view kReplaceRow = "INSERT OR REPLACE INTO notification VALUES(?,?,?,?,?,?,?,?,?)";
Row RowOf(const Statement& select);
void BindRow(const Row& row, Statement& insert);

Row PackRow(const EntryView& entry, uint64_t identity, WordIds& words);

// The row is as it was written into the file of this identity.
bool IsWhole(const Row& row, uint64_t identity);
// Empty: damaged, or a word of it is.
std::optional<Entry> UnpackRow(const Row& row, uint64_t identity, Words& words);

// What of a row's detail must be the same for two to be one: origin, corrected, trusted. Of whole rows alone.
uint64_t FlagsOf(const Row& row);
// `first`, whole, but for its counts (`errors`, `rows`), which are those of all that it now stands for, up to this one.
Row MergedRow(const Row& first, uint64_t last_seq, int64_t last_utc_ns, uint64_t identity);

// The words' values.
std::string PackFilesystem(const FilesystemInfo& filesystem);
std::optional<FilesystemInfo> UnpackFilesystem(std::string_view packed);
std::string PackLocation(const Location& location);
std::optional<Location> UnpackLocation(std::string_view packed);

}  // namespace fsherald
