// SPDX-License-Identifier: MIT
#include "source/raw_reads.h"

#include <cstring>

namespace fsherald {

void RawReads::TakeUp(const std::function<void(uint32_t reader, Bytes bytes)>& handler) {
  for (size_t chunks = 0; chunks < kChunks; ++chunks) {
    Head head;
    std::memcpy(&head, At(next_), sizeof head);
    if (head.number != next_ + 1) return;
    ++next_;
    handler(head.reader, Bytes(At(next_ - 1) + sizeof head, kReadBytes));
  }
}

std::span<std::byte> RawReads::Begin(uint32_t reader) {
  if (next_ - released_ >= kChunks) return {};
  std::byte* at = At(next_);
  // The number last: a chunk that bears it is clear.
  std::memset(at, 0, kChunkBytes);
  __atomic_signal_fence(__ATOMIC_RELEASE);
  const Head head{.number = next_ + 1, .reader = reader};
  std::memcpy(at, &head, sizeof head);
  ++next_;
  return {at + sizeof head, kReadBytes};
}

}  // namespace fsherald
