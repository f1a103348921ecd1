// SPDX-License-Identifier: MIT
#include "cli/open_history.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "daemon/config.h"

namespace fsherald {

std::string StoreDirectory(const std::string& option) {
  return option.empty() ? ReadConfig({}).config.store.directory : option;
}

int FailHistory(const Error& error, const std::string& directory) {
  switch (error.code) {
    case ENOENT:
    case ENOTDIR:
      Complain(
          fmt::format("there is no history in {}: no daemon has kept one there. Start it (fsherald daemon), or name "
                      "its directory (--store DIR)",
                      directory));
      return kExitNoDaemon;
    case EACCES:
    case EPERM:
      Complain(
          fmt::format("not permitted to read the history in {}: run this as root, or as a member of the group that "
                      "the files belong to",
                      directory));
      return kExitNotPermitted;
    case EUCLEAN:
      Complain(
          fmt::format("the history in {} is damaged, and what the damage hides is not shown: {}. Restart the daemon: "
                      "it sets the damaged file aside and keeps what can be read of it",
                      directory, error.ToString()));
      return kExitFailure;
    default: Complain(error.ToString()); return kExitFailure;
  }
}

int FindEntry(const std::string& directory, uint64_t seq, std::optional<Entry>& entry) {
  auto history = History::Open(directory);
  if (!history) return FailHistory(history.error(), directory);
  auto found = (*history)->Find(seq);
  if (!found) return FailHistory(found.error(), directory);
  entry = std::move(*found);
  if (entry) return kExitOk;
  const auto extent = (*history)->Covers();
  const bool is_gone = extent && seq != 0 && seq <= extent->last_seq;
  Complain(
      fmt::format("there is no notification {} in the history{}: fsherald history shows those that are there", seq,
                  is_gone ? " any more (retention has taken it, or put it together with others of its burst)" : ""));
  return kExitFailure;
}

void SayWhatIsGone(History& history, std::optional<int64_t> since_utc_ns) {
  const auto extent = history.Covers();
  if (!extent || extent->removed_notifications == 0) return;
  if (since_utc_ns && *since_utc_ns > extent->removed_until_utc_ns) return;
  Say(fmt::format("fsherald: not there any more: {} notifications of {} errors, up to {} (retention)\n",
                  extent->removed_notifications, extent->removed_errors, LocalTimeText(extent->removed_until_utc_ns)));
}

}  // namespace fsherald
