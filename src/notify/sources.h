// SPDX-License-Identifier: MIT
// The sources of a monitor: those that were asked for and are to be had, and a report of what became of each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/kept_fds.h"
#include "base/result.h"
#include "join/join.h"
#include "notify/saved_state.h"
#include "record/notification.h"
#include "source/counters.h"
#include "source/fanotify.h"
#include "source/kmsg.h"
#include "source/trace.h"

namespace fsherald {

// What became of one source at the start.
struct SourceReport {
  SourceId id = SourceId::kFanotify;
  bool active = false;
  std::string words;  // active: how it works here; else why not, and what would help
};

struct Sources {
  struct Options {
    SourceSet without;
    std::string sys_root = "/sys";
    std::string kmsg_path = "/dev/kmsg";
    KeptFds* kept = nullptr;            // of an earlier process; may be null
    const SavedState* saved = nullptr;  // of the same boot; may be null
  };
  // One source that is missing never stops another. Errors: code EPERM and a sentence where none may be used, code 0 where
  // none is left.
  static Result<Sources> Open(const Options& options);

  // What the log and the trace see of any file system.
  JoinCoverage LogAndTrace() const;

  // Why the error handler's arguments cannot be had; empty where they can, or where the trace cannot.
  std::string detail_refused() const;

  std::unique_ptr<TraceSource> trace;  // each null where it is not to be had
  std::unique_ptr<KmsgSource> kmsg;    // null also where the trace brings the log
  std::unique_ptr<FanotifySource> fanotify;
  std::unique_ptr<CounterSource> counters;
  bool lines_by_trace = false;
  std::vector<SourceReport> reports;
};

}  // namespace fsherald
