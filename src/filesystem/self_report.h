// SPDX-License-Identifier: MIT
// What a mounted file system keeps about itself, read where that is safe: counters and flags in memory, never a structure on
// the disk (to read one is to trip over its damage).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filesystem/filesystem.h"

namespace fsherald {

struct SelfReport {
  struct Detail {
    std::string name;  // "device 1 read errors"
    uint64_t value = 0;
    friend bool operator==(const Detail&, const Detail&) = default;
  };
  std::optional<CounterReading> counters;
  bool has_sick_structures = false;
  bool counts_warnings = false;       // `counters` has warnings too
  bool covered = false;               // an error of it would show in what was read
  bool coverable = false;             // its type keeps what would show one, whether it could be read or not
  bool refused = false;               // a part was not permitted to be read
  std::vector<Detail> details;        // the numbers behind `counters`, and the flags that are set
  std::vector<std::string> read;      // "counters", "flags", "device statistics"
  std::vector<std::string> not_read;  // sentences: what could not be read, or is kept nowhere
};

// `access_path`: a path that reaches it; empty: none. `super_options`: as the mount table has them. I/O; a file system that
// another machine or a process answers for is not asked anything.
SelfReport ReadSelfReport(const FilesystemInfo& info, const std::string& access_path, const std::string& super_options,
                          const std::string& sys_root = "/sys");

// The flags of struct xfs_fsop_geom's `sick` that are known, as details of value 1. Pure.
std::vector<SelfReport::Detail> XfsSickDetails(uint32_t sick);

// A file <sys>/fs/btrfs/UUID/devinfo/ID/error_stats ("write_errs 0\nread_errs 3\n..."), as details of `device`; those that
// are 0 are left out. Pure.
std::vector<SelfReport::Detail> BtrfsStatDetails(const std::string& device, std::string_view text);

}  // namespace fsherald
