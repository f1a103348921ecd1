// SPDX-License-Identifier: MIT
#include "notify/teller.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

class TellerTest : public testing::Test {
 protected:
  Joined Error(uint64_t boottime_ns = 100) {
    Joined joined{.filesystem = {1}};
    joined.notification.boottime_ns = boottime_ns;
    joined.notification.object = ObjectInfo{.inode = 12};
    joined.report.emplace();
    joined.report->inode = 12;
    joined.report->message = "words";
    return joined;
  }
  std::vector<Notification> told_;
  Teller teller_{nullptr, [this](const Notification& n, FilesystemKey) { told_.push_back(n); }};
  Mounting mounting_{.key = 1, .info = {.type = "ext4", .device = "loop0", .mounts = {"/data"}}};
};

TEST_F(TellerTest, NumbersWhatItTellsInOrder) {
  teller_.Tell(Error(), {}, &mounting_);
  teller_.Tell(Error(), {}, &mounting_);
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_[0].seq, 1u);
  EXPECT_EQ(told_[1].seq, 2u);
  EXPECT_EQ(teller_.told(), 2u);
  EXPECT_EQ(teller_.waiting(), 0u);
}

TEST_F(TellerTest, AddsTheFileSystemAndItsSpecificRecord) {
  teller_.Tell(Error(), {}, &mounting_);
  EXPECT_EQ(told_.at(0).filesystem, mounting_.info);
  ASSERT_TRUE(told_[0].specific);
  EXPECT_EQ(told_[0].specific->type, "ext4");
  EXPECT_EQ(told_[0].specific->message, "words");
}

TEST_F(TellerTest, OfWhatIsInNoMountTableTellsWhatWasSeen) {
  FilesystemInfo seen{.type = "ext4", .device = "sdb1"};
  teller_.Tell(Error(), seen, nullptr);
  EXPECT_EQ(told_.at(0).filesystem, seen);
}

TEST_F(TellerTest, AUuidThatTheMountTableDoesNotKnowIsTheOneThatWasSeen) {
  teller_.Tell(Error(), {.uuid = Uuid{{1}}}, &mounting_);
  mounting_.info.uuid = Uuid{{2}};
  teller_.Tell(Error(), {.uuid = Uuid{{1}}}, &mounting_);
  EXPECT_EQ(told_.at(0).filesystem.uuid, Uuid{{1}});
  EXPECT_EQ(told_.at(0).filesystem.mounts, std::vector<std::string>{"/data"});
  EXPECT_EQ(told_.at(1).filesystem.uuid, Uuid{{2}});
}

TEST_F(TellerTest, TheWordsOfALineAreToldAlsoWhereNoFileSystemIsKnown) {
  Joined disk = Error();
  disk.notification.object.reset();
  teller_.Tell(disk, {.device = "sda"}, nullptr);
  EXPECT_EQ(told_.at(0).specific, (Specific{.type = "block", .fields = {}, .message = "words"}));
  Joined refused = Error();
  refused.report->filesystem_type = "ext4";
  teller_.Tell(refused, {.device = "sda1"}, nullptr);
  EXPECT_EQ(told_.at(1).filesystem.type, "ext4") << "the line says what it is of";
  EXPECT_EQ(told_[1].specific->type, "ext4");
}

TEST_F(TellerTest, AnErrorOfBeforeTheUnmountHasTheMountPointsOfThen) {
  mounting_.info.mounts = {};
  mounting_.mounts_before = {"/data"};
  mounting_.mounts_since_boottime_ns = 200;
  teller_.Tell(Error(199), {}, &mounting_);
  teller_.Tell(Error(200), {}, &mounting_);
  EXPECT_EQ(told_.at(0).filesystem.mounts, std::vector<std::string>{"/data"});
  EXPECT_EQ(told_.at(1).filesystem.mounts, std::vector<std::string>{});
}

TEST_F(TellerTest, TheTimesOfAGapAreTimesOfDay) {
  Joined gap{.filesystem = {}};
  gap.notification.kind = Kind::kGap;
  gap.notification.boottime_ns = 2'000'000'000;
  gap.notification.gap = Gap{.from_utc_ns = 1'000'000'000, .to_utc_ns = 2'000'000'000};
  teller_.Tell(gap, {}, nullptr);
  EXPECT_EQ(told_.at(0).gap->to_utc_ns, told_[0].utc_ns);
  EXPECT_EQ(told_[0].gap->to_utc_ns - told_[0].gap->from_utc_ns, 1'000'000'000);
}

}  // namespace
}  // namespace fsherald
