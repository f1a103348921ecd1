// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <cstring>

namespace fsherald {

std::string Error::ToString() const {
  if (code == 0) return what;
  char buffer[128];
  return what + ": " + ::strerror_r(code, buffer, sizeof buffer);
}

Error ErrnoError(std::string_view action, std::string_view object, int code) {
  std::string what(action);
  if (!object.empty()) what.append(" ").append(object);
  return Error{std::move(what), code};
}

}  // namespace fsherald
