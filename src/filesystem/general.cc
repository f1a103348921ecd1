// SPDX-License-Identifier: MIT
#include "filesystem/general.h"

namespace fsherald {

Specific GeneralSpecific(const ErrorReport& report) {
  Specific specific{.type = std::string(report.filesystem_type), .fields = report.fields, .message = std::nullopt};
  if (!report.message.empty()) specific.message = report.message;
  return specific;
}

FilesystemModule GeneralModule() { return {.type = "", .specific = GeneralSpecific}; }

}  // namespace fsherald
