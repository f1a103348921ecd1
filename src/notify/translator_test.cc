// SPDX-License-Identifier: MIT
#include "notify/translator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "filesystem/page_cache.h"

namespace fsherald {
namespace {

// Address 1 is the first name.
class TestSymbolizer : public Symbolizer {
 public:
  std::vector<std::string> Symbolize(const std::vector<uint64_t>& addresses) override {
    std::vector<std::string> names;
    for (uint64_t address : addresses) names.push_back(kNames.at(address - 1));
    return names;
  }

 private:
  inline static const std::vector<std::string> kNames{"printk_sprint+0x1/0x2", "vprintk+0x1/0x2",
                                                      "devkmsg_write+0x1/0x2", "vfs_write+0x1/0x2",
                                                      "__filemap_set_wb_err+0x1/0x2"};
};

// Devices that are in no mount table, until a test writes one: the table is an empty file.
class TranslatorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fsherald_translator.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/proc/self");
    std::ofstream(root_ + "/proc/self/mountinfo").flush();
    auto mounts = MountTable::Open({.proc_root = root_ + "/proc",
                                    .sys_root = root_ + "/sys",
                                    .dev_root = root_ + "/dev",  // else what the machine's own loop0 carries
                                    .wanted = [](std::string_view) { return true; }});
    ASSERT_TRUE(mounts) << mounts.error().ToString();
    mounts_ = std::move(*mounts);
    ASSERT_TRUE(mounts_->Refresh(1));
    translator_ = std::make_unique<Translator>(*mounts_, root_ + "/proc", [this](uint64_t) { ++refreshes_; });
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  LogSignal Line(const char* device) {
    LogSignal line{.boottime_ns = BoottimeNowNs()};
    line.report.device = device;
    return line;
  }
  static TraceFold Fold(uint8_t uuid) {
    TraceFold fold{
        .cell = 3, .filesystem_type = "ext4", .dev = {7, 0}, .device = "loop0", .function = "f", .line = 9, .count = 5};
    fold.uuid.bytes[0] = uuid;
    return fold;
  }

  void MakeDevice(const std::string& name, const std::string& number) {
    namespace fs = std::filesystem;
    fs::create_directories(root_ + "/sys/dev/block");
    fs::create_directories(root_ + "/sys/class/block/" + name);
    fs::create_symlink("../../devices/virtual/block/" + name, root_ + "/sys/dev/block/" + number);
    std::ofstream(root_ + "/sys/class/block/" + name + "/dev") << number << "\n";
  }

  // A disk of 10,000 sectors whose first partition, from sector 2,048 on, carries an ext4.
  void MountPartition() {
    MakeDevice("sda", "8:0");
    MakeDevice("sda1", "8:1");
    const std::string partition = root_ + "/sys/class/block/sda/sda1";
    std::filesystem::create_directories(partition);
    std::ofstream(partition + "/partition") << "1\n";
    std::ofstream(partition + "/start") << "2048\n";
    std::ofstream(partition + "/size") << "1000\n";
    std::ofstream(root_ + "/proc/self/mountinfo") << "27 1 8:1 / /data rw - ext4 /dev/sda1 rw\n";
    ASSERT_TRUE(mounts_->Refresh(BoottimeNowNs()));
    mounted_ = mounts_->mounted().at(0)->key;
  }
  static TraceEventRecord FailedRequest(uint64_t sector) {
    TraceEventRecord record;
    record.head.boottime_ns = BoottimeNowNs();
    record.head.task = Task{.pid = 0, .tid = 0, .comm = "swapper/1"};
    record.device = "sda";
    record.dev = {8, 0};
    record.event.point = TracePoint::kBlockError;
    record.event.values = {10, sector, 4096, 0, 8U << 20, 0};  // BLK_STS_IOERR, REQ_OP_READ
    return record;
  }
  std::optional<Signal> Translate(TraceRecord record) {
    std::vector<Signal> signals = translator_->Translate(std::move(record), symbolizer_);
    EXPECT_LE(signals.size(), 1U);
    if (signals.empty()) return std::nullopt;
    return std::move(signals[0]);
  }

  // One of the uuids that ext4 makes this fsid of.
  static Uuid UuidFor(Fsid fsid, uint8_t number) {
    Uuid uuid;
    for (size_t i = 0; i < 4; ++i) {
      uuid.bytes[i] = static_cast<uint8_t>(fsid.word0 >> (8 * i));
      uuid.bytes[4 + i] = static_cast<uint8_t>(fsid.word1 >> (8 * i));
    }
    uuid.bytes[0] ^= number;
    uuid.bytes[8] ^= number;
    return uuid;
  }
  FilesystemKey KeyOfError(const Uuid& uuid, const std::string& device, DeviceNumber dev) {
    TraceErrorRecord record{.filesystem_type = "ext4", .dev = dev, .uuid = uuid, .device = device, .function = "f"};
    record.head.boottime_ns = BoottimeNowNs();
    return Translate(record)->filesystem;
  }

  uint32_t mounted_ = 0;
  TestSymbolizer symbolizer_;
  std::string root_;
  std::unique_ptr<MountTable> mounts_;
  std::unique_ptr<Translator> translator_;
  int refreshes_ = 0;
};

TEST_F(TranslatorTest, AnUnknownDeviceMakesTheMountTableBeReadAndHasAKeyAllTheSame) {
  std::optional<Signal> first = translator_->Translate(Line("loop0"));
  std::optional<Signal> second = translator_->Translate(Line("loop0"));
  std::optional<Signal> other = translator_->Translate(Line("loop1"));
  EXPECT_EQ(refreshes_, 3);
  ASSERT_TRUE(first && second && other);
  EXPECT_EQ(first->filesystem, second->filesystem);
  EXPECT_NE(first->filesystem, other->filesystem);
  EXPECT_EQ(translator_->Seen(first->filesystem).device, "loop0");
}

TEST_F(TranslatorTest, ALineBelongsToTheSuperblockThatTheTraceNamedJustBefore) {
  Signal one = translator_->Translate(Fold(1)).value();
  EXPECT_EQ(translator_->Translate(Line("loop0"))->filesystem, one.filesystem);
  Signal two = translator_->Translate(Fold(2)).value();
  EXPECT_NE(one.filesystem, two.filesystem) << "the same device, another file system";
  EXPECT_EQ(translator_->Translate(Line("loop0"))->filesystem, two.filesystem);
}

TEST_F(TranslatorTest, AUuidThatTheMountTableDoesNotKnowIsThatOfTheError) {
  MountPartition();
  const Mounting& mounting = *mounts_->Find(mounted_);
  ASSERT_EQ(mounting.info.uuid, std::nullopt);
  EXPECT_EQ(translator_->UuidOf(mounting), std::nullopt);
  EXPECT_EQ(KeyOfError(Uuid{{1}}, "sda1", {8, 1}), FilesystemKey{mounted_});
  EXPECT_EQ(translator_->UuidOf(mounting), Uuid{{1}});
  EXPECT_EQ(translator_->Seen({mounted_}).uuid, Uuid{{1}});
  EXPECT_EQ(translator_->Seen({mounted_}).device, "") << "the mount table knows the rest";
  EXPECT_EQ(KeyOfError(Uuid{{1}}, "sda1", {8, 1}), FilesystemKey{mounted_});
}

TEST_F(TranslatorTest, AnErrorOfAnotherUuidThanWasLearnedIsOfAnotherFileSystem) {
  MountPartition();
  KeyOfError(Uuid{{1}}, "sda1", {8, 1});
  const FilesystemKey other = KeyOfError(Uuid{{2}}, "sda1", {8, 1});
  EXPECT_NE(other, FilesystemKey{mounted_});
  EXPECT_EQ(translator_->Seen(other).uuid, Uuid{{2}});
  EXPECT_EQ(translator_->UuidOf(*mounts_->Find(mounted_)), Uuid{{1}});
}

TEST_F(TranslatorTest, AUuidThatDoesNotMakeTheFsidIsNotTheMountings) {
  MountPartition();
  Mounting mounting = *mounts_->Find(mounted_);
  const Uuid learned = UuidFor({1, 2}, 3);
  KeyOfError(learned, "sda1", {8, 1});
  mounting.info.fsid = Fsid{1, 2};
  EXPECT_EQ(translator_->UuidOf(mounting), learned);
  mounting.info.fsid = Fsid{1, 3};
  EXPECT_EQ(translator_->UuidOf(mounting), std::nullopt) << "reached later, it is seen to be another";
}

TEST_F(TranslatorTest, AnErrorBeforeTheMountTableHadItTellsTheUuidThatTheFsidIsMadeOf) {
  TraceFold fold = Fold(1);
  translator_->Translate(fold);
  fold.uuid = UuidFor({1, 2}, 3);
  translator_->Translate(fold);
  Mounting mounting{.key = 7, .info = {.type = "ext4", .device = "loop0"}};
  EXPECT_EQ(translator_->UuidOf(mounting), std::nullopt) << "either";
  mounting.info.fsid = Fsid{1, 2};
  EXPECT_EQ(translator_->UuidOf(mounting), fold.uuid);
  mounting.info.device = "loop1";
  EXPECT_EQ(translator_->UuidOf(mounting), std::nullopt);
}

TEST_F(TranslatorTest, WhatAnotherModuleSaysOfTheDeviceLaterIsOfAnotherFileSystem) {
  const FilesystemKey ext4 = KeyOfError(UuidFor({1, 2}, 1), "loop0", {7, 0});
  LogSignal line = Line("loop0");
  line.report.filesystem_type = "btrfs";
  line.boottime_ns += 1'000'000'000;
  const FilesystemKey btrfs = translator_->Translate(std::move(line))->filesystem;
  EXPECT_NE(btrfs, ext4);
  EXPECT_EQ(translator_->Seen(btrfs).type, "btrfs");
  EXPECT_FALSE(translator_->Seen(btrfs).uuid);
  LogSignal of_ext3 = Line("loop0");
  of_ext3.report.filesystem_type = "ext3";
  of_ext3.boottime_ns += 1'000'000'000;
  EXPECT_EQ(translator_->Translate(std::move(of_ext3))->filesystem, ext4) << "ext4 serves it";
}

TEST_F(TranslatorTest, WhatWasInNoMountTableWhenItsErrorCameIsFoundOnceItIs) {
  MakeDevice("loop0", "7:0");
  const Uuid uuid = UuidFor({1, 2}, 1);
  const FilesystemKey key = KeyOfError(uuid, "loop0", {7, 0});
  EXPECT_EQ(translator_->MountedByNow(key, BoottimeNowNs()), nullptr);
  std::ofstream(root_ + "/proc/self/mountinfo") << "27 1 7:0 / /data rw - ext4 /dev/loop0 rw\n";
  ASSERT_TRUE(mounts_->Refresh(BoottimeNowNs()));
  const Mounting* mounting = translator_->MountedByNow(key, BoottimeNowNs());
  ASSERT_NE(mounting, nullptr);
  EXPECT_EQ(mounting->info.mounts, std::vector<std::string>{"/data"});
  EXPECT_EQ(translator_->MountedByNow({mounting->key}, BoottimeNowNs()), nullptr) << "that is one";
}

TEST_F(TranslatorTest, AFoldHasPlaceAndCountAndNoTask) {
  Signal signal = translator_->Translate(Fold(1)).value();
  const auto& fold = std::get<TraceSignal>(signal.what);
  EXPECT_EQ(fold.function, "f");
  EXPECT_EQ(fold.line, 9u);
  EXPECT_EQ(fold.folded, 5u);
  EXPECT_EQ(fold.task.tid, std::nullopt);
  EXPECT_EQ(fold.kind, Kind::kMetadata);
}

TEST_F(TranslatorTest, AFoldWithoutFunctionIsAShutdownAndNotCounted) {
  TraceFold fold = Fold(1);
  fold.function.clear();
  const auto shutdown = std::get<TraceSignal>(translator_->Translate(fold).value().what);
  EXPECT_EQ(shutdown.kind, Kind::kShutdown);
  EXPECT_FALSE(shutdown.reporter.counted);
}

TEST_F(TranslatorTest, ThePastIsNotTold) {
  LogSignal reminder = Line("loop0");
  reminder.report.meaning = ErrorReport::Meaning::kPast;
  EXPECT_EQ(translator_->Translate(std::move(reminder)), std::nullopt);
  EXPECT_FALSE(translator_->TakeMountHint());
}

TEST_F(TranslatorTest, ALineThatSaysMountedIsAHintAndNoError) {
  LogSignal mounted = Line("loop0");
  mounted.report.meaning = ErrorReport::Meaning::kMounted;
  EXPECT_EQ(translator_->Translate(std::move(mounted)), std::nullopt);
  EXPECT_TRUE(translator_->TakeMountHint());
  EXPECT_FALSE(translator_->TakeMountHint()) << "asking forgets it";
}

TEST_F(TranslatorTest, ADeviceThatIsMountedByNowHasAnotherKey) {
  FilesystemKey key = translator_->Translate(Fold(1)).value().filesystem;
  FilesystemInfo info{.type = "ext4", .device = "loop0", .uuid = Fold(1).uuid};
  EXPECT_EQ(translator_->TakeUnmounted(info), key);
  EXPECT_EQ(translator_->TakeUnmounted(info), std::nullopt);
  EXPECT_NE(translator_->Translate(Fold(1)).value().filesystem, key);
  EXPECT_EQ(translator_->Seen(key).device, "loop0") << "what waits to be told is told with its device";
}

TEST_F(TranslatorTest, WhatIsMountedByNowIsNotWhatALineMeansAndItsUuidStaysKnown) {
  TraceFold fold = Fold(1);
  fold.uuid = UuidFor({1, 2}, 3);
  const FilesystemKey key = translator_->Translate(fold).value().filesystem;
  ASSERT_EQ(translator_->TakeUnmounted({.type = "ext4", .device = "loop0", .uuid = fold.uuid}), key);
  EXPECT_NE(translator_->Translate(Line("loop0"))->filesystem, key);
  const Mounting mounting{.key = 7, .info = {.type = "ext4", .device = "loop0", .fsid = Fsid{1, 2}}};
  EXPECT_EQ(translator_->UuidOf(mounting), fold.uuid);
}

TEST_F(TranslatorTest, AnEventBelongsToItsSuperblockAndHasThePlaceThatItsStackNames) {
  TraceEventRecord record;
  record.head.boottime_ns = BoottimeNowNs();
  record.head.task = Task{.pid = 7, .tid = 8, .comm = "kworker"};
  record.head.stack = {5, 4};
  record.device = "loop0";
  record.dev = {7, 0};
  record.event.point = TracePoint::kWritebackError;
  record.event.filesystem_type = "xfs";
  record.event.values = {5, 131, 9};
  const Signal signal = Translate(record).value();
  const auto& event = std::get<EventSignal>(signal.what);
  EXPECT_EQ(translator_->Seen(signal.filesystem).type, "xfs");
  EXPECT_EQ(translator_->Seen(signal.filesystem).device, "loop0");
  EXPECT_EQ(event.boottime_ns, record.head.boottime_ns);
  EXPECT_EQ(event.task, record.head.task);
  EXPECT_EQ(event.stack, std::vector<std::string>{"vfs_write+0x1"}) << "what only reports is no place";
  EXPECT_EQ(event.report.function, "") << "the join takes it from the stack, where no report names one";
  EXPECT_EQ(event.report.inode, 131U);
  EXPECT_EQ(event.report.topic, WritebackTopic(131));
  EXPECT_EQ(event.folded, 0U);
}

TEST_F(TranslatorTest, AnEventThatSaysNothingToAnybodyIsNoSignal) {
  TraceEventRecord record = FailedRequest(0);
  record.event.point = TracePoint::kXfsShutdown;
  record.event.filesystem_type = "no such file system";
  EXPECT_EQ(Translate(record), std::nullopt);
}

TEST_F(TranslatorTest, AFailedRequestOfADiskBelongsToTheFileSystemOnItsPartition) {
  MountPartition();
  const Signal signal = Translate(FailedRequest(2050)).value();
  EXPECT_EQ(signal.filesystem, FilesystemKey{mounted_});
  const ErrorReport& report = std::get<EventSignal>(signal.what).report;
  EXPECT_EQ(report.device_error, (DeviceError{.device = "sda",
                                              .dev = DeviceNumber{8, 0},
                                              .operation = DeviceError::Operation::kRead,
                                              .sector = 2050,
                                              .sectors = 8,
                                              .code = EIO}))
      << "where the disk's error is, is said of the disk";
  EXPECT_EQ(report.range, (Range{.offset_bytes = 1024, .length_bytes = 4096})) << "and of the file system's device";
  EXPECT_EQ(report.function, "") << "an interrupt's stack is anybody's";
}

TEST_F(TranslatorTest, AFailedRequestBesideEveryPartitionBelongsToTheDiskAlone) {
  MountPartition();
  const Signal signal = Translate(FailedRequest(9000)).value();
  EXPECT_NE(signal.filesystem, FilesystemKey{mounted_});
  EXPECT_EQ(translator_->Seen(signal.filesystem).device, "sda");
}

TEST_F(TranslatorTest, TheLineOfAFailedRequestBelongsWhereItsEventDoes) {
  MountPartition();
  ParsedLog parsed =
      ParseLog("I/O error, dev sda, sector 2050 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2").value();
  const Signal signal =
      translator_->Translate(LogSignal{.boottime_ns = BoottimeNowNs(), .report = parsed.report}).value();
  EXPECT_EQ(signal.filesystem, FilesystemKey{mounted_});
  EXPECT_EQ(std::get<LogSignal>(signal.what).report.range->offset_bytes, 1024U);
}

TEST_F(TranslatorTest, OfFoldedEventsOnlyTheirCountIsKnown) {
  TraceFold fold{
      .point = TracePoint::kWritebackError, .filesystem_type = "xfs", .dev = {7, 0}, .device = "loop0", .count = 900};
  const Signal signal = translator_->Translate(fold).value();
  EXPECT_EQ(translator_->Seen(signal.filesystem).type, "xfs");
  const auto& event = std::get<EventSignal>(signal.what);
  EXPECT_EQ(event.folded, 900U);
  EXPECT_EQ(event.task, std::nullopt);
  EXPECT_EQ(event.report, (ErrorReport{.kind = Kind::kWriteback, .task_is_any = true}));
}

TEST_F(TranslatorTest, ALineThatUserSpaceWroteBelongsToNoFileSystem) {
  MountPartition();
  TraceLineRecord line;
  line.head.boottime_ns = BoottimeNowNs();
  line.head.task = Task{.pid = 7, .tid = 7, .comm = "sh"};
  line.head.stack = {1, 2, 3, 4};
  line.text = "EXT4-fs error (device sda1): ext4_lookup:1855: inode #12: comm ls: deleted inode referenced: 13\n";
  const Signal signal = Translate(line).value();
  EXPECT_EQ(signal.filesystem, FilesystemKey{});
  const auto& forged = std::get<LogSignal>(signal.what);
  EXPECT_FALSE(forged.trusted);
  EXPECT_EQ(forged.task, line.head.task);
  EXPECT_EQ(forged.stack, std::vector<std::string>());
  line.head.stack = {1, 2, 4};
  EXPECT_EQ(Translate(line)->filesystem, FilesystemKey{mounted_}) << "the same line of the kernel";
}

TEST_F(TranslatorTest, AForgedLineThatTellsOfNoErrorIsNothingNotEvenAHint) {
  for (auto meaning : {ErrorReport::Meaning::kMounted, ErrorReport::Meaning::kUnmounted, ErrorReport::Meaning::kPast,
                       ErrorReport::Meaning::kAddition, ErrorReport::Meaning::kLost}) {
    LogSignal line = Line("loop0");
    line.trusted = false;
    line.report.meaning = meaning;
    EXPECT_EQ(translator_->Translate(std::move(line)), std::nullopt);
  }
  EXPECT_FALSE(translator_->TakeMountHint());
}

TEST_F(TranslatorTest, WhatTheKernelSaysThatItCouldNotReportIsAGapOfThatFileSystem) {
  MountPartition();
  LogSignal lost = Line("sda1");
  lost.report.meaning = ErrorReport::Meaning::kLost;
  lost.report.count = 3;
  const uint64_t boottime_ns = lost.boottime_ns;
  const Signal signal = translator_->Translate(std::move(lost)).value();
  EXPECT_EQ(signal.filesystem, FilesystemKey{mounted_});
  EXPECT_EQ(std::get<GapSignal>(signal.what).count, 3U);
  EXPECT_EQ(std::get<GapSignal>(signal.what).source, SourceId::kFanotify);
  EXPECT_EQ(std::get<GapSignal>(signal.what).to_boottime_ns, boottime_ns);
}

// loop0 carries an erofs, then its mount point is empty, or carries something else.
class RefusedMountTest : public TranslatorTest {
 protected:
  void SetUp() override {
    TranslatorTest::SetUp();
    MakeDevice();
    translator_ = std::make_unique<Translator>(*mounts_, root_ + "/proc", [this](uint64_t) { Look(); });
  }
  void MakeDevice() {
    namespace fs = std::filesystem;
    fs::create_directories(root_ + "/sys/dev/block");
    fs::create_directories(root_ + "/sys/class/block/loop0");
    fs::create_symlink("../../devices/virtual/block/loop0", root_ + "/sys/dev/block/7:0");
    std::ofstream(root_ + "/sys/class/block/loop0/dev") << "7:0\n";
  }
  void Table(const std::string& lines) { std::ofstream(root_ + "/proc/self/mountinfo") << lines; }
  void Look() { ASSERT_TRUE(mounts_->Refresh(BoottimeNowNs())); }
  // A second ago, beyond the table's slack.
  void MountBefore(const std::string& lines) {
    Table(lines);
    ASSERT_TRUE(mounts_->Refresh(BoottimeNowNs() - 1'000'000'000));
    Look();
  }
  FilesystemKey KeyOf(const char* text, std::vector<std::string> stack) {
    LogSignal line{.boottime_ns = BoottimeNowNs(), .stack = std::move(stack), .report = ParseLog(text)->report};
    return translator_->Translate(std::move(line))->filesystem;
  }

  static constexpr const char* kRefused = "erofs (device loop0): invalid checksum 0x5f3ab3e9, 0x1 expected";
  inline static const std::vector<std::string> kMount = {"erofs_fc_fill_super+0x1", "get_tree_bdev+0x1",
                                                         "vfs_get_tree+0x1"};
};

TEST_F(RefusedMountTest, IsNotToldOfTheOneThatWasThereBefore) {
  MountBefore("36 25 7:0 / /a ro - erofs /dev/loop0 ro\n");
  Table("");  // unmounted; nobody has looked since
  const FilesystemKey key = KeyOf(kRefused, kMount);
  EXPECT_EQ(translator_->Seen(key), (FilesystemInfo{.type = "erofs", .device = "loop0"}));
}

TEST_F(RefusedMountTest, IsNotToldOfWhatAnotherModuleServedThereEvenWithoutAStack) {
  MountBefore("36 25 7:0 / /a rw - ext4 /dev/loop0 rw\n");
  for (const auto& stack : {kMount, std::vector<std::string>()})
    EXPECT_EQ(translator_->Seen(KeyOf(kRefused, stack)), (FilesystemInfo{.type = "erofs", .device = "loop0"}));
}

TEST_F(RefusedMountTest, WhatIsSaidOfOneThatIsMountedIsItsOwn) {
  MountBefore("36 25 7:0 / /a ro - erofs /dev/loop0 ro\n");
  const uint32_t mounted = mounts_->mounted().at(0)->key;
  EXPECT_EQ(KeyOf("erofs (device loop0): bogus dirent @ nid 36", {"erofs_readdir+0x1", "iterate_dir+0x1"}),
            FilesystemKey{mounted});
  // A second mount(2) of what is mounted already.
  EXPECT_EQ(KeyOf("erofs (device loop0): bogus dirent @ nid 36", kMount), FilesystemKey{mounted});
  // What was said a moment before it was unmounted.
  Table("");
  EXPECT_EQ(KeyOf("erofs (device loop0): bogus dirent @ nid 36", {"erofs_readdir+0x1", "iterate_dir+0x1"}),
            FilesystemKey{mounted});
}

TEST_F(RefusedMountTest, IsToldOfWhatWasSeenOfItInSysfsBeforeItWasRefused) {
  std::filesystem::create_directories(root_ + "/sys/fs/erofs/loop0");
  Look();
  ASSERT_EQ(mounts_->mounted().size(), 1U);
  const uint32_t seen = mounts_->mounted().at(0)->key;
  std::filesystem::remove_all(root_ + "/sys/fs/erofs");
  EXPECT_EQ(KeyOf(kRefused, kMount), FilesystemKey{seen});
}

TEST_F(RefusedMountTest, AnExt3IsServedByExt4) {
  MountBefore("36 25 7:0 / /a rw - ext3 /dev/loop0 rw\n");
  EXPECT_EQ(KeyOf("EXT4-fs error (device loop0): ext4_lookup:1855: inode #12: comm ls: bad inode number: 1", {}),
            FilesystemKey{mounts_->mounted().at(0)->key});
}

// A mount table of what stands in its file alone: nothing mounted is asked.
class NamelessLineTest : public TranslatorTest {
 protected:
  void Mount(const std::string& lines) {
    std::ofstream(root_ + "/proc/self/mountinfo") << lines;
    auto mounts = MountTable::Open({.proc_root = root_ + "/proc",
                                    .sys_root = root_ + "/sys",
                                    .wanted = [](std::string_view) { return true; },
                                    .may_hang = [](std::string_view) { return true; }});
    ASSERT_TRUE(mounts) << mounts.error().ToString();
    table_ = std::move(*mounts);
    ASSERT_TRUE(table_->Refresh(BoottimeNowNs()));
    translator_ = std::make_unique<Translator>(*table_, root_ + "/proc", [](uint64_t) {});
  }
  FilesystemKey KeyOf(const char* text, std::vector<std::string> stack) {
    LogSignal line{.boottime_ns = BoottimeNowNs(), .stack = std::move(stack), .report = ParseLog(text)->report};
    return translator_->Translate(std::move(line))->filesystem;
  }
  FilesystemKey KeyOfMount(size_t index) const { return {table_->mounted().at(index)->key}; }

  static constexpr const char* kDamage = "SQUASHFS error: Unable to read inode 0xe8";
  std::unique_ptr<MountTable> table_;
};

TEST_F(NamelessLineTest, IsOfTheOnlyFileSystemOfItsType) {
  Mount("36 25 7:5 / /a ro - squashfs /dev/loop5 ro\n37 25 7:6 / /b rw - ext4 /dev/loop6 rw\n");
  EXPECT_EQ(KeyOf(kDamage, {"squashfs_lookup+0x1", "__lookup_slow+0x1"}), KeyOfMount(0));
}

TEST_F(NamelessLineTest, IsOfNoneThatIsMountedWhereItCanBeOfSeveral) {
  Mount("36 25 7:5 / /a ro - squashfs /dev/loop5 ro\n37 25 7:6 / /b ro - squashfs /dev/loop6 ro\n");
  const FilesystemKey key = KeyOf(kDamage, {"squashfs_lookup+0x1", "__lookup_slow+0x1"});
  EXPECT_EQ(translator_->Seen(key), FilesystemInfo{.type = "squashfs"});
}

TEST_F(NamelessLineTest, OfAMountUnderWayIsOfNoneThatIsMounted) {
  Mount("36 25 7:5 / /a ro - squashfs /dev/loop5 ro\n");
  const FilesystemKey key = KeyOf(kDamage, {"squashfs_read_inode+0x1", "squashfs_fill_super+0x1", "vfs_get_tree+0x1"});
  EXPECT_EQ(translator_->Seen(key), FilesystemInfo{.type = "squashfs"});
  EXPECT_EQ(translator_->Seen(KeyOf(kDamage, {})), FilesystemInfo{.type = "squashfs"}) << "nothing tells";
}

TEST_F(NamelessLineTest, OfAServerIsOfWhatIsMountedOfIt) {
  Mount("36 25 0:50 / /a rw - nfs4 10.0.0.5:/export rw\n37 25 0:51 / /b rw - nfs 10.0.0.55:/export rw\n");
  const std::vector<std::string> stack = {"call_timeout+0x1", "rpc_execute+0x1"};
  EXPECT_EQ(KeyOf("nfs: server 10.0.0.5 not responding, still trying", stack), KeyOfMount(0));
  EXPECT_EQ(KeyOf("nfs: server 10.0.0.55 OK", stack), KeyOfMount(1));
  EXPECT_EQ(translator_->Seen(KeyOf("nfs: server 10.0.0.6 OK", stack)).type, "nfs");
}

TEST_F(NamelessLineTest, TwoTypesAreNotOne) {
  Mount("");
  EXPECT_NE(KeyOf(kDamage, {}), KeyOf("nfs: server 10.0.0.6 OK", {}));
}

}  // namespace
}  // namespace fsherald
