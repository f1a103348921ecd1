// SPDX-License-Identifier: MIT
#include "store/opening.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "base/clock.h"

namespace fsherald {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;
constexpr size_t kMostSetAside = 3;
constexpr std::array<const char*, 3> kParts = {"", "-wal", "-shm"};

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// "20261126T015100Z": names sort by time.
std::string TimeForName(int64_t utc_ns) {
  const std::time_t seconds = SplitUtcNs(utc_ns).seconds;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char name[32];
  const size_t length = std::strftime(name, sizeof name, "%Y%m%dT%H%M%SZ", &parts);
  return {name, length};
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

}  // namespace

Result<HistoryDirectory> HistoryDirectory::Open(const Store::Options& options) {
  HistoryDirectory directory;
  directory.path_ = options.directory;
  directory.file_ = options.directory + "/" + options.file_name;
  directory.group_ = options.group;
  const bool made = ::mkdir(options.directory.c_str(), kDirectoryMode) == 0;
  if (!made && errno != EEXIST) return HistoryError("make the directory of the history", options.directory, errno);
  directory.fd_.Reset(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.fd_) return HistoryError("open the directory of the history", options.directory, errno);
  if (made && options.group && ::fchown(directory.fd_.get(), static_cast<uid_t>(-1), *options.group) != 0)
    return HistoryError("give the directory of the history to its group", options.directory, errno);
  if (::flock(directory.fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return HistoryError("lock the directory of the history", options.directory, errno);
    return Error{
        "another process writes the history in " + options.directory + ": end it first, or name another directory",
        EBUSY};
  }
  return directory;
}

Status HistoryDirectory::Permit() const {
  for (const char* part : kParts) {
    const std::string path = file_ + part;
    if (!Exists(path)) continue;
    if (group_ && ::chown(path.c_str(), static_cast<uid_t>(-1), *group_) != 0)
      return HistoryError("give the history to its group", path, errno);
    if (::chmod(path.c_str(), kFileMode) != 0) return HistoryError("set the mode of", path, errno);
  }
  return {};
}

Status HistoryDirectory::Sync() const {
  if (::fsync(fd_.get()) != 0) return HistoryError("sync the directory of the history", path_, errno);
  return {};
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

Result<std::string> HistoryDirectory::SetAside() const {
  const std::string stem = file_ + ".damaged-" + TimeForName(UtcNowNs());
  std::string aside = stem;
  for (int n = 2; Exists(aside); ++n) aside = stem + "-" + std::to_string(n);
  ::unlink(shm().c_str());  // of the WAL alone, and made again from it
  if (Exists(wal()) && ::rename(wal().c_str(), (aside + "-wal").c_str()) != 0)
    return HistoryError("rename the damaged", wal(), errno);
  if (::rename(file_.c_str(), aside.c_str()) != 0) return HistoryError("rename the damaged", file_, errno);
  ::unlink(Mark().c_str());
  const std::string prefix = aside.substr(path_.size() + 1, file_.size() - path_.size() - 1) + ".damaged-";
  std::vector<std::string> names = NamesWith(path_, prefix);
  std::erase_if(names, [](const std::string& name) { return name.ends_with("-wal"); });
  for (size_t i = 0; i + kMostSetAside < names.size(); ++i)
    for (const char* part : kParts) ::unlink((path_ + "/" + names[i] + part).c_str());
  return aside;
}

Status HistoryDirectory::PutSalvaged() const {
  if (::rename(salvaging().c_str(), file_.c_str()) != 0) return HistoryError("rename the salvaged", salvaging(), errno);
  return Sync();
}

void HistoryDirectory::DropSalvaging() const {
  for (const char* part : kParts) ::unlink((salvaging() + part).c_str());
}

Result<std::unique_ptr<Writer>> OpenHistory(const HistoryDirectory& directory, const Store::Options& options,
                                            Store::Opening* found) {
  found->is_new = !Exists(directory.file());
  const mode_t mask = ::umask(0777 & ~kFileMode);
  auto writer = Writer::Open(directory.file(), options.vfs);
  ::umask(mask);
  if (!writer) return writer.error();
  if (auto permitted = directory.Permit(); !permitted) return permitted.error();
  if (auto synced = directory.Sync(); !synced) return synced.error();
  return std::move(*writer);
}

}  // namespace fsherald
