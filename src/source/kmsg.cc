// SPDX-License-Identifier: MIT
#include "source/kmsg.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <iterator>
#include <limits>

#include "base/clock.h"

namespace fsherald {
namespace {

// The kernel's own buffer is 2048 bytes (8192 before 6.3), each escaped byte takes four.
constexpr size_t kRecordBytes = 32768;

uint64_t SuspendedNs() {
  struct timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t monotonic_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  uint64_t boottime_ns = BoottimeNowNs();
  return boottime_ns > monotonic_ns ? boottime_ns - monotonic_ns : 0;
}

Result<Fd> OpenLog(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  int code = fd ? 0 : errno;
  if (code == EPERM || code == EACCES) {
    return Error{"the kernel's log " + path + " is not permitted to this process: it needs CAP_SYSLOG (run as root)",
                 code};
  }
  if (!fd) return ErrnoError("open", path, code);
  return fd;
}

}  // namespace

Result<KmsgSource> KmsgSource::Open(const std::string& path) {
  Result<Fd> live = OpenLog(path);
  if (!live) return live.error();
  if (::lseek(live->get(), 0, SEEK_END) < 0) return ErrnoError("seek to the end of", path);
  Result<Fd> past = OpenLog(path);
  if (!past) return past.error();
  return KmsgSource(std::move(*live), std::move(*past));
}

KmsgSource::KmsgSource(Fd live, Fd past)
    : live_(std::move(live)),
      past_(std::move(past)),
      clock_(BoottimeNowNs(), SuspendedNs()),
      last_boottime_ns_(BoottimeNowNs()) {}

KmsgEvents KmsgSource::Start(std::optional<uint64_t> resume_at) {
  KmsgEvents events;
  std::vector<KmsgRecord> records;
  if (past_) ReadRecords(past_, std::numeric_limits<size_t>::max(), records);
  past_.Reset();
  // After the look-back: so each record that both have read shows where the new begins.
  ReadRecords(live_, std::numeric_limits<size_t>::max(), early_);
  uint64_t first_new = early_.empty() ? std::numeric_limits<uint64_t>::max() : early_.front().sequence;
  std::vector<KmsgRecord> missed;
  if (resume_at) next_sequence_ = *resume_at;
  for (KmsgRecord& record : records) {
    if (record.sequence >= first_new) break;
    if (resume_at && record.sequence >= *resume_at) {
      missed.push_back(std::move(record));
      continue;
    }
    if (!resume_at) next_sequence_ = record.sequence + 1;
    AddEvent(record, true, events);
  }
  early_.insert(early_.begin(), std::make_move_iterator(missed.begin()), std::make_move_iterator(missed.end()));
  return events;
}

KmsgEvents KmsgSource::Read(uint64_t now_boottime_ns, size_t max_records) {
  KmsgEvents events;
  std::vector<KmsgRecord> records = std::exchange(early_, {});
  ReadRecords(live_, max_records, records);
  if (records.empty()) return events;
  clock_.Synchronize(records.back().usec, now_boottime_ns, SuspendedNs());
  for (const KmsgRecord& record : records) {
    CountLost(record.sequence, now_boottime_ns, events);
    next_sequence_ = record.sequence + 1;
    AddEvent(record, false, events);
  }
  last_boottime_ns_ = now_boottime_ns;
  return events;
}

void KmsgSource::ReadRecords(const Fd& fd, size_t max_records, std::vector<KmsgRecord>& records) {
  std::array<std::byte, kRecordBytes> buffer;
  for (size_t tries = 0; tries < max_records; ++tries) {
    ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    int code = size < 0 ? errno : 0;
    if (code == EPIPE || code == EINTR)
      continue;  // EPIPE: some were overwritten; the next sequence number says how many
    if (size == 0 || (code != 0 && code != EINVAL)) break;
    ++counts_.records;
    std::optional<KmsgRecord> record;
    if (size > 0) record = ParseKmsgRecord(Bytes(buffer).first(static_cast<size_t>(size)));
    if (record) {
      records.push_back(std::move(*record));
    } else {
      ++counts_.refused;  // EINVAL: too long
    }
  }
}

void KmsgSource::CountLost(uint64_t sequence, uint64_t now_boottime_ns, KmsgEvents& events) {
  if (!next_sequence_ || sequence <= *next_sequence_) return;
  events.gaps.push_back({.from_boottime_ns = last_boottime_ns_,
                         .to_boottime_ns = now_boottime_ns,
                         .source = SourceId::kKmsg,
                         .count = sequence - *next_sequence_,
                         .exact = true});
}

void KmsgSource::AddEvent(const KmsgRecord& record, bool past, KmsgEvents& events) {
  std::optional<ParsedLog> log = ParseLog(record.text);
  if (!log) return;
  // The kernel's own records have facility 0; what user space writes gets another.
  LogSignal signal{.boottime_ns = clock_.ToBoottimeNs(record.usec),
                   .report = std::move(log->report),
                   .trusted = record.facility == 0};
  if (!signal.trusted) ++counts_.untrusted;
  if (record.caller_tid) signal.task = Task{.tid = record.caller_tid, .comm = signal.report.comm};
  events.events.push_back({.past = past, .module = log->module, .signal = std::move(signal)});
}

}  // namespace fsherald
