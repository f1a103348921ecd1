// SPDX-License-Identifier: MIT
#include "notify/coverage.h"

namespace fsherald {

std::vector<std::string> Lacks(const JoinCoverage& coverage, const std::string& detail_refused) {
  bool any = coverage.fanotify || coverage.trace || coverage.lines || coverage.counters;
  if (!any) return {"its errors: no source covers this file system"};
  std::vector<std::string> lacks;
  if (!coverage.trace)
    lacks.push_back(coverage.lines
                        ? "the call stack, the cgroup and the process id of an error (without trace)"
                        : "where in the code an error is, but for the last one, and by which task (without trace)");
  if (!coverage.fanotify)
    lacks.push_back("the errno and the inode of an error whose log line does not say them (without fanotify)");
  if (!coverage.lines) lacks.push_back("the kernel's words, the block, and errors of the device below (without kmsg)");
  if (!coverage.counters)
    lacks.push_back("errors between mount and watch, and whether any was missed (without counters)");
  if (coverage.trace && !coverage.detail)
    lacks.push_back(
        "the words, the block and, of a burst, the inode of errors beyond the kernel's log rate limit, ten in "
        "five seconds (" +
        (detail_refused.empty() ? "without the error handler's arguments" : detail_refused) + ")");
  return lacks;
}

}  // namespace fsherald
