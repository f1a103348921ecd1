// SPDX-License-Identifier: MIT
// Numbering: gives each notification its numbers when it is told: one of all, one of its file system. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class Numbering {
 public:
  // `filesystem` 0: of no single one.
  void Number(Notification& notification, FilesystemKey filesystem) {
    notification.seq = ++told_;
    notification.filesystem_seq = filesystem.value == 0 ? 0 : ++told_of_[filesystem];
    if (told_of_.size() > kMaxFilesystems) told_of_.erase(told_of_.begin());  // mounted longest ago: keys only grow
  }

  uint64_t told() const { return told_; }

 private:
  static constexpr size_t kMaxFilesystems = 16384;
  uint64_t told_ = 0;
  std::map<FilesystemKey, uint64_t> told_of_;
};

}  // namespace fsherald
