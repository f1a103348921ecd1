// SPDX-License-Identifier: MIT
// fsherald_format of include/fsherald/fsherald.h.
#include <fsherald/fsherald.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string>

#include "record/json.h"
#include "record/stream.h"
#include "record/text.h"

namespace fsherald {
namespace {

ssize_t Format(Bytes bytes, bool json, char* text, size_t size) {
  const auto parsed = ParseStream(bytes);
  if (!parsed) return -EBADMSG;
  std::string out;
  if (json) AppendJson(parsed->notification, parsed->host, out);
  else AppendText(parsed->notification, parsed->host, {}, out);
  if (size > 0) {
    const size_t copied = std::min(out.size(), size - 1);
    std::memcpy(text, out.data(), copied);
    text[copied] = '\0';
  }
  return static_cast<ssize_t>(out.size());
}

}  // namespace
}  // namespace fsherald

extern "C" ssize_t fsherald_format(const void* bytes, size_t bytes_len, int json, char* text, size_t size) {
  const int errno_before = errno;
  ssize_t result;
  try {
    result = fsherald::Format({static_cast<const std::byte*>(bytes), bytes_len}, json != 0, text, size);
  } catch (const std::exception&) {  // nothing but the allocations can throw
    result = -ENOMEM;
  }
  errno = errno_before;
  return result;
}
