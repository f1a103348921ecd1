// SPDX-License-Identifier: MIT
// What a reporter writes into its ring, as the daemon reads it.
#include "source/producer_record.h"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fsherald;
  const auto parsed = ParseProducerRecord(std::as_bytes(std::span(data, size)));
  if (!parsed) return 0;
  if (!parsed->error.code || *parsed->error.code < 1 || *parsed->error.code > 4095 || parsed->error.count != 1)
    std::abort();
  if (parsed->origin != Origin::kUser || parsed->kind > Kind::kDevice || parsed->gap) std::abort();
  size_t texts = 0;
  if (parsed->location) texts += parsed->location->function.size();
  if (parsed->specific)
    texts += parsed->specific->message.value_or("").size() + parsed->specific->blob.value_or("").size();
  if (parsed->object && parsed->object->path) {
    const std::string path = '/' + *parsed->object->path + '/';
    if (path.starts_with("//") || path.find("/../") != std::string::npos || path.find('\0') != std::string::npos)
      std::abort();
    texts += parsed->object->path->size();
  }
  if (sizeof(ProducerRecord) + texts > size) std::abort();
  return 0;
}
