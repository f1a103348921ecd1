// SPDX-License-Identifier: MIT
#include "source/trace_record.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bpf/records.h"

namespace fsherald {
namespace {

template <typename T>
Bytes AsBytes(const T& value, size_t size = sizeof(T)) {
  return Bytes(reinterpret_cast<const std::byte*>(&value), size);
}

struct ErrorWithStack {
  fsh_error error;
  unsigned long long stack[FSH_STACK_FRAMES];
};

ErrorWithStack SomeError() {
  ErrorWithStack record{};
  record.error.head.type = FSH_ERROR;
  record.error.head.boottime_ns = 42;
  record.error.head.pid = 10;
  record.error.head.tid = 11;
  std::strcpy(record.error.head.comm, "ls");
  record.error.head.stack_count = 2;
  record.stack[0] = 0xffffffff81000000;
  record.stack[1] = 0xffffffff81000100;
  record.error.dev = 7U << 20 | 3;
  record.error.line = 1855;
  record.error.cell = 5;
  record.error.flags = FSH_MORE;
  record.error.uuid[0] = 0xab;
  std::strcpy(record.error.device, "loop3");
  std::strcpy(record.error.function, "ext4_lookup");
  return record;
}

TEST(TraceRecordTest, AnErrorIsReadWhole) {
  ErrorWithStack raw = SomeError();
  std::optional<TraceRecord> parsed = ParseTraceRecord(AsBytes(raw));
  ASSERT_TRUE(parsed);
  const auto& error = std::get<TraceErrorRecord>(*parsed);
  EXPECT_EQ(error.type, TraceErrorRecord::Type::kError);
  EXPECT_EQ(error.head.boottime_ns, 42u);
  EXPECT_EQ(error.head.task, (Task{.pid = 10, .tid = 11, .comm = "ls"}));
  EXPECT_EQ(error.head.stack, (std::vector<uint64_t>{0xffffffff81000000, 0xffffffff81000100}));
  EXPECT_EQ(error.dev, (DeviceNumber{7, 3}));
  EXPECT_EQ(error.uuid.bytes[0], 0xab);
  EXPECT_EQ(error.device, "loop3");
  EXPECT_EQ(error.function, "ext4_lookup");
  EXPECT_EQ(error.line, 1855u);
  EXPECT_EQ(error.cell, 5u);
  EXPECT_TRUE(error.more);
  EXPECT_EQ(error.inode, std::nullopt);
}

TEST(TraceRecordTest, AnErrorWithoutStackIsShorter) {
  ErrorWithStack raw = SomeError();
  raw.error.head.stack_count = 0;
  EXPECT_TRUE(ParseTraceRecord(AsBytes(raw.error)));
}

TEST(TraceRecordTest, AStackThatIsNotThereIsRefused) {
  ErrorWithStack raw = SomeError();
  EXPECT_FALSE(ParseTraceRecord(AsBytes(raw.error)));
  raw.error.head.stack_count = FSH_STACK_FRAMES + 1;
  EXPECT_FALSE(ParseTraceRecord(AsBytes(raw)));
}

TEST(TraceRecordTest, EverySizeThatIsTooSmallIsRefused) {
  ErrorWithStack raw = SomeError();
  for (size_t size = 0; size < sizeof(raw); ++size) EXPECT_FALSE(ParseTraceRecord(AsBytes(raw, size))) << size;
}

TEST(TraceRecordTest, ASizeThatIsTooLargeIsRefused) {
  struct {
    ErrorWithStack record;
    unsigned long long rest;
  } raw{SomeError(), 0};
  EXPECT_FALSE(ParseTraceRecord(AsBytes(raw)));
  struct {
    fsh_line line;
    unsigned long long rest;
  } line{};
  line.line.head.type = FSH_LINE;
  EXPECT_FALSE(ParseTraceRecord(AsBytes(line)));
}

TEST(TraceRecordTest, AnUnknownTypeIsRefused) {
  ErrorWithStack raw = SomeError();
  raw.error.head.type = 99;
  EXPECT_FALSE(ParseTraceRecord(AsBytes(raw)));
}

TEST(TraceRecordTest, NamesWithoutTheirEndAreCutAtTheField) {
  ErrorWithStack raw = SomeError();
  std::memset(raw.error.function, 'f', sizeof raw.error.function);
  std::memset(raw.error.device, 'd', sizeof raw.error.device);
  std::memset(raw.error.head.comm, 'c', sizeof raw.error.head.comm);
  auto parsed = ParseTraceRecord(AsBytes(raw));
  ASSERT_TRUE(parsed);
  const auto& error = std::get<TraceErrorRecord>(*parsed);
  EXPECT_EQ(error.function, std::string(FSH_FUNCTION_BYTES, 'f'));
  EXPECT_EQ(error.device, std::string(FSH_NAME_BYTES, 'd'));
  EXPECT_EQ(error.head.task.comm, std::string(16, 'c'));
}

TEST(TraceRecordTest, ALineEndsWhereItsLengthSays) {
  fsh_line raw{};
  raw.head.type = FSH_LINE;
  raw.length = 7;
  std::strcpy(raw.text, "EXT4-fs error");
  auto parsed = ParseTraceRecord(AsBytes(raw));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(std::get<TraceLineRecord>(*parsed).text, "EXT4-fs");
  raw.length = FSH_TEXT_BYTES + 1;
  EXPECT_FALSE(ParseTraceRecord(AsBytes(raw)));
}

struct EventWithStack {
  fsh_event event;
  unsigned long long stack[FSH_STACK_FRAMES];
};

EventWithStack SomeEvent() {
  EventWithStack record{};
  record.event.head.type = FSH_EVENT;
  record.event.head.boottime_ns = 42;
  record.event.head.tid = 11;
  record.event.head.stack_count = 1;
  record.stack[0] = 0xffffffff81000000;
  record.event.point = FSH_XFS_BUFFER_ERROR;
  record.event.dev = 7U << 20 | 3;
  record.event.cell = 5;
  record.event.flags = FSH_MORE;
  for (unsigned i = 0; i < FSH_EVENT_VALUES; ++i) record.event.values[i] = 100 + i;
  record.event.uuid[0] = 0xab;
  std::strcpy(record.event.device, "loop3");
  std::strcpy(record.event.type, "xfs");
  std::strcpy(record.event.text, "xfs_agf");
  return record;
}

TEST(TraceRecordTest, AnEventIsReadWhole) {
  EventWithStack raw = SomeEvent();
  std::optional<TraceRecord> parsed = ParseTraceRecord(AsBytes(raw));
  ASSERT_TRUE(parsed);
  const auto& event = std::get<TraceEventRecord>(*parsed);
  EXPECT_EQ(event.head.boottime_ns, 42u);
  EXPECT_EQ(event.head.task.tid, 11u);
  EXPECT_EQ(event.head.stack, std::vector<uint64_t>{0xffffffff81000000});
  EXPECT_EQ(event.dev, (DeviceNumber{7, 3}));
  EXPECT_EQ(event.uuid->bytes[0], 0xab);
  EXPECT_EQ(event.device, "loop3");
  EXPECT_EQ(event.cell, 5u);
  EXPECT_TRUE(event.more);
  EXPECT_EQ(event.event.point, TracePoint::kXfsBufferError);
  EXPECT_EQ(event.event.filesystem_type, "xfs");
  EXPECT_EQ(event.event.values, (std::array<uint64_t, 6>{100, 101, 102, 103, 104, 105}));
  EXPECT_EQ(event.event.text, "xfs_agf");
  EXPECT_TRUE(event.event.stack.empty()) << "the names come later";
}

TEST(TraceRecordTest, AnEventOfADiskHasNoUuidAndNoStack) {
  EventWithStack raw = SomeEvent();
  raw.event.head.stack_count = 0;
  raw.event.uuid[0] = 0;
  raw.event.cell = FSH_NO_CELL;
  raw.event.type[0] = 0;
  auto parsed = ParseTraceRecord(AsBytes(raw.event));
  ASSERT_TRUE(parsed);
  const auto& event = std::get<TraceEventRecord>(*parsed);
  EXPECT_EQ(event.uuid, std::nullopt);
  EXPECT_EQ(event.cell, std::nullopt);
  EXPECT_EQ(event.event.filesystem_type, "");
}

TEST(TraceRecordTest, AnEventOfNoKnownPointIsRefused) {
  EventWithStack raw = SomeEvent();
  for (unsigned point : {0U, FSH_LAST_POINT + 1U, ~0U}) {
    raw.event.point = point;
    EXPECT_FALSE(ParseTraceRecord(AsBytes(raw))) << point;
  }
  raw.event.point = FSH_LAST_POINT;
  EXPECT_TRUE(ParseTraceRecord(AsBytes(raw)));
}

TEST(TraceRecordTest, AnEventOfAnyOtherSizeIsRefused) {
  EventWithStack raw = SomeEvent();
  for (size_t size = 0; size < sizeof(raw); ++size) EXPECT_FALSE(ParseTraceRecord(AsBytes(raw, size))) << size;
  struct {
    EventWithStack record;
    unsigned long long rest;
  } longer{SomeEvent(), 0};
  EXPECT_FALSE(ParseTraceRecord(AsBytes(longer)));
}

TEST(TraceRecordTest, AnEventsTextsWithoutTheirEndAreCutAtTheField) {
  EventWithStack raw = SomeEvent();
  std::memset(raw.event.device, 'd', sizeof raw.event.device);
  std::memset(raw.event.type, 't', sizeof raw.event.type);
  std::memset(raw.event.text, 'x', sizeof raw.event.text);
  auto parsed = ParseTraceRecord(AsBytes(raw));
  ASSERT_TRUE(parsed);
  const auto& event = std::get<TraceEventRecord>(*parsed);
  EXPECT_EQ(event.device, std::string(FSH_NAME_BYTES, 'd'));
  EXPECT_EQ(event.event.filesystem_type, std::string(FSH_TYPE_BYTES, 't'));
  EXPECT_EQ(event.event.text, std::string(FSH_EVENT_TEXT_BYTES, 'x'));
}

}  // namespace
}  // namespace fsherald
