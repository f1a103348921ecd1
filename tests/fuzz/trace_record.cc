// SPDX-License-Identifier: MIT
#include "source/trace_record.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "bpf/records.h"
#include "filesystem/filesystem.h"
#include "source/line_assembler.h"

// Whatever the bytes are: what is taken from them keeps within the limits of bpf/records.h.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fsherald;
  std::optional<TraceRecord> record = ParseTraceRecord(Bytes(reinterpret_cast<const std::byte*>(data), size));
  if (!record) return 0;
  if (auto* error = std::get_if<TraceErrorRecord>(&*record)) {
    if (error->head.stack.size() > FSH_STACK_FRAMES || error->function.size() > FSH_FUNCTION_BYTES) std::abort();
    if (error->cell && *error->cell >= FSH_CELLS) std::abort();
    return 0;
  }
  if (auto* event = std::get_if<TraceEventRecord>(&*record)) {
    if (event->head.stack.size() > FSH_STACK_FRAMES || event->event.text.size() > FSH_EVENT_TEXT_BYTES) std::abort();
    if (event->cell && *event->cell >= FSH_CELLS) std::abort();
    ParseEvent(event->event);  // whatever its values are
    return 0;
  }
  auto& line = std::get<TraceLineRecord>(*record);
  if (line.text.size() > FSH_TEXT_BYTES) std::abort();
  LineAssembler assembler;
  assembler.Add(line);
  assembler.Add(line);
  assembler.Expire(UINT64_MAX);
  return 0;
}
