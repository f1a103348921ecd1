// SPDX-License-Identifier: MIT
#include "daemon/subscribe_request.h"

namespace fsherald {
namespace {

using Request = std::optional<SubscribeRequest>;

Request JudgeOpen(const protocol::Packet& packet) {
  const std::optional<protocol::Open> open = protocol::As<protocol::Open>(packet, protocol::kOpen);
  if (!open || open->flags != 0 || open->reserved != 0 || !packet.descriptors.empty()) return std::nullopt;
  std::optional<std::string> name = protocol::Text(open->name);
  if (!name) return std::nullopt;
  return OpenRequest{.name = std::move(*name), .since = std::nullopt};
}

Request JudgeOpenSince(const protocol::Packet& packet) {
  const auto open = protocol::As<protocol::OpenSince>(packet, protocol::kOpenSince);
  if (!open || open->flags != 0 || open->reserved != 0 || !packet.descriptors.empty()) return std::nullopt;
  std::optional<std::string> name = protocol::Text(open->name);
  if (!name) return std::nullopt;
  return OpenRequest{.name = std::move(*name), .since = open->since};
}

Request JudgeMarkOnName(const protocol::Mark& mark) {
  std::optional<std::string> type = protocol::Text(mark.type);
  std::optional<std::string> name = protocol::Text(mark.name);
  if (!type || !name || type->empty() || name->empty()) return std::nullopt;
  return MarksRequest{.op = static_cast<protocol::MarkOp>(mark.op),
                      .target = protocol::kOnName,
                      .type = std::move(*type),
                      .name = std::move(*name),
                      .uid = mark.uid};
}

Request JudgeMark(const protocol::Packet& packet) {
  const std::optional<protocol::Mark> mark = protocol::As<protocol::Mark>(packet, protocol::kMark);
  if (!mark || mark->reserved != 0 || mark->op < protocol::kAdd || mark->op > protocol::kFlush) return std::nullopt;
  const auto op = static_cast<protocol::MarkOp>(mark->op);
  const bool on_descriptor = op != protocol::kFlush && mark->target == protocol::kOnDescriptor;
  if (packet.descriptors.size() != (on_descriptor ? 1U : 0U)) return std::nullopt;
  if (op == protocol::kFlush || mark->target == protocol::kOnAll) return MarksRequest{.op = op};
  if (on_descriptor) return MarksRequest{.op = op, .target = protocol::kOnDescriptor};
  if (mark->target == protocol::kOnName) return JudgeMarkOnName(*mark);
  return std::nullopt;
}

Request JudgeAcknowledge(const protocol::Packet& packet) {
  const auto acknowledge = protocol::As<protocol::Acknowledge>(packet, protocol::kAcknowledge);
  if (!acknowledge || !packet.descriptors.empty()) return std::nullopt;
  return AcknowledgeRequest{.seq = acknowledge->seq};
}

Request JudgeClose(const protocol::Packet& packet) {
  if (!protocol::As<protocol::Close>(packet, protocol::kClose) || !packet.descriptors.empty()) return std::nullopt;
  return CloseRequest{};
}

Request JudgeClear(const protocol::Packet& packet) {
  const std::optional<protocol::Clear> clear = protocol::As<protocol::Clear>(packet, protocol::kClear);
  if (!clear || clear->reserved != 0) return std::nullopt;
  const bool on_descriptor = clear->target == protocol::kOnDescriptor;
  if (!on_descriptor && clear->target != protocol::kOnName) return std::nullopt;
  // Of who may not send one it was not taken: he is told so.
  if (packet.descriptors.size() > (on_descriptor ? 1U : 0U)) return std::nullopt;
  std::optional<std::string> name = protocol::Text(clear->name);
  std::optional<std::string> reason = protocol::Text(clear->reason);
  if (!name || !reason || reason->empty() || name->empty() != on_descriptor) return std::nullopt;
  return ClearRequest{.name = std::move(*name), .reason = std::move(*reason)};
}

}  // namespace

std::optional<SubscribeRequest> JudgeSubscribeRequest(const protocol::Packet& packet) {
  const std::optional<protocol::Head> head = ByteReader(packet.bytes).Read<protocol::Head>();
  if (!head) return std::nullopt;
  switch (head->type) {
    case protocol::kOpen: return JudgeOpen(packet);
    case protocol::kOpenSince: return JudgeOpenSince(packet);
    case protocol::kMark: return JudgeMark(packet);
    case protocol::kAcknowledge: return JudgeAcknowledge(packet);
    case protocol::kClose: return JudgeClose(packet);
    case protocol::kClear: return JudgeClear(packet);
    default: return std::nullopt;
  }
}

}  // namespace fsherald
