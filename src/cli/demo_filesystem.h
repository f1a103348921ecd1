// SPDX-License-Identifier: MIT
// The file systems that `demo` can show, each a row of a table: how it is made and damaged, and what a user does that trips
// over the damages.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fsherald {

// Where the demo mounts it.
inline const std::string kDemoMountPoint = "/mnt";

struct DemoDamage {
  const char* title;
  std::vector<std::string> command;  // what a user does
};

struct DemoFilesystem {
  std::string_view type;
  const char* mount_options;
  std::array<DemoDamage, 4> damages;

  // Makes the file `image`, with a copy of the folder `tree` in it (which MakeDemoTree has made), and damages it in all ways.
  // Errors: a sentence, also where a program is not installed.
  Status (*make)(const std::string& image, const std::string& tree);

  // How many errors the kernel itself has counted on the mounted device ("loop3") since it was made. Null: it counts none.
  uint64_t (*counted)(const std::string& device);
  bool counts_all;  // false: of some errors it says so, and does not count them
};

// Null: there is no demo of it.
const DemoFilesystem* FindDemoFilesystem(std::string_view type);

// "ext4, xfs, btrfs"
std::string DemoFilesystemNames();

// Rows of the table, each in a file of its own.
DemoFilesystem Ext4Demo();
DemoFilesystem XfsDemo();
DemoFilesystem BtrfsDemo();

// Files whose names the damages name: photos/beach.jpg, photos/garden.jpg, letters/anna, music/song.ogg, mail/inbox, and
// holidays/day_00.jpg to day_43.jpg.
// Each is too large to stand in an inode.
Status MakeDemoTree(const std::string& tree);

}  // namespace fsherald
