// SPDX-License-Identifier: MIT
#include "filesystem/xfs_terms.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include <fmt/format.h>

namespace fsherald {
namespace {

// Linux, fs/xfs/libxfs/xfs_health.h: the bits from the lowest on. An empty name is of XFS's own bookkeeping, nothing sick.
constexpr std::string_view kFilesystemBits[] = {"counters",   "uquota", "gquota",  "pquota",
                                                "quotacheck", "nlinks", "metadir", "metapath"};
constexpr std::string_view kGroupBits[] = {"sb",    "agf",    "agfl",   "agi",      "bnobt", "cntbt",
                                           "inobt", "finobt", "rmapbt", "refcntbt", "inodes"};
constexpr std::string_view kRealtimeGroupBits[] = {"super", "bitmap", "summary", "rmapbt", "refcntbt"};
constexpr std::string_view kInodeBits[] = {
    "core",         "bmbtd",        "bmbta",      "bmbtc",          "dir", "xattr",   "symlink", "parent",
    "bmbtd_zapped", "bmbta_zapped", "dir_zapped", "symlink_zapped", "",    "dirtree", "data",    "fsverity"};

// Linux, fs/xfs/libxfs/xfs_fs.h. The groups' are numbered as above.
constexpr std::string_view kGeometryFilesystemBits[] = {"counters",  "uquota",     "gquota", "pquota",  "rtbitmap",
                                                        "rtsummary", "quotacheck", "nlinks", "metadir", "metapath"};
constexpr std::string_view kGeometryInodeBits[] = {"core",  "bmbtd",   "bmbta",  "bmbtc",  "dir",
                                                   "xattr", "symlink", "parent", "dirtree"};

std::span<const std::string_view> BitsOf(XfsDomain domain) {
  switch (domain) {
    case XfsDomain::kFilesystem: return kFilesystemBits;
    case XfsDomain::kGroup: return kGroupBits;
    case XfsDomain::kRealtimeGroup: return kRealtimeGroupBits;
    case XfsDomain::kInode: return kInodeBits;
  }
  return {};
}

// Linux, fs/xfs/xfs_mount.h, SHUTDOWN_...: the first that is set says why. What an administrator asks for comes as an error
// of the log or of the metadata as well.
struct ShutdownRow {
  uint64_t flag;
  std::string_view reason;
  int code;
};
constexpr ShutdownRow kShutdowns[] = {
    {0x04, "requested", ESHUTDOWN},        {0x20, "device removed", ENODEV}, {0x08, "corruption", EUCLEAN},
    {0x10, "on-disk corruption", EUCLEAN}, {0x02, "log I/O error", EIO},     {0x01, "metadata I/O error", EIO},
};

const ShutdownRow* FindShutdown(uint64_t flags) {
  const auto* row = std::ranges::find_if(kShutdowns, [&](const ShutdownRow& r) { return (flags & r.flag) != 0; });
  return row == std::end(kShutdowns) ? nullptr : row;
}

std::span<const std::string_view> GeometryBitsOf(XfsDomain domain) {
  if (domain == XfsDomain::kFilesystem) return kGeometryFilesystemBits;
  return domain == XfsDomain::kInode ? kGeometryInodeBits : BitsOf(domain);
}

std::string Words(std::span<const std::string_view> bits, uint64_t mask) {
  std::string words;
  auto append = [&](std::string_view word) {
    if (!words.empty()) words += ',';
    words += word;
  };
  for (size_t bit = 0; bit < bits.size(); ++bit)
    if ((mask >> bit & 1) != 0 && !bits[bit].empty()) append(bits[bit]);
  if (const uint64_t rest = mask >> bits.size() << bits.size(); rest != 0) append(fmt::format("{:#x}", rest));
  return words;
}

}  // namespace

std::string_view XfsDomainName(XfsDomain domain) {
  switch (domain) {
    case XfsDomain::kFilesystem: return "fs";
    case XfsDomain::kGroup: return "ag";
    case XfsDomain::kRealtimeGroup: return "rtgroup";
    case XfsDomain::kInode: return "inode";
  }
  return {};
}

std::string XfsSickWords(XfsDomain domain, uint64_t mask) { return Words(BitsOf(domain), mask); }

std::string XfsGeometrySickWords(XfsDomain domain, uint64_t mask) { return Words(GeometryBitsOf(domain), mask); }

std::string_view XfsShutdownReason(uint64_t flags) {
  const ShutdownRow* row = FindShutdown(flags);
  return row != nullptr ? row->reason : std::string_view();
}

std::optional<int> XfsShutdownCode(uint64_t flags) {
  const ShutdownRow* row = FindShutdown(flags);
  return row != nullptr ? std::optional(row->code) : std::nullopt;
}

void SetXfsField(ErrorReport& report, std::string_view name, std::string_view words) {
  if (!words.empty()) report.fields.push_back({std::string(name), std::string(words)});
}

void SetXfsField(ErrorReport& report, std::string_view name, uint64_t number) {
  report.fields.push_back({std::string(name), number});
}

std::string XfsBufferTopic(uint64_t daddr) { return fmt::format("daddr {:#x}", daddr); }
std::string XfsInodeTopic(uint64_t inode) { return fmt::format("inode {:#x}", inode); }
std::string XfsGroupTopic(XfsDomain domain, uint64_t group) {
  return fmt::format("{} {}", XfsDomainName(domain), group);
}

}  // namespace fsherald
