// SPDX-License-Identifier: MIT
// A packet of the subscribe socket; the first byte says how many descriptors came along.
#include <cstdlib>
#include <span>

#include "daemon/subscribe_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fsherald;
  if (size == 0) return 0;
  protocol::Packet packet;
  packet.descriptors.resize(data[0] % (protocol::kMaxDescriptors + 1));
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  packet.bytes.assign(bytes.begin(), bytes.end());
  const std::optional<SubscribeRequest> request = JudgeSubscribeRequest(packet);
  if (!request) return 0;
  if (const auto* open = std::get_if<OpenRequest>(&*request)) {
    if (open->name.size() > protocol::kMaxGroupNameBytes) std::abort();
  }
  if (const auto* clear = std::get_if<ClearRequest>(&*request)) {
    if (clear->name.size() > protocol::kMaxClearNameBytes || clear->reason.empty()) std::abort();
    if (packet.descriptors.size() > (clear->name.empty() ? 1U : 0U)) std::abort();
    return 0;
  }
  const auto* marks = std::get_if<MarksRequest>(&*request);
  const bool on_descriptor = marks != nullptr && marks->target == protocol::kOnDescriptor;
  if (packet.descriptors.size() != (on_descriptor ? 1U : 0U)) std::abort();
  if (marks == nullptr) return 0;
  if (marks->op < protocol::kAdd || marks->op > protocol::kFlush) std::abort();
  if (marks->type.size() > protocol::kMaxNameBytes || marks->name.size() > protocol::kMaxNameBytes) std::abort();
  if (marks->target == protocol::kOnName && (marks->type.empty() || marks->name.empty())) std::abort();
  return 0;
}
