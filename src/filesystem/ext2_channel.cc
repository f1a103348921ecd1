// SPDX-License-Identifier: MIT
#include "filesystem/ext2_channel.h"

#include <ext2fs/ext2fs.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"

namespace fsherald {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxUnreadable = 4;
constexpr errcode_t kFirstLibraryCode = 256;  // below it are those of errno

struct Channel {
  struct_io_channel base{};  // base.private_data is this object
  std::string name;
  Fd device;
  Clock::time_point deadline = Clock::time_point::max();
  int unreadable = 0;
  std::optional<Range> avoided;
};

Channel& Of(io_channel channel) { return *static_cast<Channel*>(channel->private_data); }

errcode_t Open(const char* name, int, io_channel* channel) {
  auto opened = std::make_unique<Channel>();
  opened->device = Fd(::open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!opened->device) return errno;
  // Read-ahead could touch bad sectors that nobody has asked for.
  ::posix_fadvise(opened->device.get(), 0, 0, POSIX_FADV_RANDOM);
  opened->name = name;
  opened->base.magic = EXT2_ET_MAGIC_IO_CHANNEL;
  opened->base.manager = ReadingManager();
  opened->base.name = opened->name.data();
  opened->base.block_size = 1024;
  opened->base.refcount = 1;
  opened->base.private_data = opened.get();
  *channel = &opened.release()->base;
  return 0;
}

errcode_t Close(io_channel channel) {
  if (--channel->refcount == 0) delete &Of(channel);
  return 0;
}

errcode_t SetBlockSize(io_channel channel, int block_bytes) {
  channel->block_size = block_bytes;
  return 0;
}

bool IsAvoided(const Channel& channel, uint64_t offset, uint64_t size) {
  if (!channel.avoided) return false;
  const Range& avoided = *channel.avoided;
  const uint64_t length = std::max<uint64_t>(avoided.length_bytes.value_or(1), 1);
  if (offset >= avoided.offset_bytes) return offset - avoided.offset_bytes < length;
  return avoided.offset_bytes - offset < size;
}

// `count` is a number of blocks, or if negative, of bytes.
errcode_t Read(io_channel channel, unsigned long long block, int count, void* data) {
  Channel& self = Of(channel);
  if (HasGivenUp(channel)) return EXT2_ET_CANCEL_REQUESTED;
  const size_t block_bytes = static_cast<size_t>(channel->block_size);
  const size_t size =
      count < 0 ? static_cast<size_t>(-static_cast<int64_t>(count)) : static_cast<size_t>(count) * block_bytes;
  off_t offset = 0;
  if (__builtin_mul_overflow(block, block_bytes, &offset)) return EXT2_ET_SHORT_READ;
  if (IsAvoided(self, static_cast<uint64_t>(offset), size)) return EIO;
  const ssize_t got = ::pread(self.device.get(), data, size, offset);
  if (got == static_cast<ssize_t>(size)) return 0;
  if (got >= 0) return EXT2_ET_SHORT_READ;  // beyond the end
  const errcode_t code = errno;
  ++self.unreadable;
  return code;
}

errcode_t ReadOldStyle(io_channel channel, unsigned long block, int count, void* data) {
  return Read(channel, block, count, data);
}

errcode_t RefuseToWrite(io_channel, unsigned long, int, const void*) { return EXT2_ET_RO_FILSYS; }
errcode_t RefuseToWrite64(io_channel, unsigned long long, int, const void*) { return EXT2_ET_RO_FILSYS; }
errcode_t Flush(io_channel) { return 0; }

struct_io_manager MakeManager() {
  struct_io_manager manager{};
  manager.magic = EXT2_ET_MAGIC_IO_MANAGER;
  manager.name = "fsherald";
  manager.open = &Open;
  manager.close = &Close;
  manager.set_blksize = &SetBlockSize;
  manager.read_blk = &ReadOldStyle;
  manager.read_blk64 = &Read;
  manager.write_blk = &RefuseToWrite;
  manager.write_blk64 = &RefuseToWrite64;
  manager.flush = &Flush;
  return manager;
}

}  // namespace

struct_io_manager* ReadingManager() {
  static struct_io_manager manager = MakeManager();
  return &manager;
}

void SetDeadline(struct_io_channel* channel, Clock::time_point deadline) { Of(channel).deadline = deadline; }

bool HasGivenUp(struct_io_channel* channel) {
  const Channel& self = Of(channel);
  return self.unreadable >= kMaxUnreadable ||
         (self.deadline != Clock::time_point::max() && Clock::now() >= self.deadline);
}

void Avoid(struct_io_channel* channel, const Range& bytes) { Of(channel).avoided = bytes; }

void Ext2Closer::operator()(struct_ext2_filsys* filesystem) const { ext2fs_close_free(&filesystem); }

Result<Ext2Filesystem> OpenExt2(const std::string& device_path, Clock::time_point deadline) {
  const int flags = EXT2_FLAG_64BITS | EXT2_FLAG_SOFTSUPP_FEATURES | EXT2_FLAG_IGNORE_CSUM_ERRORS |
                    EXT2_FLAG_IGNORE_SB_ERRORS | EXT2_FLAG_SKIP_MMP;
  ext2_filsys fs = nullptr;
  const errcode_t code = ext2fs_open(device_path.c_str(), flags, 0, 0, ReadingManager(), &fs);
  if (code > 0 && code < kFirstLibraryCode) return ErrnoError("open", device_path, static_cast<int>(code));
  if (code != 0) return Error{device_path + " has no superblock of ext2, ext3 or ext4 that can be used", 0};
  SetDeadline(fs->io, deadline);
  return Ext2Filesystem(fs);
}

}  // namespace fsherald
