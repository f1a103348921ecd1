// SPDX-License-Identifier: MIT
#include "notify/coverage.h"

namespace fsherald {

namespace {

std::string WithoutTrace(const Sight& sight) {
  if (!sight.has_tracepoints && sight.coverage.lines_with_task)
    return "errors that it does not print: " + sight.type +
           " has no tracepoints of its own (what it prints comes with stack and task)";
  if (sight.coverage.lines) return "the call stack, the cgroup and the process id of an error (without trace)";
  return "where in the code an error is, but for the last one, and by which task (without trace)";
}

std::string WithoutFanotify(const Sight& sight) {
  if (!sight.tells_fanotify)
    return "the exact number of errors: " + sight.type + " of this kernel reports none to fanotify";
  return "the errno and the inode of an error whose log line does not say them (without fanotify)";
}

std::string WithoutCounters(const Sight& sight) {
  if (!sight.keeps_counter)
    return "errors between mount and watch, and whether any was missed: " + sight.type +
           " keeps no counter that tells it";
  return "errors between mount and watch, and whether any was missed (without counters)";
}

}  // namespace

bool IsCovered(const JoinCoverage& coverage) {
  return coverage.fanotify || coverage.trace || coverage.lines || coverage.counters || coverage.health ||
         coverage.server;
}

std::vector<std::string> Lacks(const Sight& sight) {
  const JoinCoverage& coverage = sight.coverage;
  if (!IsCovered(coverage)) return {"its errors: no source covers this file system"};
  if (coverage.server && !coverage.fanotify && !coverage.trace && !coverage.lines && !coverage.counters)
    return {
        "its errors, but for the end of its server: what it answers is not the kernel's to tell (it can report them "
        "itself, "
        "by libfsherald)"};
  std::vector<std::string> lacks;
  if (!coverage.trace) lacks.push_back(WithoutTrace(sight));
  if (!coverage.fanotify) lacks.push_back(WithoutFanotify(sight));
  if (!coverage.lines) lacks.push_back("the kernel's words, the block, and errors of the device below (without kmsg)");
  if (!coverage.counters) lacks.push_back(WithoutCounters(sight));
  if (coverage.trace && sight.has_handler && !coverage.detail)
    lacks.push_back(
        "the words, the block and, of a burst, the inode of errors beyond the kernel's log rate limit, ten in "
        "five seconds (" +
        (sight.detail_refused.empty() ? "without the error handler's arguments" : sight.detail_refused) + ")");
  return lacks;
}

}  // namespace fsherald
