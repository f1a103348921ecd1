// SPDX-License-Identifier: MIT
#include "notify/observed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using What = Observation::What;

constexpr uint64_t kMillisecondNs = 1'000'000;

// One file system is mounted.
class ObservedTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fsherald_observed.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/proc/self");
    std::ofstream(root_ + "/proc/self/mountinfo") << "27 1 8:1 / /data rw - ext4 /dev/sda1 rw\n";
    auto mounts = MountTable::Open(
        {.proc_root = root_ + "/proc", .sys_root = root_ + "/sys", .wanted = [](std::string_view) { return true; }});
    ASSERT_TRUE(mounts) << mounts.error().ToString();
    mounts_ = std::move(*mounts);
    ASSERT_TRUE(mounts_->Refresh(1));
    ASSERT_EQ(mounts_->mounted().size(), 1U);
    observed_.emplace(
        [this](FilesystemKey, const FilesystemInfo&, const Observation& one) { told_.push_back(one.what); }, *mounts_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  const Mounting& mounting() const { return *mounts_->mounted().at(0); }
  FilesystemKey key() const { return {mounting().key}; }
  Observed& observed() { return *observed_; }
  const std::vector<What>& told() const { return told_; }
  const MountTable& mounts() const { return *mounts_; }

 private:
  std::string root_;
  std::unique_ptr<MountTable> mounts_;
  std::optional<Observed> observed_;
  std::vector<What> told_;
};

TEST_F(ObservedTest, AllWaitsUntilItIsToBeTold) {
  observed().Add(mounting(), {.what = What::kBegun});
  observed().AddCount(key(), 3);
  EXPECT_THAT(told(), IsEmpty());
  observed().Tell(0);
  EXPECT_THAT(told(), ElementsAre(What::kBegun, What::kCounted));
  observed().Tell(0);
  EXPECT_EQ(told().size(), 2U) << "once";
}

TEST_F(ObservedTest, WhatHasBegunIsKnownBeforeAnythingIsToldOfIt) {
  observed().Add(mounting(), {.what = What::kEnded});
  observed().Add(mounting(), {.what = What::kBegun});
  observed().Add(mounting(), {.what = What::kEnded});
  observed().TellBegun();
  EXPECT_THAT(told(), ElementsAre(What::kEnded, What::kBegun)) << "in their order, and no more than need be";
}

TEST_F(ObservedTest, AScrubHasEndedOnlyWhenWhatItFoundHasBeenTold) {
  observed().AddScrubs({{.filesystem = key(), .device = 1}}, 0);
  observed().AddScrubs({{.filesystem = key(), .device = 1, .has_ended = true}}, 10 * kMillisecondNs);
  observed().Tell(10 * kMillisecondNs);
  EXPECT_THAT(told(), ElementsAre(What::kScrubBegan));
  EXPECT_EQ(observed().due_ns(), 510 * kMillisecondNs);
  observed().Tell(510 * kMillisecondNs);
  EXPECT_THAT(told(), ElementsAre(What::kScrubBegan, What::kScrubEnded));
  EXPECT_FALSE(observed().due_ns());
}

TEST_F(ObservedTest, AScrubThatBeginsAnewHasNotEnded) {
  observed().AddScrubs({{.filesystem = key(), .device = 1, .has_ended = true}}, 0);
  observed().AddScrubs({{.filesystem = key(), .device = 1}}, kMillisecondNs);
  observed().Tell(2000 * kMillisecondNs);
  EXPECT_THAT(told(), ElementsAre(What::kScrubBegan));
}

TEST_F(ObservedTest, OfWhatIsInNoMountTableThereIsNothingToSay) {
  observed().AddCount({4711}, 3);
  observed().AddScrubs({{.filesystem = {4711}, .device = 1, .has_ended = true}}, 0);
  observed().Tell(2000 * kMillisecondNs);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ObservedTest, WithoutAnObserverNothingIsKept) {
  Observed nobody({}, mounts());
  nobody.Add(mounting(), {.what = What::kBegun});
  nobody.TellBegun();
  nobody.Tell(0);
}

}  // namespace
}  // namespace fsherald
