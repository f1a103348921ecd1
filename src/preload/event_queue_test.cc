// SPDX-License-Identifier: MIT
#include "preload/event_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace fsherald::preload {
namespace {

Bytes AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string TakeFront(EventQueue& queue) {
  const auto front = queue.Front();
  if (!front) return "nothing";
  const std::string text(reinterpret_cast<const char*>(front->data()), front->size());
  queue.Pop();
  uint64_t mask = 0;
  if (text.size() == 24) std::memcpy(&mask, text.data() + 8, sizeof mask);
  return mask == 0x4000 ? "overflow" : text;
}

TEST(EventQueueTest, GivesEventsInTheirOrder) {
  EventQueue queue;
  EXPECT_EQ(TakeFront(queue), "nothing");
  EXPECT_TRUE(queue.Push(AsBytes("one")).whole);
  EXPECT_TRUE(queue.Push(AsBytes("another")).whole);
  EXPECT_EQ(TakeFront(queue), "one");
  EXPECT_EQ(TakeFront(queue), "another");
  EXPECT_EQ(TakeFront(queue), "nothing");
}

TEST(EventQueueTest, NoSlotCrossesAPage) {
  EventQueue queue;
  const std::string most(3000, 'm');  // one a page: 16 of them
  for (size_t i = 0; i < EventQueue::kPages; ++i) EXPECT_TRUE(queue.Push(AsBytes(most)).whole) << i;
  EXPECT_FALSE(queue.Push(AsBytes(most)).whole);
  for (size_t i = 0; i < EventQueue::kPages; ++i) EXPECT_EQ(TakeFront(queue), most) << i;
}

TEST(EventQueueTest, AFullQueueDropsTheNewestAndTellsItOnceWhereTheLossBegan) {
  EventQueue queue;
  const std::string page(4088, 'p');
  for (size_t i = 0; i < EventQueue::kPages; ++i) ASSERT_TRUE(queue.Push(AsBytes(page)).whole);
  const auto dropped = queue.Push(AsBytes("lost"));
  EXPECT_FALSE(dropped.whole);
  EXPECT_TRUE(dropped.overflow_is_new);
  EXPECT_FALSE(queue.Push(AsBytes("lost too")).overflow_is_new);
  EXPECT_EQ(TakeFront(queue), page);
  EXPECT_TRUE(queue.Push(AsBytes("after")).whole);
  for (size_t i = 1; i < EventQueue::kPages; ++i) EXPECT_EQ(TakeFront(queue), page);
  EXPECT_EQ(TakeFront(queue), "overflow");
  EXPECT_EQ(TakeFront(queue), "after");
  EXPECT_EQ(TakeFront(queue), "nothing");
}

TEST(EventQueueTest, AnOverflowIsToldAlsoWhereAFillerFollows) {
  EventQueue queue;
  const std::string most(3000, 'm');
  for (size_t i = 0; i < EventQueue::kPages; ++i) ASSERT_TRUE(queue.Push(AsBytes(most)).whole);
  ASSERT_TRUE(queue.Push(AsBytes(most)).overflow_is_new);
  EXPECT_EQ(TakeFront(queue), most);
  EXPECT_EQ(TakeFront(queue), most);
  ASSERT_TRUE(queue.Push(AsBytes(most)).whole);
  for (size_t i = 2; i < EventQueue::kPages; ++i) EXPECT_EQ(TakeFront(queue), most);
  EXPECT_EQ(TakeFront(queue), "overflow");
  EXPECT_EQ(TakeFront(queue), most);
  EXPECT_EQ(TakeFront(queue), "nothing");
}

TEST(EventQueueTest, AnEventBeyondAPageIsALoss) {
  EventQueue queue;
  EXPECT_TRUE(queue.Push(AsBytes(std::string(4089, 'x'))).overflow_is_new);
  EXPECT_EQ(TakeFront(queue), "overflow");
  EXPECT_EQ(TakeFront(queue), "nothing");
}

TEST(EventQueueTest, ManyEventsOfAllSizesComeOutAsTheyWentIn) {
  EventQueue queue;
  size_t in = 0;
  size_t out = 0;
  const auto event = [](size_t number) {
    return std::string(25 + number * 37 % 2400, static_cast<char>('a' + number % 26));
  };
  while (out < 20'000) {
    for (size_t i = 0; i < 5 && queue.Push(AsBytes(event(in))).whole; ++i) ++in;
    for (size_t i = 0; i < 5 && out < in; ++i) ASSERT_EQ(TakeFront(queue), event(out++));
  }
}

}  // namespace
}  // namespace fsherald::preload
