// SPDX-License-Identifier: MIT
#include "cli/entry_json.h"

#include <fmt/format.h>

#include "record/json.h"

namespace fsherald {

void AppendEntryJson(const Entry& entry, std::string& out) {
  AppendJson(entry.notification, entry.host, out);
  if (entry.rows <= 1) return;
  out.resize(out.size() - 2);  // "}\n"
  out += fmt::format(R"(,"merged":{{"notifications":{},"last_seq":{},"last_time":)", entry.rows, entry.last_seq);
  AppendJsonTime(entry.last_utc_ns, out);
  out += "}}\n";
}

}  // namespace fsherald
