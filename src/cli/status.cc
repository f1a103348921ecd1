// SPDX-License-Identifier: MIT
#include "cli/status.h"

#include <unistd.h>

#include <csignal>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/status_gather.h"
#include "cli/status_history.h"
#include "cli/status_report.h"
#include "notify/host.h"

namespace fsherald {
namespace {

int Fail(const Error& error) {
  Complain(error.ToString());
  return kExitFailure;
}

bool AnyRefused(const std::vector<FilesystemStatus>& statuses) {
  for (const FilesystemStatus& status : statuses)
    if (status.refused) return true;
  return false;
}

}  // namespace

int RunStatus(const StatusOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  ::signal(SIGPIPE, SIG_IGN);
  auto statuses = GatherStatus(options.paths);
  if (!statuses) return Fail(statuses.error());
  AddHistory(options.store, ReadHost().boot_id, options.paths.empty(), *statuses);
  const std::string text = options.json
                               ? StatusJson(*statuses, ReadHost(), UtcNowNs())
                               : StatusText(*statuses, options.verbose, UseColor(options.color, STDOUT_FILENO));
  if (Status written = WriteAll(STDOUT_FILENO, text); !written) return Fail(written.error());
  if (AnyRefused(*statuses))
    Say("fsherald: some was not permitted to be read (fsherald status -v says what); root sees it\n");
  return StatusExitCode(*statuses);
}

}  // namespace fsherald
