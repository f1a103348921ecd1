// SPDX-License-Identifier: MIT
#include "store/sqlite.h"

#include <sqlite3.h>

#include <array>

namespace fsherald {
namespace {

constexpr int kBusyMs = 2000;

// What errno would say; 0: nothing fits.
int ErrnoOf(sqlite3* db, int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return EUCLEAN;
    case SQLITE_FULL: return ENOSPC;
    case SQLITE_READONLY: return EROFS;
    case SQLITE_NOMEM: return ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return EBUSY;
    case SQLITE_PERM:
    case SQLITE_AUTH: return EACCES;
    case SQLITE_IOERR: {
      // What cannot be read is damage, also if it is the disk's: what else there is can be had.
      if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS)
        return EUCLEAN;
      // Whatever errno was (a disk that is full may show only now): see LeavesDoubt.
      if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) return EIO;
      const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
      return system != 0 ? system : EIO;
    }
    case SQLITE_CANTOPEN: {
      const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
      return system != 0 ? system : EACCES;
    }
    default: return EINVAL;
  }
}

Error ErrorOf(sqlite3* db, std::string_view action, const std::string& path) {
  const int code = db != nullptr ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  return HistoryError(action, path, ErrnoOf(db, code), db != nullptr ? sqlite3_errmsg(db) : "");
}

// As a URI, in which these three mean something.
std::string WithoutWal(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%') uri += "%25";
    else if (c == '?') uri += "%3f";
    else if (c == '#') uri += "%23";
    else uri += c;
  }
  return uri + "?immutable=1";
}

const char* Advice(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT: return "make room on its file system";
    case EROFS: return "its file system or the file is read-only: make it writable";
    case EIO: return "the disk below fails: see what the kernel's log says of it";
    case EUCLEAN: return "it is damaged: the daemon sets it aside when it opens it next, and keeps what can be read";
    case EACCES:
    case EPERM: return "read it as root or as a member of the group it belongs to";
    case EBUSY:
    case EAGAIN: return "another process holds it: see which with fuser";
    default: return nullptr;
  }
}

}  // namespace

bool LeavesDoubt(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EBUSY:
    case EROFS:
    case EACCES:
    case EUCLEAN:
    case EINVAL: return false;
    default: return true;
  }
}

Error HistoryError(std::string_view action, const std::string& path, int code, std::string_view detail) {
  std::string what(action);
  what.append(" ").append(path);
  std::string more;
  if (!detail.empty()) more = detail;
  if (const char* advice = Advice(code)) more.append(more.empty() ? "" : "; ").append(advice);
  if (!more.empty()) what.append(" (").append(more).append(")");
  return Error{std::move(what), code};
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Statement& Statement::BindNull() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Statement& Statement::BindBlob(std::string_view bytes) {
  // Not null where it is empty: SQLite makes null of a null pointer.
  sqlite3_bind_blob64(statement_, ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error =
      ErrorOf(sqlite3_db_handle(statement_), sqlite3_stmt_readonly(statement_) != 0 ? "read" : "write", path_);
  Reset();
  return error;
}

Status Statement::Run() {
  while (true) {
    const auto row = Step();
    if (!row) return row.error();
    if (!*row) break;
  }
  Reset();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  bound_ = 0;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::~Database() { sqlite3_close(db_); }

Result<Database> Database::Open(const std::string& path, Access access, const std::string& vfs) {
  constexpr std::array<int, 4> kFlags = {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE,
                                         SQLITE_OPEN_READONLY, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI};
  sqlite3* db = nullptr;
  const std::string name = access == Access::kReadFileAlone ? WithoutWal(path) : path;
  const int code = sqlite3_open_v2(name.c_str(), &db, kFlags[static_cast<size_t>(access)] | SQLITE_OPEN_NOMUTEX,
                                   vfs.empty() ? nullptr : vfs.c_str());
  Database database(db, path);
  if (code != SQLITE_OK) return ErrorOf(db, "open", path);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, kBusyMs);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  int keep = 1;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  // This takes the place of the automatic checkpoint, whose errors nobody would be told.
  sqlite3_wal_hook(
      db,
      [](void* pages, sqlite3*, const char*, int in_wal) {
        *static_cast<int*>(pages) = in_wal;
        return SQLITE_OK;
      },
      database.wal_pages_.get());
  if (auto set = database.Run("PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"); !set)
    return set.error();
  return database;
}

Status Database::Run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return ErrorOf(db_, "use", path_);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK)
    return ErrorOf(db_, "use", path_);
  return Statement(statement, path_);
}

Result<int64_t> Database::Number(std::string_view sql) {
  auto statement = Prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->Step();
  if (!row) return row.error();
  return *row ? statement->Int(0) : 0;
}

Status Database::Checkpoint(bool truncate) {
  const int code = sqlite3_wal_checkpoint_v2(
      db_, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  return ErrorOf(db_, "write", path_);
}

Status Database::CopyInto(Database& into) {
  sqlite3_backup* const backup = sqlite3_backup_init(into.db_, "main", db_, "main");
  if (backup == nullptr) return ErrorOf(into.db_, "write", into.path_);
  constexpr int kAllPages = -1;
  const int code = sqlite3_backup_step(backup, kAllPages);
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  const int error = ErrnoOf(into.db_, code);
  // What is damaged can only be what is read.
  return HistoryError("copy to " + into.path_, path_, error, sqlite3_errstr(code));
}

bool Database::InTransaction() const { return sqlite3_get_autocommit(db_) == 0; }

}  // namespace fsherald
