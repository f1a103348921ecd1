// SPDX-License-Identifier: MIT
// Numbering: gives each notification its numbers when it is told: one of all, one of its file system. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class Numbering {
 public:
  // Goes on after the last number that an earlier process gave; those of each file system begin anew.
  explicit Numbering(uint64_t told = 0) : told_(told) {}

  // `filesystem` 0: of no single one.
  void Number(Notification& notification, FilesystemKey filesystem) {
    notification.seq = ++told_;
    ++given_;
    notification.filesystem_seq = filesystem.value == 0 ? 0 : NumberOf(filesystem);
  }

  uint64_t told() const { return told_; }    // the last number
  uint64_t given() const { return given_; }  // how many numbers were given here

 private:
  struct Count {
    uint64_t told = 0;
    uint64_t last_seq = 0;
  };
  using Counts = std::map<FilesystemKey, Count>;
  static constexpr size_t kMaxFilesystems = 16384;

  uint64_t NumberOf(FilesystemKey filesystem) {
    Counts& counts = told_of_[filesystem.value >> 30];
    Count& count = counts[filesystem];
    count.last_seq = told_;
    const uint64_t number = ++count.told;
    if (counts.size() > kMaxFilesystems) ForgetHalf(counts);
    return number;
  }

  // Those of which nothing was told for the longest time.
  static void ForgetHalf(Counts& counts) {
    std::vector<uint64_t> last;
    for (const auto& [filesystem, count] : counts) last.push_back(count.last_seq);
    const auto middle = last.begin() + static_cast<std::ptrdiff_t>(last.size() / 2);
    std::ranges::nth_element(last, middle);
    std::erase_if(counts, [oldest = *middle](const auto& entry) { return entry.second.last_seq < oldest; });
  }

  uint64_t told_ = 0;
  uint64_t given_ = 0;
  std::array<Counts, 4> told_of_;  // by a key's beginning (notify/groups.h): no flood of one forgets what is of another
};

}  // namespace fsherald
