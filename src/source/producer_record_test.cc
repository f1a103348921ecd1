// SPDX-License-Identifier: MIT
#include "source/producer_record.h"

#include <fsherald/fsherald.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace fsherald {
namespace {

std::vector<std::byte> BytesOf(ProducerRecord record, const std::string& function = "", const std::string& path = "",
                               const std::string& message = "", const std::string& blob = "") {
  record.function_bytes = static_cast<uint16_t>(function.size());
  record.path_bytes = static_cast<uint16_t>(path.size());
  record.message_bytes = static_cast<uint16_t>(message.size());
  record.blob_bytes = static_cast<uint16_t>(blob.size());
  const std::string texts = function + path + message + blob;
  std::vector<std::byte> bytes(sizeof record + texts.size());
  std::memcpy(bytes.data(), &record, sizeof record);
  std::memcpy(bytes.data() + sizeof record, texts.data(), texts.size());
  return bytes;
}

TEST(ProducerRecordTest, EverythingSaidComesBack) {
  const auto parsed = ParseProducerRecord(BytesOf({.error = EIO,
                                                   .kind = FSHERALD_KIND_DATA_READ,
                                                   .flags = FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_GENERATION |
                                                            FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH,
                                                   .inode = 12,
                                                   .offset_bytes = 4096,
                                                   .length_bytes = 512,
                                                   .generation = 7,
                                                   .line = 81},
                                                  "read_block", "a/b", "checksum is wrong", std::string("\0\xff", 2)));
  ASSERT_TRUE(parsed);
  Notification expected;
  expected.error.code = EIO;
  expected.kind = Kind::kDataRead;
  expected.origin = Origin::kUser;
  expected.sources = SourceId::kProducer;
  expected.location = Location{.function = "read_block", .line = 81, .stack = {}};
  expected.specific =
      Specific{.type = "", .fields = {}, .message = "checksum is wrong", .blob = std::string("\0\xff", 2)};
  expected.object = ObjectInfo{.inode = 12, .generation = 7, .path = "a/b", .path_source = PathSource::kProducer};
  expected.range = Range{.offset_bytes = 4096, .length_bytes = 512};
  EXPECT_EQ(*parsed, expected);
}

TEST(ProducerRecordTest, WhatIsNotSaidIsNotKnown) {
  const auto parsed = ParseProducerRecord(BytesOf({.error = EIO, .inode = 12, .offset_bytes = 1, .generation = 7}));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->location);
  EXPECT_FALSE(parsed->specific);
  EXPECT_FALSE(parsed->object);
  EXPECT_FALSE(parsed->range);
  EXPECT_EQ(parsed->kind, Kind::kMetadata);
}

TEST(ProducerRecordTest, AFileMayBeKnownByItsPathAlone) {
  const auto parsed = ParseProducerRecord(BytesOf({.error = EIO}, "", "orders/7"));
  ASSERT_TRUE(parsed && parsed->object);
  EXPECT_EQ(*parsed->object, (ObjectInfo{.path = "orders/7", .path_source = PathSource::kProducer}));
}

TEST(ProducerRecordTest, APathThatLeadsOutOfTheFileSystemIsLeftOut) {
  for (const char* path : {"/etc/shadow", "..", "../x", "a/..", "a/../../x"}) {
    const auto parsed = ParseProducerRecord(BytesOf({.error = EIO}, "", path));
    ASSERT_TRUE(parsed) << path;
    EXPECT_FALSE(parsed->object) << path;
  }
  for (const char* path : {"..a", "a..", "a/...", "a/b../c", "a//b"}) {
    const auto parsed = ParseProducerRecord(BytesOf({.error = EIO}, "", path));
    ASSERT_TRUE(parsed && parsed->object) << path;
    EXPECT_EQ(parsed->object->path, path);
  }
}

TEST(ProducerRecordTest, ATextEndsBeforeANul) {
  using namespace std::string_literals;
  const auto parsed = ParseProducerRecord(BytesOf({.error = EIO}, "f\0g"s, "a\0/b"s, "m\0n"s));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->location->function, "f");
  EXPECT_EQ(parsed->object->path, "a");
  EXPECT_EQ(parsed->specific->message, "m");
}

TEST(ProducerRecordTest, AnErrnoIsFrom1To4095) {
  EXPECT_TRUE(ParseProducerRecord(BytesOf({.error = 1})));
  EXPECT_TRUE(ParseProducerRecord(BytesOf({.error = 4095})));
  for (int error : {0, -5, 4096}) EXPECT_FALSE(ParseProducerRecord(BytesOf({.error = error}))) << error;
}

TEST(ProducerRecordTest, CountersAndGapsAreNotForProducersToTell) {
  EXPECT_TRUE(ParseProducerRecord(BytesOf({.error = EIO, .kind = FSHERALD_KIND_DEVICE})));
  EXPECT_FALSE(ParseProducerRecord(BytesOf({.error = EIO, .kind = FSHERALD_KIND_COUNTER})));
  EXPECT_FALSE(ParseProducerRecord(BytesOf({.error = EIO, .kind = 0xffff})));
}

TEST(ProducerRecordTest, UnknownFlagsAndALengthWithoutARangeAreNotValid) {
  EXPECT_FALSE(ParseProducerRecord(BytesOf({.error = EIO, .flags = 0x10})));
  EXPECT_FALSE(ParseProducerRecord(BytesOf({.error = EIO, .flags = FSHERALD_REPORT_HAS_LENGTH})));
}

TEST(ProducerRecordTest, TextsBeyondTheirLimitsAreNotValid) {
  using std::string;
  const ProducerRecord record{.error = EIO};
  EXPECT_TRUE(
      ParseProducerRecord(BytesOf(record, string(127, 'f'), string(1023, 'p'), string(255, 'm'), string(2048, 'b'))));
  EXPECT_FALSE(ParseProducerRecord(BytesOf(record, string(128, 'f'))));
  EXPECT_FALSE(ParseProducerRecord(BytesOf(record, "", string(1024, 'p'))));
  EXPECT_FALSE(ParseProducerRecord(BytesOf(record, "", "", string(256, 'm'))));
  EXPECT_FALSE(ParseProducerRecord(BytesOf(record, "", "", "", string(2049, 'b'))));
}

TEST(ProducerRecordTest, BytesThatAreCutOrTooManyAreNotValid) {
  const auto whole = BytesOf({.error = EIO}, "function", "path", "message", "blob");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(ParseProducerRecord(Bytes(whole).first(size))) << size;
  auto longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(ParseProducerRecord(longer));
}

}  // namespace
}  // namespace fsherald
