// SPDX-License-Identifier: MIT
#include "source/fanotify.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/clock.h"
#include "source/fanotify_abi.h"

namespace fsherald {
namespace {

constexpr unsigned kGroupFlags =
    FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS;

Error WhyNoGroup(int code) {
  switch (code) {
    case EPERM: return {"fanotify is not permitted to this process: it needs CAP_SYS_ADMIN (run as root)", code};
    case ENOSYS: return {"this kernel has no fanotify (CONFIG_FANOTIFY)", code};
    case EINVAL: return {"this kernel's fanotify cannot name file systems (FAN_REPORT_FID, Linux 5.1)", code};
    case EMFILE: return {"no more fanotify groups or files: see fs.fanotify.max_user_groups and ulimit -n", code};
    default: return ErrnoError("fanotify_init", "", code);
  }
}

Result<Fd> OpenGroup() {
  Fd fd(::fanotify_init(kGroupFlags, O_RDONLY | O_CLOEXEC));
  if (!fd) return WhyNoGroup(errno);
  return fd;
}

// The kernel looks at the mask before it looks for the path: a path that cannot exist tells whether it knows FAN_FS_ERROR.
bool KnowsFilesystemErrors(const Fd& group) {
  ::fanotify_mark(group.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, "");
  return errno != EINVAL;
}

// The fsid of what lies on the access path, if it still is this file system. By path, not by descriptor: what is open
// cannot be unmounted.
Result<Fsid> FsidOnPath(const Mounting& mounting) {
  if (mounting.access_path.empty()) return Error{mounting.info.device + " cannot be reached by any path", 0};
  struct statfs statfs_buffer;
  if (::statfs(mounting.access_path.c_str(), &statfs_buffer) != 0) return ErrnoError("statfs", mounting.access_path);
  static_assert(sizeof(statfs_buffer.f_fsid) == sizeof(uint32_t[2]));
  std::array<uint32_t, 2> words;
  std::memcpy(words.data(), &statfs_buffer.f_fsid, sizeof(words));
  struct stat stat_buffer;
  if (::stat(mounting.access_path.c_str(), &stat_buffer) != 0) return ErrnoError("stat", mounting.access_path);
  DeviceNumber dev{major(stat_buffer.st_dev), minor(stat_buffer.st_dev)};
  Fsid fsid{words[0], words[1]};
  if (mounting.info.fsid.value_or(fsid) != fsid || mounting.info.dev.value_or(dev) != dev)
    return Error{mounting.access_path + " is another file system by now", 0};
  return fsid;
}

}  // namespace

bool FanotifyCovers(const FilesystemModule* module, std::string_view kernel_release) {
  return module != nullptr && module->sends_fanotify != nullptr && module->sends_fanotify(kernel_release);
}

Result<std::unique_ptr<FanotifySource>> FanotifySource::Open() {
  Result<Fd> fd = OpenGroup();
  if (!fd) return fd.error();
  if (!KnowsFilesystemErrors(*fd)) {
    return Error{"this kernel's fanotify does not tell of file system errors (FAN_FS_ERROR, Linux 5.16)", 0};
  }
  std::unique_ptr<FanotifySource> source(new FanotifySource);
  source->groups_.push_back({std::move(*fd), {}, BoottimeNowNs()});
  return source;
}

Result<FanotifySource::Group*> FanotifySource::GroupWithout(Fsid fsid) {
  for (Group& group : groups_) {
    auto same = [&](const Member& member) { return member.fsid == fsid; };
    if (std::ranges::none_of(group.members, same)) return &group;
  }
  Result<Fd> fd = OpenGroup();
  if (!fd) return fd.error();
  groups_.push_back({std::move(*fd), {}, BoottimeNowNs()});
  return &groups_.back();
}

Status FanotifySource::Mark(const Mounting& mounting) {
  FilesystemKey key{mounting.key};
  for (const Group& group : groups_) {
    if (std::ranges::find(group.members, key, &Member::key) != group.members.end()) return {};
  }
  Result<Fsid> fsid = FsidOnPath(mounting);
  if (!fsid) return fsid.error();
  Result<Group*> group = GroupWithout(*fsid);
  if (!group) return group.error();
  int fd = (*group)->fd.get();
  const char* path = mounting.access_path.c_str();
  if (::fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, path) != 0)
    return ErrnoError("fanotify_mark", mounting.access_path);
  if (Result<Fsid> marked = FsidOnPath(mounting); !marked || *marked != *fsid) {
    ::fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, path);
    return marked ? Error{mounting.access_path + " is another file system by now", 0} : marked.error();
  }
  (*group)->members.push_back({*fsid, key});
  return {};
}

void FanotifySource::Forget(FilesystemKey key) {
  for (Group& group : groups_) {
    auto member = std::ranges::find(group.members, key, &Member::key);
    if (member == group.members.end()) continue;
    Drain(group, BoottimeNowNs());  // what is queued is still its own: the next with this fsid is another
    group.members.erase(member);
  }
}

std::vector<int> FanotifySource::fds() const {
  std::vector<int> fds;
  for (const Group& group : groups_) fds.push_back(group.fd.get());
  return fds;
}

FanotifyEvents FanotifySource::Read(uint64_t now_boottime_ns) {
  for (Group& group : groups_) Drain(group, now_boottime_ns);
  return std::exchange(pending_, {});
}

// Metadata, an error record, and a FID with the largest handle (MAX_HANDLE_SZ, 128).
constexpr size_t kMaxEventBytes = 512;

void FanotifySource::Drain(Group& group, uint64_t now_boottime_ns) {
  alignas(fanotify_abi::Metadata) std::array<std::byte, 16384> buffer;
  for (;;) {
    ssize_t size = ::read(group.fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    Add(group, ParseFanotify(Bytes(buffer).first(static_cast<size_t>(size)), now_boottime_ns), now_boottime_ns);
    group.last_read_boottime_ns = now_boottime_ns;
    // read(2) gives whole events while they fit: where another would have fitted, the queue was empty.
    if (static_cast<size_t>(size) + kMaxEventBytes <= buffer.size()) break;
  }
}

void FanotifySource::Add(const Group& group, FanotifyBatch&& batch, uint64_t now_boottime_ns) {
  for (FanotifyRecord& record : batch.records) {
    auto member = std::ranges::find(group.members, record.fsid, &Member::fsid);
    if (member == group.members.end()) {
      pending_.unknown += record.signal.count;
    } else {
      pending_.errors.emplace_back(member->key, std::move(record.signal));
    }
  }
  if (batch.overflows > 0) {
    pending_.gaps.push_back({.from_boottime_ns = group.last_read_boottime_ns,
                             .to_boottime_ns = now_boottime_ns,
                             .source = SourceId::kFanotify,
                             .count = std::nullopt,
                             .exact = false});
  }
  pending_.refused += batch.refused;
}

}  // namespace fsherald
