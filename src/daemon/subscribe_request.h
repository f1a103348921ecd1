// SPDX-License-Identifier: MIT
// What a subscriber asks for: a packet of the subscribe socket, judged. Pure; the packet is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "protocol/packet.h"

namespace fsherald {

struct OpenRequest {
  std::string name;               // empty: the group ends with the connection
  std::optional<uint64_t> since;  // OpenSince
};

// A mark to add or to remove; with kFlush all marks.
struct MarksRequest {
  protocol::MarkOp op = protocol::kAdd;
  protocol::MarkTarget target = protocol::kOnAll;
  std::string type;  // kOnName
  std::string name;
  uint32_t uid = UINT32_MAX;
  // kOnDescriptor: the packet's only descriptor
};

struct AcknowledgeRequest {
  uint64_t seq = 0;
};

struct CloseRequest {};

// kOnDescriptor: the packet's only descriptor, if it was taken.
struct ClearRequest {
  std::string name;  // empty: kOnDescriptor
  std::string reason;
};

using SubscribeRequest = std::variant<OpenRequest, MarksRequest, AcknowledgeRequest, CloseRequest, ClearRequest>;

// Empty: no valid request. Whether it comes at the right time is not judged.
std::optional<SubscribeRequest> JudgeSubscribeRequest(const protocol::Packet& packet);

}  // namespace fsherald
