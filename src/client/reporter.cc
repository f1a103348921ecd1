// SPDX-License-Identifier: MIT
#include "client/reporter.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "protocol/packet.h"
#include "source/producer_record.h"

namespace {

using namespace fsherald;

constexpr uint32_t kDefaultThreadBytes = 65536;
constexpr uint32_t kDefaultThreads = 15;
constexpr int32_t kMaxErrno = 4095;
constexpr uint32_t kKnownFlags =
    FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_GENERATION | FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH;

bool IsValid(const fsherald_report& report) {
  return report.error >= 1 && report.error <= kMaxErrno && report.kind <= FSHERALD_KIND_DEVICE &&
         (report.flags & ~kKnownFlags) == 0 &&
         ((report.flags & FSHERALD_REPORT_HAS_LENGTH) == 0 || (report.flags & FSHERALD_REPORT_HAS_RANGE) != 0) &&
         report.blob_len <= FSHERALD_MAX_BLOB_BYTES && (report.blob != nullptr || report.blob_len == 0);
}

size_t LengthOf(const char* text, size_t limit) { return text == nullptr ? 0 : ::strnlen(text, limit); }

// As a FUSE file system has it, the path begins with a slash.
const char* WithoutSlashes(const char* path) {
  while (path != nullptr && *path == '/') ++path;
  return path;
}

std::byte* Put(std::byte* to, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return to + bytes;
}

bool IsName(const char* text) {
  const size_t length = LengthOf(text, protocol::kMaxNameBytes + 1);
  return length >= 1 && length <= protocol::kMaxNameBytes;
}

Error Invalid(const char* why) { return Error{why, EINVAL}; }

Result<ReporterTarget> TargetOf(const fsherald_reporter_options& options) {
  ReporterTarget target;
  target.runtime_dir = protocol::RuntimeDir(options.runtime_dir);
  if (options.mount != nullptr) {
    if (Status set = SetMount(target, options.mount); !set) return set.error();
    return target;
  }
  if (!IsName(options.type) || !IsName(options.name))
    return Invalid("neither a mount, nor a type and a name of 1 to 31 bytes");
  target.type = options.type;
  target.name = options.name;
  return target;
}

}  // namespace

Result<std::unique_ptr<fsherald_reporter>> fsherald_reporter::Make(const fsherald_reporter_options& options) {
  const uint32_t thread_bytes = options.thread_bytes == 0 ? kDefaultThreadBytes : options.thread_bytes;
  const uint32_t threads = options.threads == 0 ? kDefaultThreads : options.threads;
  if (!std::has_single_bit(thread_bytes) || thread_bytes < ring::kMinLaneBytes || thread_bytes > ring::kMaxLaneBytes)
    return Invalid("thread_bytes is no power of two, or out of bounds");
  if (threads >= ring::kMaxLanes) return Invalid("threads is out of bounds");
  auto target = TargetOf(options);
  if (!target) return target.error();
  if (!PrepareGeneration()) return ErrnoError("allocate", "a page", ENOMEM);
  const std::string name = target->mount_path.empty() ? target->type + ':' + target->name : target->mount_path;
  auto memory = ReporterMemory::Make("fsherald:" + name, threads + 1, thread_bytes);
  if (!memory) return memory.error();
  return std::unique_ptr<fsherald_reporter>(new fsherald_reporter(std::move(*memory), std::move(*target)));
}

fsherald_reporter::fsherald_reporter(ReporterMemory memory, ReporterTarget target)
    : memory_(std::move(memory)), link_(std::move(target)) {
  writer_.emplace(memory_.segment(), memory_.eventfd());
  generation_.store(Generation(), std::memory_order_relaxed);
}

void fsherald_reporter::MakeAgain() noexcept {
  link_.Forget();
  if (memory_.MakeAgain() != 0) return;
  writer_.emplace(memory_.segment(), memory_.eventfd());
  generation_.store(Generation(), std::memory_order_relaxed);
}

// No call but to memcpy and strnlen, and to the ring.
int fsherald_reporter::Report(const fsherald_report& report) noexcept {
  if (!is_ours()) [[unlikely]]
    return -ESTALE;
  if (!IsValid(report)) [[unlikely]]
    return -EINVAL;
  const char* const path = WithoutSlashes(report.path);
  const size_t path_bytes = LengthOf(path, kMaxProducerPathBytes + 1);
  const ProducerRecord record{
      .error = report.error,
      .kind = static_cast<uint16_t>(report.kind),
      .flags = static_cast<uint16_t>(report.flags),
      .inode = report.inode,
      .offset_bytes = report.offset_bytes,
      .length_bytes = report.length_bytes,
      .generation = report.generation,
      .line = report.line,
      .function_bytes = static_cast<uint16_t>(LengthOf(report.function, kMaxProducerFunctionBytes)),
      .path_bytes = static_cast<uint16_t>(path_bytes > kMaxProducerPathBytes ? 0 : path_bytes),
      .message_bytes = static_cast<uint16_t>(LengthOf(report.message, kMaxProducerMessageBytes)),
      .blob_bytes = static_cast<uint16_t>(report.blob_len),
  };
  const size_t bytes =
      sizeof record + record.function_bytes + record.path_bytes + record.message_bytes + record.blob_bytes;
  static_assert(sizeof record + kMaxProducerFunctionBytes + kMaxProducerPathBytes + kMaxProducerMessageBytes +
                    kMaxProducerBlobBytes <=
                ring::kMaxRecordBytes);
  const ring::Submitted submitted = writer_->Submit(bytes, [&](std::byte* to) {
    to = Put(to, &record, sizeof record);
    to = Put(to, report.function, record.function_bytes);
    to = Put(to, path, record.path_bytes);
    to = Put(to, report.message, record.message_bytes);
    Put(to, report.blob, record.blob_bytes);
  });
  return submitted == ring::Submitted::kCounted ? 1 : 0;
}

namespace {

ring::SegmentHeader* HeaderOf(const ReporterMemory& memory) {
  return reinterpret_cast<ring::SegmentHeader*>(memory.segment().data());
}

std::span<ring::Lane> LanesOf(const ReporterMemory& memory) {
  ring::SegmentHeader* header = HeaderOf(memory);
  return {reinterpret_cast<ring::Lane*>(header + 1), header->lane_count};
}

}  // namespace

// Partners: the release stores of RingWriter, by whichever thread reported before us.
void fsherald_reporter::Take(Mark& mark) const {
  ring::Cell& cell = HeaderOf(memory_)->cell;
  mark.cell_full = cell.state.load(std::memory_order_acquire) == ring::kFull;
  mark.cell_ticks = std::atomic_ref(cell.ticks).load(std::memory_order_relaxed);
  mark.counted = cell.counted.load(std::memory_order_acquire);
  const auto lanes = LanesOf(memory_);
  for (size_t i = 0; i < lanes.size(); ++i) mark.heads[i] = lanes[i].head.load(std::memory_order_acquire);
}

// Partners: the stores of RingReader::Release, in the daemon; what it has told comes before it has given back.
bool fsherald_reporter::Reached(const Mark& mark) const {
  ring::Cell& cell = HeaderOf(memory_)->cell;
  if (mark.cell_full && cell.state.load(std::memory_order_acquire) == ring::kFull &&
      std::atomic_ref(cell.ticks).load(std::memory_order_relaxed) == mark.cell_ticks)
    return false;
  if (cell.counted_taken.load(std::memory_order_relaxed) < mark.counted) return false;
  const auto lanes = LanesOf(memory_);
  for (size_t i = 0; i < lanes.size(); ++i)
    if (lanes[i].tail.load(std::memory_order_acquire) < mark.heads[i]) return false;
  return true;
}

uint64_t fsherald_reporter::waiting_bytes() const {
  uint64_t waiting = 0;
  for (const ring::Lane& lane : LanesOf(memory_)) {
    // The tail first: it never overtakes the head.
    const uint64_t tail = lane.tail.load(std::memory_order_acquire);
    waiting += lane.head.load(std::memory_order_acquire) - tail;
  }
  const ring::Cell& cell = HeaderOf(memory_)->cell;
  if (cell.state.load(std::memory_order_acquire) == ring::kFull) waiting += sizeof(ring::Slot) + cell.bytes;
  return waiting;
}
