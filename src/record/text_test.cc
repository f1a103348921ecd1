// SPDX-License-Identifier: MIT
#include "record/text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace fsherald {
namespace {

const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};
constexpr int64_t kMorningUtcNs = 1795170667412345678;  // 2026-11-20T10:31:07.412345678Z

void SetTimeZone(const char* zone) {
  ::setenv("TZ", zone, 1);
  ::tzset();
}

std::string Block(const Notification& notification, const TextOptions& options = {}) {
  SetTimeZone("UTC0");
  std::string out;
  AppendText(notification, kHost, options, out);
  return out;
}

Notification FullNotification() {
  Notification n;
  n.utc_ns = kMorningUtcNs;
  n.filesystem = {"ext4", "loop0", DeviceNumber{7, 0}, std::nullopt, std::nullopt, {"/data"}};
  n.error = {EUCLEAN, 1};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2", "__lookup_slow+0x81"}};
  n.specific = Specific{"ext4",
                        {{"inode", uint64_t{12}}, {"block", std::monostate()}, {"group", std::monostate()}},
                        "deleted inode referenced: 12"};
  n.object = ObjectInfo{12, 7, "/data/d/f", PathSource::kHandle};
  n.task = Task{2211, 2211, "ls", "/user.slice"};
  n.sources.Add(SourceId::kFanotify).Add(SourceId::kTrace).Add(SourceId::kKmsg);
  return n;
}

TEST(TextTest, ANotificationIsABlockThatAnswersEachQuestionOnALine) {
  EXPECT_EQ(Block(FullNotification()),
            "10:31:07.412 metadata error on ext4 loop0 at /data: EUCLEAN Structure needs cleaning\n"
            "  what     deleted inode referenced: 12\n"
            "  where    ext4_lookup:1855, Linux 6.18.44\n"
            "  file     /data/d/f (inode 12, generation 7, found by its handle)\n"
            "  by       ls (pid 2211), cgroup /user.slice\n"
            "  stack    ext4_lookup+0x1a2\n"
            "           __lookup_slow+0x81\n"
            "  seen by  fanotify, trace, kmsg\n"
            "\n");
}

TEST(TextTest, WhatIsNotJustNowHasItsDateAndItsNumberAndItsWholeStackWhereAsked) {
  Notification n = FullNotification();
  n.seq = 41;
  for (int i = 0; i < 9; ++i) n.location->stack.push_back("frame" + std::to_string(i) + "+0x1");
  const std::string block = Block(n, {.dated = true, .whole_stack = true});
  EXPECT_EQ(block.substr(0, block.find(" metadata")), "2026-11-20 10:31:07.412 #41");
  EXPECT_NE(block.find("           frame8+0x1\n"), std::string::npos);
  EXPECT_NE(Block(n, {.dated = true}).find("... 5 more"), std::string::npos);
}

TEST(TextTest, AnErrorThatWasOnlyCountedSaysWhatIsNotKnown) {
  Notification n;
  n.utc_ns = kMorningUtcNs;
  n.filesystem = {"ext4", "sda1", std::nullopt, std::nullopt, std::nullopt, {"/", "/mnt", "/srv"}};
  n.error = {EUCLEAN, 99990};
  n.sources = SourceId::kFanotify;
  EXPECT_EQ(Block(n),
            "10:31:07.412 metadata error on ext4 sda1 at / (+2): EUCLEAN Structure needs cleaning ×99990\n"
            "  unknown  where, which file, by whom\n"
            "  seen by  fanotify\n"
            "\n");
}

TEST(TextTest, ANotificationOfWhichNothingIsKnownSaysSo) {
  EXPECT_EQ(Block(Notification()),
            "00:00:00.000 metadata error on an unknown file system: errno unknown\n"
            "  unknown  where, which file, by whom\n"
            "\n");
}

TEST(TextTest, AKnownPlaceWithoutAFileIsNoWonder) {
  Notification n;
  n.filesystem.type = "ext4";
  n.filesystem.dev = DeviceNumber{7, 3};
  n.error.code = EBADMSG;
  n.location = Location{"ext4_validate_block_bitmap", 421, {}};
  n.specific = Specific{"ext4",
                        {{"inode", std::monostate()}, {"block", uint64_t{7}}, {"group", uint64_t{0}}},
                        "bg 0: bad block bitmap checksum"};
  n.task = Task{std::nullopt, std::nullopt, "tee", std::nullopt};
  EXPECT_EQ(Block(n),
            "00:00:00.000 metadata error on ext4 device 7:3: EBADMSG Bad message\n"
            "  what     bg 0: bad block bitmap checksum\n"
            "  where    ext4_validate_block_bitmap:421, Linux 6.18.44\n"
            "  detail   block 7, group 0\n"
            "  by       tee\n"
            "\n");
}

TEST(TextTest, AShutdownConcernsNoFileAndWondersAboutNone) {
  Notification n;
  n.kind = Kind::kShutdown;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error.code = ESHUTDOWN;
  n.sources = SourceId::kFanotify;
  EXPECT_EQ(Block(n),
            "00:00:00.000 shutdown on ext4 loop0 at /data: ESHUTDOWN Cannot send after transport endpoint shutdown\n"
            "  seen by  fanotify\n"
            "\n");
}

TEST(TextTest, ADataErrorTellsTheRangeAndTheThread) {
  Notification n;
  n.kind = Kind::kDataRead;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error.code = EIO;
  n.object = ObjectInfo{12, std::nullopt, std::nullopt, std::nullopt};
  n.range = Range{4096, 512};
  n.task = Task{10, 11, "", std::nullopt};
  EXPECT_EQ(Block(n),
            "00:00:00.000 read error on ext4 loop0 at /data: EIO Input/output error\n"
            "  file     inode 12, path unknown\n"
            "  range    512 bytes at 4096\n"
            "  by       a task without a name (pid 10, thread 11)\n"
            "  unknown  where\n"
            "\n");
}

TEST(TextTest, WhatTheDeviceReportedIsALine) {
  Notification n;
  n.kind = Kind::kDataRead;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error.code = EIO;
  n.location = Location{"ext4_end_bio", std::nullopt, {}};
  n.range = Range{4096, 512};
  n.device_error = DeviceError{.device = "loop0",
                               .dev = DeviceNumber{7, 0},
                               .operation = DeviceError::Operation::kRead,
                               .sector = 2048,
                               .sectors = 8,
                               .code = EIO,
                               .count = 2};
  n.task = Task{1, 1, "init", std::nullopt};
  EXPECT_EQ(Block(n),
            "00:00:00.000 read error on ext4 loop0 at /data: EIO Input/output error\n"
            "  where    ext4_end_bio, Linux 6.18.44\n"
            "  range    512 bytes at 4096\n"
            "  device   loop0: read of 8 sectors at 2048 failed ×2, EIO\n"
            "  by       init (pid 1)\n"
            "\n");
}

TEST(TextTest, OfTheDeviceOnlyWhatIsKnownIsSaid) {
  const auto line = [](const DeviceError& error) {
    Notification n;
    n.kind = Kind::kDevice;
    n.device_error = error;
    const std::string block = Block(n);
    const size_t start = block.find("  device ");
    return block.substr(start, block.find('\n', start) - start);
  };
  using Operation = DeviceError::Operation;
  EXPECT_EQ(line({}), "  device   unknown: request failed");
  EXPECT_EQ(line({.device = "", .dev = DeviceNumber{8, 16}, .operation = Operation::kFlush, .code = 4095}),
            "  device   8:16: flush failed, errno 4095");
  EXPECT_EQ(line({.device = "sda", .dev = {}, .operation = Operation::kWrite, .sector = 0}),
            "  device   sda: write at sector 0 failed");
  EXPECT_EQ(line({.device = "sda", .dev = {}, .operation = Operation::kDiscard, .sectors = 1}),
            "  device   sda: discard of 1 sector failed");
}

TEST(TextTest, TheSourceFileStandsBehindTheLine) {
  const auto line = [](const Location& location) {
    Notification n;
    n.location = location;
    const std::string block = Block(n);
    const size_t start = block.find("  where ");
    return block.substr(start, block.find('\n', start) - start);
  };
  EXPECT_EQ(line({"xfs_do_force_shutdown", 523, {}, "fs/xfs/xfs_fsops.c"}),
            "  where    xfs_do_force_shutdown:523 (fs/xfs/xfs_fsops.c), Linux 6.18.44");
  EXPECT_EQ(line({"f", std::nullopt, {}, "fs/f.c"}), "  where    f (fs/f.c), Linux 6.18.44");
  EXPECT_EQ(line({"", 523, {}, "fs/f.c"}), "  where    fs/f.c:523, Linux 6.18.44");
  EXPECT_EQ(line({"", 523, {}}), "  where    unknown function:523, Linux 6.18.44");
}

TEST(TextTest, ACorrectedErrorIsAnErrorButNoAlarm) {
  Notification n;
  n.filesystem = {"btrfs", "sdb", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error = {EIO, 2};
  n.location = Location{"f", 1, {}};
  n.task = Task{1, 1, "init", std::nullopt};
  n.corrected = true;
  const std::string block = Block(n);
  EXPECT_EQ(block.substr(0, block.find('\n')),
            "00:00:00.000 corrected metadata error on btrfs sdb at /data: EIO Input/output error ×2");
  const std::string colored = Block(n, {.color = true});
  EXPECT_NE(colored.find(" \x1b[1;33mcorrected metadata error\x1b[0m on "), std::string::npos) << colored;
  EXPECT_EQ(colored.find("\x1b[1;31m"), std::string::npos) << "nothing is red";
}

TEST(TextTest, WhatIsHealthyAgainIsNoErrorAndWondersAboutNothing) {
  Notification n;
  n.filesystem = {"xfs", "sdb", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error = {std::nullopt, 0};
  n.specific = Specific{"xfs", {}, "free space btree of group 3"};
  n.corrected = true;
  n.sources = SourceId::kTrace;
  EXPECT_EQ(Block(n),
            "00:00:00.000 healthy again on xfs sdb at /data\n"
            "  what     free space btree of group 3\n"
            "  seen by  trace\n"
            "\n");
  EXPECT_NE(Block(n, {.color = true}).find(" \x1b[1;32mhealthy again\x1b[0m on "), std::string::npos);
}

TEST(TextTest, WhatUserSpaceWroteToTheLogIsUnverified) {
  Notification n;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error.code = EUCLEAN;
  n.location = Location{"ext4_lookup", 1855, {}};
  n.task = Task{1, 1, "init", std::nullopt};
  n.sources = SourceId::kKmsg;
  n.trusted = false;
  EXPECT_EQ(Block(n),
            "00:00:00.000 unverified: metadata error on ext4 loop0 at /data: EUCLEAN Structure needs cleaning\n"
            "  trust    written to the log by user space; nothing else has seen it\n"
            "  where    ext4_lookup:1855, Linux 6.18.44\n"
            "  by       init (pid 1)\n"
            "  seen by  kmsg\n"
            "\n");
  EXPECT_NE(Block(n, {.color = true}).find(" \x1b[1;33munverified: metadata error\x1b[0m on "), std::string::npos);
}

TEST(TextTest, HowThePathWasFoundIsSaid) {
  Notification n = FullNotification();
  n.object = ObjectInfo{12, std::nullopt, "/data/f", PathSource::kOpenFile};
  EXPECT_NE(Block(n).find("  file     /data/f (inode 12, found among the task's open files)\n"), std::string::npos);
  n.object->path_source = PathSource::kWalk;
  EXPECT_NE(Block(n).find("  file     /data/f (inode 12, found by reading the device)\n"), std::string::npos);
  n.object->path_source = std::nullopt;
  EXPECT_NE(Block(n).find("  file     /data/f (inode 12)\n"), std::string::npos);
}

TEST(TextTest, ALossIsToldWithItsSourceItsCountAndItsTime) {
  Notification n;
  n.utc_ns = kMorningUtcNs;
  n.kind = Kind::kGap;
  n.gap = Gap{SourceId::kKmsg, 12, true, kMorningUtcNs - 2'000'000'000, kMorningUtcNs};
  EXPECT_EQ(Block(n),
            "10:31:07.412 lost: 12 reports from kmsg\n"
            "  when     10:31:05.412 to 10:31:07.412\n"
            "\n");
}

TEST(TextTest, ALossThatIsNotCountedExactlySaysHowMuchIsKnown) {
  Notification n;
  n.utc_ns = kMorningUtcNs;
  n.kind = Kind::kGap;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.gap = Gap{SourceId::kTrace, 1, false, kMorningUtcNs, kMorningUtcNs};
  EXPECT_EQ(Block(n),
            "10:31:07.412 lost: at least 1 report from trace on ext4 loop0 at /data\n"
            "  when     10:31:07.412\n"
            "\n");
  n.gap->count = std::nullopt;
  EXPECT_EQ(Block(n),
            "10:31:07.412 lost: an unknown number of reports from trace on ext4 loop0 at /data\n"
            "  when     10:31:07.412\n"
            "\n");
}

TEST(TextTest, AChangeOfHealthSaysWhatItIsWhatItWasAndWhy) {
  Notification n;
  n.seq = 45;
  n.utc_ns = kMorningUtcNs;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error.count = 0;
  n.kind = Kind::kHealth;
  n.incident = 44;
  n.health = HealthChange{.from = HealthState::kWell, .to = HealthState::kErrors};
  EXPECT_EQ(Block(n),
            "10:31:07.412 health of ext4 loop0 at /data: errors, was well\n"
            "  why      an error was told\n"
            "  follows  number 44\n"
            "\n");
  EXPECT_NE(Block(n, {.color = true}).find(" \x1b[1;31mhealth\x1b[0m of "), std::string::npos);
  n.incident = std::nullopt;
  n.health = HealthChange{.from = HealthState::kErrors,
                          .to = HealthState::kWell,
                          .rule = HealthRule::kCleared,
                          .since_utc_ns = kMorningUtcNs - 2'000'000'000,
                          .errors = 3,
                          .uid = 0,
                          .reason = "new \x1b cable"};
  EXPECT_EQ(Block(n),
            "10:31:07.412 health of ext4 loop0 at /data: well, was errors since 10:31:05.412, 3 errors\n"
            "  why      cleared by the operator (uid 0): new \\x1b cable\n"
            "\n");
  EXPECT_NE(Block(n, {.color = true}).find(" \x1b[1;32mhealth\x1b[0m of "), std::string::npos);
  n.health = std::nullopt;
  EXPECT_EQ(Block(n), "10:31:07.412 health of ext4 loop0 at /data: changed\n\n");
}

TEST(TextTest, WhatFollowsTheFirstErrorOfAnIncidentSaysSo) {
  Notification n = FullNotification();
  n.seq = 41;
  n.incident = 41;
  EXPECT_EQ(Block(n).find("follows"), std::string::npos);
  n.seq = 42;
  EXPECT_NE(Block(n).find("  follows  number 41\n"), std::string::npos);
}

TEST(TextTest, OnlyTheInnermostFramesOfALongStackAreShown) {
  Notification n;
  n.task = Task{1, 1, "init", std::nullopt};
  n.location = Location{"f0", std::nullopt, {"f0+0x0", "f1+0x1", "f2+0x2", "f3+0x3", "f4+0x4", "f5+0x5", "f6", "f7"}};
  EXPECT_EQ(Block(n),
            "00:00:00.000 metadata error on an unknown file system: errno unknown\n"
            "  where    f0, Linux 6.18.44\n"
            "  by       init (pid 1)\n"
            "  stack    f0+0x0\n"
            "           f1+0x1\n"
            "           f2+0x2\n"
            "           f3+0x3\n"
            "           f4+0x4\n"
            "           f5+0x5\n"
            "           ... 2 more\n"
            "\n");
}

TEST(TextTest, TheStackIsLeftOutWhereItIsNotWanted) {
  const std::string block = Block(FullNotification(), {.color = false, .stack = false});
  EXPECT_EQ(block.find("stack"), std::string::npos);
  EXPECT_EQ(block.find("__lookup_slow"), std::string::npos);
}

TEST(TextTest, ColourIsUsedOnlyWhereItIsAskedFor) {
  Notification n;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.error = {EIO, 3};
  n.location = Location{"f", 1, {}};
  n.task = Task{1, 1, "init", std::nullopt};
  EXPECT_EQ(Block(n, {.color = true, .stack = true}),
            "\x1b[2m00:00:00.000\x1b[0m \x1b[1;31mmetadata error\x1b[0m on \x1b[1mext4 loop0 at /data\x1b[0m: "
            "EIO Input/output error\x1b[1m ×3\x1b[0m\n"
            "  \x1b[2mwhere  \x1b[0m  f:1, Linux 6.18.44\n"
            "  \x1b[2mby     \x1b[0m  init (pid 1)\n"
            "\n");
  EXPECT_EQ(Block(n).find('\x1b'), std::string::npos);
}

TEST(TextTest, NoNameAndNoMessageReachesTheTerminalRaw) {
  Notification n;
  n.filesystem = {"ext4\x1b", "lo\nop", std::nullopt, std::nullopt, std::nullopt, {"/\u009b31m"}};
  n.error.code = 4095;
  n.location = Location{"f\x1b", 1, {"g\x1b"}, "f.c\n"};
  n.specific = Specific{"ext4", {{"name", std::string("\x1b]0;x\a")}}, "bad entry: \xFF\r"};
  n.object = ObjectInfo{12, std::nullopt, "/gpj.\u202Eexe", std::nullopt};
  n.device_error = DeviceError{.device = "sd\x1b", .dev = std::nullopt};
  n.task = Task{1, 1, "\x1b[2J", "/\x7f"};
  EXPECT_EQ(Block(n),
            "00:00:00.000 metadata error on ext4\\x1b lo\\nop at /\\u009b31m: errno 4095\n"
            "  what     bad entry: \uFFFD\\r\n"
            "  where    f\\x1b:1 (f.c\\n), Linux 6.18.44\n"
            "  file     /gpj.\\u202eexe (inode 12)\n"
            "  device   sd\\x1b: request failed\n"
            "  detail   name \\x1b]0;x\\x07\n"
            "  by       \\x1b[2J (pid 1), cgroup /\\x7f\n"
            "  stack    g\\x1b\n"
            "\n");
}

TEST(TextTest, TheTimeIsLocal) {
  Notification n = FullNotification();
  SetTimeZone("XXX-5:30");
  std::string out;
  AppendText(n, kHost, {}, out);
  SetTimeZone("UTC0");
  EXPECT_EQ(out.substr(0, 13), "16:01:07.412 ");
}

TEST(TextTest, WhatAProgramReportsIsInNoKernel) {
  Notification n = FullNotification();
  n.origin = Origin::kUser;
  EXPECT_NE(Block(n).find("  where    ext4_lookup:1855\n"), std::string::npos);
}

TEST(TextTest, WhatAProgramReportsIsToldAsTheWordOfThatProgram) {
  Notification n;
  n.origin = Origin::kUser;
  n.kind = Kind::kDataRead;
  n.filesystem = {"mydb", "orders", std::nullopt, std::nullopt, std::nullopt, {}};
  n.error.code = EILSEQ;
  n.location = Location{"verify_page", 88, {}};
  n.specific = Specific{.type = "mydb",
                        .fields = {},
                        .message = "checksum does not match",
                        .blob = std::string("\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff\x10", 17)};
  n.object = ObjectInfo{.path = "orders/7", .path_source = PathSource::kProducer};
  n.range = Range{4096, 512};
  n.task = Task{77, 77, "mydbd", "/system.slice"};
  n.sources = SourceId::kProducer;
  EXPECT_EQ(Block(n),
            "00:00:00.000 read error on mydb orders: EILSEQ Invalid or incomplete multibyte or wide character\n"
            "  what     checksum does not match\n"
            "  where    verify_page:88\n"
            "  file     orders/7 (inode unknown, said by the file system)\n"
            "  range    512 bytes at 4096\n"
            "  blob     17 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e ff ...\n"
            "  by       reported by mydbd (pid 77) in user space, cgroup /system.slice\n"
            "  seen by  producer\n"
            "\n");
}

TEST(TextTest, AProgramWithoutANameIsAProgram) {
  Notification n;
  n.origin = Origin::kUser;
  n.specific = Specific{.type = "mydb", .fields = {}, .message = std::nullopt, .blob = ""};
  EXPECT_EQ(Block(n),
            "00:00:00.000 metadata error on an unknown file system: errno unknown\n"
            "  blob     0 bytes\n"
            "  by       reported by a program in user space\n"
            "  unknown  where, which file\n"
            "\n");
}

TEST(TextTest, WhatIsNotKeptAnyMoreIsSaidSo) {
  Notification n;
  n.kind = Kind::kGap;
  n.gap = Gap{SourceId::kGroup, std::nullopt, true, 0, 1'000'000};
  EXPECT_EQ(
      Block(n),
      "00:00:00.000 lost: an unknown number of reports: this subscriber did not read fast enough, or asked for what is "
      "not kept any more\n"
      "  when     until 00:00:00.001\n"
      "\n");
}

TEST(TextTest, WhatTheSubscriberItselfWasTooSlowForIsSaidSo) {
  Notification n;
  n.kind = Kind::kGap;
  n.filesystem = {"ext4", "loop0", std::nullopt, std::nullopt, std::nullopt, {"/data"}};
  n.gap = Gap{SourceId::kGroup, 3, true, 0, 0};
  EXPECT_EQ(Block(n),
            "00:00:00.000 lost: 3 reports on ext4 loop0 at /data: this subscriber did not read fast enough\n"
            "  when     00:00:00.000\n"
            "\n");
  n.gap = Gap{SourceId::kProducer, std::nullopt, false, 0, 0};
  EXPECT_EQ(Block(n),
            "00:00:00.000 lost: an unknown number of reports from user space on ext4 loop0 at /data\n"
            "  when     00:00:00.000\n"
            "\n");
}

}  // namespace
}  // namespace fsherald
