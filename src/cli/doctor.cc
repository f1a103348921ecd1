// SPDX-License-Identifier: MIT
#include "cli/doctor.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/clock.h"
#include "cli/doctor_report.h"
#include "cli/exit_code.h"
#include "protocol/packet.h"
#include "source/fanotify.h"
#include "source/trace.h"
#include "source/xfs_health.h"

namespace fsherald {
namespace {

int Fail(const Error& error) {
  Complain(error.ToString());
  return kExitFailure;
}

std::vector<PastLine> ReadLog() {
  auto kmsg = KmsgSource::Open();
  if (!kmsg) return {};
  return GatherPast(kmsg->Start().events, UtcFromBoottimeNs(0));
}

// What a monitor sees here.
struct Sight {
  std::vector<SourceReport> sources;
  std::vector<WatchedFilesystem> watched;
  int exit_code = kExitOk;
};

template <typename Source>
SourceReport Probe(SourceId id, const Result<Source>& source) {
  if (source) return {.id = id, .active = true, .words = "it is permitted, but nothing is watched"};
  return {.id = id, .active = false, .words = source.error().ToString()};
}

// Where the monitor refuses to open: what each source says by itself, and what anybody may read.
Sight LookWithoutPermission() {
  Sight sight{.exit_code = kExitNotPermitted};
  sight.sources = {Probe(SourceId::kTrace, TraceSource::Open({.detail = false})),
                   Probe(SourceId::kKmsg, KmsgSource::Open()), Probe(SourceId::kFanotify, FanotifySource::Open())};
  SourceSet without = SourceId::kFanotify;
  without.Add(SourceId::kTrace).Add(SourceId::kKmsg);
  auto monitor = Monitor::Open({.without = without}, [](const Notification&, FilesystemKey) {});
  if (!monitor) {
    sight.sources.push_back({.id = SourceId::kCounters, .active = false, .words = monitor.error().ToString()});
    return sight;
  }
  for (SourceReport& source : (*monitor)->sources()) {
    if (source.id == SourceId::kCounters) sight.sources.push_back(std::move(source));
  }
  sight.watched = (*monitor)->watched();
  return sight;
}

// File systems in user space report to a daemon.
SourceReport ProbeDaemon() {
  const std::string dir = protocol::RuntimeDir("");
  SourceReport report{.id = SourceId::kProducer};
  auto connection = protocol::Connect(dir, protocol::kReportSocket);
  report.active = connection.has_value();
  if (report.active) report.words = "the daemon that serves " + dir + " reads what they report";
  else if (connection.error().code == ECONNREFUSED)
    report.words = "no daemon serves " + dir + " (start it: fsherald daemon)";
  else report.words = connection.error().ToString();
  return report;
}

// Empty: no XFS is mounted that could be asked.
std::optional<SourceReport> ProbeXfsHealth(const std::vector<MountedFilesystem>& mounted) {
  for (const MountedFilesystem& one : mounted) {
    if (!XfsHealthSource::IsOf(one.info.type) || one.info.mounts.empty()) continue;
    const Result<bool> has = HasXfsHealthMonitor(one.info.mounts.front());
    if (!has) continue;
    if (!*has)
      return SourceReport{.id = SourceId::kHealth,
                          .active = false,
                          .words = "this kernel's XFS has no health monitor (it came with Linux 7.0)"};
    return SourceReport{
        .id = SourceId::kHealth,
        .active = true,
        .words = "this kernel's XFS has a health monitor; it is used where --xfs-health-monitor is given"};
  }
  return std::nullopt;
}

Result<Sight> Look() {
  auto monitor = Monitor::Open({}, [](const Notification&, FilesystemKey) {});
  if (monitor) return Sight{.sources = (*monitor)->sources(), .watched = (*monitor)->watched()};
  const int code = monitor.error().code;
  if (code != EPERM && code != EACCES) return monitor.error();
  return LookWithoutPermission();
}

}  // namespace

int RunDoctor(const DoctorOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  ::signal(SIGPIPE, SIG_IGN);
  auto mounted = ReadMounted();
  if (!mounted) return Fail(mounted.error());
  auto selected = Select(std::move(*mounted), options.paths);
  if (!selected) return Fail(selected.error());
  std::vector<PastLine> lines = ReadLog();
  Result<Sight> sight = Look();
  if (!sight) return Fail(sight.error());
  sight->sources.push_back(ProbeDaemon());
  if (std::optional<SourceReport> health = ProbeXfsHealth(*selected)) sight->sources.push_back(std::move(*health));

  const DoctorReport report = MakeReport(ReadMachine(), std::move(sight->sources), std::move(*selected),
                                         std::move(sight->watched), std::move(lines), !options.paths.empty());
  const std::string text = ReportText(report, UseColor(options.color, STDOUT_FILENO));
  if (Status written = WriteAll(STDOUT_FILENO, text); !written) return Fail(written.error());
  return sight->exit_code;
}

}  // namespace fsherald
