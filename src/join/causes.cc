// SPDX-License-Identifier: MIT
#include "join/causes.h"

#include <algorithm>
#include <cerrno>

namespace fsherald {
namespace {

using Operation = DeviceError::Operation;

// A line names the first sector alone. Any number may stand there, also one near the end of all.
bool Overlap(const DeviceError& a, const DeviceError& b) {
  if (!a.sector || !b.sector) return false;
  if (*a.sector > *b.sector) return Overlap(b, a);
  return *b.sector - *a.sector < std::max<uint64_t>(a.sectors.value_or(1), 1);
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

// What was found to be other than expected has been read: there no request has failed.
bool WasRead(const ErrorReport& report) {
  return report.claims || std::ranges::find(report.fields, "found", &SpecificField::name) != report.fields.end();
}

// Whether an error of a file system is one that a failed request brings.
bool ComesFromADevice(const ErrorReport& report) {
  if (WasRead(report)) return false;
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

bool Overlap(const Range& a, const Range& b) {
  auto last = [](const Range& range) {
    const uint64_t more = std::max<uint64_t>(range.length_bytes.value_or(1), 1) - 1;
    return range.offset_bytes > UINT64_MAX - more ? UINT64_MAX : range.offset_bytes + more;
  };
  return a.offset_bytes <= last(b) && b.offset_bytes <= last(a);
}

// Who knows a place on the device, or the device, is not given another one's. A range of no inode is one on the file
// system's own device, which can be a part of the disk that the sectors are counted on.
bool Fits(const Causes::Cause& cause, const ErrorReport& report) {
  if (!IsSameOperation(cause.error.operation, OperationOf(report))) return false;
  if (!report.inode && report.range && cause.report.range && !Overlap(*report.range, *cause.report.range)) return false;
  if (!report.device_error) return true;
  if (!IsSameDevice(cause.error, *report.device_error) && cause.report.device != report.device_error->device)
    return false;
  return !report.device_error->sector || Overlap(cause.error, *report.device_error);
}

}  // namespace

// To what is a part of an error already, only the other telling of the same request is added, however late (a line from
// /dev/kmsg): a new request is a new cause.
bool Causes::IsOpenFor(const Cause& cause, SourceId source) {
  if (!cause.explained) return true;
  return source == SourceId::kTrace ? cause.requests < cause.lines : cause.lines < cause.requests;
}

// The same request again, or what the device above makes of it.
Causes::Cause* Causes::FindSame(FilesystemKey filesystem, const ErrorReport& report, uint64_t boottime_ns,
                                SourceId source) {
  const DeviceError& error = *report.device_error;
  auto is_same = [&](const Cause& cause) {
    const bool is_below = report.of_stack && !cause.report.of_stack;
    const bool is_request = IsOpenFor(cause, source) && IsSameDevice(cause.error, error) && Overlap(cause.error, error);
    return cause.filesystem == filesystem && IsSameOperation(cause.error.operation, error.operation) &&
           (is_below || is_request) &&
           boottime_ns - std::min(boottime_ns, cause.last_boottime_ns) <= options_.window_ns;
  };
  auto it = std::find_if(causes_.rbegin(), causes_.rend(), is_same);
  return it == causes_.rend() ? nullptr : &*it;
}

void Causes::Learn(Cause& cause, const ErrorReport& report) {
  const DeviceError& error = *report.device_error;
  if (IsNearer(error, cause.error)) {
    cause.error.sector = error.sector;
    cause.error.sectors = error.sectors;
    cause.report.range = report.range;
  }
  if (cause.error.operation == Operation::kUnknown) cause.error.operation = error.operation;
  if (cause.error.device.empty()) cause.error.device = error.device;
  if (!cause.error.code) cause.error.code = error.code;
  if (!cause.error.dev) cause.error.dev = error.dev;
  if (cause.report.message.empty()) cause.report.message = report.message;
}

void Causes::Add(FilesystemKey filesystem, uint64_t boottime_ns, ErrorReport report, SourceId source, uint64_t now_ns) {
  const DeviceError& error = *report.device_error;
  Cause* cause = FindSame(filesystem, report, boottime_ns, source);
  if (cause != nullptr && report.of_stack && !cause->report.of_stack) {
    cause->last_boottime_ns = std::max(cause->last_boottime_ns, boottime_ns);
    cause->deadline_ns = now_ns + options_.window_ns;
    return;
  }
  if (cause == nullptr) {
    cause = &causes_.emplace_back(
        Cause{.filesystem = filesystem, .error = error, .report = report, .first_boottime_ns = boottime_ns});
  } else {
    Learn(*cause, report);
  }
  cause->sources.Add(source);
  cause->last_boottime_ns = std::max(cause->last_boottime_ns, boottime_ns);
  cause->deadline_ns = now_ns + options_.window_ns;
  if (source == SourceId::kTrace) ++cause->requests;
  else ++cause->lines;
  // Each request is told by an event and, as far as the rate limit goes, by a line.
  cause->error.count = std::max<uint64_t>(cause->requests > 0 ? cause->requests : cause->lines, 1);
}

bool Causes::Attach(FilesystemKey filesystem, const ErrorReport& report, Notification& told) {
  if (!ComesFromADevice(report)) return false;
  auto fits = [&](const Cause& cause) { return cause.filesystem == filesystem && Fits(cause, report); };
  bool taken = false;
  auto take = [&](Cause& cause) {
    cause.explained = true;
    told.sources.Add(cause.sources);
    if (taken) told.device_error->count += cause.error.count;
    else told.device_error = cause.error;  // which says more than the file system does of its device
    taken = true;
  };
  // What is written together fails together: in many requests, one error. So do all of a device that was told without a place.
  const bool of_device = report.device_error && !report.device_error->device.empty() && !report.device_error->sector;
  if (OperationOf(report) == Operation::kWrite || of_device) {
    for (Cause& cause : causes_)
      if (!cause.explained && fits(cause)) take(cause);
    if (taken) return true;
  }
  // The latest that no error has yet; else the latest: one failed request can mean several errors.
  auto it = std::find_if(causes_.rbegin(), causes_.rend(), [&](const Cause& c) { return !c.explained && fits(c); });
  if (it == causes_.rend()) it = std::find_if(causes_.rbegin(), causes_.rend(), fits);
  if (it == causes_.rend()) return false;
  take(*it);
  return true;
}

void Causes::Await(FilesystemKey filesystem, const ErrorReport& report, uint64_t until_ns) {
  if (!ComesFromADevice(report)) return;
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
  size_t too_many = causes_.size() - std::min(causes_.size(), kMaxOpen);
  std::erase_if(causes_, [&](Cause& cause) {
    if (too_many > 0) --too_many;
    else if (now_ns < cause.deadline_ns) return false;
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
