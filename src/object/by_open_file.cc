// SPDX-License-Identifier: MIT
#include "object/by_open_file.h"

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <utility>
#include <vector>

#include "object/mount_entry.h"

namespace fsherald {
namespace {

constexpr int kMaxFiles = 4096;

// The mounts of the file system, each opened when a path below it is met first.
class Mounts {
 public:
  explicit Mounts(const PathQuery& query) : query_(query) {
    for (const std::string& mount_point : query.filesystem.mounts) mounts_.push_back(Mount{mount_point, false, {}});
  }

  // What is found, if this path is that of the inode asked for.
  std::optional<FoundPath> Check(const std::string& path) {
    for (Mount& mount : mounts_) {
      const auto relative = PartBelow(path, mount.path);
      if (!relative) continue;
      if (!std::exchange(mount.tried, true)) mount.entry = MountEntry::Open(mount.path, query_.filesystem);
      if (!mount.entry) continue;
      const auto match = mount.entry->LeadsTo(*relative, query_.inode, query_.generation);
      if (match) return FoundPath{path, PathSource::kOpenFile, match->generation};
    }
    return std::nullopt;
  }

 private:
  struct Mount {
    std::string path;
    bool tried = false;
    std::optional<MountEntry> entry;
  };
  const PathQuery& query_;
  std::vector<Mount> mounts_;
};

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::optional<FoundPath> CheckTask(const std::string& task_directory, Mounts& mounts) {
  for (const char* name : {"/cwd", "/root", "/exe"}) {
    const auto path = ReadLink(AT_FDCWD, task_directory + name);
    if (!path) continue;
    if (auto found = mounts.Check(*path)) return found;
  }
  const std::unique_ptr<DIR, DirectoryCloser> files(::opendir((task_directory + "/fd").c_str()));
  if (!files) return std::nullopt;
  int left = kMaxFiles;
  for (const dirent* file = ::readdir(files.get()); file != nullptr && left > 0;
       file = ::readdir(files.get()), --left) {
    const auto path = ReadLink(::dirfd(files.get()), file->d_name);
    if (!path) continue;
    if (auto found = mounts.Check(*path)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<FoundPath> FindByOpenFile(const PathQuery& query, const std::string& proc_root) {
  if (!query.task) return std::nullopt;
  Mounts mounts(query);
  const uint32_t tid = query.task->tid.value_or(0);
  const uint32_t pid = query.task->pid.value_or(0);
  if (tid != 0) {
    if (auto found = CheckTask(proc_root + "/" + std::to_string(tid), mounts)) return found;
  }
  if (pid != 0 && pid != tid) {  // the thread may be gone, and its process not
    return CheckTask(proc_root + "/" + std::to_string(pid), mounts);
  }
  return std::nullopt;
}

}  // namespace fsherald
