// SPDX-License-Identifier: MIT
// An offer, with what the kernel says of its descriptors: bytes 0 and 1 of the input say how many there are and what they are,
// 2 to 9 how long the memory is, the rest is the packet.
#include <fcntl.h>

#include <cstdlib>
#include <cstring>

#include "daemon/producer_offer.h"
#include "ring/layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fsherald;
  constexpr size_t kFacts = 10;
  if (size < kFacts) return 0;
  protocol::Packet packet;
  packet.descriptors.resize(data[0] % (protocol::kMaxDescriptors + 1));
  OfferedDescriptors descriptors;
  if ((data[1] & 1) != 0) descriptors.seals = data[1] >> 3;
  descriptors.is_plain_memory = (data[1] & 2) != 0;
  descriptors.is_eventfd = (data[1] & 4) != 0;
  std::memcpy(&descriptors.bytes, data + 2, sizeof descriptors.bytes);
  const auto bytes = std::as_bytes(std::span(data + kFacts, size - kFacts));
  packet.bytes.assign(bytes.begin(), bytes.end());

  const auto offer = JudgeOffer(packet, descriptors, {"ext4", "proc"});
  if (!offer) {
    if (offer.error().code != EINVAL || offer.error().what.empty()) std::abort();
    return 0;
  }
  if (!descriptors.seals || (*descriptors.seals & F_SEAL_SHRINK) == 0 || !descriptors.is_eventfd) std::abort();
  if (descriptors.bytes < sizeof(ring::SegmentHeader)) std::abort();
  if (packet.descriptors.size() != (offer->of_mount ? 3U : 2U)) std::abort();
  if (offer->type.empty() != offer->of_mount || offer->name.empty() != offer->of_mount) std::abort();
  if (offer->type.size() > protocol::kMaxNameBytes || offer->type == "ext4") std::abort();
  return 0;
}
