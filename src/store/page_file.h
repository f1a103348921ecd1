// SPDX-License-Identifier: MIT
// The pages of an SQLite file as they lie on disk, read without SQLite: for a file that SQLite will not read. The file and
// its WAL are hostile. The format: https://sqlite.org/fileformat2.html, sections 1.6 (b-tree pages), 1.5 (varints), 2.1
// (records) and 4 (the WAL).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

inline constexpr size_t kPageBytes = 4096;  // of all our files

class PageFile {
 public:
  // The file, and its WAL where there is one.
  static Result<PageFile> Open(const std::string& path);

  uint32_t page_count() const { return page_count_; }  // of the file
  // False: it cannot be read, or only a part is there. From 1 on.
  bool ReadFile(uint32_t page, std::string& bytes) const;

  // The latest image of each page that has been committed in the WAL.
  const std::unordered_map<uint32_t, uint64_t>& committed() const { return committed_; }
  // Images behind the first frame that is damaged: they may have been committed.
  const std::vector<uint64_t>& doubtful() const { return doubtful_; }
  bool ReadWal(uint64_t offset, std::string& bytes) const;

 private:
  PageFile() = default;
  void ReadWalIndex();

  Fd file_;
  Fd wal_;
  uint32_t page_count_ = 0;
  std::unordered_map<uint32_t, uint64_t> committed_;  // page to offset in the WAL
  std::vector<uint64_t> doubtful_;
};

// A record's columns.
using SqliteValue = std::variant<std::monostate, int64_t, std::string>;  // floating point numbers: monostate
struct SqliteRow {
  int64_t rowid = 0;
  std::vector<SqliteValue> columns;
};

// The rows of a leaf page of a table; nothing of any other page. What is damaged is left out. `page`: its number, the first
// has a header before it. `overflow`: gives the bytes of another page, false where there is none.
void ForEachRow(std::string_view bytes, uint32_t page, const std::function<bool(uint32_t, std::string&)>& overflow,
                const std::function<void(const SqliteRow&)>& each);

}  // namespace fsherald
