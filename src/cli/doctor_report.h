// SPDX-License-Identifier: MIT
// The report of `fsherald doctor` as a value, and as text. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/doctor_log.h"
#include "cli/doctor_machine.h"
#include "cli/doctor_mounts.h"
#include "notify/monitor.h"

namespace fsherald {

struct DoctorRow {
  MountedFilesystem mounted;
  std::optional<WatchedFilesystem> watched;  // empty: this version covers no file system of that type
  std::vector<PastLine> lines;
};

struct DoctorReport {
  Machine machine;
  std::vector<SourceReport> sources;
  std::vector<DoctorRow> rows;
  std::vector<PastLine> other_lines;  // of devices that carry nothing of `rows`, or carried another file system then
};

// Puts together what is mounted, what is watched, and the log's lines, each with the file system that it is of. With
// `only_these` what is not of `mounted` is left out; else a watched file system that is not in it (mounted in another
// mount namespace) gets a row too, after the others.
DoctorReport MakeReport(Machine machine, std::vector<SourceReport> sources, std::vector<MountedFilesystem> mounted,
                        std::vector<WatchedFilesystem> watched, std::vector<PastLine> lines, bool only_these);

// Control bytes are escaped; times are of the local time zone.
std::string ReportText(const DoctorReport& report, bool color);

}  // namespace fsherald
