// SPDX-License-Identifier: MIT
#include "daemon/subscribe_request.h"

#include <gtest/gtest.h>

#include <cstring>

namespace fsherald {
namespace {

using protocol::Packet;

template <typename T>
Packet PacketOf(const T& message, size_t descriptors = 0) {
  Packet packet;
  packet.bytes.resize(sizeof message);
  std::memcpy(packet.bytes.data(), &message, sizeof message);
  packet.descriptors.resize(descriptors);
  return packet;
}

template <typename T>
T MessageOf(protocol::Type type) {
  return {.head = {.type = type, .bytes = sizeof(T)}};
}

protocol::Mark MarkOf(uint32_t op, uint32_t target) {
  auto mark = MessageOf<protocol::Mark>(protocol::kMark);
  mark.op = op;
  mark.target = target;
  return mark;
}

bool IsValid(const Packet& packet) { return JudgeSubscribeRequest(packet).has_value(); }

TEST(SubscribeRequestTest, OpenHasAName) {
  auto open = MessageOf<protocol::Open>(protocol::kOpen);
  EXPECT_EQ(std::get<OpenRequest>(*JudgeSubscribeRequest(PacketOf(open))).name, "");
  std::strcpy(open.name, "store");
  EXPECT_EQ(std::get<OpenRequest>(*JudgeSubscribeRequest(PacketOf(open))).name, "store");
  std::memset(open.name, 'x', sizeof open.name);
  EXPECT_FALSE(IsValid(PacketOf(open)));
}

TEST(SubscribeRequestTest, AnOpenMaySaySinceWhichNumber) {
  auto open = MessageOf<protocol::OpenSince>(protocol::kOpenSince);
  open.since = UINT64_MAX;
  std::strcpy(open.name, "store");
  const auto request = std::get<OpenRequest>(*JudgeSubscribeRequest(PacketOf(open)));
  EXPECT_EQ(request.name, "store");
  EXPECT_EQ(request.since, UINT64_MAX);
  EXPECT_EQ(std::get<OpenRequest>(*JudgeSubscribeRequest(PacketOf(MessageOf<protocol::Open>(protocol::kOpen)))).since,
            std::nullopt);
  EXPECT_FALSE(IsValid(PacketOf(open, 1)));
  EXPECT_FALSE(IsValid(PacketOf(MessageOf<protocol::Open>(protocol::kOpenSince)))) << "it has no number";
  open.flags = 1;
  EXPECT_FALSE(IsValid(PacketOf(open)));
  open.flags = 0;
  open.reserved = 1;
  EXPECT_FALSE(IsValid(PacketOf(open)));
  open.reserved = 0;
  std::memset(open.name, 'x', sizeof open.name);
  EXPECT_FALSE(IsValid(PacketOf(open)));
}

TEST(SubscribeRequestTest, AMarkOnANameHasBothNamesAndAUser) {
  protocol::Mark mark = MarkOf(protocol::kAdd, protocol::kOnName);
  mark.uid = 1000;
  std::strcpy(mark.type, "mydb");
  EXPECT_FALSE(IsValid(PacketOf(mark)));
  std::strcpy(mark.name, "orders");
  const auto request = std::get<MarksRequest>(*JudgeSubscribeRequest(PacketOf(mark)));
  EXPECT_EQ(request.op, protocol::kAdd);
  EXPECT_EQ(request.target, protocol::kOnName);
  EXPECT_EQ(request.type, "mydb");
  EXPECT_EQ(request.name, "orders");
  EXPECT_EQ(request.uid, 1000);
  std::memset(mark.type, 'x', sizeof mark.type);
  EXPECT_FALSE(IsValid(PacketOf(mark)));
}

TEST(SubscribeRequestTest, AMarkOnADescriptorHasOneAndNothingElseHasAny) {
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kAdd, protocol::kOnDescriptor), 0)));
  EXPECT_TRUE(IsValid(PacketOf(MarkOf(protocol::kAdd, protocol::kOnDescriptor), 1)));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kAdd, protocol::kOnDescriptor), 2)));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kAdd, protocol::kOnAll), 1)));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kFlush, protocol::kOnDescriptor), 1)));
  EXPECT_FALSE(IsValid(PacketOf(MessageOf<protocol::Open>(protocol::kOpen), 1)));
  EXPECT_FALSE(IsValid(PacketOf(MessageOf<protocol::Close>(protocol::kClose), 1)));
}

TEST(SubscribeRequestTest, AClearHasAReasonAndADescriptorOrAName) {
  auto clear = MessageOf<protocol::Clear>(protocol::kClear);
  clear.target = protocol::kOnDescriptor;
  EXPECT_FALSE(IsValid(PacketOf(clear, 1))) << "no reason";
  std::strcpy(clear.reason, "new cable");
  const auto request = std::get<ClearRequest>(*JudgeSubscribeRequest(PacketOf(clear, 1)));
  EXPECT_EQ(request.name, "");
  EXPECT_EQ(request.reason, "new cable");
  EXPECT_TRUE(IsValid(PacketOf(clear, 0))) << "it was not taken";
  EXPECT_FALSE(IsValid(PacketOf(clear, 2)));
  std::strcpy(clear.name, "loop0");
  EXPECT_FALSE(IsValid(PacketOf(clear, 1))) << "both";
  clear.target = protocol::kOnName;
  EXPECT_FALSE(IsValid(PacketOf(clear, 1)));
  EXPECT_EQ(std::get<ClearRequest>(*JudgeSubscribeRequest(PacketOf(clear, 0))).name, "loop0");
  clear.name[0] = '\0';
  EXPECT_FALSE(IsValid(PacketOf(clear, 0)));
  std::strcpy(clear.name, "loop0");
  clear.target = protocol::kOnAll;
  EXPECT_FALSE(IsValid(PacketOf(clear, 0)));
  clear.target = protocol::kOnName;
  clear.reserved = 1;
  EXPECT_FALSE(IsValid(PacketOf(clear, 0)));
  clear.reserved = 0;
  std::memset(clear.reason, 'x', sizeof clear.reason);
  EXPECT_FALSE(IsValid(PacketOf(clear, 0)));
}

TEST(SubscribeRequestTest, AFlushNeedsNoTarget) {
  EXPECT_EQ(std::get<MarksRequest>(*JudgeSubscribeRequest(PacketOf(MarkOf(protocol::kFlush, 0)))).op, protocol::kFlush);
}

TEST(SubscribeRequestTest, WhatIsUnknownIsNotValid) {
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(0, protocol::kOnAll))));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(4, protocol::kOnAll))));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kAdd, 0))));
  EXPECT_FALSE(IsValid(PacketOf(MarkOf(protocol::kAdd, 4))));
  auto open = MessageOf<protocol::Open>(protocol::kOpen);
  open.flags = 1;
  EXPECT_FALSE(IsValid(PacketOf(open)));
  open.flags = 0;
  open.reserved = 1;
  EXPECT_FALSE(IsValid(PacketOf(open)));
  EXPECT_FALSE(IsValid(PacketOf(MessageOf<protocol::Answer>(protocol::kAnswer))));
  EXPECT_FALSE(IsValid(PacketOf(protocol::Head{.type = 99, .bytes = 8})));
  EXPECT_FALSE(IsValid(Packet{}));
}

TEST(SubscribeRequestTest, AMessageHasTheLengthOfItsType) {
  auto acknowledge = MessageOf<protocol::Acknowledge>(protocol::kAcknowledge);
  acknowledge.seq = 41;
  Packet packet = PacketOf(acknowledge);
  EXPECT_EQ(std::get<AcknowledgeRequest>(*JudgeSubscribeRequest(packet)).seq, 41);
  packet.bytes.resize(15);
  EXPECT_FALSE(IsValid(packet));
  packet.bytes.resize(17);
  EXPECT_FALSE(IsValid(packet));
}

}  // namespace
}  // namespace fsherald
