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

// Never of another mode.
bool MakeEmpty(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  return fd && ::fchmod(fd.get(), kFileMode) == 0;
}

// A mark without words is a mark, and one that is in memory alone: what it is to keep from being trusted is in memory too.
void MakeMark(const std::string& path, const std::string& why) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (fd && ::write(fd.get(), why.data(), why.size()) > 0) (void)::fsync(fd.get());
}

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

bool Store::IsThere(const Options& options) {
  const std::string file = options.directory + "/" + options.file_name;
  return std::ranges::any_of(std::array{"", HistoryDirectory::kRenewed, HistoryDirectory::kSalvaging},
                             [&](const char* suffix) { return Exists(file + suffix); });
}

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

void HistoryDirectory::MarkDamaged(const std::string& why) const { MakeMark(Mark(), why); }
void HistoryDirectory::MarkSuspect(const std::string& why) const { MakeMark(SuspectMark(), why); }
bool HistoryDirectory::IsSuspect() const { return Exists(SuspectMark()); }

std::string HistoryDirectory::DamageMarked() const {
  const Fd fd(::open(Mark().c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  char why[1024];
  const ssize_t size = ::read(fd.get(), why, sizeof why);
  return size > 0 ? std::string(why, static_cast<size_t>(size)) : "it was found damaged when it was last used";
}

Result<bool> HistoryDirectory::MakeFile() const {
  if (MakeEmpty(file_)) return true;
  if (errno == EEXIST) return false;
  return HistoryError("make", file_, errno);
}

Status HistoryDirectory::MakeRenewed() const {
  if (!MakeEmpty(renewed())) return HistoryError("make", renewed(), errno);
  return {};
}

Status HistoryDirectory::PutRenewed() const {
  // The file first: what is renewed is put in its place wherever it is missing. The WAL must not meet the new one.
  for (const char* part : kParts)
    if (::unlink((file_ + part).c_str()) != 0 && errno != ENOENT)
      return HistoryError("remove, as there is a new one,", file_ + part, errno);
  if (::rename(renewed().c_str(), file_.c_str()) != 0) return HistoryError("rename the renewed", renewed(), errno);
  if (auto synced = Sync(); !synced) return synced;
  ::unlink(SuspectMark().c_str());
  return {};
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
  ::unlink(SuspectMark().c_str());
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

void HistoryDirectory::DropUnfinished() const {
  for (const std::string& unfinished : {salvaging(), renewed()})
    for (const char* part : kParts) ::unlink((unfinished + part).c_str());
}

namespace {

// A file that is not there, while its WAL is, or what is to take its place: the machine went down between two renames.
Status FinishRenames(const HistoryDirectory& directory, Store::Opening* found) {
  if (Exists(directory.file())) {
    directory.DropUnfinished();
    return {};
  }
  if (Exists(directory.renewed())) return directory.PutRenewed();
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
  directory.DropUnfinished();
  const auto salvaged = Salvage(directory.file(), directory.salvaging(), options.vfs);
  if (salvaged) {
    found->salvaged = salvaged->rows;
    found->lost = salvaged->lost;
  } else {
    directory.DropUnfinished();
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

// A copy of all that can be read of it takes its place. Read it is from memory, which has what the failed sync was to store, whether
// that is on disk or not; when it is in the copy it is.
Status Renew(const HistoryDirectory& directory, const Store::Options& options) {
  directory.DropUnfinished();
  if (auto made = directory.MakeRenewed(); !made) return made;
  {
    auto from = Database::Open(directory.file(), Database::Access::kRead, options.vfs);
    if (!from) return from.error();
    auto into = Database::Open(directory.renewed(), Database::Access::kWrite, options.vfs);
    if (!into) return into.error();
    if (auto set = into->Run("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL"); !set) return set;
    if (auto copied = from->CopyInto(*into); !copied) return copied;
  }
  // Before the old one goes.
  if (auto synced = directory.Sync(); !synced) return synced;
  return directory.PutRenewed();
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

// What is damaged or in doubt is written to no more: another takes its place.
Status MakeFit(const HistoryDirectory& directory, const Store::Options& options, bool is_suspect,
               Store::Opening* found) {
  // So that the WAL is read anew and whole: pages of it that SQLite took for copied into the file need not be there.
  if (is_suspect) ::unlink(directory.shm().c_str());
  auto damage = DamageOf(directory, options);
  if (!damage) return damage.error();
  if (damage->empty() && is_suspect) {
    Status renewed = Renew(directory, options);
    found->renewed = renewed.has_value();
    if (renewed || renewed.error().code != EUCLEAN) return renewed;
    *damage = renewed.error().what;
  }
  return damage->empty() ? Status() : Replace(directory, options, std::move(*damage), found);
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
  const bool is_suspect = options.is_suspect || directory.IsSuspect();
  directory.RollBack(options.vfs);
  found->is_new = !Exists(directory.file());
  if (!found->is_new)
    if (auto fit = MakeFit(directory, options, is_suspect, found); !fit) return fit.error();
  auto writer = OpenWriter(directory, options, found);
  if (!writer && LeavesDoubt(writer.error().code)) directory.MarkSuspect(writer.error().what);
  // EINVAL: its schema is another.
  const bool is_damage = !writer && IsOfTheFile(writer.error());
  if (!is_damage || !found->set_aside.empty()) return writer;
  // What the check has not seen. Of what has just been made, nothing is damaged: so this ends.
  if (auto replaced = Replace(directory, options, writer.error().what, found); !replaced) return replaced.error();
  return OpenWriter(directory, options, found);
}

}  // namespace fsherald
