// SPDX-License-Identifier: MIT
#include "notify/collector.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace fsherald {
namespace {

constexpr uint64_t kLookAgainNs = 1'000'000;  // while the trace is hot
constexpr uint64_t kUnfinishedRecordNs =
    20'000'000;  // how long a program may take to write one, if its processor is taken away
constexpr uint64_t kUnfinishedLineNs = 100'000'000;  // how long the rest of a line may take, over a slow console

}  // namespace

void Collector::Begin(FilesystemKey key) {
  if (parts_.sources.counters->IsSilent(key)) counter_reads_.Begin(key, BoottimeNowNs());
}

void Collector::End(FilesystemKey key) {
  counter_reads_.End(key);
  unread_.erase(key);
}

void Collector::Unmark(FilesystemKey key) {
  std::erase_if(hushed_, [&](const auto& hushed) {
    if (hushed.second != key) return false;
    parts_.sources.trace->SetQuiet(hushed.first, false);
    return true;
  });
}

std::vector<CounterSource::Event> Collector::Risen(const std::vector<int>& ready) const {
  if (!parts_.sources.counters) return {};
  std::vector<CounterSource::Event> risen = parts_.sources.counters->events();
  std::erase_if(risen,
                [&](const CounterSource::Event& event) { return std::ranges::find(ready, event.fd) == ready.end(); });
  return risen;
}

void Collector::Collect(const std::vector<CounterSource::Event>& risen, uint64_t now_ns) {
  // Until all that was read is in the join, nothing that ends is told and forgotten: what else there is of the same errors would
  // be taken for others.
  is_collecting_ = true;
  const std::vector<ErrorCount> counts = ReadCounts(risen);
  std::vector<Signal> readings = ReadSilent(now_ns);
  XfsHealthSignals health =
      parts_.health != nullptr ? parts_.health->Read(now_ns, UtcFromBoottimeNs(now_ns)) : XfsHealthSignals();
  const FanotifyEvents late = parts_.sources.fanotify ? parts_.sources.fanotify->Read(now_ns) : FanotifyEvents();
  size_t taken = 0;
  do {  // what the kernel said before fanotify, also where that was read amid this
    taken = early_.size();
    DrainTrace(now_ns);
    ReadKmsg(now_ns);
  } while (early_.size() > taken);
  AddFanotify(late, now_ns);
  for (const FanotifyEvents& early : std::exchange(early_, {})) AddFanotify(early, now_ns);
  for (Signal& signal : health.signals) handlers_.add(std::move(signal), now_ns);
  refused_ += health.refused;
  mount_hint_ = mount_hint_ || health.unmounted;
  AddCounters(counts, now_ns);
  for (Signal& reading : readings) parts_.join.Add(std::move(reading), now_ns);
  if (parts_.reads == nullptr && parts_.sources.trace) parts_.sources.trace->Release();
  is_collecting_ = false;
}

void Collector::CollectAll(uint64_t now_ns) {
  counter_reads_.Hurry(now_ns);
  Collect(parts_.sources.counters ? parts_.sources.counters->events() : std::vector<CounterSource::Event>(), now_ns);
}

void Collector::CollectLast(uint64_t now_ns) {
  CollectAll(now_ns);
  if (!parts_.sources.trace) return;
  for (Signal& signal : parts_.translator.ExpireLines(UINT64_MAX, *parts_.sources.trace))
    handlers_.add(std::move(signal), now_ns);
}

void Collector::CollectBeforeEnd() {
  if (!is_collecting_) return Collect({}, BoottimeNowNs());
  if (parts_.sources.fanotify) early_.push_back(parts_.sources.fanotify->Read(BoottimeNowNs()));
}

bool Collector::ReadCount(FilesystemKey key, std::vector<ErrorCount>& counts) {
  const uint64_t now_ns = BoottimeNowNs();
  const Result<uint64_t> errors = parts_.sources.counters->ReadErrors(key);
  if (!errors) return false;
  counts.push_back({key, now_ns, *errors});
  parts_.observed.AddCount(key, *errors);
  return true;
}

std::vector<Collector::ErrorCount> Collector::ReadCounts(const std::vector<CounterSource::Event>& risen) {
  std::vector<ErrorCount> counts;
  for (const CounterSource::Event& event : risen) {
    unread_.erase(event.key);
    if (!ReadCount(event.key, counts)) parts_.poller.Remove(event.fd);
  }
  for (FilesystemKey key : std::exchange(unread_, {})) (void)ReadCount(key, counts);
  return counts;
}

// The counters that tell of no rise.
std::vector<Signal> Collector::ReadSilent(uint64_t now_ns) {
  std::vector<Signal> readings;
  CounterSource* counters = parts_.sources.counters.get();
  for (FilesystemKey key : counter_reads_.Take(now_ns)) {
    const uint64_t boottime_ns = BoottimeNowNs();
    if (Result<CounterReading> reading = counters->Read(key)) {
      parts_.observed.AddCount(key, reading->errors);
      readings.push_back({key, CounterSignal{.boottime_ns = boottime_ns, .reading = std::move(*reading)}});
    } else if (!counters->IsSilent(key)) counter_reads_.End(key);  // it is unmounted
  }
  return readings;
}

// Behind a record that is being written stand those of errors that fanotify may have told already: without them its counts would
// be taken for other errors.
void Collector::DrainTrace(uint64_t now_ns) {
  TraceSource* trace = parts_.sources.trace.get();
  Translator& translator = parts_.translator;
  if (trace == nullptr) return;
  const uint64_t until_ns = BoottimeNowNs() + kUnfinishedRecordNs;  // what was read before has taken its own time
  const auto add = [&](TraceRecord&& record) {
    std::optional<uint32_t> cell;
    if (auto* error = std::get_if<TraceErrorRecord>(&record)) cell = error->cell;
    for (Signal& signal : translator.Translate(std::move(record), *trace)) {
      const FilesystemKey key = signal.filesystem;
      handlers_.add(std::move(signal), now_ns);
      if (cell) Hush(*cell, key);
    }
  };
  while (!trace->Drain(add) && BoottimeNowNs() < until_ns) ::sched_yield();
  for (const TraceFold& fold : trace->Folds())
    if (std::optional<Signal> signal = translator.Translate(fold)) handlers_.add(std::move(*signal), now_ns);
  if (translator.waits_for_pieces())
    for (Signal& signal : translator.ExpireLines(now_ns - kUnfinishedLineNs, *trace))
      handlers_.add(std::move(signal), now_ns);
  AddLosses(now_ns);
}

// Where fanotify wakes us for each error of a code point anyway, its records need not.
void Collector::Hush(uint32_t cell, FilesystemKey key) {
  const std::optional<Reporter> reporter = parts_.translator.CellReporter(cell);
  const bool told_by_fanotify = reporter && reporter->told_by_fanotify && handlers_.is_marked(key);
  if (told_by_fanotify && hushed_.emplace(cell, key).second) parts_.sources.trace->SetQuiet(cell, true);
}

void Collector::AddLosses(uint64_t now_ns) {
  const TraceSource::Losses losses = parts_.sources.trace->losses();
  const auto add = [&](uint64_t lost, uint64_t& known, SourceId source) {
    if (lost == known) return;
    handlers_.add({{},
                   GapSignal{.from_boottime_ns = drained_boottime_ns_,
                             .to_boottime_ns = now_ns,
                             .source = source,
                             .count = lost - known}},
                  now_ns);
    known = lost;
  };
  add(losses.errors_uncounted, losses_.errors_uncounted, SourceId::kTrace);
  add(losses.lines_dropped, losses_.lines_dropped, SourceId::kKmsg);
  add(losses.details_dropped, losses_.details_dropped, SourceId::kTrace);
  drained_boottime_ns_ = now_ns;
}

void Collector::ReadKmsg(uint64_t now_ns) {
  if (!parts_.sources.kmsg) return;
  KmsgEvents events = parts_.sources.kmsg->Read(now_ns);
  for (KmsgEvent& event : events.events)
    if (std::optional<Signal> signal = parts_.translator.Translate(std::move(event.signal)))
      handlers_.add(std::move(*signal), now_ns);
  for (const GapSignal& gap : events.gaps) handlers_.add({{}, gap}, now_ns);
}

void Collector::AddFanotify(const FanotifyEvents& events, uint64_t now_ns) {
  for (const auto& [key, signal] : events.errors) handlers_.add({key, signal}, now_ns);
  for (const GapSignal& gap : events.gaps) handlers_.add({{}, gap}, now_ns);
  refused_ += events.refused.total();
}

// The counters are read whole only where the sources do not explain their number: in the ordinary case that is never.
void Collector::AddCounters(const std::vector<ErrorCount>& counts, uint64_t now_ns) {
  for (const ErrorCount& count : counts) {
    if (parts_.join.Explains(count.key, count.errors)) continue;
    CounterReading reading = parts_.sources.counters->Read(count.key).value_or(CounterReading{});
    // Risen once more since the sources were drained, or gone: then the number stands, and what describes it does not.
    if (reading.errors != count.errors) reading = CounterReading{.errors = count.errors};
    handlers_.add({count.key, CounterSignal{.boottime_ns = count.boottime_ns, .reading = std::move(reading)}}, now_ns);
  }
}

std::optional<uint64_t> Collector::due_ns(uint64_t now_ns) const {
  const Sources& sources = parts_.sources;
  if (!unread_.empty() || (sources.fanotify && sources.fanotify->has_taken())) return now_ns;
  std::optional<uint64_t> due_ns = counter_reads_.due_ns();
  const auto earlier = [&](uint64_t moment_ns) { due_ns = std::min(due_ns.value_or(moment_ns), moment_ns); };
  if (sources.trace && sources.trace->hot()) earlier(now_ns + kLookAgainNs);
  if (parts_.translator.waits_for_pieces()) earlier(now_ns + kUnfinishedLineNs);
  return due_ns;
}

}  // namespace fsherald
