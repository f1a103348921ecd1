// SPDX-License-Identifier: MIT
#include "filesystem/ext4_counters.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>

#include "base/fd.h"

namespace fsherald {
namespace {

constexpr size_t kFunctionBytes = 32;  // in the superblock, s_last_error_func

// The kernel puts '!' into sysfs where a device's name has '/'.
std::string Directory(const std::string& sysfs_root, std::string device) {
  std::ranges::replace(device, '/', '!');
  return sysfs_root + "/fs/ext4/" + device + "/";
}

// A whole small file without its line end.
Result<std::string> ReadFile(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  std::array<char, 256> buffer;
  ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return ErrnoError("read", path);
  std::string text(buffer.data(), static_cast<size_t>(size));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// 0 where the file is missing or no number: what it would say is then not known.
uint64_t ReadNumber(const std::string& path) {
  uint64_t value = 0;
  Result<std::string> text = ReadFile(path);
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::optional<uint64_t> NotZero(uint64_t value) { return value != 0 ? std::optional(value) : std::nullopt; }

std::optional<CounterReading::Occurrence> ReadOccurrence(const std::string& prefix) {
  CounterReading::Occurrence occurrence;
  uint64_t seconds = ReadNumber(prefix + "time");
  if (seconds == 0 || seconds > std::numeric_limits<int64_t>::max()) return std::nullopt;
  occurrence.utc_seconds = static_cast<int64_t>(seconds);
  occurrence.code = ErrnoOfExt4Code(ReadNumber(prefix + "errcode"));
  occurrence.function = ReadFile(prefix + "func").value_or("").substr(0, kFunctionBytes);
  uint64_t line = ReadNumber(prefix + "line");
  if (line != 0 && line <= std::numeric_limits<uint32_t>::max()) occurrence.line = static_cast<uint32_t>(line);
  occurrence.inode = NotZero(ReadNumber(prefix + "ino"));
  occurrence.block = NotZero(ReadNumber(prefix + "block"));
  return occurrence;
}

}  // namespace

Result<CounterReading> ReadExt4Counters(const std::string& sysfs_root, const FilesystemInfo& filesystem,
                                        const std::string& /*access_path*/) {
  const std::string& device = filesystem.device;
  std::string path = Ext4CounterEventPath(sysfs_root, device);
  Result<std::string> errors = ReadFile(path);
  if (!errors) return errors.error();
  CounterReading reading;
  auto [end, failed] = std::from_chars(errors->data(), errors->data() + errors->size(), reading.errors);
  if (failed != std::errc() || end != errors->data() + errors->size()) return Error{path + " holds no number", 0};
  std::string directory = Directory(sysfs_root, device);
  reading.warnings = ReadNumber(directory + "warning_count");
  if (reading.errors == 0) return reading;
  reading.first = ReadOccurrence(directory + "first_error_");
  reading.last = ReadOccurrence(directory + "last_error_");
  return reading;
}

std::string Ext4CounterEventPath(const std::string& sysfs_root, const std::string& device) {
  return Directory(sysfs_root, device) + "errors_count";
}

std::optional<int> ErrnoOfExt4Code(uint64_t code) {
  constexpr std::array<int, 18> kCodes = {0,         0,      EIO,     ENOMEM,    EBADMSG,   EUCLEAN,
                                          ENOSPC,    ENOKEY, EROFS,   EFBIG,     EEXIST,    ERANGE,
                                          EOVERFLOW, EBUSY,  ENOTDIR, ENOTEMPTY, ESHUTDOWN, EFAULT};
  if (code >= kCodes.size() || kCodes[code] == 0) return std::nullopt;
  return kCodes[code];
}

}  // namespace fsherald
