// SPDX-License-Identifier: MIT
#include "cli/hotspots.h"

#include <unistd.h>

#include <csignal>
#include <optional>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/hotspots_report.h"
#include "cli/open_history.h"
#include "cli/time_text.h"

namespace fsherald {
namespace {

constexpr size_t kSlices = 24;

int Fail(const Error& error, int code) {
  Complain(error.ToString());
  return code;
}

Status ParseTo(const std::string& text, int64_t now_utc_ns, std::optional<int64_t>& time) {
  if (text.empty()) return {};
  auto parsed = ParseTime(text, now_utc_ns);
  if (!parsed) return parsed.error();
  time = *parsed;
  return {};
}

}  // namespace

int RunHotspots(const HotspotsOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error(), kExitFailure);
  ::signal(SIGPIPE, SIG_IGN);
  std::optional<int64_t> since;
  std::optional<int64_t> until;
  const int64_t now_utc_ns = UtcNowNs();
  if (Status parsed = ParseTo(options.since, now_utc_ns, since); !parsed) return Fail(parsed.error(), kExitUsage);
  if (Status parsed = ParseTo(options.until, now_utc_ns, until); !parsed) return Fail(parsed.error(), kExitUsage);
  if (since && until && *since > *until) return Fail({"--since is later than --until", 0}, kExitUsage);

  auto history = History::Open(options.store);
  if (!history) return FailHistory(history.error(), options.store);
  auto spots = (*history)->HotspotsBy(options.by, since, until, options.count, kSlices);
  if (!spots) return FailHistory(spots.error(), options.store);
  if (spots->spots.empty() && !options.json) Say("fsherald: the history has no errors of this time\n");
  const std::string text =
      options.json
          ? HotspotsJson(options.by, *spots)
          : HotspotsText(options.by, *spots,
                         {.unicode = IsUtf8Terminal(STDOUT_FILENO), .color = UseColor(options.color, STDOUT_FILENO)});
  if (Status written = WriteAll(STDOUT_FILENO, text); !written) return Fail(written.error(), kExitFailure);
  return kExitOk;
}

}  // namespace fsherald
