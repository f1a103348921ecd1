// SPDX-License-Identifier: MIT
#include "notify/saved_state.h"

#include <gtest/gtest.h>

#include <random>
#include <span>

#include "record/stream.h"

namespace fsherald {
namespace {

Bytes BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

SavedState Example() {
  SavedState state{.boot_id = "8cd4a1e8", .utc_s = 1'795'000'000};
  state.trace = TraceSource::Position{.ring = 4096, .folded = {{3, 7}, {9, 1ULL << 40}}};
  state.losses = {.errors_uncounted = 1, .lines_dropped = 2, .details_dropped = 3, .records_refused = 4};
  state.kmsg_next = 815;
  state.reads_next = 12;
  state.places = {{.group = 1, .fsid = {5, 6}, .dev = {7, 0}}};
  state.filesystems = {{.info = {.type = "btrfs", .device = "sda", .dev = DeviceNumber{8, 1}, .uuid = Uuid{}},
                        .counted = 41,
                        .fanotify_debt = 2,
                        .devices = {{.id = 1,
                                     .device = "/dev/sda",
                                     .name = "corruption_errs",
                                     .value = 9,
                                     .kind = Kind::kDataRead,
                                     .operation = DeviceError::Operation::kRead}}}};
  Notification pending;
  pending.utc_ns = 1'795'000'000'000'000'000;
  pending.filesystem.type = "ext4";
  pending.error.code = 117;
  pending.location = Location{.function = "ext4_lookup", .line = 1855};
  AppendStream(pending, {}, state.rest.emplace_back());
  return state;
}

TEST(SavedStateTest, ComesBackAsItWas) {
  const SavedState state = Example();
  const auto back = DecodeSavedState(BytesOf(Encode(state)));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->boot_id, state.boot_id);
  EXPECT_EQ(back->utc_s, state.utc_s);
  EXPECT_EQ(back->trace->ring, 4096U);
  EXPECT_EQ(back->trace->folded, state.trace->folded);
  EXPECT_EQ(back->losses.details_dropped, 3U);
  EXPECT_EQ(back->kmsg_next, 815U);
  EXPECT_EQ(back->reads_next, 12U);
  ASSERT_EQ(back->places.size(), 1U);
  EXPECT_EQ(back->places[0].dev, (DeviceNumber{7, 0}));
  ASSERT_EQ(back->filesystems.size(), 1U);
  EXPECT_EQ(back->filesystems[0].info, state.filesystems[0].info);
  EXPECT_EQ(back->filesystems[0].counted, 41U);
  EXPECT_EQ(back->filesystems[0].fanotify_debt, 2U);
  EXPECT_EQ(back->filesystems[0].devices, state.filesystems[0].devices);
  ASSERT_EQ(back->rest.size(), 1U);
  EXPECT_EQ(back->rest[0], state.rest[0]);
}

std::string Pending(const std::string& device, std::optional<DeviceNumber> dev, uint64_t count, int64_t utc_ns) {
  Notification one;
  one.utc_ns = utc_ns;
  one.filesystem = {.type = "ext4", .device = device, .dev = dev};
  one.error = {.code = 117, .count = count};
  one.sources = SourceId::kKmsg;
  std::string stream;
  AppendStream(one, {}, stream);
  return stream;
}

TEST(SavedStateTest, CountedItIsAGapOfEachFileSystem) {
  SavedState state;
  state.rest = {Pending("loop0", DeviceNumber{7, 0}, 3, 2000), Pending("loop1", DeviceNumber{7, 1}, 5, 3000),
                Pending("loop0", DeviceNumber{7, 0}, 4, 1000)};
  Notification gap;
  gap.utc_ns = 1500;
  gap.filesystem = {.type = "ext4", .device = "loop1", .dev = DeviceNumber{7, 1}};
  gap.error.count = 0;
  gap.kind = Kind::kGap;
  gap.gap = Gap{.source = SourceId::kKmsg, .count = std::nullopt, .from_utc_ns = 1400, .to_utc_ns = 3500};
  AppendStream(gap, {}, state.rest.emplace_back());
  CountRest(state, {});
  ASSERT_EQ(state.rest.size(), 2U);
  const auto first = ParseStream(BytesOf(state.rest[0]));
  const auto second = ParseStream(BytesOf(state.rest[1]));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->notification.filesystem.device, "loop0");
  EXPECT_EQ(first->notification.kind, Kind::kGap);
  EXPECT_EQ(first->notification.gap, (Gap{SourceId::kKmsg, 7, true, 1000, 2000}));
  EXPECT_EQ(second->notification.filesystem.device, "loop1");
  EXPECT_EQ(second->notification.gap, (Gap{SourceId::kKmsg, 5, false, 1400, 3500})) << "at least five";
}

TEST(SavedStateTest, CountedItIsSmallOfAnyNumberOfFileSystems) {
  SavedState state;
  for (uint32_t i = 0; i < 1000; ++i)
    state.rest.push_back(Pending("loop" + std::to_string(i), DeviceNumber{7, i}, 2, 1000));
  CountRest(state, {});
  ASSERT_EQ(state.rest.size(), 256U);
  uint64_t sum = 0;
  for (const std::string& stream : state.rest) sum += *ParseStream(BytesOf(stream))->notification.gap->count;
  EXPECT_EQ(sum, 2000U);
  EXPECT_EQ(ParseStream(BytesOf(state.rest[254]))->notification.filesystem.device, "loop254");
  EXPECT_EQ(ParseStream(BytesOf(state.rest[255]))->notification.filesystem, FilesystemInfo{}) << "of several";
}

TEST(SavedStateTest, NoPartOfItIsTakenForAll) {
  const std::string bytes = Encode(Example());
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(DecodeSavedState(BytesOf(bytes).first(size))) << size;
  EXPECT_FALSE(DecodeSavedState(BytesOf(bytes + 'x')));
}

TEST(SavedStateTest, DamagedBytesAreReadOrRefusedAndHarmNobody) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = Encode(Example());
    for (int changes = 0; changes < 3; ++changes) bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)DecodeSavedState(BytesOf(bytes));
  }
}

}  // namespace
}  // namespace fsherald
