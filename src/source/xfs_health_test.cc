// SPDX-License-Identifier: MIT
#include "source/xfs_health.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "source/test_filesystem.h"
#include "source/test_xfs_health.h"

namespace fsherald {
namespace {

constexpr uint64_t kNow = 5'000'000'000;
constexpr int64_t kUtc = 1'003'000'000;  // 3 ms after the events

// A pipe in the kernel's place.
class XfsHealthTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end_ = Fd(ends[0]);
    write_end_ = Fd(ends[1]);
    auto source = XfsHealthSource::Open([this](const Mounting&) -> Result<Fd> { return std::move(read_end_); });
    ASSERT_TRUE(source);
    source_.emplace(std::move(*source));
    Mounting mounting;
    mounting.key = 7;
    mounting.info.device = "sda1";
    ASSERT_TRUE(source_->Add(mounting, 1'000'000'000));
  }

  void Write(const XfsHealthBytes& events) {
    ASSERT_EQ(::write(write_end_.get(), events.bytes().data(), events.bytes().size()),
              static_cast<ssize_t>(events.bytes().size()));
  }
  XfsHealthSignals Read() { return source_->Read(kNow, kUtc); }
  static const EventSignal& EventOf(const Signal& signal) { return std::get<EventSignal>(signal.what); }

  Fd read_end_, write_end_;
  std::optional<XfsHealthSource> source_;
};

TEST_F(XfsHealthTest, AnEventIsASignalOfItsFileSystemAndTime) {
  Write(XfsHealthBytes().Running().Sick(0x10, 0xa0080, 77));
  const XfsHealthSignals read = Read();
  ASSERT_EQ(read.signals.size(), 1U);
  EXPECT_EQ(read.signals[0].filesystem, FilesystemKey{7});
  const EventSignal& event = EventOf(read.signals[0]);
  EXPECT_EQ(event.boottime_ns, kNow - 3'000'000);
  EXPECT_EQ(event.report.inode, 0xa0080U);
  EXPECT_EQ(event.sources, SourceSet(SourceId::kHealth));
  EXPECT_EQ(event.task, std::nullopt);
  EXPECT_TRUE(Read().signals.empty()) << "once";
}

TEST_F(XfsHealthTest, ATimeThatCannotBeIsPutRight) {
  Write(XfsHealthBytes().Event(3, 3, 0).Event(3, 3, UINT64_MAX));
  const XfsHealthSignals read = source_->Read(kNow, INT64_MAX);
  ASSERT_EQ(read.signals.size(), 2U);
  EXPECT_EQ(EventOf(read.signals[0]).boottime_ns, 1'000'000'000U) << "not before the monitor was opened";
  EXPECT_EQ(EventOf(read.signals[1]).boottime_ns, kNow);
}

TEST_F(XfsHealthTest, AMediaErrorNamesTheFileSystemsDevice) {
  Write(XfsHealthBytes().Media(800, 8));
  EXPECT_EQ(EventOf(Read().signals.at(0)).report.device_error->device, "sda1");
}

TEST_F(XfsHealthTest, WhatTheQueueLostIsAGapOfTheFileSystem) {
  Write(XfsHealthBytes().Lost(40));
  const XfsHealthSignals read = Read();
  ASSERT_EQ(read.signals.size(), 1U);
  EXPECT_EQ(read.signals[0].filesystem, FilesystemKey{7});
  const GapSignal& gap = std::get<GapSignal>(read.signals[0].what);
  EXPECT_EQ(gap.count, 40U);
  EXPECT_TRUE(gap.exact);
  EXPECT_EQ(gap.source, SourceId::kHealth);
}

TEST_F(XfsHealthTest, AnUnmountIsHintedAtAndEndsIt) {
  Write(XfsHealthBytes().Unmount().Sick(1, 12, 0));
  XfsHealthSignals read = Read();
  EXPECT_TRUE(read.unmounted);
  EXPECT_EQ(read.signals.size(), 1U) << "the kernel puts it before what it has queued";
  EXPECT_TRUE(source_->Covers({7}));
  write_end_ = Fd();
  EXPECT_TRUE(Read().signals.empty());
  EXPECT_FALSE(source_->Covers({7}));
}

TEST_F(XfsHealthTest, MoreThanOneReadHoldsComesToo) {
  XfsHealthBytes events;
  for (uint64_t i = 0; i < 200; ++i) events.Sick(1, i + 1, 0);
  Write(events);
  EXPECT_EQ(Read().signals.size(), 200U);
}

TEST(XfsHealthMonitor, OfAFileSystemThatHasNoneIsRefusedWithASentence) {
  const std::string why_not = TestFilesystem::EnterOwnNamespace();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  Mounting mounting;
  mounting.access_path = "/proc";
  const Result<Fd> monitor = OpenXfsHealthMonitor(mounting);
  ASSERT_FALSE(monitor);
  EXPECT_EQ(monitor.error().ToString(), "this kernel's XFS has no health monitor (it came with Linux 7.0)");
  EXPECT_EQ(*HasXfsHealthMonitor("/proc"), false);
  EXPECT_FALSE(HasXfsHealthMonitor("/no/such/place"));
}

}  // namespace
}  // namespace fsherald
