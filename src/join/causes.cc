// SPDX-License-Identifier: MIT
#include "join/causes.h"

#include <algorithm>
#include <cerrno>

namespace fsherald {
namespace {

using Operation = DeviceError::Operation;

// A line names the first sector alone.
bool Overlap(const DeviceError& a, const DeviceError& b) {
  if (!a.sector || !b.sector) return false;
  const uint64_t a_end = *a.sector + std::max<uint64_t>(a.sectors.value_or(1), 1);
  const uint64_t b_end = *b.sector + std::max<uint64_t>(b.sectors.value_or(1), 1);
  return *a.sector < b_end && *b.sector < a_end;
}

bool IsSameOperation(Operation a, Operation b) {
  return a == b || a == Operation::kUnknown || b == Operation::kUnknown;
}

bool IsSameDevice(const DeviceError& a, const DeviceError& b) {
  return a.device.empty() || b.device.empty() || a.device == b.device;
}

// Of two requests for the same place the smaller is nearer to what is bad; a line names no length at all.
bool IsNearer(const DeviceError& news, const DeviceError& known) {
  return news.sectors && (!known.sectors || *news.sectors < *known.sectors);
}

// Whether an error of a file system is one that a failed request brings.
bool ComesFromADevice(const ErrorReport& report) {
  if (report.kind == Kind::kWriteback || report.kind == Kind::kDataRead || report.kind == Kind::kDataWrite ||
      report.kind == Kind::kDevice || report.kind == Kind::kReadOnly)
    return true;
  return report.code == EIO || report.code == ENODATA || report.code == ETIMEDOUT || report.code == ENOSPC ||
         report.code == EREMOTEIO || report.code == ENOLINK || report.code == EILSEQ || report.code == ENODEV;
}

Operation OperationOf(const ErrorReport& report) {
  if (report.device_error) return report.device_error->operation;
  if (report.kind == Kind::kWriteback || report.kind == Kind::kDataWrite || report.kind == Kind::kReadOnly)
    return Operation::kWrite;
  if (report.kind == Kind::kDataRead) return Operation::kRead;
  return Operation::kUnknown;
}

// Who knows a place on the device, or the device, is not given another one's.
// (The file system's own device can be a part of the one that failed.)
bool Fits(const Causes::Cause& cause, const ErrorReport& report) {
  if (!IsSameOperation(cause.error.operation, OperationOf(report))) return false;
  if (!report.device_error) return true;
  if (!IsSameDevice(cause.error, *report.device_error) && cause.report.device != report.device_error->device)
    return false;
  return !report.device_error->sector || Overlap(cause.error, *report.device_error);
}

}  // namespace

Causes::Cause* Causes::FindSame(FilesystemKey filesystem, const DeviceError& error, uint64_t boottime_ns) {
  auto is_same = [&](const Cause& cause) {
    return cause.filesystem == filesystem && IsSameDevice(cause.error, error) &&
           IsSameOperation(cause.error.operation, error.operation) && Overlap(cause.error, error) &&
           boottime_ns - std::min(boottime_ns, cause.last_boottime_ns) <= options_.window_ns;
  };
  auto it = std::find_if(causes_.rbegin(), causes_.rend(), is_same);
  return it == causes_.rend() ? nullptr : &*it;
}

void Causes::Add(FilesystemKey filesystem, uint64_t boottime_ns, ErrorReport report, SourceId source, uint64_t now_ns) {
  const DeviceError& error = *report.device_error;
  Cause* cause = FindSame(filesystem, error, boottime_ns);
  if (cause == nullptr) {
    cause = &causes_.emplace_back(
        Cause{.filesystem = filesystem, .error = error, .report = report, .first_boottime_ns = boottime_ns});
  } else {
    if (IsNearer(error, cause->error)) {
      cause->error.sector = error.sector;
      cause->error.sectors = error.sectors;
      cause->report.range = report.range;
    }
    if (cause->error.operation == Operation::kUnknown) cause->error.operation = error.operation;
    if (!cause->error.code) cause->error.code = error.code;
    if (!cause->error.dev) cause->error.dev = error.dev;
    if (cause->report.message.empty()) cause->report.message = report.message;
  }
  cause->sources.Add(source);
  cause->last_boottime_ns = std::max(cause->last_boottime_ns, boottime_ns);
  cause->deadline_ns = now_ns + options_.window_ns;
  if (source == SourceId::kTrace) ++cause->requests;
  else ++cause->lines;
  cause->read_ahead_only = cause->read_ahead_only && report.speculative;
  // Each request is told by an event and, as far as the rate limit goes, by a line.
  cause->error.count = std::max<uint64_t>(cause->requests > 0 ? cause->requests : cause->lines, 1);
}

bool Causes::Attach(FilesystemKey filesystem, const ErrorReport& report, Notification& told) {
  if (!ComesFromADevice(report)) return false;
  auto fits = [&](const Cause& cause) { return cause.filesystem == filesystem && Fits(cause, report); };
  auto take = [&](Cause& cause) {
    cause.explained = true;
    told.sources.Add(cause.sources);
    if (!told.device_error || !told.device_error->sector) told.device_error = cause.error;
    else if (told.device_error != report.device_error) told.device_error->count += cause.error.count;
    else told.device_error = cause.error;
  };
  // What is written together fails together: in many requests, one error. So do all of a device that was told without a place.
  const bool of_device = report.device_error && !report.device_error->device.empty() && !report.device_error->sector;
  if (OperationOf(report) == Operation::kWrite || of_device) {
    bool any = false;
    for (Cause& cause : causes_)
      if (!cause.explained && fits(cause)) take(cause), any = true;
    if (any) return true;
  }
  // The latest that no error has yet; else the latest: one failed request can mean several errors.
  auto it = std::find_if(causes_.rbegin(), causes_.rend(), [&](const Cause& c) { return !c.explained && fits(c); });
  if (it == causes_.rend()) it = std::find_if(causes_.rbegin(), causes_.rend(), fits);
  if (it == causes_.rend()) return false;
  take(*it);
  return true;
}

void Causes::Hold(FilesystemKey filesystem, const ErrorReport& report, uint64_t until_ns) {
  for (Cause& cause : causes_)
    if (cause.filesystem == filesystem && Fits(cause, report))
      cause.deadline_ns = std::max(cause.deadline_ns, until_ns);
}

// Its place is one on its own device, which can be a partition of the one that failed: the range knows both.
void Causes::Correct(FilesystemKey filesystem, const DeviceError& error) {
  for (Cause& cause : causes_) {
    DeviceError place = cause.error;
    if (cause.report.range) place.sector = cause.report.range->offset_bytes / 512;
    if (cause.filesystem == filesystem && IsSameOperation(place.operation, error.operation) && Overlap(place, error))
      cause.corrected = true;
  }
}

std::vector<Causes::Cause> Causes::Take(uint64_t now_ns) {
  std::vector<Cause> alone;
  std::erase_if(causes_, [&](Cause& cause) {
    if (now_ns < cause.deadline_ns) return false;
    if (!cause.explained) alone.push_back(std::move(cause));
    return true;
  });
  return alone;
}

std::vector<Causes::Cause> Causes::TakeAll(FilesystemKey filesystem) {
  std::vector<Cause> alone;
  std::erase_if(causes_, [&](Cause& cause) {
    if (cause.filesystem != filesystem) return false;
    if (!cause.explained) alone.push_back(std::move(cause));
    return true;
  });
  return alone;
}

std::optional<uint64_t> Causes::deadline_ns() const {
  std::optional<uint64_t> earliest;
  for (const Cause& cause : causes_) earliest = std::min(earliest.value_or(cause.deadline_ns), cause.deadline_ns);
  return earliest;
}

}  // namespace fsherald
