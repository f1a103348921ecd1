// SPDX-License-Identifier: MIT
#include "system_fixture.h"

#include <cstdlib>
#include <string_view>

namespace fsherald::system_test {

bool LongRuns() {
  const char* value = std::getenv("FSHERALD_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace fsherald::system_test
