// SPDX-License-Identifier: MIT
#include "cli/demo_filesystem.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <span>

namespace fsherald {
namespace {

std::span<const DemoFilesystem> DemoFilesystems() {
  static const DemoFilesystem kDemos[] = {Ext4Demo(), XfsDemo(), BtrfsDemo()};
  return kDemos;
}

Status WriteWords(const std::filesystem::path& path) {
  constexpr int kLines = 1000;
  std::error_code code;
  std::filesystem::create_directories(path.parent_path(), code);
  std::ofstream file(path);
  for (int i = 0; i < kLines; ++i) file << "words\n";
  file.close();
  if (!file) return Error{"write " + path.string(), EIO};
  return {};
}

}  // namespace

const DemoFilesystem* FindDemoFilesystem(std::string_view type) {
  for (const DemoFilesystem& demo : DemoFilesystems())
    if (demo.type == type) return &demo;
  return nullptr;
}

std::string DemoFilesystemNames() {
  std::string names;
  for (const DemoFilesystem& demo : DemoFilesystems()) names += (names.empty() ? "" : ", ") + std::string(demo.type);
  return names;
}

Status MakeDemoTree(const std::string& tree) {
  constexpr int kDays = 44;  // so many that the folder has blocks of its own
  std::vector<std::string> names{"photos/beach.jpg", "photos/garden.jpg", "letters/anna", "music/song.ogg",
                                 "mail/inbox"};
  for (int day = 0; day < kDays; ++day) names.push_back(fmt::format("holidays/day_{:02}.jpg", day));
  for (const std::string& name : names)
    if (Status written = WriteWords(std::filesystem::path(tree) / name); !written) return written;
  return {};
}

}  // namespace fsherald
