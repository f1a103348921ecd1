// SPDX-License-Identifier: MIT
#include "source/fanotify_record.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "source/fanotify_abi.h"

namespace fsherald {
namespace {

std::string Captured(const std::string& name) {
  std::ifstream file(FSHERALD_FIXTURES "/linux-6.18.44/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

FanotifyBatch Parse(const std::string& bytes) { return ParseFanotify(std::as_bytes(std::span(bytes)), 77); }

template <typename T>
std::string BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string Info(uint8_t type, const std::string& content) {
  return BytesOf(fanotify_abi::InfoHeader{type, 0, static_cast<uint16_t>(4 + content.size())}) + content;
}
std::string ErrorInfo(int32_t error, uint32_t count) { return Info(5, BytesOf(fanotify_abi::InfoError{error, count})); }
std::string FidInfo(int32_t type, const std::string& handle) {
  return Info(1, BytesOf(fanotify_abi::InfoFid{{1, 2}, static_cast<uint32_t>(handle.size()), type}) + handle);
}
std::string Event(const std::string& infos, uint64_t mask = FAN_FS_ERROR, uint8_t version = 3) {
  uint32_t size = static_cast<uint32_t>(24 + infos.size());
  return BytesOf(fanotify_abi::Metadata{size, version, 0, 24, mask, -1, 1}) + infos;
}

TEST(ParseFanotify, AnErrorOfTheWholeFilesystem) {
  FanotifyBatch batch = Parse(Captured("trigger.fanotify"));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(ToString(batch.records[0].fsid), ToString(Fsid{0x6a854d72, 0x281dcb41}));
  const FanotifySignal& signal = batch.records[0].signal;
  EXPECT_EQ(signal.boottime_ns, 77);
  EXPECT_EQ(signal.code, EUCLEAN);
  EXPECT_EQ(signal.count, 1);
  EXPECT_EQ(signal.inode, std::nullopt);
  EXPECT_EQ(signal.generation, std::nullopt);
  EXPECT_EQ(batch.refused, FanotifyRefusals{});
}

TEST(ParseFanotify, AnErrorOfOneInode) {
  FanotifyBatch batch = Parse(Captured("bogus_i_mode.fanotify"));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(batch.records[0].signal.inode, 13);
  EXPECT_EQ(batch.records[0].signal.generation, 0x07c82297);
}

TEST(ParseFanotify, TwoEventsInOneRead) {
  FanotifyBatch batch = Parse(Captured("htree_checksum.fanotify"));
  ASSERT_EQ(batch.records.size(), 2);
  EXPECT_EQ(batch.records[0].signal.code, EBADMSG);
  EXPECT_EQ(batch.records[1].signal.inode, 2049);
}

TEST(ParseFanotify, ErrorsThatTheKernelMergedAreOneSignal) {
  FanotifyBatch batch = Parse(Captured("extent_block.fanotify"));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(batch.records[0].signal.count, 44);
}

TEST(ParseFanotify, TheOrderOfTheRecordsMeansNothing) {
  FanotifyBatch batch = Parse(Event(ErrorInfo(5, 2) + Info(200, "unknown") + FidInfo(0xff, "")));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(batch.records[0].fsid, (Fsid{1, 2}));
  EXPECT_EQ(batch.records[0].signal.code, EIO);
  EXPECT_EQ(batch.records[0].signal.count, 2);
}

TEST(ParseFanotify, ALargeInodeNumber) {
  FanotifyBatch batch =
      Parse(Event(FidInfo(0x81, BytesOf(uint64_t{1} << 40) + BytesOf(uint32_t{9})) + ErrorInfo(5, 1)));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(batch.records[0].signal.inode, uint64_t{1} << 40);
  EXPECT_EQ(batch.records[0].signal.generation, 9);
}

TEST(ParseFanotify, AnUnknownHandleHasNoInode) {
  FanotifyBatch batch = Parse(Event(FidInfo(0x42, "12345678") + ErrorInfo(5, 1)));
  ASSERT_EQ(batch.records.size(), 1);
  EXPECT_EQ(batch.records[0].signal.inode, std::nullopt);
}

TEST(ParseFanotify, TheSignOfTheErrorMeansNothing) {
  auto code = [](int32_t error) {
    return Parse(Event(FidInfo(0xff, "") + ErrorInfo(error, 1))).records.at(0).signal.code;
  };
  EXPECT_EQ(code(-5), EIO);
  EXPECT_EQ(code(0), EUCLEAN);
  EXPECT_EQ(code(INT32_MIN), EUCLEAN);
}

TEST(ParseFanotify, AFullQueueIsCounted) {
  FanotifyBatch batch = Parse(Event("", FAN_Q_OVERFLOW));
  EXPECT_EQ(batch.overflows, 1);
  EXPECT_TRUE(batch.records.empty());
  EXPECT_EQ(batch.refused, FanotifyRefusals{});
}

TEST(ParseFanotify, AnotherVersionIsRefusedAndTheNextEventTaken) {
  FanotifyBatch batch = Parse(Event("", FAN_FS_ERROR, 4) + Event(FidInfo(0xff, "") + ErrorInfo(5, 1)));
  EXPECT_EQ(batch.refused, (FanotifyRefusals{.version = 1}));
  EXPECT_EQ(batch.records.size(), 1);
}

TEST(ParseFanotify, AnEventOfNoLengthEndsTheRead) {
  std::string event = Event(FidInfo(0xff, "") + ErrorInfo(5, 1));
  event[0] = 0;
  FanotifyBatch batch = Parse(event + Event(FidInfo(0xff, "") + ErrorInfo(5, 1)));
  EXPECT_EQ(batch.refused, (FanotifyRefusals{.length = 1}));
  EXPECT_TRUE(batch.records.empty());
}

TEST(ParseFanotify, AnEventLongerThanTheReadIsRefused) {
  std::string event = Event(FidInfo(0xff, "") + ErrorInfo(5, 1));
  event.pop_back();
  EXPECT_EQ(Parse(event).refused, (FanotifyRefusals{.length = 1}));
}

TEST(ParseFanotify, ARecordOfNoLengthIsRefused) {
  FanotifyBatch batch = Parse(Event(BytesOf(fanotify_abi::InfoHeader{5, 0, 0}) + "12345678"));
  EXPECT_EQ(batch.refused, (FanotifyRefusals{.length = 1}));
}

TEST(ParseFanotify, ARecordLongerThanItsEventIsRefused) {
  FanotifyBatch batch = Parse(Event(BytesOf(fanotify_abi::InfoHeader{5, 0, 13}) + "12345678"));
  EXPECT_EQ(batch.refused, (FanotifyRefusals{.length = 1}));
}

TEST(ParseFanotify, AHandleLongerThanItsRecordIsRefused) {
  fanotify_abi::InfoFid fid{{1, 2}, 0xffffffff, 1};
  FanotifyBatch batch = Parse(Event(Info(1, BytesOf(fid) + "12345678") + ErrorInfo(5, 1)));
  EXPECT_EQ(batch.refused, (FanotifyRefusals{.length = 1}));
}

TEST(ParseFanotify, MetadataLongerThanItsEventIsRefused) {
  std::string event = Event(FidInfo(0xff, "") + ErrorInfo(5, 1));
  event[6] = event[7] = '\xff';
  EXPECT_EQ(Parse(event).refused, (FanotifyRefusals{.length = 1}));
}

TEST(ParseFanotify, AnErrorWithoutAFilesystemOrACountIsRefused) {
  EXPECT_EQ(Parse(Event(ErrorInfo(5, 1))).refused, (FanotifyRefusals{.incomplete = 1}));
  EXPECT_EQ(Parse(Event(FidInfo(0xff, ""))).refused, (FanotifyRefusals{.incomplete = 1}));
  EXPECT_EQ(Parse(Event(FidInfo(0xff, "") + ErrorInfo(5, 0))).refused, (FanotifyRefusals{.incomplete = 1}));
}

}  // namespace
}  // namespace fsherald
