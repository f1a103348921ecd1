// SPDX-License-Identifier: MIT
// The owners of SQLite's connections and statements, and its errors as ours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fsherald {

// One prepared statement. Its Database must outlive it. Bindings are copied; columns are views until the next Step or Reset.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)), path_(std::move(other.path_)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    std::swap(path_, other.path_);
    return *this;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  // From 1 on, in the order of the statement.
  Statement& Bind(int64_t value);
  Statement& Bind(uint64_t value) { return Bind(static_cast<int64_t>(value)); }  // the same bits
  Statement& Bind(int value) { return Bind(static_cast<int64_t>(value)); }
  Statement& BindNull();
  Statement& BindBlob(std::string_view bytes);

  // True: there is a row. False: the end.
  Result<bool> Step();
  // To the end, without a look at the rows; ready to be bound again.
  Status Run();
  void Reset();  // ready to be bound again

  // From 0 on.
  int64_t Int(int column) const;
  uint64_t Uint(int column) const { return static_cast<uint64_t>(Int(column)); }
  bool IsNull(int column) const;
  std::string_view Blob(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, std::string path) : statement_(statement), path_(std::move(path)) {}
  sqlite3_stmt* statement_ = nullptr;
  std::string path_;
  int bound_ = 0;
};

class Database {
 public:
  enum class Access {
    kCreate,
    kWrite,
    kRead,
    kReadFileAlone,  // as if it had no WAL
  };

  Database() = default;
  Database(Database&& other) noexcept
      : db_(std::exchange(other.db_, nullptr)),
        path_(std::move(other.path_)),
        wal_pages_(std::move(other.wal_pages_)) {}
  Database& operator=(Database&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(path_, other.path_);
    std::swap(wal_pages_, other.wal_pages_);
    return *this;
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // No checkpoint is made by itself, neither after a commit nor at the end; WAL and shm stay (readers that may not write
  // need them). `vfs`: empty: the default.
  static Result<Database> Open(const std::string& path, Access access, const std::string& vfs = "");

  Status Run(const char* sql);  // any number of statements; rows are dropped
  Result<Statement> Prepare(std::string_view sql);
  Result<int64_t> Number(std::string_view sql);  // the first column of the first row; 0: there is none

  // Copies from the WAL into the file what readers let it copy. `truncate`: and empties the WAL if nobody reads.
  Status Checkpoint(bool truncate = false);
  // Every page as it is now, those in the WAL too, under the same number; `into` has nothing yet. As durable as its settings say.
  Status CopyInto(Database& into);
  bool InTransaction() const;
  int WalPages() const { return *wal_pages_; }  // in the WAL, as of the last commit

  const std::string& path() const { return path_; }

 private:
  Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_ = nullptr;
  std::string path_;
  std::unique_ptr<int> wal_pages_ = std::make_unique<int>(0);  // SQLite writes to it: its place must not move
};

// Whether an error of this code leaves in doubt what of a file is on disk: of what a failed sync or write was to store, memory
// may hold for written what is not. Not where there is no room, or where nothing was written yet. A failed sync is EIO always.
bool LeavesDoubt(int code);

// A sentence that names the path and says what to do. `code`: errno.
Error HistoryError(std::string_view action, const std::string& path, int code, std::string_view detail = "");

}  // namespace fsherald
