// SPDX-License-Identifier: MIT
#include "record/stream.h"

#include <fsherald/record.h>

#include <cstdlib>
#include <span>

#include "record/json.h"
#include "record/rfc.h"
#include "record/text.h"

// What is read of any bytes is written, and read again, as the same; and can be shown.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fsherald;
  const auto parsed = ParseStream(std::as_bytes(std::span(data, size)));
  if (!parsed) return 0;
  if (parsed->bytes > size || parsed->bytes % 8 != 0) std::abort();
  std::string written;
  AppendStream(parsed->notification, parsed->host, written);
  if (written.size() > FSHERALD_MAX_NOTIFICATION_BYTES || written.size() % 8 != 0) std::abort();
  const auto again = ParseStream(std::as_bytes(std::span(written)));
  if (!again || again->bytes != written.size()) std::abort();
  if (!again->cut && again->notification != parsed->notification) std::abort();

  std::string text;
  AppendJson(parsed->notification, parsed->host, text);
  AppendText(parsed->notification, parsed->host, {}, text);
  AppendRfc(parsed->notification, text);
  return 0;
}
