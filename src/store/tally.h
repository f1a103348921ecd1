// SPDX-License-Identifier: MIT
// The tallies: counts by what errors have in common, an hour and a day each, kept in the transactions of the rows. So a
// question about a year reads some thousand counts and no rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/entry.h"
#include "store/sqlite.h"

namespace fsherald {

enum class Dimension { kLocation = 1, kFilesystem, kDevice, kInode, kKernel };
enum class TallyUnit { kHour = 1, kDay, kEver };

inline constexpr int64_t kHourNs = int64_t{3600} * 1'000'000'000;
inline constexpr int64_t kDayNs = 24 * kHourNs;
inline constexpr int64_t kDaysOfHours = 32;  // so long hours are kept; days as long as rows may get old

// So many keys of one hour or day are kept apart, the first that come: what a year of counts may take is bounded. Of inodes
// fewer: a burst has a new one with each error.
size_t MostKeys(Dimension dimension, TallyUnit unit);

// Which hour or day since 1970 a time is in; before 1970 too. 0 of kEver.
int64_t TallyTime(TallyUnit unit, int64_t utc_ns);

// The parts of a key: those that its dimension has. All empty: the rest.
struct TallyKey {
  std::string function;
  std::optional<uint32_t> line;
  std::string type;
  std::string device;
  std::optional<Uuid> uuid;
  std::optional<uint64_t> inode;
  std::string kernel;
  friend bool operator==(const TallyKey&, const TallyKey&) = default;
};
std::optional<TallyKey> UnpackTallyKey(Dimension dimension, std::string_view packed);

struct Count {
  uint64_t errors = 0;  // at most 2^64-1
  uint64_t notifications = 0;
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;
  int64_t first_utc_ns = 0;
  int64_t last_utc_ns = 0;

  void Add(const Count& other);
};
uint64_t SaturatingSum(uint64_t a, uint64_t b);

inline constexpr std::string_view kTallyColumns =
    "errors, notifications, first_seq, last_seq, first_utc_ns, last_utc_ns";
Count CountOf(const Statement& select, int first_column);

// The writer's.
class Tallies {
 public:
  static Result<Tallies> Open(Database& database);

  // Where it is an error.
  void Add(const EntryView& entry);
  Status Flush();  // into the transaction that is open
  // Somebody else has changed the table. After a Flush alone.
  void Forget() { pages_.clear(); }

 private:
  Tallies() = default;
  using PageId = std::tuple<Dimension, TallyUnit, int64_t>;
  struct Kept {
    Count count;
    bool changed = false;
  };
  using Page = std::unordered_map<std::string, Kept>;
  struct Change {
    const PageId* page;
    Page::value_type* kept;
  };

  // What one hour has got of a key since the last Flush.
  struct Growth {
    Dimension dimension;
    std::string key;
    Count count;
  };

  void Grow(Dimension dimension, std::string key, const Count& count);
  Status AddToPages(const Growth& growth);
  Status WriteChanges();
  Result<std::pair<const PageId, Page>*> PageOf(const PageId& id);

  Statement select_;
  Statement replace_;
  std::vector<Growth> growths_;                        // in the order that their keys came
  std::unordered_map<std::string, size_t> growth_of_;  // by dimension, hour and key
  std::map<PageId, Page> pages_;                       // the latest ones met
  std::vector<Change> changes_;                        // not yet written; into pages_
};

}  // namespace fsherald
