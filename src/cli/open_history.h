// SPDX-License-Identifier: MIT
// What the commands that read the history (history, show, hotspots, explain, status) have in common.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/history.h"

namespace fsherald {

// Where the daemon keeps the history: what `--store` says, else what its configuration says.
std::string StoreDirectory(const std::string& option);

// Says on stderr what an error of History means and what to do; returns the exit code: 3 there is no history, 4 not
// permitted, 1 any other.
int FailHistory(const Error& error, const std::string& directory);

// The notification; exit code 0. Else says why not, and `entry` stays empty.
int FindEntry(const std::string& directory, uint64_t seq, std::optional<Entry>& entry);

// Says on stderr what of the asked time retention has taken.
void SayWhatIsGone(History& history, std::optional<int64_t> since_utc_ns);

}  // namespace fsherald
