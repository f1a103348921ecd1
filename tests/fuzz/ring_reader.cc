// SPDX-License-Identifier: MIT
#include "ring/ring_reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>

namespace {

using namespace fsherald::ring;

constexpr uint32_t kLanes = 2;
constexpr size_t kBytes = SegmentBytes(kLanes, kMinLaneBytes);

// Ten bytes are one change: where, in units of 4 bytes; what. So that an input of some hundred bytes reaches all of a ring.
struct Change {
  uint16_t where;
  uint64_t value;
};
constexpr size_t kChangeBytes = 10;

void Apply(std::span<std::byte> segment, std::span<const uint8_t> input) {
  for (; input.size() >= kChangeBytes; input = input.subspan(kChangeBytes)) {
    Change change{};
    std::memcpy(&change.where, input.data(), sizeof change.where);
    std::memcpy(&change.value, input.data() + sizeof change.where, sizeof change.value);
    const size_t at = change.where % (segment.size() / 4 - 1) * 4;
    std::memcpy(segment.data() + at, &change.value, sizeof change.value);
  }
}

// No more can come than what the lanes hold, and the cell.
void ReadToItsEnd(RingReader& reader) {
  size_t records = 0;
  while (const auto record = reader.Next()) {
    if (record->payload.size() > kMaxRecordBytes || record->lane >= kLanes) std::abort();
    if (++records > kLanes * kMinLaneBytes / kSlotAlign + 1) std::abort();
  }
  if (reader.waiting_bytes() > kLanes * kMinLaneBytes) std::abort();
}

}  // namespace

// The first byte: whether the header stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  alignas(64) static std::byte segment[kBytes];
  std::memset(segment, 0, sizeof segment);
  SegmentHeader header{.lane_count = kLanes, .lane_bytes = kMinLaneBytes};
  std::memcpy(segment, &header, 64);
  Apply(segment, std::span(data, size).subspan(1));
  if (data[0] % 16 != 0) std::memcpy(segment, &header, 64);
  auto reader = RingReader::Open(segment);
  if (!reader) return 0;
  ReadToItsEnd(*reader);
  reader->counted();
  reader->Rewind();
  ReadToItsEnd(*reader);
  reader->Release();
  ReadToItsEnd(*reader);
  // What comes once it is under way: the other way round, so that it is something else.
  if (size > 2 * kChangeBytes) Apply(segment, std::span(data, size).subspan(kChangeBytes));
  ReadToItsEnd(*reader);
  reader->counted();
  reader->Release();
  return 0;
}
