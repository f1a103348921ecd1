// SPDX-License-Identifier: MIT
// What Linux from 7.0 on says of one error by its tracepoints, its lines, fserror_report and fanotify, and that it is told once
// and counted as fanotify counts it. No kernel at hand has it: the order is that of its source (fs/xfs/xfs_health.c, fs/fserror.c).
#include <gtest/gtest.h>

#include <cerrno>

#include "filesystem/filesystem.h"
#include "filesystem/xfs_health.h"
#include "join/join.h"

namespace fsherald {
namespace {

constexpr FilesystemKey kFs{1};
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kLater = 10'000 * kMs;
constexpr uint64_t kDirectory = 0xa0080;
constexpr JoinCoverage kOf70{.fanotify = true, .trace = true, .lines = true, .lines_with_task = true, .echoed = true};

enum FserrorType : uint64_t { kBufferedRead, kBufferedWrite, kDirectRead, kDirectWrite, kDataLost, kMetadata };

// Says what the kernel says, each a tenth of a millisecond after the one before, all in one task but what says otherwise.
class Kernel {
 public:
  explicit Kernel(const char* type = "xfs", const JoinCoverage& coverage = kOf70) : type_(type) {
    join_.Open(kFs, coverage, std::nullopt);
  }

  Kernel& By(uint32_t tid) {
    tid_ = tid;
    return *this;
  }
  Kernel& Wait(uint64_t ns) {
    now_ += ns;
    return *this;
  }

  Kernel& Event(TracePoint point, std::array<uint64_t, 6> values, const char* text = "", uint64_t folded = 0) {
    std::optional<ErrorReport> report =
        ParseEvent({.point = point, .filesystem_type = type_, .values = values, .text = text});
    if (!report) return *this;
    EventSignal signal{.boottime_ns = Now(), .report = *report, .folded = folded};
    if (folded == 0) signal.task = Task();
    join_.Add({kFs, signal}, now_);
    return *this;
  }
  Kernel& Line(std::string text) {
    std::optional<ParsedLog> parsed = ParseLog(text);
    if (!parsed) return *this;
    join_.Add({kFs, LogSignal{.boottime_ns = Now(), .task = Task(), .report = parsed->report}}, now_);
    return *this;
  }

  // A directory's block fails its check: an event, the check's line, the reader's line.
  Kernel& BadBlock(uint64_t daddr = 0x70078) {
    Event(TracePoint::kXfsBufferError, {EBADMSG, daddr, 8, 1, 2}, "xfs_dir3_data");
    return Line(
        "XFS (loop3): Metadata CRC error detected at xfs_dir3_data_read_verify+0x71/0x100, xfs_dir3_data block 0x" +
        Hex(daddr) + " ");
  }
  Kernel& InodeIsSick(uint64_t inode = kDirectory) { return Event(TracePoint::kXfsInodeSick, {0x10, inode, 77}); }
  Kernel& GroupIsSick(uint64_t group) { return Event(TracePoint::kXfsGroupSick, {0x2, group, 0}); }
  Kernel& ShutDown() {
    Event(TracePoint::kXfsShutdown, {0x2, 0x8, 475}, "fs/xfs/xfs_fsops.c");
    return Line(
        "XFS (loop3): Corruption of in-memory data (0x8) detected at xfs_trans_cancel+0x1/0x2 "
        "(fs/xfs/xfs_trans.c:475).  "
        "Shutting down filesystem.");
  }

  Kernel& Call(FserrorType type, uint64_t inode, uint64_t code, uint64_t position = 0, uint64_t length = 0) {
    return Event(TracePoint::kFserror, {type, inode, 77, position, length, code});
  }
  Kernel& Record(int code, std::optional<uint64_t> inode, uint64_t count = 1) {
    FanotifySignal record{.boottime_ns = Now(), .code = code, .count = count, .inode = inode};
    if (inode) record.generation = 77;
    join_.Add({kFs, record}, now_);
    return *this;
  }
  Kernel& Health(const XfsHealthEvent& event) {
    join_.Add(
        {kFs, EventSignal{.boottime_ns = Now(), .report = *ParseXfsHealthEvent(event), .sources = SourceId::kHealth}},
        now_);
    return *this;
  }
  Kernel& FailedRead(uint64_t sector) {
    std::optional<ErrorReport> report =
        ParseEvent({.point = TracePoint::kBlockError, .values = {10, sector, 4096, 0, 7 << 20}});
    report->device_error->device = "loop3";
    join_.Add({kFs, EventSignal{.boottime_ns = Now(), .report = *report}}, now_);
    return *this;
  }

  std::vector<Joined> ToldBy(uint64_t ns) { return join_.Take(now_ + ns); }
  std::vector<Joined> Told() { return join_.Take(now_ += kLater); }
  std::optional<uint64_t> WaitsFor() const {
    const std::optional<uint64_t> deadline_ns = join_.deadline_ns();
    return deadline_ns ? std::optional(*deadline_ns - now_) : std::nullopt;
  }

 private:
  static std::string Hex(uint64_t value) {
    char text[17];
    snprintf(text, sizeof(text), "%lx", static_cast<unsigned long>(value));
    return text;
  }
  uint64_t Now() { return now_ += kMs / 10; }
  fsherald::Task Task() const { return {.pid = tid_, .tid = tid_, .comm = "ls", .cgroup = {}}; }

  std::string type_;
  Join join_;
  uint64_t now_ = kMs;
  uint32_t tid_ = 200;
};

uint64_t Sum(const std::vector<Joined>& told) {
  uint64_t sum = 0;
  for (const Joined& one : told) sum += one.notification.error.count;
  return sum;
}

SourceSet All() { return SourceSet(SourceId::kTrace).Add(SourceId::kKmsg).Add(SourceId::kFanotify); }

TEST(JoinEcho, ADamagedDirectoryOfXfsIsOneErrorOfEventLineMarkAndRecord) {
  std::vector<Joined> told = Kernel().BadBlock().InodeIsSick().Record(EUCLEAN, kDirectory).Told();
  ASSERT_EQ(told.size(), 1U);
  const Notification& error = told[0].notification;
  EXPECT_EQ(error.error, (ErrorInfo{.code = EBADMSG, .count = 1})) << "what the check found";
  EXPECT_EQ(error.kind, Kind::kMetadata);
  EXPECT_EQ(error.sources, All());
  EXPECT_EQ(error.object, (ObjectInfo{.inode = kDirectory, .generation = 77}));
  EXPECT_EQ(error.location->function, "xfs_dir3_data_read_verify");
  EXPECT_EQ(error.task->tid, 200U);
}

TEST(JoinEcho, TheCallOfFserrorReportBetweenThemChangesNothing) {
  std::vector<Joined> told =
      Kernel().BadBlock().InodeIsSick().Call(kMetadata, kDirectory, EUCLEAN).Record(EUCLEAN, kDirectory).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  EXPECT_EQ(told[0].notification.sources, All());
}

TEST(JoinEcho, AnErrorThatIsMarkedThreeTimesCountsThreeAsFanotifyDoes) {
  for (bool merged : {true, false}) {
    Kernel kernel;
    kernel.BadBlock();
    for (int i = 0; i < 3; ++i) kernel.InodeIsSick().Call(kMetadata, kDirectory, EUCLEAN);
    if (merged) kernel.Record(EUCLEAN, kDirectory, 3);
    else
      for (int i = 0; i < 3; ++i) kernel.Record(EUCLEAN, kDirectory);
    std::vector<Joined> told = kernel.Told();
    ASSERT_EQ(told.size(), 1U) << merged;
    EXPECT_EQ(told[0].notification.error.count, 3U) << merged;
  }
}

TEST(JoinEcho, RecordsGoToTheErrorsOfTheirInodesInWhateverOrder) {
  std::vector<Joined> told = Kernel()
                                 .BadBlock(0x100)
                                 .InodeIsSick(12)
                                 .By(201)
                                 .BadBlock(0x200)
                                 .InodeIsSick(13)
                                 .Record(EUCLEAN, 13)
                                 .Record(EUCLEAN, 12)
                                 .Told();
  ASSERT_EQ(told.size(), 2U);
  for (const Joined& one : told) EXPECT_EQ(one.notification.sources, All());
  EXPECT_EQ(Sum(told), 2U);
}

TEST(JoinEcho, ARecordOfAGroupHasNoInodeAndGoesToWhatIsMarked) {
  std::vector<Joined> told = Kernel()
                                 .BadBlock(0x100)
                                 .InodeIsSick(12)
                                 .Record(EUCLEAN, 12)
                                 .By(201)
                                 .Event(TracePoint::kXfsBufferError, {EUCLEAN, 0x28001, 1, 1, 1}, "xfs_agf")
                                 .GroupIsSick(1)
                                 .Record(EUCLEAN, std::nullopt)
                                 .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(Sum(told), 2U);
  EXPECT_EQ(told[1].report->group, 1U);
  EXPECT_EQ(told[1].notification.sources, SourceSet(SourceId::kTrace).Add(SourceId::kFanotify));
}

TEST(JoinEcho, AShutdownIsOneErrorWhateverTheErrnoThatFanotifyHas) {
  std::vector<Joined> told = Kernel().ShutDown().Call(kMetadata, 0, ESHUTDOWN).Record(ESHUTDOWN, std::nullopt).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kShutdown);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.sources, All());
}

TEST(JoinEcho, OfAMergedRecordTheErrorsThatItDoesNotDescribeAreThoseThatAreMarked) {
  std::vector<Joined> told = Kernel().BadBlock().InodeIsSick().ShutDown().Record(EUCLEAN, kDirectory, 2).Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(Sum(told), 2U);
  for (const Joined& one : told) EXPECT_EQ(one.notification.sources, All());
}

TEST(JoinEcho, WhatNoReportExplainsIsTold) {
  std::vector<Joined> told = Kernel().BadBlock().InodeIsSick().Record(EUCLEAN, kDirectory, 4).Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  EXPECT_EQ(told[1].notification.error, (ErrorInfo{.code = std::nullopt, .count = 3}));
  EXPECT_EQ(told[1].notification.object, std::nullopt) << "nothing says of what they are";
  EXPECT_EQ(told[1].notification.sources, SourceSet(SourceId::kFanotify));

  told = Kernel().Record(EUCLEAN, 12).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.object, (ObjectInfo{.inode = 12, .generation = 77}));
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
}

TEST(JoinEcho, ARecordThatComesAfterItsErrorWasToldIsNoNews) {
  Kernel kernel;
  kernel.BadBlock().InodeIsSick();
  std::vector<Joined> told = kernel.Wait(200 * kMs).ToldBy(0);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  kernel.Record(EUCLEAN, kDirectory);
  EXPECT_TRUE(kernel.ToldBy(20 * kMs).empty());
  kernel.Record(EUCLEAN, kDirectory);
  EXPECT_EQ(Sum(kernel.ToldBy(20 * kMs)), 1U) << "and the next is another error";
}

TEST(JoinEcho, ALongPastErrorExplainsNothing) {
  Kernel kernel;
  kernel.BadBlock().InodeIsSick();
  ASSERT_EQ(kernel.Wait(200 * kMs).ToldBy(0).size(), 1U);
  kernel.Wait(2'000 * kMs).Record(EUCLEAN, kDirectory);
  EXPECT_EQ(Sum(kernel.Told()), 1U);
}

TEST(JoinEcho, FanotifyIsWaitedForNoLongerThanItNeeds) {
  EXPECT_GT(Kernel().InodeIsSick().WaitsFor(), 40 * kMs) << "a worker of the kernel makes the record";
  EXPECT_LE(Kernel().InodeIsSick().Record(EUCLEAN, kDirectory).WaitsFor(), 5 * kMs);
  JoinCoverage before = kOf70;
  before.fanotify = before.echoed = false;
  EXPECT_LE(Kernel("xfs", before).InodeIsSick().WaitsFor(), 5 * kMs) << "Linux before 7.0";
}

TEST(JoinEcho, MarksThatWereOnlyCountedAreWhatFanotifyCounts) {
  std::vector<Joined> told =
      Kernel().Event(TracePoint::kXfsInodeCorrupt, {}, "", 100).Record(EUCLEAN, 12, 60).Record(EUCLEAN, 13, 40).Told();
  EXPECT_EQ(Sum(told), 100U);
  ASSERT_EQ(told.size(), 1U);
}

TEST(JoinEcho, AFileThatCannotBeReadIsOneErrorWithItsRange) {
  std::vector<Joined> told = Kernel().FailedRead(800).Call(kBufferedRead, 131, EIO, 4096, 4096).Record(EIO, 131).Told();
  ASSERT_EQ(told.size(), 1U);
  const Notification& error = told[0].notification;
  EXPECT_EQ(error.kind, Kind::kDataRead);
  EXPECT_EQ(error.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(error.range, (Range{.offset_bytes = 4096, .length_bytes = 4096}));
  EXPECT_EQ(error.device_error->sector, 800U);
  EXPECT_EQ(error.sources, SourceSet(SourceId::kTrace).Add(SourceId::kFanotify));
}

TEST(JoinEcho, TwoPlacesOfAFileThatCannotBeReadAreTwoErrors) {
  std::vector<Joined> told =
      Kernel().Call(kDirectRead, 131, EIO, 0, 4096).Call(kDirectRead, 131, EIO, 65536, 4096).Record(EIO, 131, 2).Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(Sum(told), 2U);
}

// Without the call the record says no kind; what a device has failed is known to be that.
TEST(JoinEcho, ARecordOfAFailedRequestIsTheDevices) {
  std::vector<Joined> told = Kernel().FailedRead(800).Record(EIO, 131).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kDevice);
  EXPECT_EQ(told[0].notification.object->inode, 131U);
  EXPECT_EQ(told[0].notification.device_error->sector, 800U);
}

TEST(JoinEcho, WhatWriteBackHasLostIsOneErrorForEachCall) {
  std::vector<Joined> told = Kernel()
                                 .Event(TracePoint::kWritebackError, {EIO, 131, 77})
                                 .Event(TracePoint::kWritebackError, {EIO, 131, 77})
                                 .Call(kBufferedWrite, 131, EIO, 0, 8192)
                                 .Record(EIO, 131)
                                 .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kWriteback);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  EXPECT_EQ(told[0].notification.range, (Range{.offset_bytes = 0, .length_bytes = 8192}));
}

const char kCorruptedXattr[] = "F2FS-fs (loop3): list inode (7) has corrupted xattr";
const char kBadAddress[] = "F2FS-fs (loop3): access invalid blkaddr:4711";
const char kBadChecksum[] = "F2FS-fs (loop3): Invalid SB checksum value: 1, 2";

TEST(JoinEcho, ALineOfF2fsAndItsRecordAreOneError) {
  std::vector<Joined> told = Kernel("f2fs").Line(kCorruptedXattr).Record(EUCLEAN, 7).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.object->inode, 7U);
  EXPECT_EQ(told[0].notification.sources, SourceSet(SourceId::kKmsg).Add(SourceId::kFanotify));

  told = Kernel("f2fs").Line(kCorruptedXattr).Call(kMetadata, 7, EUCLEAN).Record(EUCLEAN, 7).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.sources, All());
  told = Kernel("f2fs").Call(kMetadata, 7, EUCLEAN).Line(kCorruptedXattr).Record(EUCLEAN, 7).Told();
  ASSERT_EQ(told.size(), 1U) << "who calls before he prints";
  EXPECT_EQ(told[0].report->message, "list inode (7) has corrupted xattr");
}

TEST(JoinEcho, ALineThatNamesNoInodeTakesTheRecordWhereItIsTheOnlyOne) {
  std::vector<Joined> told = Kernel("f2fs").Line(kBadAddress).Record(EUCLEAN, 7).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.object->inode, 7U);
  EXPECT_EQ(told[0].notification.error.code, EUCLEAN);
}

TEST(JoinEcho, WhereSeveralCouldBeMeantTheRecordIsAnErrorByItself) {
  std::vector<Joined> told = Kernel("f2fs").Line(kBadAddress).Line(kBadChecksum).Record(EUCLEAN, 7).Told();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].notification.object, std::nullopt);
  EXPECT_EQ(told[2].notification.object->inode, 7U);
  EXPECT_EQ(told[2].notification.sources, SourceSet(SourceId::kFanotify));
}

TEST(JoinEcho, ALineOfAnotherInodeOrErrnoIsAnotherError) {
  EXPECT_EQ(Kernel("f2fs").Line(kCorruptedXattr).Record(EUCLEAN, 8).Told().size(), 2U);
  EXPECT_EQ(Kernel("f2fs").Line("F2FS-fs (loop3): set inode (7) has corrupted xattr").Record(EIO, 7).Told().size(), 2U);
  EXPECT_EQ(Kernel("f2fs").Line(kCorruptedXattr).Record(ESHUTDOWN, std::nullopt).Told().size(), 2U);
}

TEST(JoinEcho, LinesThatComeAfterTheRecordAreOfIt) {
  JoinCoverage without_trace = kOf70;
  without_trace.trace = without_trace.lines_with_task = false;
  std::vector<Joined> told = Kernel("f2fs", without_trace).Record(EUCLEAN, 7).Line(kCorruptedXattr).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  EXPECT_EQ(told[0].notification.sources, SourceSet(SourceId::kKmsg).Add(SourceId::kFanotify));

  told = Kernel("f2fs", without_trace)
             .Record(EUCLEAN, 7, 3)
             .Line(kCorruptedXattr)
             .Line(kBadAddress)
             .Line(kBadChecksum)
             .Told();
  EXPECT_EQ(told.size(), 3U);
  EXPECT_EQ(Sum(told), 3U);
  EXPECT_EQ(told.back().notification.object, std::nullopt);
}

// ext4 keeps its books of metadata; data it reports as all do.
TEST(JoinEcho, OfExt4TheCallOwesItsRecord) {
  JoinCoverage of_ext4 = kOf70;
  of_ext4.echoed = false;
  std::vector<Joined> told = Kernel("ext4", of_ext4).Call(kDirectRead, 12, EIO, 0, 4096).Record(EIO, 12).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kDataRead);
  told = Kernel("ext4", of_ext4).Call(kDirectRead, 12, EIO, 0, 4096).Record(EUCLEAN, 13, 2).Told();
  EXPECT_EQ(Sum(told), 2U);
  EXPECT_EQ(told.size(), 2U);
}

using HealthDomain = XfsHealthEvent::Domain;
using HealthType = XfsHealthEvent::Type;
constexpr XfsHealthEvent kSickDirectory{
    .domain = HealthDomain::kInode, .type = HealthType::kSick, .mask = 0x10, .inode = kDirectory, .generation = 77};

TEST(JoinEcho, WhatTheHealthMonitorTellsAgainIsTheSameError) {
  std::vector<Joined> told =
      Kernel().BadBlock().InodeIsSick().Record(EUCLEAN, kDirectory).Health(kSickDirectory).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
  EXPECT_EQ(told[0].notification.sources, All().Add(SourceId::kHealth));

  told =
      Kernel().ShutDown().Health({.type = HealthType::kShutdown, .mask = 0x8}).Record(ESHUTDOWN, std::nullopt).Told();
  ASSERT_EQ(told.size(), 1U);
  told = Kernel()
             .GroupIsSick(1)
             .By(201)
             .GroupIsSick(3)
             .Health({.domain = HealthDomain::kGroup, .type = HealthType::kSick, .mask = 2, .group = 3})
             .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1].notification.sources, SourceSet(SourceId::kTrace).Add(SourceId::kHealth));
}

TEST(JoinEcho, TheHealthMonitorAloneIsEnough) {
  JoinCoverage by_health_alone{.health = true, .echoed = true};
  std::vector<Joined> told = Kernel("xfs", by_health_alone).Health(kSickDirectory).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.sources, SourceSet(SourceId::kHealth));
  EXPECT_EQ(told[0].notification.object, (ObjectInfo{.inode = kDirectory, .generation = 77}));
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
}

TEST(JoinEcho, TheHealthMonitorSaysOfARecordWhatKindItIs) {
  std::vector<Joined> told = Kernel()
                                 .Record(EIO, 131)
                                 .Health({.domain = HealthDomain::kFileRange,
                                          .type = HealthType::kBufferedRead,
                                          .inode = 131,
                                          .generation = 77,
                                          .start = 4096,
                                          .length = 512,
                                          .code = EIO})
                                 .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kDataRead);
  EXPECT_EQ(told[0].notification.range, (Range{.offset_bytes = 4096, .length_bytes = 512}));
}

TEST(JoinEcho, AMediaErrorIsTheDevicesWithTheRequestThatFailed) {
  XfsHealthEvent media{.domain = HealthDomain::kDataDevice, .type = HealthType::kMediaError, .start = 800, .length = 8};
  std::vector<Joined> told = Kernel().FailedRead(800).Health(media).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kDevice);
  EXPECT_EQ(told[0].notification.device_error->device, "loop3");
  EXPECT_EQ(told[0].notification.error.code, EIO);
}

TEST(JoinEcho, WhatIsHealthyAgainIsToldOnce) {
  std::vector<Joined> told =
      Kernel()
          .Event(TracePoint::kXfsInodeHealthy, {0x10, kDirectory, 77})
          .Health({.domain = HealthDomain::kInode, .type = HealthType::kHealthy, .mask = 0x10, .inode = kDirectory})
          .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(IsHealthyAgain(told[0].notification));
}

// By ioctl: its tracepoint fires, and what it calls tells fanotify.
TEST(JoinEcho, AShutdownOfExt4IsToldOnce) {
  Join join;
  join.Open(kFs, {.fanotify = true, .trace = true}, std::nullopt);
  join.Add({kFs, TraceSignal{.boottime_ns = kMs,
                             .task = {.pid = 1, .tid = 1, .comm = "xfs_io", .cgroup = {}},
                             .function = "ext4_force_shutdown",
                             .reporter = {.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN},
                             .kind = Kind::kShutdown}},
           kMs);
  EXPECT_EQ(Sum(join.Take(kMs)), 1U);
  const FanotifySignal record{.boottime_ns = 2 * kMs, .code = ESHUTDOWN};
  join.Add({kFs, record}, 2 * kMs);
  EXPECT_TRUE(join.Take(2 * kMs).empty());
  join.Add({kFs, record}, 3 * kMs);
  EXPECT_EQ(Sum(join.Take(3 * kMs)), 1U) << "another than that of the tracepoint";
}

}  // namespace
}  // namespace fsherald
