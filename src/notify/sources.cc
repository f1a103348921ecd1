// SPDX-License-Identifier: MIT
#include "notify/sources.h"

#include <algorithm>
#include <cerrno>

#include "filesystem/filesystem.h"

namespace fsherald {
namespace {

bool IsPermission(const Error& error) { return error.code == EPERM || error.code == EACCES; }

class Opener {
 public:
  explicit Opener(const Sources::Options& options) : options_(options) {}

  Result<Sources> Run() {
    OpenTrace();
    OpenKmsg();
    OpenFanotify();
    OpenCounters();
    if (Status usable = Check(); !usable) return usable.error();
    return std::move(sources_);
  }

 private:
  void Report(SourceId id, bool active, std::string words) {
    sources_.reports.push_back({.id = id, .active = active, .words = std::move(words)});
  }

  void Refused(SourceId id, const Error& error) {
    not_permitted_ = not_permitted_ || IsPermission(error);
    Report(id, false, error.ToString());
  }

  bool TurnedOff(SourceId id) {
    if (!options_.without.Has(id)) return false;
    Report(id, false, "turned off");
    return true;
  }

  void OpenTrace() {
    if (TurnedOff(SourceId::kTrace)) return;
    TraceSource::Options options;
    if (!options_.without.Has(SourceId::kKmsg)) options.log_prefixes = LogPrefixes();
    auto trace = TraceSource::Open(options, options_.kept);
    if (!trace) return Refused(SourceId::kTrace, trace.error());
    sources_.trace = std::move(*trace);
    if (options_.saved != nullptr && options_.saved->trace) (void)sources_.trace->Resume(*options_.saved->trace);
    Report(SourceId::kTrace, true, TraceWords(*sources_.trace));
  }

  static std::string TraceWords(const TraceSource& trace) {
    std::string words = "BPF on the tracepoints of failed requests and failed write-back";
    if (!trace.storage_refused().empty())
      words = "BPF, without failed requests and write-back (" + trace.storage_refused() + ")";
    if (trace.Covers("xfs")) words += ", of XFS";
    if (!trace.Covers("ext4"))
      return words +
             "; ext4 is not in the kernel, and its module could not be loaded: start again after `modprobe ext4`";
    words += ", of ext4";
    const std::string& by = trace.detail_by();
    return by.empty() ? words + "; no error handler's arguments (" + trace.detail_refused() + ")"
                      : words + ", and " + by + " on its error handler";
  }

  // The log comes by printk's tracepoint where the trace is there, with its task and at once; else from the device.
  void OpenKmsg() {
    if (TurnedOff(SourceId::kKmsg)) return;
    sources_.lines_by_trace = sources_.trace != nullptr;
    if (sources_.trace) return Report(SourceId::kKmsg, true, "the kernel's log, by printk's tracepoint");
    auto kmsg = KmsgSource::Open(options_.kmsg_path);
    if (!kmsg) return Refused(SourceId::kKmsg, kmsg.error());
    sources_.kmsg = std::make_unique<KmsgSource>(std::move(*kmsg));
    size_t past =
        sources_.kmsg->Start(options_.saved != nullptr ? options_.saved->kmsg_next : std::nullopt).events.size();
    std::string words = "the kernel's log, from " + options_.kmsg_path + ", a timer tick late";
    if (past > 0) words += "; its " + std::to_string(past) + " earlier lines about file systems are the past";
    Report(SourceId::kKmsg, true, std::move(words));
  }

  void OpenFanotify() {
    if (TurnedOff(SourceId::kFanotify)) return;
    auto fanotify = FanotifySource::Open(
        {.fds = options_.kept,
         .places = options_.saved != nullptr ? options_.saved->places : std::vector<FanotifySource::Place>()});
    if (!fanotify) return Refused(SourceId::kFanotify, fanotify.error());
    sources_.fanotify = std::move(*fanotify);
    Report(SourceId::kFanotify, true, "FAN_FS_ERROR marks on whole file systems");
  }

  void OpenCounters() {
    if (TurnedOff(SourceId::kCounters)) return;
    sources_.counters = std::make_unique<CounterSource>(options_.sys_root);
    Report(SourceId::kCounters, true, "the file systems' own, in " + options_.sys_root + "/fs");
  }

  // Counters alone are readable by anybody; to take them for a watch that was asked to see everything would be a lie.
  Status Check() const {
    if (sources_.trace || sources_.kmsg || sources_.fanotify || (sources_.counters && !not_permitted_)) return {};
    std::string why;
    for (const SourceReport& report : sources_.reports)
      if (!report.active) why += "\n  " + std::string(Name(report.id)) + ": " + report.words;
    if (!not_permitted_) return Error{"every source is turned off or refused: there is nothing to watch by" + why, 0};
    std::string sentence = "not permitted: run it as root (or with CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON and CAP_SYSLOG)";
    if (sources_.counters) sentence += "; any user may watch the counters alone: --without=fanotify,trace,kmsg";
    return Error{sentence + why, EPERM};
  }

  const Sources::Options& options_;
  Sources sources_;
  bool not_permitted_ = false;
};

}  // namespace

Result<Sources> Sources::Open(const Options& options) { return Opener(options).Run(); }

JoinCoverage Sources::LogAndTrace() const {
  return {.trace = trace != nullptr,
          .detail = trace != nullptr && !trace->detail_by().empty(),
          .lines = lines_by_trace || kmsg != nullptr,
          .lines_with_task = lines_by_trace};
}

std::string Sources::detail_refused() const { return trace ? trace->detail_refused() : std::string(); }

}  // namespace fsherald
