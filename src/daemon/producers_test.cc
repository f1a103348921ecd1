// SPDX-License-Identifier: MIT
#include "daemon/producers.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "daemon/peer.h"
#include "daemon/test_reporter.h"

namespace fsherald {
namespace {

constexpr int kDeadlineMs = 10'000;

class ProducersTest : public testing::Test {
 protected:
  ProducersTest() {
    std::string pattern = testing::TempDir() + "fsherald.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    ::chmod(dir_.c_str(), 0755);
  }
  ~ProducersTest() override { std::filesystem::remove_all(dir_); }

  struct Told {
    Notification notification;
    std::vector<FilesystemKey> keys;
  };

  void Open(Producers::Options options = {}) {
    auto listener = Listen(dir_, protocol::kReportSocket);
    ASSERT_TRUE(listener) << listener.error().ToString();
    auto producers = Producers::Open(std::move(options), std::move(*listener), filesystems_,
                                     [this](Notification&& notification, std::span<const FilesystemKey> keys) {
                                       told_.push_back({std::move(notification), {keys.begin(), keys.end()}});
                                     });
    ASSERT_TRUE(producers) << producers.error().ToString();
    producers_ = std::move(*producers);
  }
  bool IsReadable(int timeout_ms = 0) const {
    pollfd fd{.fd = producers_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&fd, 1, timeout_ms) == 1;
  }
  // Pumps for as long as there is something to do at once.
  void PumpAll() {
    while (IsReadable()) producers_->Pump();
  }
  template <typename Condition>
  bool PumpUntil(Condition condition) {
    const uint64_t deadline_ns = BoottimeNowNs() + uint64_t{kDeadlineMs} * 1'000'000;
    while (BoottimeNowNs() < deadline_ns) {
      if (condition()) return true;  // asked once: what was true may not be so again
      if (IsReadable(100)) producers_->Pump();
    }
    return false;
  }
  void Attach(TestReporter& reporter, const char* type = "mydb", const char* name = "orders") {
    reporter.Offer(dir_, type, name);
    PumpAll();
    std::string text;
    ASSERT_EQ(reporter.Answer(&text), 0) << text;
  }
  std::optional<int> AnswerTo(TestReporter& reporter) {
    PumpAll();
    return reporter.Answer(&answer_text_);
  }
  uint64_t CountTold() const {
    uint64_t sum = 0;
    for (const Told& told : told_) sum += told.notification.error.count;
    return sum;
  }

  std::string dir_;
  UserFilesystems filesystems_;
  std::vector<Told> told_;
  std::unique_ptr<Producers> producers_;
  std::string answer_text_;
};

TEST_F(ProducersTest, WhatIsReportedIsToldWithWhatTheCredentialsSay) {
  Open();
  TestReporter reporter;
  Attach(reporter);
  const uint64_t before_ns = BoottimeNowNs();
  reporter.Submit({.error = EIO, .kind = FSHERALD_KIND_DATA_READ, .line = 81}, "a/b", "checksum");
  PumpAll();
  ASSERT_EQ(told_.size(), 1U);
  const Notification& told = told_[0].notification;
  EXPECT_EQ(told.filesystem, (FilesystemInfo{.type = "mydb", .device = "orders"}));
  EXPECT_EQ(told.error.code, EIO);
  EXPECT_EQ(told.kind, Kind::kDataRead);
  EXPECT_EQ(told.origin, Origin::kUser);
  EXPECT_EQ(told.sources, SourceSet(SourceId::kProducer));
  EXPECT_EQ(told.specific->type, "mydb");
  EXPECT_EQ(told.specific->message, "checksum");
  EXPECT_EQ(told.object->path, "a/b") << "without a mount as it names its objects";
  EXPECT_EQ(told.task->pid, static_cast<uint32_t>(::getpid()));
  std::string comm;
  std::getline(std::ifstream("/proc/self/comm"), comm);
  EXPECT_EQ(told.task->comm, comm);
  EXPECT_GE(*told.boottime_ns, before_ns);
  EXPECT_LE(*told.boottime_ns, BoottimeNowNs());
  EXPECT_EQ(told_[0].keys, (std::vector{filesystems_.OfName("mydb", "orders", ::getuid()),
                                        filesystems_.OfName("mydb", "orders", UserFilesystems::kAnyUid)}));
}

TEST_F(ProducersTest, WhatWaitedBeforeTheOfferIsTold) {
  TestReporter reporter;
  reporter.Report(1);
  Open();
  Attach(reporter);
  ASSERT_EQ(told_.size(), 1U);
}

TEST_F(ProducersTest, ATimeInTheFutureIsNow) {
  Open();
  TestReporter reporter;
  reporter.Report(1);
  // The data of this thread's lane, the second, behind the lanes and the first one's.
  auto* data = reinterpret_cast<std::byte*>(&reporter.lane(2));
  auto* slot = reinterpret_cast<ring::Slot*>(data + TestReporter::kLaneBytes);
  ASSERT_EQ(slot->bytes, sizeof(ProducerRecord));
  slot->ticks = UINT64_MAX;
  Attach(reporter);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_LE(*told_[0].notification.boottime_ns, BoottimeNowNs());
}

TEST_F(ProducersTest, WhatFoundNoRoomIsToldAsACount) {
  TestReporter reporter;
  uint64_t counted = 0;
  constexpr uint64_t kReports = 5000;
  for (uint64_t i = 0; i < kReports; ++i) counted += reporter.Report(EIO) == ring::Submitted::kCounted;
  ASSERT_GT(counted, 0U);
  Open();
  Attach(reporter);
  EXPECT_EQ(CountTold(), kReports);
  const Notification& last = told_.back().notification;
  EXPECT_EQ(last.error, (ErrorInfo{.code = std::nullopt, .count = counted}));
  EXPECT_EQ(last.kind, Kind::kMetadata);
  EXPECT_EQ(last.origin, Origin::kUser);
  EXPECT_EQ(last.filesystem.device, "orders");
}

TEST_F(ProducersTest, WhatAReporterLeftIsReadBeforeItIsLetGo) {
  Open();
  TestReporter reporter;
  Attach(reporter);
  reporter.Report(1);
  reporter.Report(2);
  reporter.HangUp();
  PumpAll();
  EXPECT_EQ(told_.size(), 2U);
  EXPECT_EQ(producers_->attached(), 0U);
}

TEST_F(ProducersTest, RecordsThatAreNotValidAreRefusedAndTheOthersTold) {
  Open();
  TestReporter reporter;
  Attach(reporter);
  reporter.Submit({.error = 0});
  reporter.Submit({.error = EIO, .kind = FSHERALD_KIND_GAP});
  reporter.Report(EIO);
  PumpAll();
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_EQ(producers_->refused(), 2U);
}

TEST_F(ProducersTest, ABrokenRingIsToldOnceAsAGapAndLetGo) {
  Open();
  TestReporter broken;
  TestReporter good;
  Attach(broken, "mydb", "broken");
  Attach(good, "mydb", "good");
  broken.lane(1).head = 0x1234567;
  const uint64_t one = 1;
  ASSERT_EQ(::write(broken.eventfd(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  good.Report(EIO);
  PumpAll();
  ASSERT_EQ(told_.size(), 2U);
  const bool is_first = told_[0].notification.kind == Kind::kGap;
  const Notification& gap = told_[is_first ? 0 : 1].notification;
  ASSERT_EQ(gap.kind, Kind::kGap);
  EXPECT_EQ(gap.filesystem.device, "broken");
  EXPECT_EQ(gap.gap->source, SourceId::kProducer);
  EXPECT_EQ(gap.gap->count, std::nullopt);
  EXPECT_TRUE(broken.HasHungUp());
  EXPECT_FALSE(good.HasHungUp());
  EXPECT_EQ(producers_->attached(), 1U);
}

TEST_F(ProducersTest, WhoSaysMoreThanHisOfferIsLetGo) {
  Open();
  TestReporter reporter;
  Attach(reporter);
  const protocol::Close more{.head = {.type = protocol::kClose, .bytes = sizeof more}};
  ASSERT_TRUE(protocol::Send(reporter.socket(), std::as_bytes(std::span(&more, 1))));
  PumpAll();
  EXPECT_TRUE(reporter.HasHungUp());
  EXPECT_EQ(producers_->attached(), 0U);
}

TEST_F(ProducersTest, DescriptorsThatCouldHarmAreRefusedWithASentence) {
  Open();
  TestReporter unsealed(2, 0);
  unsealed.Offer(dir_);
  EXPECT_EQ(AnswerTo(unsealed), EINVAL);
  EXPECT_EQ(answer_text_, "the memfd is not sealed against shrinking: Invalid argument");

  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  TestReporter no_eventfd;
  no_eventfd.Offer(dir_, "mydb", "orders", {no_eventfd.memfd(), pipe[0]});
  EXPECT_EQ(AnswerTo(no_eventfd), EINVAL);
  no_eventfd.Offer(dir_, "mydb", "orders", {pipe[0], no_eventfd.eventfd()});
  EXPECT_EQ(AnswerTo(no_eventfd), EINVAL);
  no_eventfd.Offer(dir_, "mydb", "orders", {});
  EXPECT_EQ(AnswerTo(no_eventfd), EINVAL);
  ::close(pipe[0]);
  ::close(pipe[1]);

  TestReporter no_ring;
  no_ring.header().magic = 0;
  no_ring.Offer(dir_);
  EXPECT_EQ(AnswerTo(no_ring), EINVAL);

  TestReporter read_only;
  Fd unwritable(::open(("/proc/self/fd/" + std::to_string(read_only.memfd())).c_str(), O_RDONLY | O_CLOEXEC));
  read_only.Offer(dir_, "mydb", "orders", {unwritable.get(), read_only.eventfd()});
  EXPECT_EQ(AnswerTo(read_only), EINVAL);

  EXPECT_EQ(producers_->attached(), 0U);
  EXPECT_EQ(producers_->refused(), 6U);
}

TEST_F(ProducersTest, ABlockingEventfdBlocksNobody) {
  Open();
  TestReporter reporter;
  Fd blocking(::eventfd(0, EFD_CLOEXEC));
  reporter.Offer(dir_, "mydb", "orders", {reporter.memfd(), blocking.get()});
  EXPECT_EQ(AnswerTo(reporter), 0);
  reporter.Report(EIO);
  const uint64_t one = 1;
  ASSERT_EQ(::write(blocking.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  PumpAll();
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(ProducersTest, OnlyRootMaySpeakForAMountAndNobodyForTheKernel) {
  Open();
  TestReporter reporter;
  Fd mount(::open("/proc", O_PATH | O_CLOEXEC));
  reporter.Offer(dir_, "", "", {reporter.memfd(), reporter.eventfd(), mount.get()}, protocol::kOfMount);
  EXPECT_EQ(AnswerTo(reporter), EPERM);
  EXPECT_EQ(
      answer_text_,
      "/proc is proc: a program may report only for a file system of its own, by FUSE or without a mount, and not "
      "for one of the kernel's: Operation not permitted");
}

TEST_F(ProducersTest, AConnectionWithoutAnOfferKeepsNothingFromOthers) {
  Open();
  std::vector<Fd> silent;
  for (int i = 0; i < 200; ++i) {
    auto socket = protocol::Connect(dir_, protocol::kReportSocket);
    if (!socket) {
      ASSERT_TRUE(IsReadable(kDeadlineMs));
      producers_->Pump();
      --i;
      continue;
    }
    silent.push_back(std::move(*socket));
  }
  TestReporter reporter;
  ASSERT_TRUE(PumpUntil([&] { return reporter.Offer(dir_); }));
  EXPECT_TRUE(PumpUntil([&] { return producers_->attached() == 1; }));
}

TEST_F(ProducersTest, WhatNobodyHasMarkedWaitsInTheReportersMemory) {
  bool is_wanted = false;
  Producers::Options options;
  options.is_wanted = [&](std::span<const FilesystemKey>) { return is_wanted; };
  Open(std::move(options));
  TestReporter reporter;
  Attach(reporter);
  reporter.Report(1);
  PumpAll();
  EXPECT_TRUE(told_.empty());
  is_wanted = true;
  producers_->MarksChanged();
  PumpAll();
  EXPECT_EQ(told_.size(), 1U);
  reporter.Report(2);
  PumpAll();
  EXPECT_EQ(told_.size(), 2U);
  is_wanted = false;
  producers_->MarksChanged();
  for (int i = 0; i < 10; ++i) reporter.Report(3);
  PumpAll();
  EXPECT_EQ(told_.size(), 2U);
  reporter.HangUp();
  PumpAll();
  EXPECT_EQ(producers_->attached(), 0U);
}

TEST_F(ProducersTest, AFloodOfWakeUpsIsHeardSeldom) {
  Open();
  TestReporter flooder;
  Attach(flooder);
  const uint64_t one = 1;
  const uint64_t begin_ns = BoottimeNowNs();
  uint64_t pumps = 0;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(::write(flooder.eventfd(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    if (!IsReadable()) continue;
    producers_->Pump();
    ++pumps;
  }
  const uint64_t windows = (BoottimeNowNs() - begin_ns) / 10'000'000 + 1;
  EXPECT_LE(pumps, windows * 25);
  flooder.Report(EIO);
  EXPECT_TRUE(PumpUntil([&] { return told_.size() == 1; })) << "what it has to say is read all the same";
}

TEST_F(ProducersTest, FinishReadsAllThatWaits) {
  Open();
  TestReporter reporter;
  Attach(reporter);
  for (int i = 0; i < 100; ++i) reporter.Report(EIO);
  producers_->Finish();
  EXPECT_EQ(told_.size(), 100U);
}

// The rest as another user, who has quotas: the test's own process is root's, its child takes another uid.
class ProducersOfAnotherUserTest : public ProducersTest {
 protected:
  static constexpr uid_t kUid = 12345;
  static constexpr gid_t kGroup = 23456;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: no other user can be played";
  }
  // The child does as it is told by `act`, and lives until the test has ended.
  template <typename Act>
  void AsUser(gid_t gid, Act act) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(pipe[1]);
      if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(kUid, kUid, kUid) != 0)
        ::_exit(2);
      const int result = act();
      char byte = 0;
      if (::read(pipe[0], &byte, 1) != 0) ::_exit(3);
      ::_exit(result);
    }
    ::close(pipe[0]);
    hold_.Reset(pipe[1]);
  }
  int EndUser() {
    hold_.Reset();
    int status = 0;
    ::waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  static std::optional<int> WaitForAnswer(TestReporter& reporter) {
    pollfd fd{.fd = reporter.socket(), .events = POLLIN, .revents = 0};
    ::poll(&fd, 1, kDeadlineMs);
    return reporter.Answer();
  }

  pid_t child_ = -1;
  Fd hold_;
};

TEST_F(ProducersOfAnotherUserTest, MayReportOnlyWithTheGroup) {
  Open({.group = kGroup});
  AsUser(100, [this] {
    TestReporter reporter;
    reporter.Offer(dir_);
    return WaitForAnswer(reporter) == EPERM ? 0 : 1;
  });
  EXPECT_TRUE(PumpUntil([&] { return producers_->refused() == 1; }));
  EXPECT_EQ(EndUser(), 0);
  AsUser(kGroup, [this] {
    TestReporter reporter;
    reporter.Offer(dir_);
    return WaitForAnswer(reporter) == 0 ? 0 : 1;
  });
  EXPECT_TRUE(PumpUntil([&] { return producers_->attached() == 1; }));
  EXPECT_EQ(EndUser(), 0);
}

TEST_F(ProducersOfAnotherUserTest, HasAsManyReportersAndAsMuchMemoryAsIsAllowed) {
  Open({.group = kGroup, .max_reporters = 2, .max_memory_bytes = 3 * ring::SegmentBytes(2, TestReporter::kLaneBytes)});
  AsUser(kGroup, [this] {
    TestReporter first;
    TestReporter second;
    TestReporter third;
    TestReporter big(100);
    first.Offer(dir_);
    if (WaitForAnswer(first) != 0) return 1;
    big.Offer(dir_);
    if (WaitForAnswer(big) != EDQUOT) return 4;
    second.Offer(dir_);
    if (WaitForAnswer(second) != 0) return 5;
    third.Offer(dir_);
    if (WaitForAnswer(third) != EDQUOT) return 6;
    first.HangUp();
    for (int i = 0; i < kDeadlineMs; ++i) {
      third.Offer(dir_);
      if (WaitForAnswer(third) == 0) return 0;
      ::usleep(1000);
    }
    return 7;
  });
  EXPECT_TRUE(PumpUntil([&] { return producers_->refused() >= 2 && producers_->attached() == 2; }));
  for (int i = 0; i < 50; ++i)
    if (IsReadable(10)) producers_->Pump();
  EXPECT_EQ(EndUser(), 0);
}

TEST_F(ProducersOfAnotherUserTest, IsReadNoFasterThanTheQuotaAndNothingIsLost) {
  const uint64_t begin_ns = BoottimeNowNs();  // before the first look at the quota: no clock of its can have run longer
  Open({.group = kGroup, .max_per_second = 1000});
  constexpr uint64_t kReports = 20'000;
  AsUser(kGroup, [this] {
    TestReporter reporter(16);
    reporter.Offer(dir_);
    if (WaitForAnswer(reporter) != 0) return 1;
    for (uint64_t i = 0; i < kReports; ++i) reporter.Report(EIO);
    return 0;
  });
  EXPECT_TRUE(PumpUntil([&] { return CountTold() == kReports; }));
  const uint64_t took_ms = (BoottimeNowNs() - begin_ns) / 1'000'000;
  EXPECT_LE(told_.size(), 100 + took_ms + 1);
  EXPECT_EQ(EndUser(), 0);
}

// Moves the heads of its lanes over slots that hold nothing, one after the other as the reader comes up with them, and wakes it, for
// as long as the process lives.
[[noreturn]] void SpinOverNothing(TestReporter& reporter, uint32_t lanes) {
  const ring::Slot nothing{.bytes = ring::kSkip, .reserved = 0, .ticks = 0};
  std::byte* const data = reporter.memory().data() + reporter.memory().size() - lanes * TestReporter::kLaneBytes;
  for (uint32_t i = 0; i < lanes; ++i) std::memcpy(data + i * TestReporter::kLaneBytes, &nothing, sizeof nothing);
  const uint64_t one = 1;
  for (uint32_t i = 0;; i = (i + 1) % lanes) {
    ring::Lane& lane = reporter.lane(i);
    if (const uint64_t head = lane.head.load(); lane.tail.load() == head)
      lane.head.store(head + TestReporter::kLaneBytes);
    if (reporter.header().sleeping.exchange(0) != 0 && ::write(reporter.eventfd(), &one, sizeof one) < 0) std::abort();
  }
}

TEST_F(ProducersOfAnotherUserTest, WhoKeepsUsAwakeForNothingIsReadNoFasterThanTheQuota) {
  Open({.group = kGroup, .max_per_second = 1000});
  AsUser(kGroup, [this]() -> int {
    constexpr uint32_t kLanes = 200;
    TestReporter reporter(kLanes);
    reporter.Offer(dir_);
    if (WaitForAnswer(reporter) != 0) return 1;
    SpinOverNothing(reporter, kLanes);
  });
  ASSERT_TRUE(PumpUntil([&] { return producers_->attached() == 1; }));
  const uint64_t begin_ns = BoottimeNowNs();
  uint64_t pumps = 0;
  uint64_t took_ms = 0;
  for (; took_ms < 500; took_ms = (BoottimeNowNs() - begin_ns) / 1'000'000)
    if (IsReadable(10)) producers_->Pump(), ++pumps;
  EXPECT_LE(pumps, 2 * (100 + took_ms + 1)) << "as many as the quota has, and the ends of rests";
  ::kill(child_, SIGKILL);
  EXPECT_TRUE(PumpUntil([&] { return producers_->attached() == 0; }));
  EXPECT_TRUE(told_.empty());
  EndUser();
}

}  // namespace
}  // namespace fsherald
