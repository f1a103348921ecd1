// SPDX-License-Identifier: MIT
// For tests: a ring in memory of its own, and texts as its records.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ring/ring_reader.h"
#include "ring/ring_writer.h"

namespace fsherald::ring {

// Shared with children of fork(2).
class TestSegment {
 public:
  explicit TestSegment(uint32_t lane_count = 2, uint32_t lane_bytes = kMinLaneBytes, bool fences = false,
                       Clock clock = kBoottimeNs)
      : bytes_(SegmentBytes(lane_count, lane_bytes)),
        at_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    FormatSegment(span(), lane_count, lane_bytes, clock, fences);
  }
  ~TestSegment() { ::munmap(at_, bytes_); }
  TestSegment(const TestSegment&) = delete;
  TestSegment& operator=(const TestSegment&) = delete;

  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), bytes_}; }
  SegmentHeader& header() const { return *static_cast<SegmentHeader*>(at_); }
  Lane& lane(uint32_t index) const { return reinterpret_cast<Lane*>(&header() + 1)[index]; }
  std::byte* data(uint32_t index) const {
    return reinterpret_cast<std::byte*>(&lane(header().lane_count)) + size_t{index} * header().lane_bytes;
  }

 private:
  size_t bytes_;
  void* at_;
};

inline Submitted SubmitText(RingWriter& writer, std::string_view text) {
  return writer.Submit(text.size(), [&](std::byte* to) { std::memcpy(to, text.data(), text.size()); });
}

inline std::string TextOf(const RingRecord& record) {
  return {reinterpret_cast<const char*>(record.payload.data()), record.payload.size()};
}

inline RingReader OpenReader(const TestSegment& segment) {
  auto reader = RingReader::Open(segment.span());
  if (!reader) ADD_FAILURE() << reader.error().ToString();
  return std::move(*reader);
}

// All that is there now; gives nothing back.
inline std::vector<std::string> ReadTexts(RingReader& reader) {
  std::vector<std::string> texts;
  while (auto record = reader.Next()) texts.push_back(TextOf(*record));
  return texts;
}

}  // namespace fsherald::ring
