// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_counters.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/fd.h"
#include "filesystem/btrfs_ioctl.h"
#include "filesystem/line_scanner.h"

namespace fsherald {
namespace {

using Operation = DeviceError::Operation;

constexpr size_t kMaxDevices = 4096;

struct CounterRow {
  std::string_view name;
  Kind kind;
  Operation operation;
};
constexpr std::array<CounterRow, kBtrfsCounters> kCounters = {{
    {"write_errs", Kind::kDevice, Operation::kWrite},
    {"read_errs", Kind::kDevice, Operation::kRead},
    {"flush_errs", Kind::kDevice, Operation::kFlush},
    {"corruption_errs", Kind::kDataRead, Operation::kUnknown},
    {"generation_errs", Kind::kMetadata, Operation::kUnknown},
}};

Result<std::string> ReadFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  std::array<char, 512> buffer;
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return ErrnoError("read", path);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

// The numbers of the devices, in order.
Result<std::vector<uint64_t>> ListDevices(const std::string& directory) {
  std::error_code failed;
  std::vector<uint64_t> ids;
  for (std::filesystem::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename();
    uint64_t id = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error == std::errc() && stop == name.data() + name.size() && ids.size() < kMaxDevices) ids.push_back(id);
  }
  if (failed) return ErrnoError("list", directory, failed.value());
  std::ranges::sort(ids);
  return ids;
}

// The names of the devices by which the log calls them; the file system is open for this moment only.
class Names {
 public:
  Names(const FilesystemInfo& filesystem, const std::string& access_path) {
    if (access_path.empty()) return;
    fd_ = Fd(::open(access_path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (fd_ && BtrfsUuid(fd_.get()) != filesystem.uuid) fd_.Reset();
  }
  std::string Of(uint64_t id) const { return fd_ ? BtrfsDeviceName(fd_.get(), id).value_or("") : ""; }

 private:
  Fd fd_;
};

}  // namespace

std::array<DeviceCounter, kBtrfsCounters> BtrfsDeviceCounters(const std::string& device) {
  std::array<DeviceCounter, kBtrfsCounters> counters;
  for (size_t i = 0; i < kBtrfsCounters; ++i)
    counters[i] = {.device = device,
                   .name = std::string(kCounters[i].name),
                   .kind = kCounters[i].kind,
                   .operation = kCounters[i].operation};
  return counters;
}

bool ParseBtrfsErrorStats(std::string_view text, std::array<DeviceCounter, kBtrfsCounters>& counters) {
  LineScanner scanner(text);
  for (DeviceCounter& counter : counters) {
    const std::optional<uint64_t> value = scanner.NumberBetween(counter.name + " ", "\n");
    if (!value) return false;
    counter.value = *value;
  }
  return true;
}

std::string BtrfsInstancePath(const std::string& sysfs_root, const FilesystemInfo& filesystem) {
  return filesystem.uuid ? sysfs_root + "/fs/btrfs/" + ToString(*filesystem.uuid) : std::string();
}

Result<CounterReading> ReadBtrfsCounters(const std::string& sysfs_root, const FilesystemInfo& filesystem,
                                         const std::string& access_path) {
  const std::string directory = BtrfsInstancePath(sysfs_root, filesystem);
  if (directory.empty()) return Error{"the uuid of " + filesystem.device + " is not known", 0};
  const Result<std::vector<uint64_t>> ids = ListDevices(directory + "/devinfo");
  if (!ids) return ids.error();
  const Names names(filesystem, access_path);
  CounterReading reading;
  for (const uint64_t id : *ids) {
    std::string name = names.Of(id);
    if (name.empty() && ids->size() == 1) name = "/dev/" + filesystem.device;
    const std::string path = directory + "/devinfo/" + std::to_string(id) + "/error_stats";
    const Result<std::string> text = ReadFile(path);
    if (!text) return text.error();
    if (*text == "invalid\n") continue;  // of a device that is missing
    std::array<DeviceCounter, kBtrfsCounters> counters = BtrfsDeviceCounters(name);
    if (!ParseBtrfsErrorStats(*text, counters)) return Error{path + " holds no device stats", 0};
    for (DeviceCounter& counter : counters) {
      counter.id = id;
      reading.errors += counter.value;
      reading.devices.push_back(std::move(counter));
    }
  }
  return reading;
}

}  // namespace fsherald
