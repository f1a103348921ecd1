// SPDX-License-Identifier: MIT
#include "store/history.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "store/tally.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
// Noon of a day (UTC), so that hours and days are whole from here on.
constexpr int64_t kNoon = (kTestUtcNs / kDayNs) * kDayNs + kDayNs / 2;

Notification At(uint64_t seq, int64_t utc_ns, uint64_t errors = 1) {
  Notification n = TestError(seq, errors);
  n.utc_ns = utc_ns;
  return n;
}

Notification In(uint64_t seq, const std::string& function, uint32_t line, uint64_t errors = 1) {
  Notification n = TestError(seq, errors);
  n.location = Location{function, line, {}};
  return n;
}

// As many as asked, a second apart, on two file systems in turns.
std::vector<Notification> Many(uint64_t first, uint64_t count) {
  std::vector<Notification> many;
  for (uint64_t seq = first; seq < first + count; ++seq) {
    many.push_back(TestError(seq));
    if (seq % 2 == 0) continue;
    many.back().filesystem = {.type = "xfs", .device = "sdb1", .mounts = {"/srv"}};
    many.back().kind = Kind::kDataRead;
    many.back().location = Location{"xfs_buf_ioend", 40, {}};
  }
  return many;
}

class HistoryTest : public ::testing::Test {
 protected:
  void Append(const std::vector<Notification>& notifications) {
    if (!store_) store_ = OpenStore(directory_.path());
    ASSERT_TRUE(store_);
    const Status appended = store_->Append(notifications, kTestHost, "");
    ASSERT_TRUE(appended) << appended.error().ToString();
  }
  std::vector<uint64_t> Matching(const History::Query& query) { return Seqs(directory_.path(), query); }
  std::unique_ptr<History> Open() {
    auto history = History::Open(directory_.path());
    EXPECT_TRUE(history) << history.error().ToString();
    return history ? std::move(*history) : nullptr;
  }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(HistoryTest, WithoutAHistoryItSaysWhoWritesIt) {
  const auto history = History::Open(directory_.path());
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().code, ENOENT);
  EXPECT_THAT(history.error().what, HasSubstr("fsherald daemon"));
}

TEST_F(HistoryTest, OfThousandsOfRowsThoseOfATimeAreTold) {
  Append(Many(1, 3000));
  EXPECT_EQ(Matching({}).size(), 3000u);
  EXPECT_THAT(Matching({.since_utc_ns = TestError(1501).utc_ns, .until_utc_ns = TestError(1503).utc_ns}),
              ElementsAre(1501, 1502, 1503));
  EXPECT_THAT(Matching({.since_utc_ns = TestError(2999).utc_ns}), ElementsAre(2999, 3000));
  EXPECT_THAT(Matching({.until_utc_ns = TestError(2).utc_ns, .newest_first = true}), ElementsAre(2, 1));
  EXPECT_THAT(Matching({.since_utc_ns = TestError(3001).utc_ns}), IsEmpty());
}

TEST_F(HistoryTest, WhereTheClockWasSetBackTimesAreStillFound) {
  std::vector<Notification> notifications = Many(1, 1000);
  for (Notification& n : notifications)
    if (n.seq > 700) n.utc_ns -= 500 * kSecond;
  Append(notifications);
  EXPECT_THAT(Matching({.since_utc_ns = TestError(300).utc_ns, .until_utc_ns = TestError(301).utc_ns}),
              ElementsAre(300, 301, 800, 801));
}

TEST_F(HistoryTest, AFileSystemIsFoundByDeviceTypeUuidAndMountPoint) {
  Append(Many(1, 4));
  for (const std::string name : {"loop0", "/dev/loop0", "ext4", "8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee", "/data"})
    EXPECT_THAT(Matching({.filesystem = name}), ElementsAre(2, 4)) << name;
  for (const std::string name : {"sdb1", "xfs", "/srv"})
    EXPECT_THAT(Matching({.filesystem = name}), ElementsAre(1, 3)) << name;
  EXPECT_THAT(Matching({.filesystem = "loop"}), IsEmpty());
}

TEST_F(HistoryTest, KindFunctionSequenceAndLimitNarrowAndTheNewestMayComeFirst) {
  Append(Many(1, 2000));
  EXPECT_THAT(Matching({.kind = Kind::kDataRead, .limit = 2}), ElementsAre(1, 3));
  EXPECT_THAT(Matching({.function = "ext4_lookup", .newest_first = true, .limit = 3}), ElementsAre(2000, 1998, 1996));
  EXPECT_THAT(Matching({.after_seq = 1998}), ElementsAre(1999, 2000));
  EXPECT_THAT(Matching({.after_seq = 2000}), IsEmpty());
  EXPECT_THAT(Matching({.after_seq = 1990, .filesystem = "xfs", .kind = Kind::kMetadata}), IsEmpty());
}

TEST_F(HistoryTest, TheCallerMayEndIt) {
  Append(Many(1, 2000));
  uint64_t seen = 0;
  EXPECT_TRUE(Open()->ForEach({}, [&](const Entry&) { return ++seen < 700; }));
  EXPECT_EQ(seen, 700u);
}

TEST_F(HistoryTest, OneIsFoundByItsSequenceNumber) {
  Append({TestError(3), TestError(5)});
  const auto history = Open();
  EXPECT_EQ(history->Find(5).value()->notification, TestError(5));
  EXPECT_FALSE(history->Find(4).value());
  EXPECT_FALSE(history->Find(0).value());
  EXPECT_FALSE(history->Find(UINT64_MAX).value());
}

TEST_F(HistoryTest, AReaderSeesWhatIsWrittenAfterItWasOpened) {
  Append({TestError(1)});
  const auto history = Open();
  Append({TestError(2)});
  std::vector<uint64_t> seqs;
  ASSERT_TRUE(history->ForEach({}, [&](const Entry& entry) {
    seqs.push_back(entry.notification.seq);
    return true;
  }));
  EXPECT_THAT(seqs, ElementsAre(1, 2));
}

// While a query is looked at the writer may go on, and it ends.
TEST_F(HistoryTest, AQueryEndsWithWhatWasThereWhenItBegan) {
  Append(Many(1, 600));
  uint64_t seen = 0;
  ASSERT_TRUE(Open()->ForEach({}, [&](const Entry&) {
    Append({TestError(600 + ++seen)});
    return true;
  }));
  EXPECT_EQ(seen, 600u);
}

TEST_F(HistoryTest, WhoMayOnlyReadReadsWhileItIsWrittenAndAfterwards) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  constexpr gid_t kGroup = 4242;
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  const std::string path = directory_.path() + "/sub";
  Store::Options options;
  options.group = kGroup;
  store_ = OpenStore(path, nullptr, options);
  ASSERT_TRUE(store_);
  ASSERT_TRUE(store_->Append(std::vector{TestError(1), TestError(2)}, kTestHost, ""));
  const auto seen_by_member = [&](gid_t group) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(4243) != 0) ::_exit(99);
      const auto history = History::Open(path);
      if (!history) ::_exit(history.error().code == EACCES ? 98 : 97);
      int seen = 0;
      const auto told = (*history)->ForEach({}, [&](const Entry&) { return ++seen > 0; });
      ::_exit(told ? seen : 96);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(seen_by_member(kGroup), 2);
  EXPECT_EQ(seen_by_member(4244), 98);
  store_.reset();
  EXPECT_EQ(seen_by_member(kGroup), 2);
  // A reader that may write must not take from the others what they need.
  EXPECT_EQ(Seqs(path).size(), 2u);
  EXPECT_EQ(seen_by_member(kGroup), 2);
  for (const char* part : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((path + "/history.db" + part).c_str(), &status), 0) << part;
    EXPECT_EQ(status.st_mode & 07777, 0640u) << part;
    EXPECT_EQ(status.st_gid, kGroup) << part;
  }
}

TEST_F(HistoryTest, HotspotsAreCountedByWhatErrorsHaveInCommon) {
  Notification on_disk = In(4, "xfs_buf_ioend", 40, 7);
  on_disk.filesystem = {.type = "xfs", .device = "dm-3"};
  on_disk.device_error = DeviceError{.device = "sda"};
  on_disk.object.reset();
  Append({In(1, "ext4_lookup", 1855, 2), In(2, "ext4_lookup", 1855, 3), In(3, "ext4_lookup", 1860), on_disk});
  const auto history = Open();
  const auto keys = [&](History::By by) {
    std::vector<std::string> words;
    const auto hotspots = history->HotspotsBy(by, {}, {}, 0, 0);
    for (const auto& spot : hotspots->spots)
      words.push_back(spot.key + " " + std::to_string(spot.errors) + "/" + std::to_string(spot.notifications));
    return words;
  };
  EXPECT_THAT(keys(History::By::kLocation),
              ElementsAre("xfs_buf_ioend:40 7/1", "ext4_lookup:1855 5/2", "ext4_lookup:1860 1/1"));
  EXPECT_THAT(keys(History::By::kFilesystem),
              ElementsAre("xfs dm-3 7/1", "ext4 loop0 8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee 6/3"));
  EXPECT_THAT(keys(History::By::kDevice), ElementsAre("sda 7/1", "loop0 6/3"));
  EXPECT_THAT(keys(History::By::kInode), ElementsAre("12 of ext4 loop0 8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee 6/3"));
  EXPECT_THAT(keys(History::By::kKernel), ElementsAre("6.18.44 13/4"));
  const auto first = history->HotspotsBy(History::By::kLocation, {}, {}, 1, 0)->spots;
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].function, "xfs_buf_ioend");
  EXPECT_EQ(first[0].line, 40u);
  EXPECT_EQ(first[0].first_seq, 4u);
  EXPECT_EQ(first[0].last_utc_ns, TestError(4).utc_ns);
}

TEST_F(HistoryTest, AGapAndAChangeOfHealthAreNoErrors) {
  Notification gap = TestError(1, 1);
  gap.kind = Kind::kGap;
  Notification health = TestError(2, 1);
  health.kind = Kind::kHealth;
  Append({gap, health, TestError(3)});
  EXPECT_EQ(Open()->HotspotsBy(History::By::kFilesystem, {}, {}, 0, 0)->spots[0].errors, 1u);
}

TEST_F(HistoryTest, HotspotsOverTimeAreWholeHours) {
  Append({At(1, kNoon - 1, 100), At(2, kNoon, 1), At(3, kNoon + kHourNs, 2), At(4, kNoon + 4 * kHourNs - 1, 4),
          At(5, kNoon + 4 * kHourNs, 100)});
  const auto hotspots =
      Open()->HotspotsBy(History::By::kLocation, kNoon + kSecond, kNoon + 3 * kHourNs + kSecond, 0, 2);
  EXPECT_EQ(hotspots->from_utc_ns, kNoon);
  EXPECT_EQ(hotspots->to_utc_ns, kNoon + 4 * kHourNs);
  ASSERT_EQ(hotspots->spots.size(), 1u);
  EXPECT_EQ(hotspots->spots[0].errors, 7u);
  EXPECT_THAT(hotspots->spots[0].over_time, ElementsAre(3, 4));
}

TEST_F(HistoryTest, HotspotsOfMonthsAreWholeDays) {
  constexpr int64_t kMidnight = kNoon - kDayNs / 2;
  Append({At(1, kMidnight - 100 * kDayNs, 3), At(2, kNoon, 4), At(3, kNoon + kDayNs, 100)});
  const auto hotspots = Open()->HotspotsBy(History::By::kLocation, kNoon - 100 * kDayNs, kNoon, 0, 101);
  EXPECT_EQ(hotspots->from_utc_ns, kMidnight - 100 * kDayNs);
  EXPECT_EQ(hotspots->to_utc_ns, kMidnight + kDayNs);
  ASSERT_EQ(hotspots->spots.size(), 1u);
  ASSERT_EQ(hotspots->spots[0].over_time.size(), 101u);
  EXPECT_EQ(hotspots->spots[0].over_time.front(), 3u);
  EXPECT_EQ(hotspots->spots[0].over_time.back(), 4u);
  EXPECT_EQ(hotspots->spots[0].errors, 7u);
}

TEST_F(HistoryTest, WithoutTimesHotspotsAreOfAllThatIsThere) {
  Append({At(1, kNoon, 3), At(2, kNoon + kHourNs, 4)});
  const auto hotspots = Open()->HotspotsBy(History::By::kLocation, {}, {}, 0, 10);
  EXPECT_EQ(hotspots->from_utc_ns, kNoon);
  EXPECT_EQ(hotspots->to_utc_ns, kNoon + 2 * kHourNs);
  EXPECT_THAT(hotspots->spots[0].over_time, ElementsAre(3, 4));
}

TEST_F(HistoryTest, ExtremeTimesAreNoTrouble) {
  Append({At(1, INT64_MIN), At(2, INT64_MAX), At(3, 0)});
  const auto history = Open();
  EXPECT_EQ(history->HotspotsBy(History::By::kLocation, {}, {}, 0, 7)->spots.size(), 1u);
  EXPECT_TRUE(history->HotspotsBy(History::By::kLocation, INT64_MIN, INT64_MAX, 0, 7));
  EXPECT_TRUE(history->HotspotsBy(History::By::kLocation, INT64_MAX, INT64_MIN, 0, 7)->spots.empty());
  EXPECT_THAT(Matching({.since_utc_ns = 0}), ElementsAre(2, 3));
}

// Sums must not turn over, nor become floating point.
TEST_F(HistoryTest, SumsEndAtTheLargestNumber) {
  Append({TestError(1, UINT64_MAX - 1), TestError(2, 1)});
  EXPECT_EQ(Open()->Filesystems()->front().errors, UINT64_MAX);
  Append({TestError(3, 1)});
  EXPECT_EQ(Open()->Filesystems()->front().errors, UINT64_MAX);
}

TEST_F(HistoryTest, OfVeryManyKeysTheFirstAreKeptApartAndNoneIsLost) {
  const size_t kept = MostKeys(Dimension::kInode, TallyUnit::kHour);
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 3000; ++seq) {
    notifications.push_back(At(seq, kNoon));
    notifications.back().object->inode = seq;
  }
  Append(notifications);
  Append({At(3001, kNoon)});
  const auto spots = Open()->HotspotsBy(History::By::kInode, {}, {}, 0, 0)->spots;
  ASSERT_EQ(spots.size(), kept + 1);
  EXPECT_TRUE(spots[0].is_rest);
  EXPECT_EQ(spots[0].errors, 3000u - kept);
  EXPECT_EQ(spots[1].errors, 2u);
  EXPECT_EQ(spots[1].inode, 12u);
  uint64_t errors = 0;
  for (const auto& spot : spots) errors += spot.errors;
  EXPECT_EQ(errors, 3001u);
}

TEST_F(HistoryTest, AFileSystemWithAUuidIsTheSameOnAnotherDevice) {
  Notification moved = TestError(2, 5);
  moved.filesystem.device = "loop7";
  Notification other = TestError(3);
  other.filesystem = {.type = "vfat", .device = "sdc1"};
  Append({TestError(1), moved, other});
  const auto filesystems = Open()->Filesystems();
  ASSERT_EQ(filesystems->size(), 2u);
  EXPECT_EQ((*filesystems)[0].type, "vfat");
  EXPECT_EQ((*filesystems)[0].device, "sdc1");
  EXPECT_EQ((*filesystems)[1].device, "loop7");
  EXPECT_EQ((*filesystems)[1].errors, 6u);
  EXPECT_EQ((*filesystems)[1].notifications, 2u);
  EXPECT_EQ((*filesystems)[1].first_seq, 1u);
  EXPECT_EQ((*filesystems)[1].last_seq, 2u);
  EXPECT_EQ((*filesystems)[1].first_utc_ns, TestError(1).utc_ns);
  EXPECT_EQ((*filesystems)[1].last_utc_ns, TestError(2).utc_ns);
}

// The tallies that are in memory begin anew with each Store.
TEST_F(HistoryTest, CountsGoOnWhenTheStoreIsOpenedAnew) {
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    store_.reset();
    Append({At(seq, kNoon)});
  }
  const auto history = Open();
  EXPECT_EQ(history->Filesystems()->front().errors, 5u);
  EXPECT_EQ(history->HotspotsBy(History::By::kLocation, kNoon, kNoon, 0, 1)->spots[0].errors, 5u);
  EXPECT_EQ(history->Covers()->first_seq, 1u);
  EXPECT_EQ(history->Covers()->last_seq, 5u);
}

TEST_F(HistoryTest, AFileOfANewerVersionIsRefusedBySentence) {
  Append({TestError(1)});
  store_.reset();
  auto database = Database::Open(directory_.file(), Database::Access::kWrite);
  ASSERT_TRUE(database->Run("PRAGMA user_version=4"));
  const auto history = History::Open(directory_.path());
  ASSERT_FALSE(history);
  EXPECT_THAT(history.error().what, HasSubstr("newer fsherald"));
}

}  // namespace
}  // namespace fsherald
