// SPDX-License-Identifier: MIT
#include "mount/mount_info.h"

#include <libmount.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <map>
#include <memory>
#include <tuple>

namespace fsherald {
namespace {

std::string Text(const char* text) { return text == nullptr ? std::string() : std::string(text); }

// The kernel puts "ro" or "rw" first.
bool IsReadOnly(libmnt_fs* fs) {
  const std::string options = Text(mnt_fs_get_vfs_options(fs));
  return options == "ro" || options.starts_with("ro,");
}

MountInfoLine ToEntry(libmnt_fs* fs) {
  const dev_t dev = mnt_fs_get_devno(fs);
  return {.id = static_cast<uint64_t>(mnt_fs_get_id(fs)),
          .parent = static_cast<uint64_t>(mnt_fs_get_parent_id(fs)),
          .dev = {major(dev), minor(dev)},
          .type = Text(mnt_fs_get_fstype(fs)),
          .root = Text(mnt_fs_get_root(fs)),
          .target = Text(mnt_fs_get_target(fs)),
          .source = Text(mnt_fs_get_source(fs)),
          .read_only = IsReadOnly(fs),
          .super_options = Text(mnt_fs_get_fs_options(fs))};
}

int SkipLine(libmnt_table*, const char*, int) { return 1; }

}  // namespace

Result<std::vector<MountInfoLine>> ReadMountInfo(const std::string& path,
                                                 const std::function<bool(std::string_view)>& wanted) {
  std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)> table(mnt_new_table(), mnt_unref_table);
  std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)> iterator(mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
  if (!table || !iterator) return ErrnoError("read", path, ENOMEM);
  mnt_table_set_parser_errcb(table.get(), SkipLine);
  const int failed = mnt_table_parse_file(table.get(), path.c_str());
  if (failed < 0) return ErrnoError("read", path, -failed);

  std::vector<MountInfoLine> entries;
  libmnt_fs* fs = nullptr;
  while (mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0) {
    const char* type = mnt_fs_get_fstype(fs);
    if (type != nullptr && mnt_fs_get_id(fs) > 0 && wanted(type)) entries.push_back(ToEntry(fs));
  }
  return entries;
}

std::optional<MountInfoLine> ParseMountInfoLine(std::string_view line) {
  std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)> table(mnt_new_table(), mnt_unref_table);
  std::unique_ptr<FILE, decltype(&std::fclose)> stream(::fmemopen(const_cast<char*>(line.data()), line.size(), "r"),
                                                       std::fclose);
  if (!table || !stream) return std::nullopt;
  mnt_table_set_parser_errcb(table.get(), SkipLine);
  libmnt_fs* fs = nullptr;
  if (mnt_table_parse_stream(table.get(), stream.get(), "") != 0 || mnt_table_first_fs(table.get(), &fs) != 0)
    return std::nullopt;
  return ToEntry(fs);
}

std::vector<MountInfoLine> AsSeenBy(const std::vector<MountInfoLine>& other, std::vector<MountInfoLine> ours) {
  const auto identity = [](const MountInfoLine& line) { return std::tie(line.dev, line.root, line.target); };
  std::map<std::tuple<DeviceNumber, std::string, std::string>, bool> read_only;
  for (const MountInfoLine& line : other)
    read_only[identity(line)] = line.read_only;  // of those on top of each other the last
  std::erase_if(ours, [&](MountInfoLine& line) {
    const auto twin = read_only.find(identity(line));
    if (twin == read_only.end()) return true;
    line.read_only = twin->second;
    return false;
  });
  return ours;
}

}  // namespace fsherald
