// SPDX-License-Identifier: MIT
// What `fsherald status` has found, as a table, with details, and as JSON (docs/json.md). Pure.
#pragma once

#include <string>
#include <vector>

#include "filesystem/self_report.h"
#include "health/health.h"
#include "record/notification.h"

namespace fsherald {

// What the history has of a file system, over all boots.
struct KnownHistory {
  uint64_t errors = 0;
  uint64_t notifications = 0;
  std::optional<Notification> first;   // the first error; empty: retention has taken it
  std::optional<Notification> last;    // the last one
  std::optional<Notification> health;  // the last change of its state that the daemon told
  bool is_of_this_mounting = false;    // that change: told in this boot, of the device that it is mounted from
};

struct FilesystemStatus {
  FilesystemInfo info;
  std::string super_options;
  std::string node;  // of its device, as the administrator named it: "/dev/mapper/home"
  Evidence evidence;
  HealthState own = HealthState::kNotCovered;     // by what it keeps itself
  HealthState health = HealthState::kNotCovered;  // by that and the daemon's word
  bool is_daemons = false;                        // the daemon's word has decided
  bool is_mounted = true;                         // false: only the history knows of it
  bool counts_warnings = false;
  bool refused = false;  // a part was not permitted to be read
  std::vector<SelfReport::Detail> details;
  std::vector<std::string> read;
  std::vector<std::string> not_read;
  std::optional<KnownHistory> history = std::nullopt;  // empty: there is none, or it has nothing of this one
};

// The exit code for them: 0 where there is no finding, 4 where all that could tell one was refused, else 10.
int StatusExitCode(const std::vector<FilesystemStatus>& statuses);

// One line a file system, below a heading; with `verbose` what is behind it and what to do next below each. Control bytes are
// escaped; times are of the local time zone.
std::string StatusText(const std::vector<FilesystemStatus>& statuses, bool verbose, bool color);

// One object a line.
std::string StatusJson(const std::vector<FilesystemStatus>& statuses, const Host& host, int64_t now_utc_ns);

}  // namespace fsherald
