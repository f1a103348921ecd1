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

namespace {

std::string NameOfGroup(size_t index) { return "fanotify." + std::to_string(index); }

}  // namespace

Result<std::unique_ptr<FanotifySource>> FanotifySource::Open(Left left) {
  std::unique_ptr<FanotifySource> taken_over(new FanotifySource);
  if (left.fds != nullptr)
    while (Fd fd = left.fds->Take(NameOfGroup(taken_over->groups_.size())))
      taken_over->groups_.push_back({std::move(fd), {}, BoottimeNowNs()});
  if (!taken_over->groups_.empty()) {
    taken_over->left_ = std::move(left.places);
    taken_over->is_taken_over_ = true;
    return taken_over;
  }
  Result<Fd> fd = OpenGroup();
  if (!fd) return fd.error();
  if (!KnowsFilesystemErrors(*fd)) {
    return Error{"this kernel's fanotify does not tell of file system errors (FAN_FS_ERROR, Linux 5.16)", 0};
  }
  std::unique_ptr<FanotifySource> source(new FanotifySource);
  source->groups_.push_back({std::move(*fd), {}, BoottimeNowNs()});
  return source;
}

// Where the earlier process had marked it, else the first group without its fsid. A place that is not taken up yet is kept for
// whom it was.
Result<FanotifySource::Group*> FanotifySource::GroupFor(Fsid fsid, DeviceNumber dev) {
  for (const Place& place : left_)
    if (place.fsid == fsid && place.dev == dev && place.group < groups_.size()) return &groups_[place.group];
  for (Group& group : groups_) {
    auto same = [&](const auto& other) { return other.fsid == fsid; };
    const auto index = static_cast<uint32_t>(&group - groups_.data());
    const bool is_left = std::ranges::any_of(left_, [&](const Place& p) { return p.group == index && same(p); });
    if (!is_left && std::ranges::none_of(group.members, same)) return &group;
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
  const DeviceNumber dev = mounting.info.dev.value_or(DeviceNumber{});
  Result<Group*> group = GroupFor(*fsid, dev);
  if (!group) return group.error();
  int fd = (*group)->fd.get();
  const char* path = mounting.access_path.c_str();
  if (::fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, path) != 0)
    return ErrnoError("fanotify_mark", mounting.access_path);
  if (Result<Fsid> marked = FsidOnPath(mounting); !marked || *marked != *fsid) {
    ::fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, path);
    return marked ? Error{mounting.access_path + " is another file system by now", 0} : marked.error();
  }
  const auto index = static_cast<uint32_t>(*group - groups_.data());
  const bool was_marked_before =
      std::ranges::any_of(left_, [&](const Place& p) { return p.group == index && p.fsid == *fsid && p.dev == dev; });
  (*group)->members.push_back({*fsid, key, dev, was_marked_before});
  return {};
}

void FanotifySource::Forget(FilesystemKey key) {
  for (Group& group : groups_) {
    auto member = std::ranges::find(group.members, key, &Member::key);
    if (member == group.members.end()) continue;
    Drain(group, BoottimeNowNs());  // what is queued is still its own: the next with this fsid is another
    std::erase_if(left_, [&](const Place& place) { return place.fsid == member->fsid && place.dev == member->dev; });
    group.members.erase(member);
  }
}

bool FanotifySource::WasMarkedBefore(FilesystemKey key) const {
  for (const Group& group : groups_)
    for (const Member& member : group.members)
      if (member.key == key) return member.was_marked_before;
  return false;
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
  alignas(fanotify_abi::Metadata) std::array<std::byte, RawReads::kReadBytes> own;
  for (;;) {
    std::span<std::byte> buffer = own;
    const ssize_t size = ReadOnce(group, buffer);
    if (size == 0) return;
    if (size < 0) break;
    Add(group, ParseFanotify(Bytes(buffer).first(static_cast<size_t>(size)), now_boottime_ns), now_boottime_ns);
    // read(2) gives whole events while they fit: where another would have fitted, the queue was empty.
    if (static_cast<size_t>(size) + kMaxEventBytes <= buffer.size()) break;
  }
  group.emptied_boottime_ns = now_boottime_ns;
}

// Into `buffer`, or into memory that outlives us. -1: nothing there. 0: no room for it: then it stays where it is.
ssize_t FanotifySource::ReadOnce(const Group& group, std::span<std::byte>& buffer) {
  if (reads_ != nullptr) buffer = reads_->Begin(static_cast<uint32_t>(&group - groups_.data()));
  if (buffer.empty()) return 0;
  ssize_t size = 0;
  do size = ::read(group.fd.get(), buffer.data(), buffer.size());
  while (size < 0 && errno == EINTR);
  if (size <= 0 && reads_ != nullptr) reads_->Cancel();
  return size;
}

// The events end where the room is clear still.
void FanotifySource::ReadInto(RawReads& reads, uint64_t now_boottime_ns) {
  reads_ = &reads;
  reads.TakeUp([&](uint32_t index, Bytes bytes) {
    size_t end = 0;
    while (end + sizeof(fanotify_abi::Metadata) <= bytes.size()) {
      const auto metadata = *ByteReader(bytes.subspan(end)).Read<fanotify_abi::Metadata>();
      if (metadata.event_len < sizeof metadata || metadata.event_len > bytes.size() - end) break;
      end += metadata.event_len;
    }
    if (is_taken_over_ && index < groups_.size())
      Add(groups_[index], ParseFanotify(bytes.first(end), now_boottime_ns), now_boottime_ns);
  });
}

std::vector<FanotifySource::Place> FanotifySource::places() const {
  std::vector<Place> places = left_;
  for (uint32_t group = 0; group < groups_.size(); ++group)
    for (const Member& member : groups_[group].members) {
      std::erase_if(places, [&](const Place& p) { return p.fsid == member.fsid && p.dev == member.dev; });
      places.push_back({group, member.fsid, member.dev});
    }
  return places;
}

std::vector<FdToKeep> FanotifySource::descriptors() const {
  std::vector<FdToKeep> fds;
  for (size_t group = 0; group < groups_.size(); ++group) fds.push_back({NameOfGroup(group), groups_[group].fd.get()});
  return fds;
}

void FanotifySource::Add(const Group& group, FanotifyBatch&& batch, uint64_t now_boottime_ns) {
  for (FanotifyRecord& record : batch.records) {
    auto member = std::ranges::find(group.members, record.fsid, &Member::fsid);
    if (member == group.members.end()) {
      pending_.unknown += record.signal.count;
    } else {
      record.signal.after_boottime_ns = group.emptied_boottime_ns;
      pending_.errors.emplace_back(member->key, std::move(record.signal));
    }
  }
  if (batch.overflows > 0) {
    pending_.gaps.push_back({.from_boottime_ns = group.emptied_boottime_ns,
                             .to_boottime_ns = now_boottime_ns,
                             .source = SourceId::kFanotify,
                             .count = std::nullopt,
                             .exact = false});
  }
  pending_.refused += batch.refused;
}

}  // namespace fsherald
