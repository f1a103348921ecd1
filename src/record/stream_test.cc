// SPDX-License-Identifier: MIT
#include "record/stream.h"

#include <fcntl.h>
#include <fsherald/record.h>
#include <gtest/gtest.h>
#include <linux/fanotify.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>

namespace fsherald {
namespace {

const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};
constexpr size_t kMaxBytes = FSHERALD_MAX_NOTIFICATION_BYTES;

std::string Stream(const Notification& notification, const Host& host = kHost) {
  std::string out;
  AppendStream(notification, host, out);
  return out;
}

Bytes BytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

std::optional<StreamNotification> Parsed(std::string_view bytes) { return ParseStream(BytesOf(bytes)); }

// What comes back of it.
StreamNotification There(const Notification& notification) {
  auto parsed = Parsed(Stream(notification));
  EXPECT_TRUE(parsed);
  return parsed ? *parsed : StreamNotification();
}

// "01 ff" as bytes; spaces are for the eye.
std::string Hex(std::string_view digits) {
  std::string bytes;
  std::string pair;
  for (const char c : digits) {
    if (c == ' ') continue;
    pair += c;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

// The example of docs/record_format.md.
Notification DamagedInode() {
  Notification n;
  n.seq = 41;
  n.filesystem_seq = 7;
  n.utc_ns = 1795170667412345678;  // 2026-11-20T10:31:07.412345678Z
  n.boottime_ns = 431270412345;
  n.filesystem = {"ext4",
                  "loop0",
                  DeviceNumber{7, 0},
                  ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee"),
                  Fsid{0x11eb8c2d, 0x756d63ee},
                  {"/data"}};
  n.error = {EUCLEAN, 1};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2", "__lookup_slow+0x81"}};
  n.specific = Specific{.type = "ext4",
                        .fields = {{"inode", uint64_t{12}}, {"block", std::monostate()}, {"group", std::monostate()}},
                        .message = "deleted inode referenced: 12"};
  n.object = ObjectInfo{12, 7, "/data/d/f", PathSource::kHandle};
  n.task = Task{2211, 2211, "ls", "/user.slice"};
  n.sources.Add(SourceId::kFanotify).Add(SourceId::kTrace).Add(SourceId::kKmsg);
  return n;
}

// What that has not: of a file system in user space, with a range, a blob and a large inode number.
Notification BadPage() {
  Notification n;
  n.seq = 42;
  n.filesystem_seq = 1;
  n.utc_ns = 1795170667412345679;
  n.filesystem.type = "mydb";
  n.filesystem.device = "orders";
  n.error = {EIO, 3};
  n.location = Location{"verify", 88, {}};
  n.specific = Specific{.type = "mydb",
                        .fields = {{"page", std::string("7b")}},
                        .message = std::nullopt,
                        .blob = std::string("\x00\xff\x01", 3)};
  n.object = ObjectInfo{.inode = 0x100000002, .path = "t/7", .path_source = PathSource::kProducer};
  n.range = Range{4096, 512};
  n.kind = Kind::kDataRead;
  n.origin = Origin::kUser;
  n.sources = SourceId::kProducer;
  return n;
}

// And what neither has: the device's error behind that of the file system, its source file; it has been put right.
Notification RetriedWrite() {
  Notification n;
  n.seq = 44;
  n.filesystem_seq = 2;
  n.utc_ns = 1795170667412345680;
  n.filesystem.type = "xfs";
  n.filesystem.device = "sdb1";
  n.error = {EIO, 2};
  n.location = Location{"xfs_buf_ioend", 1377, {}, "fs/xfs/xfs_buf.c"};
  n.device_error = DeviceError{.device = "sdb",
                               .dev = DeviceNumber{8, 16},
                               .operation = DeviceError::Operation::kWrite,
                               .sector = 2048,
                               .sectors = 8,
                               .code = ETIMEDOUT,
                               .count = 3};
  n.sources = SourceId::kKmsg;
  n.corrected = true;
  return n;
}

Notification LostLines() {
  Notification n;
  n.seq = 43;
  n.kind = Kind::kGap;
  n.utc_ns = 1795170667412345678;
  n.sources = SourceId::kKmsg;
  n.gap = Gap{SourceId::kKmsg, 12, true, 1795170667000000001, 1795170668000000002};
  return n;
}

// The state of a file system changes, by the operator's word.
Notification Cleared() {
  Notification n;
  n.seq = 45;
  n.filesystem_seq = 3;
  n.utc_ns = 1795170667412345681;
  n.filesystem.type = "ext4";
  n.filesystem.device = "sdb1";
  n.error.count = 0;
  n.kind = Kind::kHealth;
  n.incident = 41;
  n.health = HealthChange{.from = HealthState::kErrors,
                          .to = HealthState::kWell,
                          .rule = HealthRule::kCleared,
                          .since_utc_ns = 1795170667412345678,
                          .errors = 3,
                          .uid = 1000,
                          .reason = "cable"};
  return n;
}

class GoldenTest : public testing::Test {
  void SetUp() override {
    if (std::endian::native != std::endian::little) GTEST_SKIP() << "the bytes are those of a little-endian machine";
  }
};

TEST_F(GoldenTest, AMinimalNotificationIsItsMetadataAndTheFourRecordsThatAreAlwaysThere) {
  EXPECT_EQ(Stream(Notification(), Host()),
            Hex("90000000 03 00 1800"  // event_len 144, vers 3, metadata_len 24
                "0080000000000000"     // mask FAN_FS_ERROR
                "ffffffff 00000000"    // no fd, pid not known
                "01 00 1400"           // FID, 20 bytes
                "00000000 00000000"    // fsid not known
                "00000000 ff000000"    // handle of no bytes, of type 0xff
                "05 00 0c00"           // ERROR, 12 bytes
                "00000000 01000000"    // errno not known, 1 error
                "80 00 3000"           // SEQUENCE, 48 bytes
                "00 00 00 00"          // metadata, kernel, no source, no flags
                "0000000000000000"     // not numbered
                "0000000000000000"     //
                "0100000000000000"     // 1 error
                "0000000000000000"     // 1970
                "0000000000000000"     // boot time not known
                "81 00 2800"           // FILESYSTEM, 40 bytes
                "0000 0000"            // neither type nor device
                "00000000 00000000"    // dev
                "00000000 00000000"    // no flags: nothing is known
                "0000000000000000"     // uuid
                "0000000000000000"));
}

TEST_F(GoldenTest, AReportFromUserSpaceHasTheRangeTheBlobAndALargeInode) {
  EXPECT_EQ(Stream(BadPage(), Host()),
            Hex("38010000 03 00 1800"    // event_len 312, vers 3, metadata_len 24
                "0080000000000000"       // mask FAN_FS_ERROR
                "ffffffff 00000000"      // no fd, pid not known
                "01 00 2400"             // FID, 36 bytes
                "00000000 00000000"      // fsid not known
                "0c000000 81000000"      // handle of 12 bytes, FILEID_INO64_GEN
                "0200000001000000"       // inode 0x100000002
                "00000000 00000000"      // generation: any; padding
                "05 00 0c00"             // ERROR, 12 bytes
                "05000000 03000000"      // EIO, 3 errors
                "80 00 3000"             // SEQUENCE, 48 bytes
                "01 01 10 00"            // data_read, user, producer, no flags
                "2a00000000000000"       // seq 42
                "0100000000000000"       // the first of this file system
                "0300000000000000"       // 3 errors
                "4f5350f635bae918"       // utc_ns
                "0000000000000000"       // boot time not known
                "81 00 3800"             // FILESYSTEM, 56 bytes
                "0400 0600"              // type of 4 bytes, device of 6
                "00000000 00000000"      // dev
                "00000000 00000000"      // no flags
                "0000000000000000"       // uuid
                "0000000000000000"       //
                "6d796462 6f7264657273"  // "mydb", "orders"
                "000000000000"           // padding
                "82 00 1800"             // LOCATION, 24 bytes
                "0600 0000"              // function of 6 bytes
                "58000000 00000000"      // line 88
                "766572696679 0000"      // "verify", padding
                "85 00 1800"             // RANGE, 24 bytes
                "01000000"               // the length is known
                "0010000000000000"       // offset 4096
                "0002000000000000"       // length 512
                "89 00 2000"             // OBJECT, 32 bytes
                "0300 04 06"             // path of 3 bytes, said by the producer; inode and path are known
                "0200000001000000"       // inode 0x100000002
                "00000000 00000000"      // generation not known
                "742f37 0000000000"      // "t/7", padding
                "84 00 3800"             // SPECIFIC, 56 bytes
                "0400 0100"              // type of 4 bytes, 1 field
                "0300 0000 18000000"     // blob of 3 bytes, fields of 24
                "6d796462 00000000"      // "mydb", padding
                "0200 0400 0200 0000"    // a text: name of 4 bytes, text of 2
                "0000000000000000"       // no number
                "70616765 3762 0000"     // "page", "7b", padding
                "00ff01 0000000000"));   // the blob, padding
}

TEST_F(GoldenTest, AnErrorOfTheDeviceAndTheSourceFileAreRecordsOfTheirOwn) {
  EXPECT_EQ(Stream(RetriedWrite(), Host()),
            Hex("08010000 03 00 1800"   // event_len 264, vers 3, metadata_len 24
                "0080000000000000"      // mask FAN_FS_ERROR
                "ffffffff 00000000"     // no fd, pid not known
                "01 00 1400"            // FID, 20 bytes
                "00000000 00000000"     // fsid not known
                "00000000 ff000000"     // no handle
                "05 00 0c00"            // ERROR, 12 bytes
                "05000000 02000000"     // EIO, 2 errors
                "80 00 3000"            // SEQUENCE, 48 bytes
                "00 00 04 04"           // metadata, kernel, kmsg, corrected
                "2c00000000000000"      // seq 44
                "0200000000000000"      // the second of this file system
                "0200000000000000"      // 2 errors
                "505350f635bae918"      // utc_ns
                "0000000000000000"      // boot time not known
                "81 00 3000"            // FILESYSTEM, 48 bytes
                "0300 0400"             // type of 3 bytes, device of 4
                "00000000 00000000"     // dev
                "00000000 00000000"     // no flags
                "0000000000000000"      // uuid
                "0000000000000000"      //
                "786673 73646231 00"    // "xfs", "sdb1", padding
                "82 00 2000"            // LOCATION, 32 bytes
                "0d00 0000"             // function of 13 bytes
                "61050000 00000000"     // line 1377
                "7866735f6275665f"      // "xfs_buf_
                "696f656e64 000000"     // ioend", padding
                "8d 00 1800"            // SOURCE_FILE, 24 bytes
                "10000000"              // of 16 bytes
                "66732f7866732f78"      // "fs/xfs/x
                "66735f6275662e63"      // fs_buf.c"
                "8c 00 3800"            // DEVICE_ERROR, 56 bytes
                "0300 02 07"            // device of 3 bytes, write; dev, sector and sectors are known
                "08000000 10000000"     // dev 8:16
                "0008000000000000"      // sector 2048
                "0800000000000000"      // 8 sectors
                "0300000000000000"      // 3 requests
                "6e000000 00000000"     // ETIMEDOUT
                "736462 0000000000"));  // "sdb", padding
}

TEST_F(GoldenTest, AChangeOfHealthAndItsIncidentAreRecordsOfTheirOwn) {
  EXPECT_EQ(Stream(Cleared(), Host()),
            Hex("d0000000 03 00 1800"   // event_len 208, vers 3, metadata_len 24
                "0080000000000000"      // mask FAN_FS_ERROR
                "ffffffff 00000000"     // no fd, pid not known
                "01 00 1400"            // FID, 20 bytes
                "00000000 00000000"     // fsid not known
                "00000000 ff000000"     // no handle
                "05 00 0c00"            // ERROR, 12 bytes
                "00000000 00000000"     // no errno, no error
                "80 00 3000"            // SEQUENCE, 48 bytes
                "09 00 00 00"           // health, kernel, no source, no flags
                "2d00000000000000"      // seq 45
                "0300000000000000"      // the third of this file system
                "0000000000000000"      // no error
                "515350f635bae918"      // utc_ns
                "0000000000000000"      // boot time not known
                "81 00 3000"            // FILESYSTEM, 48 bytes
                "0400 0400"             // type of 4 bytes, device of 4
                "00000000 00000000"     // dev
                "00000000 00000000"     // no flags
                "0000000000000000"      // uuid
                "0000000000000000"      //
                "65787434 73646231"     // "ext4", "sdb1"
                "8e 00 1000 00000000"   // INCIDENT, 16 bytes
                "2900000000000000"      // that of 41
                "8f 00 2800"            // HEALTH, 40 bytes
                "03 01 0a 07"           // from errors to well, cleared; uid, since and reason are known
                "e8030000 0500 0000"    // uid 1000, reason of 5 bytes
                "4e5350f635bae918"      // since
                "0300000000000000"      // 3 errors
                "6361626c65 000000"));  // "cable", padding
}

TEST_F(GoldenTest, WhatUserSpaceWroteToTheLogIsAFlagOfTheSequence) {
  Notification n = DamagedInode();
  n.trusted = false;
  EXPECT_EQ(Stream(n)[0x47], '\x09');  // boottime is known; untrusted
}

TEST_F(GoldenTest, AGapOfNoFileSystemHasTheGapRecordAndNoFilesystem) {
  EXPECT_EQ(Stream(LostLines(), Host()),
            Hex("88000000 03 00 1800"  // event_len 136, vers 3, metadata_len 24
                "0040000000000000"     // mask FAN_Q_OVERFLOW
                "ffffffff 00000000"    // no fd, pid not known
                "01 00 1400"           // FID, 20 bytes
                "00000000 00000000"    // fsid not known
                "00000000 ff000000"    // no handle
                "05 00 0c00"           // ERROR, 12 bytes
                "00000000 00000000"    // no errno, no error
                "80 00 3000"           // SEQUENCE, 48 bytes
                "08 00 04 00"          // gap, kernel, kmsg, no flags
                "2b00000000000000"     // seq 43
                "0000000000000000"     // of no single file system
                "0000000000000000"     // no error
                "4e5350f635bae918"     // utc_ns
                "0000000000000000"     // boot time not known
                "88 00 2000"           // GAP, 32 bytes
                "0200 0000"            // source kmsg, exact
                "0c00000000000000"     // 12
                "016ebcdd35bae918"     // from
                "0238571936bae918"));  // to
}

// Lines of the document that begin with an offset: "  0018  01 00 1c 00 ...  what it is".
std::string DumpOfDocument() {
  std::ifstream document(FSHERALD_FIXTURES "/../../docs/record_format.md");
  EXPECT_TRUE(document.is_open());
  std::string bytes;
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("    0") || line.size() < 33) continue;
    EXPECT_EQ(std::stoul(line.substr(4, 4), nullptr, 16), bytes.size()) << line;
    bytes += Hex(line.substr(10, 23));
  }
  return bytes;
}

TEST_F(GoldenTest, TheExampleOfTheDocumentIsWhatIsWritten) {
  const std::string document = DumpOfDocument();
  EXPECT_EQ(document, Stream(DamagedInode()));
  const auto parsed = Parsed(document);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->notification, DamagedInode());
  EXPECT_EQ(parsed->host.boot_id, kHost.boot_id);
  EXPECT_EQ(parsed->host.kernel_release, kHost.kernel_release);
}

TEST(StreamTest, WhatIsWrittenIsReadBack) {
  EXPECT_EQ(There(DamagedInode()).notification, DamagedInode());
  EXPECT_EQ(There(BadPage()).notification, BadPage());
  EXPECT_EQ(There(RetriedWrite()).notification, RetriedWrite());
  EXPECT_EQ(There(LostLines()).notification, LostLines());
  EXPECT_EQ(There(Cleared()).notification, Cleared());
  EXPECT_EQ(There(Notification()).notification, Notification());
}

TEST(StreamTest, EveryKindOriginSourceAndPathSourceIsReadBack) {
  for (int kind = 0; kind <= static_cast<int>(Kind::kHealth); ++kind) {
    for (int source = 0; source < kSourceCount; ++source) {
      Notification n = DamagedInode();
      n.kind = static_cast<Kind>(kind);
      n.origin = source % 2 == 0 ? Origin::kKernel : Origin::kUser;
      n.sources = static_cast<SourceId>(source);
      n.object->path_source = static_cast<PathSource>(source % 5);
      if (n.kind == Kind::kHealth) n.error.count = 0;
      if (n.kind == Kind::kGap) n.gap = Gap{static_cast<SourceId>(source), 3, source % 2 == 0, -5, 7};
      EXPECT_EQ(There(n).notification, n);
    }
  }
}

TEST(StreamTest, EveryOperationOfADeviceIsReadBack) {
  for (int operation = 0; operation <= static_cast<int>(DeviceError::Operation::kDiscard); ++operation) {
    Notification n = RetriedWrite();
    n.device_error->operation = static_cast<DeviceError::Operation>(operation);
    EXPECT_EQ(There(n).notification, n);
  }
}

TEST(StreamTest, EveryStateAndEveryRuleIsReadBack) {
  for (int state = 0; state < kHealthStateCount; ++state) {
    for (int rule = 0; rule < kHealthRuleCount; ++rule) {
      Notification n = Cleared();
      n.health->from = static_cast<HealthState>(state);
      n.health->to = static_cast<HealthState>(kHealthStateCount - 1 - state);
      n.health->rule = static_cast<HealthRule>(rule);
      EXPECT_EQ(There(n).notification, n);
    }
  }
}

TEST(StreamTest, AChangeOfHealthStandsForNoErrorWhateverItsCountSays) {
  Notification n = Cleared();
  n.error.count = 5;
  EXPECT_EQ(There(n).notification, Cleared());
}

TEST(StreamTest, CorrectedAndUntrustedAreReadBackEachAloneAndBoth) {
  for (const bool corrected : {false, true}) {
    for (const bool trusted : {false, true}) {
      Notification n = DamagedInode();
      n.corrected = corrected;
      n.trusted = trusted;
      EXPECT_EQ(There(n).notification, n);
      EXPECT_FALSE(There(n).cut);
    }
  }
}

TEST(StreamTest, EachPartAloneIsReadBack) {
  Notification n;
  n.filesystem.fsid = Fsid{0, 0};
  EXPECT_EQ(There(n).notification, n) << "an fsid of zeros is known, too";
  n = Notification();
  n.filesystem.mounts = {"/b", "/a", ""};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.location = Location{"", std::nullopt, {}};
  EXPECT_EQ(There(n).notification, n);
  n.location = Location{"", std::nullopt, {"f+0x1", ""}};
  EXPECT_EQ(There(n).notification, n);
  n.location = Location{"", std::nullopt, {}, "fs/xfs/xfs_fsops.c"};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.device_error = DeviceError();
  EXPECT_EQ(There(n).notification, n);
  n.device_error = DeviceError{.device = "",
                               .dev = DeviceNumber{0, 0},
                               .sector = 0,
                               .sectors = std::nullopt,
                               .code = std::nullopt,
                               .count = std::numeric_limits<uint64_t>::max()};
  EXPECT_EQ(There(n).notification, n) << "zeros are known, too";
  n.device_error = DeviceError{.device = "sda", .dev = std::nullopt, .sector = std::nullopt, .sectors = 0};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.specific = Specific{.type = "", .fields = {}, .message = ""};
  EXPECT_EQ(There(n).notification, n);
  n.specific = Specific{.type = "x", .fields = {{"", std::string()}}, .message = std::nullopt, .blob = ""};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.object = ObjectInfo{.inode = 0, .path = ""};
  EXPECT_EQ(There(n).notification, n);
  n.object = ObjectInfo{};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.range = Range{std::numeric_limits<uint64_t>::max(), std::nullopt};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.task = Task{0, std::nullopt, "", ""};
  EXPECT_EQ(There(n).notification, n);
  n = Notification();
  n.incident = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(There(n).notification, n);
  n.health = HealthChange();
  EXPECT_EQ(There(n).notification, n);
  n.health = HealthChange{.since_utc_ns = -1, .errors = 1, .uid = 0, .reason = ""};
  EXPECT_EQ(There(n).notification, n) << "zeros are known, too";
  n = Notification();
  n.error = {1, std::numeric_limits<uint64_t>::max()};
  n.utc_ns = std::numeric_limits<int64_t>::min();
  n.boottime_ns = 0;
  EXPECT_EQ(There(n).notification, n);
  n.kind = Kind::kGap;
  n.error = {};
  n.gap = Gap{SourceId::kGroup, std::nullopt, false, 1, 2};
  EXPECT_EQ(There(n).notification, n);
}

TEST(StreamTest, NamesPathsAndMessagesAreRawBytesNulsIncluded) {
  Notification n = DamagedInode();
  n.filesystem.type = std::string("a\0b", 3);
  n.filesystem.device = "\xff\n";
  n.filesystem.mounts = {std::string("/\0", 2), "/\x1b[2J"};
  n.location->function = std::string("\0", 1);
  n.location->stack = {"\xfe", "x y"};
  n.location->file = std::string("\0\xff", 2);
  n.device_error = DeviceError{.device = std::string("\n\0", 2), .dev = std::nullopt};
  n.specific->fields = {{std::string("\0n", 2), std::string("\0\0", 2)}, {"m", std::numeric_limits<uint64_t>::max()}};
  n.specific->message = std::string("m\0", 2);
  n.specific->blob = std::string(2048, '\0');
  n.object->path = std::string("/\0\xff", 3);
  n.task->comm = std::string("c\0", 2);
  n.task->cgroup = std::string("/\0g", 3);
  EXPECT_EQ(There(n).notification, n);
}

TEST(StreamTest, NotificationsFollowEachOther) {
  std::string stream = Stream(DamagedInode());
  const size_t first = stream.size();
  AppendStream(LostLines(), kHost, stream);
  const auto parsed = Parsed(stream);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->bytes, first);
  EXPECT_EQ(parsed->notification, DamagedInode());
  const auto second = Parsed(std::string_view(stream).substr(first));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->notification, LostLines());
}

// Room for another record at the end of a notification; `record` has a multiple of 8 bytes.
std::string WithRecord(std::string bytes, const std::string& record) {
  bytes += record;
  const auto length = static_cast<uint32_t>(bytes.size());
  bytes.replace(0, 4, reinterpret_cast<const char*>(&length), 4);
  return bytes;
}

std::string RecordOfType(uint8_t type, uint16_t length) {
  std::string record(length, '\x55');
  const fsherald_info info = {type, 0, length};
  return record.replace(0, sizeof info, reinterpret_cast<const char*>(&info), sizeof info);
}

TEST(StreamTest, RecordsOfUnknownTypesAreSkipped) {
  for (const int type : {0, 2, 3, 4, 6, 0x7f, 0x90, 0xff}) {
    const std::string bytes = WithRecord(Stream(DamagedInode()), RecordOfType(static_cast<uint8_t>(type), 24));
    const auto parsed = Parsed(bytes);
    ASSERT_TRUE(parsed) << type;
    EXPECT_EQ(parsed->notification, DamagedInode()) << type;
    EXPECT_EQ(parsed->bytes, bytes.size());
  }
}

TEST(StreamTest, ARecordOfNoLengthEndsTheReading) {
  EXPECT_FALSE(Parsed(WithRecord(Stream(DamagedInode()), RecordOfType(0xff, 8).replace(2, 2, 2, '\0'))));
  EXPECT_FALSE(Parsed(WithRecord(Stream(DamagedInode()), RecordOfType(0xff, 8).replace(2, 2, "\x03\x00", 2))));
}

TEST(StreamTest, ARecordThatComesTwiceIsRefused) {
  const std::string range = RecordOfType(FSHERALD_RECORD_RANGE, 24);
  EXPECT_TRUE(Parsed(WithRecord(Stream(DamagedInode()), range)));
  EXPECT_FALSE(Parsed(WithRecord(Stream(DamagedInode()), range + range)));
  for (const size_t record : {0xb8, 0xd0}) {  // SOURCE_FILE, DEVICE_ERROR
    const std::string bytes = Stream(RetriedWrite(), Host());
    EXPECT_FALSE(Parsed(WithRecord(bytes, bytes.substr(record, record == 0xb8 ? 0x18 : 0x38)))) << record;
  }
  const std::string bytes = Stream(Cleared(), Host());
  EXPECT_FALSE(Parsed(WithRecord(bytes, bytes.substr(0x98, 0x10)))) << "INCIDENT";
  EXPECT_FALSE(Parsed(WithRecord(bytes, bytes.substr(0xa8)))) << "HEALTH";
}

TEST(StreamTest, ANotificationThatIsNotWholeIsNone) {
  for (const Notification& notification : {DamagedInode(), BadPage(), RetriedWrite(), LostLines(), Cleared()}) {
    const std::string bytes = Stream(notification);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(Parsed(std::string_view(bytes).substr(0, size))) << size;
    }
  }
}

TEST(StreamTest, ANotificationCutShortInTheMiddleAndSaidToBeWholeIsNone) {
  // Where a record ends behind those that are always there, a notification may.
  const std::set<size_t> ends = {0xa8, 0xc8, 0x100, 0x128, 0x188, 0x1b0, 0x1d8, 0x1e8, 0x218};
  const std::string bytes = Stream(DamagedInode());
  for (size_t size = 24; size <= bytes.size(); size += 8) {
    EXPECT_EQ(Parsed(WithRecord(bytes.substr(0, size), "")).has_value(), ends.contains(size)) << size;
  }
}

struct LengthField {
  const char* name;
  size_t offset;
  size_t size;
};

// Where the lengths stand in the notifications of the golden tests.
constexpr LengthField kLengthsOfDamagedInode[] = {
    {"event_len", 0, 4},      {"metadata_len", 6, 2},  {"FID", 0x1a, 2},          {"handle_bytes", 0x24, 4},
    {"ERROR", 0x36, 2},       {"SEQUENCE", 0x42, 2},   {"FILESYSTEM", 0x72, 2},   {"type_len", 0x74, 2},
    {"device_len", 0x76, 2},  {"LOCATION", 0xaa, 2},   {"function_len", 0xac, 2}, {"HOST", 0xca, 2},
    {"boot_id_len", 0xcc, 2}, {"kernel_len", 0xce, 2}, {"OBJECT", 0x102, 2},      {"path_len", 0x104, 2},
    {"SPECIFIC", 0x12a, 2},   {"type_len", 0x12c, 2},  {"fields", 0x12e, 2},      {"fields_len", 0x134, 4},
    {"MESSAGE", 0x18a, 2},    {"text_len", 0x18c, 4},  {"TASK", 0x1b2, 2},        {"comm_len", 0x1b4, 2},
    {"cgroup_len", 0x1b6, 2}, {"MOUNT", 0x1da, 2},     {"path_len", 0x1dc, 4},    {"STACK", 0x1ea, 2},
    {"frames", 0x1ec, 2},     {"text_len", 0x1ee, 2},
};
constexpr LengthField kLengthsOfRetriedWrite[] = {
    {"SOURCE_FILE", 0xba, 2}, {"text_len", 0xbc, 4}, {"DEVICE_ERROR", 0xd2, 2}, {"device_len", 0xd4, 2}};
constexpr LengthField kLengthsOfCleared[] = {{"INCIDENT", 0x9a, 2}, {"HEALTH", 0xaa, 2}, {"reason_len", 0xb4, 2}};

void ExpectLiesToBeFoundOut(const std::string& bytes, std::span<const LengthField> fields) {
  for (const LengthField& field : fields) {
    uint32_t honest = 0;
    std::memcpy(&honest, bytes.data() + field.offset, field.size);
    for (const uint32_t lie : {honest + 8, honest + 4096, honest < 8 ? 0xfffe : honest - 8, 0xfff8U, 0xfffcU}) {
      std::string lying = bytes;
      lying.replace(field.offset, field.size, reinterpret_cast<const char*>(&lie), field.size);
      EXPECT_FALSE(Parsed(lying)) << field.name << " " << honest << " said to be " << lie;
    }
  }
}

TEST_F(GoldenTest, ALengthThatLiesIsFoundOutWhereItTakesMoreOrLessThanThePadding) {
  ExpectLiesToBeFoundOut(Stream(DamagedInode()), kLengthsOfDamagedInode);
  ExpectLiesToBeFoundOut(Stream(RetriedWrite(), Host()), kLengthsOfRetriedWrite);
  ExpectLiesToBeFoundOut(Stream(Cleared(), Host()), kLengthsOfCleared);
}

TEST_F(GoldenTest, AFieldThatLeavesItsRecordIsRefused) {
  std::string bytes = Stream(DamagedInode());
  for (const size_t name_len : {0x142, 0x15a, 0x172}) {
    std::string lying = bytes;
    lying[name_len] = '\x29';
    EXPECT_FALSE(Parsed(lying)) << name_len;
  }
}

TEST_F(GoldenTest, NoByteOfANotificationCanHarmTheReader) {
  for (const Notification& notification : {DamagedInode(), BadPage(), RetriedWrite(), LostLines(), Cleared()}) {
    const std::string bytes = Stream(notification);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const char c : {'\x00', '\x01', '\x7f', '\x80', '\xff'}) {
        std::string changed = bytes;
        changed[i] = c;
        const auto parsed = Parsed(changed);
        if (parsed) {
          EXPECT_EQ(parsed->bytes, bytes.size());
        }
      }
    }
  }
}

TEST_F(GoldenTest, UnknownValuesReadAsWhatSaysLeast) {
  std::string bytes = Stream(LostLines());
  bytes[0x6c] = '\x77';  // GAP, source
  ASSERT_TRUE(Parsed(bytes));
  EXPECT_FALSE(Parsed(bytes)->notification.gap);
  bytes = Stream(RetriedWrite(), Host());
  bytes[0xd6] = '\x05';               // DEVICE_ERROR, operation
  bytes.replace(0xf8, 4, 4, '\xff');  // error: -1
  ASSERT_TRUE(Parsed(bytes));
  EXPECT_EQ(Parsed(bytes)->notification.device_error->operation, DeviceError::Operation::kUnknown);
  EXPECT_EQ(Parsed(bytes)->notification.device_error->code, std::nullopt);
  bytes = Stream(DamagedInode());
  bytes[0x44] = '\x0a';  // SEQUENCE, kind
  bytes[0x45] = '\x02';  // origin
  bytes[0x46] = '\x81';  // sources: every bit of the eight has its source by now
  ASSERT_TRUE(Parsed(bytes));
  EXPECT_EQ(Parsed(bytes)->notification.kind, Kind::kMetadata);
  EXPECT_EQ(Parsed(bytes)->notification.origin, Origin::kUser);
  EXPECT_EQ(Parsed(bytes)->notification.sources, SourceSet(SourceId::kFanotify).Add(SourceId::kHealth));
  for (const size_t value : {0xac, 0xad, 0xae}) {  // HEALTH: from, to, rule
    bytes = Stream(Cleared(), Host());
    bytes[value] = '\x0b';
    ASSERT_TRUE(Parsed(bytes));
    EXPECT_EQ(Parsed(bytes)->notification.kind, Kind::kHealth);
    EXPECT_FALSE(Parsed(bytes)->notification.health);
  }
}

TEST_F(GoldenTest, TheMaskMustFitTheKind) {
  std::string bytes = Stream(DamagedInode());
  bytes[0x44] = FSHERALD_KIND_GAP;
  EXPECT_FALSE(Parsed(bytes));
  bytes = Stream(DamagedInode());
  bytes[9] = 0x40;
  EXPECT_FALSE(Parsed(bytes));
}

TEST(CutTest, NothingIsCutWhereThereIsRoom) {
  Notification n = DamagedInode();
  n.specific->message = "";
  n.specific->message = std::string(kMaxBytes - Stream(n).size(), 'm');
  EXPECT_EQ(Stream(n).size(), kMaxBytes);
  EXPECT_FALSE(There(n).cut);
  EXPECT_EQ(There(n).notification, n);
  n.specific->message->push_back('m');
  EXPECT_TRUE(There(n).cut);
}

TEST(CutTest, TheOutermostFramesGoFirst) {
  Notification n = DamagedInode();
  n.location->stack.assign(1000, "f+0x1");
  const StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.location->stack.size(), (kMaxBytes - 0x1e8 - 8) / 6);
  n.location->stack.resize(there.notification.location->stack.size());
  EXPECT_EQ(there.notification, n);
}

TEST(CutTest, ThenTheLastMountPoints) {
  Notification n = DamagedInode();
  n.filesystem.mounts.assign(1000, "/1234567");
  const StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.filesystem.mounts.size(), (kMaxBytes - 0x1d8) / 16);
  EXPECT_TRUE(there.notification.location->stack.empty());
  EXPECT_EQ(there.notification.task, n.task);
}

TEST(CutTest, ThenTheCgroup) {
  Notification n = DamagedInode();
  n.task->cgroup = std::string(kMaxBytes, 'c');
  const StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.task, (Task{2211, 2211, "ls", std::nullopt}));
  EXPECT_EQ(there.notification.specific, n.specific);
}

TEST(CutTest, ThenTheEndOfTheMessage) {
  Notification n = DamagedInode();
  n.specific->message = std::string(2 * kMaxBytes, 'm');
  const StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(Stream(n).size(), kMaxBytes);
  const size_t task_bytes = 32;  // without its cgroup
  EXPECT_EQ(there.notification.specific->message, std::string(kMaxBytes - 0x190 - task_bytes, 'm'));
  EXPECT_EQ(there.notification.specific->fields, n.specific->fields);
  EXPECT_EQ(there.notification.task->comm, "ls");
}

TEST(CutTest, ThenTheLastFieldsAndThenTheBlob) {
  Notification n = DamagedInode();
  n.specific->fields.assign(1000, {"number", uint64_t{7}});  // 24 bytes each
  n.specific->blob = std::string(2048, 'b');
  StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.specific->blob, n.specific->blob);
  EXPECT_EQ(there.notification.specific->message, "deleted ") << "what 24 bytes more had no room for";
  const size_t before = 0x140 + 2048 + 8 + 32;  // up to the fields, the blob, an empty message, the task
  EXPECT_EQ(there.notification.specific->fields.size(), (kMaxBytes - before) / 24);
  n.specific->blob = std::string(kMaxBytes, 'b');
  there = There(n);
  EXPECT_FALSE(there.notification.specific->blob);
  EXPECT_EQ(there.notification.object, n.object);
}

TEST(CutTest, ThenThePath) {
  Notification n = DamagedInode();
  n.object->path = std::string(3600, 'p');
  StreamNotification there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.object, n.object);
  EXPECT_TRUE(there.notification.location->stack.empty());
  n.object->path = std::string(kMaxBytes, 'p');
  there = There(n);
  EXPECT_TRUE(there.cut);
  EXPECT_EQ(there.notification.object, (ObjectInfo{.inode = 12, .generation = 7}));
}

TEST(CutTest, TheGenericRecordTheLocationTheDevicesErrorAndTheChangeOfHealthStayWhateverElseThereIs) {
  const std::string big(3 * kMaxBytes, 'x');
  Notification n = DamagedInode();
  n.filesystem.type = n.filesystem.device = big;
  n.filesystem.mounts.assign(3, big);
  n.location = Location{big, 1855, {big, big}, big};
  n.specific = Specific{.type = big, .fields = {{big, big}}, .message = big, .blob = big};
  n.object = ObjectInfo{12, 7, big, PathSource::kHandle};
  n.range = Range{1, 2};
  n.device_error = DeviceError{.device = big, .dev = DeviceNumber{8, 0}, .sector = 2048, .code = EIO};
  n.corrected = true;
  n.trusted = false;
  n.task = Task{1, 1, big, big};
  n.gap = Gap{SourceId::kKmsg, 1, true, 0, 0};
  n.incident = 41;
  n.health = Cleared().health;
  n.health->reason = big;
  std::string bytes;
  AppendStream(n, Host{big, big}, bytes);
  EXPECT_LE(bytes.size(), kMaxBytes);
  EXPECT_EQ(bytes.size() % 8, 0U);
  const auto there = Parsed(bytes);
  ASSERT_TRUE(there);
  EXPECT_TRUE(there->cut);
  EXPECT_EQ(there->notification.error, n.error);
  EXPECT_EQ(there->notification.location->line, 1855U);
  EXPECT_EQ(there->notification.location->function, std::string(511, 'x'));
  EXPECT_EQ(there->notification.location->file, std::string(511, 'x'));
  n.device_error->device.resize(255);
  EXPECT_EQ(there->notification.device_error, n.device_error);
  EXPECT_TRUE(there->notification.corrected);
  EXPECT_FALSE(there->notification.trusted);
  EXPECT_EQ(there->notification.filesystem.type, std::string(255, 'x'));
  EXPECT_EQ(there->notification.range, n.range);
  EXPECT_EQ(there->notification.gap, n.gap);
  EXPECT_EQ(there->notification.incident, 41U);
  n.health->reason = std::string(kMaxReasonBytes, 'x');
  EXPECT_EQ(there->notification.health, n.health);
}

// As a program reads FAN_FS_ERROR of Linux, by the kernel's own header. It knows nothing of ours.
struct KernelReader {
  std::vector<uint64_t> masks;
  std::vector<std::array<int, 2>> fsids;
  std::vector<uint32_t> inodes;
  std::vector<uint32_t> generations;
  std::vector<int> errors;
  std::vector<uint32_t> counts;

  void Read(const std::string& stream) {
    const char* buffer = stream.data();
    auto length = static_cast<ssize_t>(stream.size());
    const auto* event = reinterpret_cast<const fanotify_event_metadata*>(buffer);
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
      ASSERT_EQ(event->vers, FANOTIFY_METADATA_VERSION);
      ASSERT_EQ(event->fd, FAN_NOFD);
      masks.push_back(event->mask);
      const char* end = reinterpret_cast<const char*>(event) + event->event_len;
      for (const char* at = reinterpret_cast<const char*>(event) + event->metadata_len; at < end;) {
        const auto* header = reinterpret_cast<const fanotify_event_info_header*>(at);
        ASSERT_GE(header->len, sizeof *header);
        if (header->info_type == FAN_EVENT_INFO_TYPE_FID) ReadFid(at);
        if (header->info_type == FAN_EVENT_INFO_TYPE_ERROR) ReadError(at);
        at += header->len;
      }
    }
    EXPECT_EQ(length, 0);
  }

  void ReadFid(const char* at) {
    const auto* fid = reinterpret_cast<const fanotify_event_info_fid*>(at);
    fsids.push_back({fid->fsid.val[0], fid->fsid.val[1]});
    const auto* handle = reinterpret_cast<const file_handle*>(fid->handle);
    if (handle->handle_bytes == 0) return;
    ASSERT_EQ(handle->handle_type, 1);  // FILEID_INO32_GEN
    ASSERT_EQ(handle->handle_bytes, 8U);
    uint32_t words[2];
    std::memcpy(words, handle->f_handle, sizeof words);
    inodes.push_back(words[0]);
    generations.push_back(words[1]);
  }

  void ReadError(const char* at) {
    const auto* error = reinterpret_cast<const fanotify_event_info_error*>(at);
    errors.push_back(error->error);
    counts.push_back(error->error_count);
  }
};

TEST(KernelReaderTest, AProgramThatReadsTheKernelsErrorsReadsThese) {
  Notification many = DamagedInode();
  many.error = {EIO, uint64_t{1} << 32};
  many.object = std::nullopt;
  const std::string stream = Stream(DamagedInode()) + Stream(many) + Stream(LostLines());
  KernelReader reader;
  reader.Read(stream);
  EXPECT_EQ(reader.masks, (std::vector<uint64_t>{FAN_FS_ERROR, FAN_FS_ERROR, FAN_Q_OVERFLOW}));
  const std::array<int, 2> fsid = {0x11eb8c2d, 0x756d63ee};
  EXPECT_EQ(reader.fsids, (std::vector<std::array<int, 2>>{fsid, fsid, {0, 0}}));
  EXPECT_EQ(reader.inodes, (std::vector<uint32_t>{12}));
  EXPECT_EQ(reader.generations, (std::vector<uint32_t>{7}));
  EXPECT_EQ(reader.errors, (std::vector<int>{EUCLEAN, EIO, 0}));
  EXPECT_EQ(reader.counts, (std::vector<uint32_t>{1, 0xffffffff, 0}));
}

}  // namespace
}  // namespace fsherald
