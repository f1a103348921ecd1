// SPDX-License-Identifier: MIT
#include "store/opening.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "base/clock.h"
#include "store/check.h"
#include "store/salvage.h"

namespace fsherald {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;
constexpr size_t kMostSetAside = 3;
constexpr std::array<const char*, 3> kParts = {"", "-wal", "-shm"};

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// "20261126T015100.123456Z": names sort by time.
std::string TimeForName(int64_t utc_ns) {
  const UtcTime time = SplitUtcNs(utc_ns);
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char name[32];
  const size_t length = std::strftime(name, sizeof name, "%Y%m%dT%H%M%S", &parts);
  return fmt::format("{}.{:06}Z", std::string_view(name, length), time.nanoseconds / 1000);
}

// The files of a directory whose names begin so, in order.
std::vector<std::string> NamesWith(const std::string& directory, std::string_view prefix) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir))
    if (std::string_view(entry->d_name).starts_with(prefix)) names.emplace_back(entry->d_name);
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

// False: we may not. Without CAP_CHOWN one gives what is his own to groups that he is in (chown(2)). EINVAL: our user namespace does
// not have the group. Neither is a reason to store nothing.
Result<bool> GiveTo(gid_t group, const std::string& path) {
  if (::chown(path.c_str(), static_cast<uid_t>(-1), group) == 0) return true;
  if (errno == EPERM || errno == EINVAL) return false;
  return HistoryError("give the history to its group", path, errno);
}

}  // namespace

Result<HistoryDirectory> HistoryDirectory::Open(const Store::Options& options) {
  HistoryDirectory directory;
  directory.path_ = options.directory;
  directory.file_ = options.directory + "/" + options.file_name;
  directory.group_ = options.group.value_or(::getegid());
  if (::mkdir(options.directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return HistoryError("make the directory of the history", options.directory, errno);
  directory.fd_.Reset(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.fd_) return HistoryError("open the directory of the history", options.directory, errno);
  if (::flock(directory.fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return HistoryError("lock the directory of the history", options.directory, errno);
    return Error{
        "another process writes the history in " + options.directory + ": end it first, or name another directory",
        EBUSY};
  }
  return directory;
}

// One that lets its group through and nobody else, and has nothing in it but the history: else it is not ours to give.
Result<bool> HistoryDirectory::PermitDirectory() const {
  struct stat directory {};
  if (::fstat(fd_.get(), &directory) != 0) return HistoryError("look at the directory of the history", path_, errno);
  if ((directory.st_mode & (S_IXGRP | S_IXOTH)) != S_IXGRP) return true;
  const std::string own = file_.substr(path_.size() + 1);
  const bool has_others = std::ranges::any_of(NamesWith(path_, ""), [&](const std::string& name) {
    return name != "." && name != ".." && !name.starts_with(own);
  });
  return has_others ? Result<bool>(true) : GiveTo(group_, path_);
}

Result<bool> HistoryDirectory::Permit() const {
  auto is_given = PermitDirectory();
  if (!is_given) return is_given;
  for (const char* part : kParts) {
    const std::string path = file_ + part;
    if (!Exists(path)) continue;
    auto given = GiveTo(group_, path);
    if (!given) return given;
    is_given = *is_given && *given;
    if (::chmod(path.c_str(), kFileMode) != 0) return HistoryError("set the mode of", path, errno);
  }
  return is_given;
}

Status HistoryDirectory::Sync() const {
  if (::fsync(fd_.get()) != 0) return HistoryError("sync the directory of the history", path_, errno);
  return {};
}

void HistoryDirectory::RollBack(const std::string& vfs) const {
  if (!Exists(file_) || !Exists(file_ + "-journal")) return;
  // SQLite undoes it when it first reads, if it may write. What else is wrong, the check will find.
  if (auto database = Database::Open(file_, Database::Access::kWrite, vfs))
    (void)database->Number("SELECT count(*) FROM sqlite_schema");
}

void HistoryDirectory::MarkDamaged(const std::string& why) const {
  const Fd fd(::open(Mark().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  // A mark without words is a mark.
  if (fd && ::write(fd.get(), why.data(), why.size()) > 0) (void)::fsync(fd.get());
}

std::string HistoryDirectory::DamageMarked() const {
  const Fd fd(::open(Mark().c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  char why[1024];
  const ssize_t size = ::read(fd.get(), why, sizeof why);
  return size > 0 ? std::string(why, static_cast<size_t>(size)) : "it was found damaged when it was last used";
}

Result<bool> HistoryDirectory::MakeFile() const {
  const Fd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!fd && errno == EEXIST) return false;
  if (!fd || ::fchmod(fd.get(), kFileMode) != 0) return HistoryError("make", file_, errno);
  return true;
}

Result<std::string> HistoryDirectory::SetAside() const {
  const std::string stem = file_ + ".damaged-" + TimeForName(UtcNowNs());
  std::string aside = stem;
  for (int n = 2; Exists(aside) || Exists(aside + "-wal"); ++n) aside = stem + "-" + std::to_string(n);
  // The file first: a WAL without it is known for what it is, a file without its WAL is not.
  if (Exists(file_) && ::rename(file_.c_str(), aside.c_str()) != 0)
    return HistoryError("rename the damaged", file_, errno);
  if (Exists(wal()) && ::rename(wal().c_str(), (aside + "-wal").c_str()) != 0)
    return HistoryError("rename the damaged", wal(), errno);
  ::unlink(shm().c_str());  // of the WAL alone, and made again from it
  ::unlink(Mark().c_str());
  DropOldest();
  return aside;
}

void HistoryDirectory::DropOldest() const {
  std::vector<std::string> names = NamesWith(path_, file_.substr(path_.size() + 1) + ".damaged-");
  std::erase_if(names, [](const std::string& name) { return name.ends_with("-wal"); });
  for (size_t i = 0; i + kMostSetAside < names.size(); ++i)
    for (const char* part : kParts) ::unlink((path_ + "/" + names[i] + part).c_str());
}

Status HistoryDirectory::PutSalvaged() const {
  if (::rename(salvaging().c_str(), file_.c_str()) != 0) return HistoryError("rename the salvaged", salvaging(), errno);
  return Sync();
}

void HistoryDirectory::DropSalvaging() const {
  for (const char* part : kParts) ::unlink((salvaging() + part).c_str());
}

namespace {

// A file that is not there, while its WAL is, or what was salvaged of it: the machine went down between two renames.
Status FinishRenames(const HistoryDirectory& directory, Store::Opening* found) {
  if (Exists(directory.file())) {
    directory.DropSalvaging();
    return {};
  }
  if (Exists(directory.wal())) {
    auto aside = directory.SetAside();
    if (!aside) return aside.error();
    found->set_aside = *aside + "-wal";
    found->why = "its WAL was there without it";
  }
  return Exists(directory.salvaging()) ? directory.PutSalvaged() : Status();
}

// An error of the file itself, which another try will not read either. All others are of what is around it: the disk is full,
// read-only, fails, memory is short.
bool IsOfTheFile(const Error& error) { return error.code == EUCLEAN || error.code == EINVAL; }

// What can be read of it takes its place. Where there is no room for that now, it stays where it is, for the next opening.
Status Replace(const HistoryDirectory& directory, const Store::Options& options, std::string why,
               Store::Opening* found) {
  found->why = std::move(why);
  directory.DropSalvaging();
  const auto salvaged = Salvage(directory.file(), directory.salvaging(), options.vfs);
  if (salvaged) {
    found->salvaged = salvaged->rows;
    found->lost = salvaged->lost;
  } else {
    directory.DropSalvaging();
    if (!IsOfTheFile(salvaged.error())) {
      found->unsalvaged = salvaged.error().ToString();
      return Error{"salvage " + directory.file() + ", which is damaged (" + found->why + "): " + salvaged.error().what,
                   salvaged.error().code};
    }
    found->why += "; and nothing of it could be salvaged: " + salvaged.error().ToString();
  }
  auto aside = directory.SetAside();
  if (!aside) return aside.error();
  found->set_aside = std::move(*aside);
  return salvaged ? directory.PutSalvaged() : directory.Sync();
}

// Why the file must be replaced; empty: it need not. What a newer fsherald wrote is an error.
Result<std::string> DamageOf(const HistoryDirectory& directory, const Store::Options& options) {
  std::string marked = directory.DamageMarked();
  if (!marked.empty()) return marked;
  auto verdict = CheckHistory(directory.file(), options.vfs);
  if (!verdict) return verdict.error();
  if (verdict->fitness == Verdict::Fitness::kNewer) return Error{std::move(verdict->why)};
  return verdict->fitness == Verdict::Fitness::kDamaged ? std::move(verdict->why) : std::string();
}

Result<std::unique_ptr<Writer>> OpenWriter(const HistoryDirectory& directory, const Store::Options& options,
                                           Store::Opening* found) {
  if (auto made = directory.MakeFile(); !made) return made.error();
  auto writer = Writer::Open(directory.file(), {.vfs = options.vfs, .settings = Writer::kDurable});
  if (!writer) return writer.error();
  const auto is_given = directory.Permit();
  if (!is_given) return is_given.error();
  found->group_refused = !*is_given;
  if (auto synced = directory.Sync(); !synced) return synced.error();
  return std::move(*writer);
}

}  // namespace

Result<std::unique_ptr<Writer>> OpenHistory(const HistoryDirectory& directory, const Store::Options& options,
                                            Store::Opening* found) {
  if (auto finished = FinishRenames(directory, found); !finished) return finished.error();
  directory.RollBack(options.vfs);
  found->is_new = !Exists(directory.file());
  if (!found->is_new) {
    auto damage = DamageOf(directory, options);
    if (!damage) return damage.error();
    if (!damage->empty())
      if (auto replaced = Replace(directory, options, std::move(*damage), found); !replaced) return replaced.error();
  }
  auto writer = OpenWriter(directory, options, found);
  // EINVAL: its schema is another.
  const bool is_damage = !writer && IsOfTheFile(writer.error());
  if (!is_damage || !found->set_aside.empty()) return writer;
  // What the check has not seen. Of what has just been made, nothing is damaged: so this ends.
  if (auto replaced = Replace(directory, options, writer.error().what, found); !replaced) return replaced.error();
  return OpenWriter(directory, options, found);
}

}  // namespace fsherald
