// SPDX-License-Identifier: MIT
#include "client/decode.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "record/json.h"
#include "record/text.h"

namespace fsherald {
namespace {

const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};

std::string Stream(const Notification& notification) {
  std::string out;
  AppendStream(notification, kHost, out);
  return out;
}

Bytes BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

Notification DamagedInode() {
  Notification n;
  n.seq = 41;
  n.filesystem_seq = 7;
  n.utc_ns = 1795170667412345678;
  n.boottime_ns = 431270412345;
  n.filesystem = {"ext4", "loop0", DeviceNumber{7, 0}, std::nullopt, std::nullopt, {"/data", "/mnt"}};
  n.error = {EUCLEAN, 3};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2", "__lookup_slow+0x81"}};
  n.specific = Specific{.type = "ext4", .fields = {}, .message = "deleted inode referenced: 12"};
  n.object = ObjectInfo{12, 7, "/data/d/f", PathSource::kHandle};
  n.range = Range{4096, 512};
  n.task = Task{2211, 2212, "ls", "/user.slice"};
  n.sources.Add(SourceId::kFanotify).Add(SourceId::kKmsg);
  return n;
}

TEST(DecodeTest, EverythingThatIsKnownIsThere) {
  const std::string bytes = Stream(DamagedInode());
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(bytes)));
  const fsherald_notification& n = decoded.get();
  EXPECT_EQ(n.size, sizeof(fsherald_notification));
  EXPECT_EQ(n.seq, 41U);
  EXPECT_EQ(n.filesystem_seq, 7U);
  EXPECT_EQ(n.utc_ns, 1795170667412345678);
  EXPECT_EQ(n.boottime_ns, 431270412345U);
  EXPECT_EQ(n.kind, FSHERALD_KIND_METADATA);
  EXPECT_EQ(n.origin, FSHERALD_ORIGIN_KERNEL);
  EXPECT_EQ(n.sources, 1U << FSHERALD_SOURCE_FANOTIFY | 1U << FSHERALD_SOURCE_KMSG);
  EXPECT_EQ(n.error, EUCLEAN);
  EXPECT_EQ(n.count, 3U);
  EXPECT_STREQ(n.type, "ext4");
  EXPECT_STREQ(n.device, "loop0");
  EXPECT_STREQ(n.mounts[0], "/data");
  EXPECT_STREQ(n.mounts[1], "/mnt");
  EXPECT_EQ(n.mounts[2], nullptr);
  EXPECT_STREQ(n.function, "ext4_lookup");
  EXPECT_EQ(n.line, 1855U);
  EXPECT_STREQ(n.stack[0], "ext4_lookup+0x1a2");
  EXPECT_STREQ(n.stack[1], "__lookup_slow+0x81");
  EXPECT_EQ(n.stack[2], nullptr);
  EXPECT_EQ(n.flags, static_cast<uint32_t>(FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_GENERATION |
                                           FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH));
  EXPECT_EQ(n.inode, 12U);
  EXPECT_EQ(n.generation, 7U);
  EXPECT_STREQ(n.path, "/data/d/f");
  EXPECT_EQ(n.offset_bytes, 4096U);
  EXPECT_EQ(n.length_bytes, 512U);
  EXPECT_EQ(n.pid, 2211U);
  EXPECT_STREQ(n.comm, "ls");
  EXPECT_STREQ(n.message, "deleted inode referenced: 12");
  EXPECT_EQ(n.blob, nullptr);
  EXPECT_EQ(std::string(static_cast<const char*>(n.bytes), n.bytes_len), bytes);
}

TEST(DecodeTest, WhatIsNotKnownIsNullButTheListsAreEmpty) {
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(Notification()))));
  const fsherald_notification& n = decoded.get();
  EXPECT_EQ(n.error, 0);
  EXPECT_EQ(n.count, 1U);
  EXPECT_EQ(n.boottime_ns, 0U);
  EXPECT_EQ(n.flags, 0U);
  for (const char* text : {n.type, n.device, n.function, n.file, n.path, n.comm, n.message, n.device_error_device}) {
    EXPECT_EQ(text, nullptr);
  }
  EXPECT_EQ(n.corrected, 0U);
  EXPECT_EQ(n.untrusted, 0U);
  EXPECT_EQ(n.device_error_count, 0U);
  EXPECT_EQ(n.incident, 0U);
  EXPECT_EQ(n.health_reason, nullptr);
  ASSERT_NE(n.mounts, nullptr);
  EXPECT_EQ(n.mounts[0], nullptr);
  ASSERT_NE(n.stack, nullptr);
  EXPECT_EQ(n.stack[0], nullptr);
  EXPECT_EQ(n.blob, nullptr);
  EXPECT_EQ(n.blob_len, 0U);
}

TEST(DecodeTest, AChangeOfHealthIsThereWithItsIncident) {
  Notification from;
  from.kind = Kind::kHealth;
  from.incident = 41;
  from.health = HealthChange{.from = HealthState::kErrors,
                             .to = HealthState::kWell,
                             .rule = HealthRule::kCleared,
                             .since_utc_ns = 1795170667412345678,
                             .errors = 3,
                             .uid = 1000,
                             .reason = "cable"};
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  const fsherald_notification& n = decoded.get();
  EXPECT_EQ(n.kind, FSHERALD_KIND_HEALTH);
  EXPECT_EQ(n.count, 0U);
  EXPECT_EQ(n.flags, static_cast<uint32_t>(FSHERALD_NOTIFICATION_HAS_HEALTH | FSHERALD_NOTIFICATION_HAS_HEALTH_UID));
  EXPECT_EQ(n.incident, 41U);
  EXPECT_EQ(n.health_from, FSHERALD_STATE_ERRORS);
  EXPECT_EQ(n.health_to, FSHERALD_STATE_WELL);
  EXPECT_EQ(n.health_rule, FSHERALD_RULE_CLEARED);
  EXPECT_EQ(n.health_uid, 1000U);
  EXPECT_STREQ(n.health_reason, "cable");
  EXPECT_EQ(n.health_since_utc_ns, 1795170667412345678);
  EXPECT_EQ(n.health_errors, 3U);
  from.health = HealthChange();
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().flags, static_cast<uint32_t>(FSHERALD_NOTIFICATION_HAS_HEALTH));
  EXPECT_EQ(decoded.get().health_reason, nullptr);
}

TEST(DecodeTest, WhatTheDeviceReportedIsThereWithAFlagForEachNumber) {
  Notification from;
  from.device_error = DeviceError{.device = "loop0",
                                  .dev = DeviceNumber{7, 3},
                                  .operation = DeviceError::Operation::kWrite,
                                  .sector = 2048,
                                  .sectors = 8,
                                  .code = EIO,
                                  .count = 2};
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  const fsherald_notification& n = decoded.get();
  EXPECT_EQ(n.flags,
            static_cast<uint32_t>(FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR | FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_DEV |
                                  FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTOR |
                                  FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTORS));
  EXPECT_STREQ(n.device_error_device, "loop0");
  EXPECT_EQ(n.device_error_major, 7U);
  EXPECT_EQ(n.device_error_minor, 3U);
  EXPECT_EQ(n.device_error_operation, FSHERALD_OPERATION_WRITE);
  EXPECT_EQ(n.device_error_code, EIO);
  EXPECT_EQ(n.device_error_sector, 2048U);
  EXPECT_EQ(n.device_error_sectors, 8U);
  EXPECT_EQ(n.device_error_count, 2U);
  from.device_error = DeviceError();
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().flags, static_cast<uint32_t>(FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR));
  EXPECT_EQ(decoded.get().device_error_device, nullptr);
  EXPECT_EQ(decoded.get().device_error_count, 1U);
}

TEST(DecodeTest, TheSourceFileAndWhatIsCorrectedOrUntrustedIsThere) {
  Notification from;
  from.location = Location{"xfs_do_force_shutdown", 523, {}, "fs/xfs/xfs_fsops.c"};
  from.corrected = true;
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_STREQ(decoded.get().file, "fs/xfs/xfs_fsops.c");
  EXPECT_EQ(decoded.get().corrected, 1U);
  EXPECT_EQ(decoded.get().untrusted, 0U);
  from.corrected = false;
  from.trusted = false;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().corrected, 0U);
  EXPECT_EQ(decoded.get().untrusted, 1U);
}

TEST(DecodeTest, ABlobIsBytes) {
  Notification from;
  from.origin = Origin::kUser;
  from.specific = Specific{.type = "mydb", .fields = {}, .message = std::nullopt, .blob = std::string("a\0b", 3)};
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().origin, FSHERALD_ORIGIN_USER);
  EXPECT_EQ(std::string(static_cast<const char*>(decoded.get().blob), decoded.get().blob_len), std::string("a\0b", 3));
  from.specific->blob = "";
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_NE(decoded.get().blob, nullptr) << "there is one, of no bytes";
  EXPECT_EQ(decoded.get().blob_len, 0U);
}

TEST(DecodeTest, AnInodeOfZeroIsKnownByItsFlag) {
  Notification from;
  from.object = ObjectInfo{.inode = 0};
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().flags, static_cast<uint32_t>(FSHERALD_REPORT_HAS_INODE));
  from.object = ObjectInfo{.path = "t/7", .path_source = PathSource::kProducer};
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().flags, 0U);
  EXPECT_STREQ(decoded.get().path, "t/7");
}

TEST(DecodeTest, AGapStandsForNoErrorAndSaysHowManyWereLost) {
  Notification from;
  from.kind = Kind::kGap;
  from.gap = Gap{SourceId::kGroup, 9, true, 1, 2};
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().kind, FSHERALD_KIND_GAP);
  EXPECT_EQ(decoded.get().count, 0U);
  EXPECT_EQ(decoded.get().gap_count, 9U);
  EXPECT_EQ(decoded.get().gap_source, FSHERALD_SOURCE_GROUP);
  EXPECT_EQ(decoded.get().gap_certainty, FSHERALD_EXACT);
  from.gap->exact = false;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().gap_certainty, FSHERALD_AT_LEAST);
  from.gap->count = std::nullopt;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(from))));
  EXPECT_EQ(decoded.get().gap_certainty, FSHERALD_UNKNOWN);
  EXPECT_EQ(decoded.get().gap_count, 0U);
}

TEST(DecodeTest, TheNextTakesThePlaceOfTheLast) {
  const std::string first = Stream(DamagedInode());
  const std::string both = first + Stream(Notification());
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(both)));
  EXPECT_EQ(decoded.bytes(), first.size());
  ASSERT_TRUE(decoded.Decode(BytesOf(both).subspan(decoded.bytes())));
  EXPECT_EQ(decoded.get().seq, 0U);
  EXPECT_EQ(decoded.get().mounts[0], nullptr);
  EXPECT_EQ(decoded.get().path, nullptr);
}

TEST(DecodeTest, WhatIsNoNotificationLeavesTheLastAsItWas) {
  DecodedNotification decoded;
  ASSERT_TRUE(decoded.Decode(BytesOf(Stream(DamagedInode()))));
  EXPECT_FALSE(decoded.Decode(BytesOf(std::string(100, 'x'))));
  EXPECT_FALSE(decoded.Decode({}));
  EXPECT_STREQ(decoded.get().path, "/data/d/f");
}

TEST(FormatTest, TheTextIsThatOfWatch) {
  const std::string bytes = Stream(DamagedInode());
  std::string json;
  AppendJson(DamagedInode(), kHost, json);
  std::string block;
  AppendText(DamagedInode(), kHost, {}, block);
  std::string text(4096, 'x');
  EXPECT_EQ(fsherald_format(bytes.data(), bytes.size(), 1, text.data(), text.size()),
            static_cast<ssize_t>(json.size()));
  EXPECT_STREQ(text.c_str(), json.c_str());
  EXPECT_EQ(fsherald_format(bytes.data(), bytes.size(), 0, text.data(), text.size()),
            static_cast<ssize_t>(block.size()));
  EXPECT_STREQ(text.c_str(), block.c_str());
}

TEST(FormatTest, WhatHasNoRoomIsCutAndItsLengthStillTold) {
  const std::string bytes = Stream(Notification());
  const ssize_t all = fsherald_format(bytes.data(), bytes.size(), 1, nullptr, 0);
  ASSERT_GT(all, 8);
  char text[8] = "xxxxxxx";
  EXPECT_EQ(fsherald_format(bytes.data(), bytes.size(), 1, text, sizeof text), all);
  EXPECT_STREQ(text, R"({"v":1,)");
  EXPECT_EQ(fsherald_format(bytes.data(), bytes.size(), 1, text, 1), all);
  EXPECT_STREQ(text, "");
}

TEST(FormatTest, WhatIsNoNotificationIsRefusedAndErrnoKept) {
  errno = EXDEV;
  char text[8] = "before";
  EXPECT_EQ(fsherald_format("nonsense", 8, 1, text, sizeof text), -EBADMSG);
  EXPECT_EQ(fsherald_format(nullptr, 0, 0, text, sizeof text), -EBADMSG);
  EXPECT_STREQ(text, "before");
  EXPECT_EQ(errno, EXDEV);
}

}  // namespace
}  // namespace fsherald
