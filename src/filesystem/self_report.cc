// SPDX-License-Identifier: MIT
#include "filesystem/self_report.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "base/fd.h"
#include "filesystem/ext4_counters.h"
#include "filesystem/filesystem_type.h"
#include "filesystem/mount_state.h"

namespace fsherald {
namespace {

// Linux, fs/xfs/libxfs/xfs_fs.h: struct xfs_fsop_geom of version 5 (since 5.2), 256 bytes.
struct XfsGeometry {
  std::array<uint8_t, 112> sizes;
  uint32_t sick;
  uint32_t checked;
  std::array<uint64_t, 17> reserved;
};
static_assert(sizeof(XfsGeometry) == 256);
constexpr unsigned long kXfsGetGeometry = _IOR('X', 126, XfsGeometry);
constexpr long kXfsMagic = 0x58465342;  // statfs(2): XFS_SUPER_MAGIC

// By bit of XFS_FSOP_GEOM_SICK_*.
constexpr std::array<std::string_view, 10> kXfsSick = {
    "summary counters", "user quotas",  "group quotas", "project quotas",     "realtime bitmap",
    "realtime summary", "quota counts", "link counts",  "metadata directory", "metadata paths"};

bool IsRefusal(const Error& error) { return error.code == EACCES || error.code == EPERM; }

void NotRead(const Error& error, std::string_view what, SelfReport& report) {
  report.refused = report.refused || IsRefusal(error);
  report.not_read.push_back(std::string(what) + ": " + error.ToString());
}

void ReadExt4(const FilesystemInfo& info, const std::string& sys_root, SelfReport& report) {
  Result<CounterReading> counters = ReadExt4Counters(sys_root, info, "");
  if (!counters) return NotRead(counters.error(), "the error counters", report);
  report.counters = std::move(*counters);
  report.counts_warnings = true;
  report.read.push_back("counters");
  report.covered = true;
}

Result<uint32_t> ReadXfsSick(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  struct statfs state {};
  if (::fstatfs(fd.get(), &state) != 0) return ErrnoError("statfs", path);
  if (state.f_type != kXfsMagic) return Error{path + " is on another file system by now", 0};
  XfsGeometry geometry{};
  if (::ioctl(fd.get(), kXfsGetGeometry, &geometry) != 0) return ErrnoError("ask for the geometry of", path);
  return geometry.sick;
}

// What is not here: the damage of single files and groups. XFS would tell it only if asked for each one, and to answer it
// reads the structure on the disk.
void ReadXfs(const std::string& access_path, SelfReport& report) {
  report.not_read.push_back("damage of single files and groups: XFS keeps no count of its errors");
  if (access_path.empty()) return report.not_read.push_back("its flags: no path leads to it");
  report.covered = true;
  Result<uint32_t> sick = ReadXfsSick(access_path);
  if (!sick) return NotRead(sick.error(), "the flags of damaged structures", report);
  report.read.push_back("flags");
  report.has_sick_structures = *sick != 0;
  report.details = XfsSickDetails(*sick);
}

Result<std::string> ReadFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  std::array<char, 4096> buffer;
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return ErrnoError("read", path);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

// Device numbers of btrfs's own, ascending.
std::vector<std::string> BtrfsDeviceIds(const std::string& directory) {
  std::vector<std::string> ids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    ids.push_back(entry->path().filename().string());
  std::ranges::sort(ids, {}, [](const std::string& id) { return std::pair(id.size(), id); });
  return ids;
}

// The statistics of all devices of it: how many, never when.
void ReadBtrfs(const FilesystemInfo& info, const std::string& sys_root, SelfReport& report) {
  report.covered = true;  // it makes itself read-only where an error cannot be lived with
  if (!info.uuid) return report.not_read.push_back("the device statistics: its uuid is not known");
  const std::string directory = sys_root + "/fs/btrfs/" + ToString(*info.uuid) + "/devinfo";
  CounterReading reading;
  bool any = false;
  for (const std::string& id : BtrfsDeviceIds(directory)) {
    Result<std::string> text = ReadFile(directory + "/" + id + "/error_stats");
    if (!text) {
      NotRead(text.error(), "the statistics of device " + id, report);
      continue;
    }
    any = true;
    for (SelfReport::Detail& detail : BtrfsStatDetails("device " + id, *text)) {
      reading.errors += detail.value;
      report.details.push_back(std::move(detail));
    }
  }
  if (!any) return report.not_read.push_back("the device statistics: none in " + directory);
  report.counters = reading;
  report.read.push_back("device statistics");
}

bool HasOption(std::string_view options, std::string_view option) {
  return ("," + std::string(options) + ",").find("," + std::string(option) + ",") != std::string::npos;
}

void ReadOther(const FilesystemInfo& info, const std::string& super_options, SelfReport& report) {
  report.coverable = false;
  if (IsRemoteOrUser(info.type)) {
    report.not_read.push_back("its errors: another machine or a process answers for it, and is not asked");
  } else if (IsPseudoFilesystem(info.type)) {
    report.not_read.push_back("its errors: it has no storage of its own; those of what lies below are told there");
  } else if (HasOption(super_options, "errors=remount-ro")) {
    report.covered = true;
    report.coverable = true;
    report.not_read.push_back("how many errors: " + info.type +
                              " keeps no count; it makes itself read-only at the first");
  } else {
    report.not_read.push_back("its errors: " + info.type + " keeps nothing that tells them");
  }
}

}  // namespace

std::vector<SelfReport::Detail> XfsSickDetails(uint32_t sick) {
  std::vector<SelfReport::Detail> details;
  for (size_t bit = 0; bit < kXfsSick.size(); ++bit)
    if ((sick >> bit & 1) != 0) details.push_back({"damaged: " + std::string(kXfsSick[bit]), 1});
  if (sick >> kXfsSick.size() != 0) details.push_back({"damaged: structures that this version has no name for", 1});
  return details;
}

std::vector<SelfReport::Detail> BtrfsStatDetails(const std::string& device, std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"write_errs", "write errors"},
                                                                      {"read_errs", "read errors"},
                                                                      {"flush_errs", "flush errors"},
                                                                      {"corruption_errs", "corruption errors"},
                                                                      {"generation_errs", "generation errors"}};
  std::vector<SelfReport::Detail> details;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t space = line.find(' ');
    const auto name =
        std::ranges::find(kNames, line.substr(0, space), &std::pair<std::string_view, std::string_view>::first);
    uint64_t value = 0;
    if (space == std::string_view::npos || name == std::end(kNames)) continue;
    const auto [end, failed] = std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    const bool is_whole = failed == std::errc() && end == line.data() + line.size();
    if (is_whole && value != 0) details.push_back({device + " " + std::string(name->second), value});
  }
  return details;
}

SelfReport ReadSelfReport(const FilesystemInfo& info, const std::string& access_path, const std::string& super_options,
                          const std::string& sys_root) {
  SelfReport report{.coverable = true};
  const std::string& type = info.type;
  if (type == "ext4" || type == "ext3" || type == "ext2") ReadExt4(info, sys_root, report);
  else if (type == "xfs") ReadXfs(access_path, report);
  else if (type == "btrfs") ReadBtrfs(info, sys_root, report);
  else ReadOther(info, super_options, report);
  return report;
}

}  // namespace fsherald
