// SPDX-License-Identifier: MIT
#include "join/episodes.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fsherald {
namespace {

// Sets what is not known yet; what is known stays.
template <typename T>
void Learn(std::optional<T>& known, std::optional<T>& news) {
  if (!known) known = std::move(news);
}
void Learn(std::string& known, std::string& news) {
  if (known.empty()) known = std::move(news);
}

void LearnFields(std::vector<SpecificField>& known, std::vector<SpecificField>& news) {
  for (SpecificField& field : news) {
    auto same = std::ranges::find(known, field.name, &SpecificField::name);
    if (same == known.end()) known.push_back(std::move(field));
    else if (std::holds_alternative<std::monostate>(same->value)) same->value = std::move(field.value);
  }
}

// A place is learnt whole: a function of one report and a line of another are no place.
void LearnPlace(ErrorReport& known, ErrorReport& news) {
  if (!known.function.empty()) return;
  known.function = std::move(news.function);
  known.line = news.line;
  known.file = std::move(news.file);
}

// Where a part of it says that it is a file's data, it is: a block that cannot be decompressed may be of either.
void LearnKind(Kind& known, Kind news) {
  if (known == Kind::kMetadata && (news == Kind::kDataRead || news == Kind::kDataWrite)) known = news;
}

void LearnReport(ErrorReport& known, ErrorReport& news) {
  LearnPlace(known, news);
  LearnKind(known.kind, news.kind);
  Learn(known.code, news.code);
  Learn(known.inode, news.inode);
  Learn(known.inode_root, news.inode_root);
  Learn(known.generation, news.generation);
  Learn(known.block, news.block);
  Learn(known.group, news.group);
  Learn(known.range, news.range);
  Learn(known.device_error, news.device_error);
  Learn(known.comm, news.comm);
  Learn(known.message, news.message);
  LearnFields(known.fields, news.fields);
  known.corrected = known.corrected || news.corrected;
}

// An addition may know the end of the topic alone.
bool IsTopic(std::string_view topic, const ErrorReport& report) {
  return report.meaning == ErrorReport::Meaning::kAddition ? topic.ends_with(report.topic) : topic == report.topic;
}

using Echo = ErrorReport::Echo;

// What becomes of a file system, or of a file's data, is told apart from the error that it came of.
bool IsItsOwn(Kind kind) { return kind == Kind::kShutdown || kind == Kind::kReadOnly || kind == Kind::kWriteback; }

}  // namespace

void Episodes::Add(LogSignal signal, uint64_t now_ns) {
  // A line names its task's comm at the least.
  if (!signal.task && !signal.report.comm.empty()) signal.task = Task{.comm = signal.report.comm};
  Add(Said{.boottime_ns = signal.boottime_ns,
           .task = std::move(signal.task),
           .stack = std::move(signal.stack),
           .report = std::move(signal.report),
           .folded = 0,
           .sources = SourceId::kKmsg},
      now_ns);
}

void Episodes::Add(EventSignal signal, uint64_t now_ns) {
  Add(Said{.boottime_ns = signal.boottime_ns,
           .task = std::move(signal.task),
           .stack = std::move(signal.stack),
           .report = std::move(signal.report),
           .folded = signal.folded,
           .sources = signal.sources},
      now_ns);
}

void Episodes::Add(Said said, uint64_t now_ns) {
  if (said.report.echo != Echo::kNone) return AddEcho(std::move(said), now_ns);
  Episode* episode = Find(said);
  if (episode == nullptr) {
    if (said.report.meaning == ErrorReport::Meaning::kAddition) return;  // of an error that was told without it
    Episode* echo = FindEchoOf(said);
    episode = echo != nullptr ? &TakeOver(*echo, said) : &Begin(said);
  }
  episode->is_echo = false;
  if (said.report.told_by_fanotify) episode->books.Mark(std::max<uint64_t>(said.folded, 1));
  // Who wanted what was read ahead has come: nobody else is waited for.
  if (IsToldAgain(*episode, said.report)) {
    Rewind(*episode, said.report.speculative);
    if (!said.report.speculative) episode->deadline_ns = 0;
  }
  episode->deadline_ns = std::max(episode->deadline_ns, now_ns + WindowNs(said.report));
  AwaitEcho(*episode, now_ns);
  Merge(std::move(said), *episode);
}

bool Episodes::IsToldAgain(const Episode& episode, const ErrorReport& report) {
  return episode.report.speculative && !report.topic.empty() && episode.report.topic == report.topic &&
         (episode.parts & report.part) != 0;
}

// Who asks for it again says who met the error, and where; the parts are told again.
void Episodes::Rewind(Episode& episode, bool speculative) {
  episode.report.speculative = speculative;
  episode.report.task_is_any = true;
  episode.parts = 0;
  episode.told.location.reset();
}

uint64_t Episodes::WindowNs(const ErrorReport& report) const {
  if (report.speculative) return options_.speculative_window_ns;
  if (report.more) return options_.slow_window_ns;
  return report.topic.empty() && !report.follows ? 0 : options_.window_ns;
}

bool Episodes::IsNear(const Episode& episode, const Said& said) const {
  const uint64_t between = said.boottime_ns - std::min(said.boottime_ns, episode.last_boottime_ns);
  return between <= (episode.report.speculative ? options_.speculative_window_ns : options_.slow_window_ns);
}

// Without the task (from /dev/kmsg) the order of the lines has to do.
bool Episodes::IsOfTask(const Episode& episode, const Said& said) {
  const std::optional<uint32_t> tid = said.task ? said.task->tid : std::nullopt;
  return !tid || !episode.told.task || !episode.told.task->tid || episode.told.task->tid == tid;
}

template <typename Fits>
Episodes::Episode* Episodes::Latest(const Said& said, Fits fits) {
  auto it = std::find_if(episodes_.rbegin(), episodes_.rend(),
                         [&](const Episode& episode) { return IsNear(episode, said) && fits(episode); });
  return it == episodes_.rend() ? nullptr : &*it;
}

Episodes::Episode* Episodes::FindByTopic(const Said& said) {
  const ErrorReport& report = said.report;
  auto is_of_any = [&](const Episode& e) { return report.task_is_any || e.report.task_is_any || e.report.speculative; };
  Episode* episode = Latest(
      said, [&](const Episode& e) { return IsTopic(e.report.topic, report) && (is_of_any(e) || IsOfTask(e, said)); });
  if (episode == nullptr) return nullptr;
  return (episode->parts & report.part) == 0 || IsToldAgain(*episode, report) ? episode : nullptr;
}

Episodes::Episode* Episodes::FindByTask(const Said& said) {
  const ErrorReport& report = said.report;
  auto is_of_another = [&](const Episode& e) {
    const bool other_inode = report.inode && e.report.inode && report.inode != e.report.inode;
    const bool other_counter = report.counted && (e.report.counter != report.counter || e.report.claims);
    return other_inode || other_counter ||
           (e.report.kind != report.kind && (IsItsOwn(e.report.kind) || IsItsOwn(report.kind)));
  };
  Episode* episode = Latest(said, [&](const Episode& e) {
    return !e.report.topic.empty() && (report.concludes || IsOfTask(e, said)) && !is_of_another(e);
  });
  return episode != nullptr && (episode->parts & report.part) == 0 ? episode : nullptr;
}

// A block that could not be read, and was read from another copy: the report names the device, and so may the error.
Episodes::Episode* Episodes::FindCorrected(const Said& said) {
  const std::optional<DeviceError>& wanted = said.report.device_error;
  if (!said.report.corrected || !wanted) return nullptr;
  return Latest(said, [&](const Episode& e) {
    const std::optional<DeviceError>& found = e.report.device_error;
    return found && found->device == wanted->device && found->operation == wanted->operation;
  });
}

Episodes::Episode* Episodes::Find(const Said& said) {
  if (said.folded > 0) return nullptr;
  const ErrorReport& report = said.report;
  Episode* episode = nullptr;
  if (report.counted && report.follows) episode = FindByTask(said);
  if (episode == nullptr && !report.topic.empty()) episode = FindByTopic(said);
  if (episode == nullptr && (report.follows || report.concludes)) episode = FindByTask(said);
  if (episode == nullptr && report.meaning == ErrorReport::Meaning::kAddition) episode = FindCorrected(said);
  return episode;
}

bool Episodes::Count(const std::string& topic, uint64_t count) {
  auto it = std::find_if(episodes_.rbegin(), episodes_.rend(),
                         [&](const Episode& episode) { return episode.report.topic == topic; });
  if (it == episodes_.rend()) return false;
  it->counted += count;
  it->told.sources.Add(SourceId::kCounters);
  return true;
}

Episodes::Episode& Episodes::Begin(const Said& said) {
  Episode& episode = episodes_.emplace_back();
  episode.told.boottime_ns = said.boottime_ns;
  episode.told.kind = said.report.kind;
  episode.report.kind = said.report.kind;
  episode.report.filesystem_type = said.report.filesystem_type;
  episode.report.device = said.report.device;
  episode.report.speculative = said.report.speculative;
  episode.report.counter = said.report.counter;
  episode.report.claims = said.report.claims;
  episode.report.task_is_any = true;
  episode.is_folded = said.folded > 0;
  episode.told.error.count = said.folded > 0 ? said.folded : said.report.count;  // 0: what is healthy again
  return episode;
}

void Episodes::Merge(Said said, Episode& episode) {
  ErrorReport& report = said.report;
  // Where it was read from instead: its device has failed nothing.
  if (report.corrected && report.meaning == ErrorReport::Meaning::kAddition) {
    report.device_error.reset();
    if (!IsTopic(episode.report.topic, report)) {
      ++episode.corrections;
      report.corrected = false;
    }
  }
  episode.parts |= report.part;
  episode.last_boottime_ns = std::max(episode.last_boottime_ns, said.boottime_ns);
  if (report.counted) episode.counted += report.count;
  episode.told.sources.Add(said.sources);
  // A worker that finds a block bad does not say for whom it was read; who asked for it does, and may have read ahead.
  if (report.speculative && episode.report.task_is_any && report.topic == episode.report.topic)
    episode.report.speculative = true;
  // The first task that is one; until then any, for what follows in it.
  if (said.task && episode.report.task_is_any) {
    if (!report.task_is_any || !episode.told.task) episode.told.task = std::move(said.task);
    episode.report.task_is_any = report.task_is_any;
  }
  // A stack of the task that met the error says more than an interrupt's; what came of it afterwards says nothing of where.
  const bool is_of_topic = !report.topic.empty() && report.topic == episode.report.topic && !report.corrected;
  const bool says_more = episode.stack_is_any && !report.task_is_any && is_of_topic;
  if (!said.stack.empty() && (!episode.told.location || says_more)) {
    episode.told.location.emplace().stack = std::move(said.stack);
    episode.stack_is_any = report.task_is_any;
  }
  Learn(episode.report.topic, report.topic);
  LearnReport(episode.report, report);
  episode.told.kind = episode.report.kind;
}

EchoTarget Episodes::TargetOf(const Episode& episode) {
  return {.kind = episode.report.kind,
          .kind_is_known = episode.kind_is_known,
          .is_folded = episode.is_folded,
          .code = episode.report.code,
          .inode = episode.report.inode,
          .group = episode.report.group,
          .count = episode.report.corrected ? 0 : std::max(episode.told.error.count, episode.counted),
          .books = episode.books};
}

// The open ones, then those that were told.
std::vector<EchoTarget> Episodes::Targets(uint64_t now_ns) {
  while (!past_.empty() && past_.front().until_ns < now_ns) past_.pop_front();
  std::vector<EchoTarget> targets;
  targets.reserve(episodes_.size() + past_.size());
  for (const Episode& episode : episodes_) targets.push_back(TargetOf(episode));
  for (const Past& past : past_) targets.push_back(past.target);
  return targets;
}

void Episodes::TakeEcho(size_t target, Echo echo, uint64_t count) {
  if (target >= episodes_.size()) return past_[target - episodes_.size()].target.books.Take(echo, count);
  Episode& episode = episodes_[target];
  episode.books.Take(echo, count);
  if (echo != Echo::kRecord) return;
  episode.told.sources.Add(SourceId::kFanotify);
  if (episode.books.Room(echo, 1) == 0) episode.echo_deadline_ns = 0;
}

void Episodes::AddEcho(Said said, uint64_t now_ns) {
  const Echo echo = said.report.echo;
  if (said.folded > 0 && expected_.fanotify) return;  // fanotify counts them
  const std::optional<size_t> target = FindEchoed(said.report, Targets(now_ns));
  if (target) TakeEcho(*target, echo, 1);
  if (target && *target >= episodes_.size()) return;  // it has been told
  Episode& episode = target ? episodes_[*target] : BeginEcho(said, std::max<uint64_t>(said.folded, 1));
  if (!episode.kind_is_known) episode.report.kind = said.report.kind;
  episode.kind_is_known = true;
  episode.deadline_ns = std::max(episode.deadline_ns, now_ns + options_.window_ns);
  AwaitEcho(episode, now_ns);
  Merge(std::move(said), episode);
}

Episodes::Episode& Episodes::BeginEcho(const Said& said, uint64_t count) {
  Episode& episode = Begin(said);
  episode.is_echo = true;
  episode.kind_is_known = said.report.echo != Echo::kRecord || said.report.kind == Kind::kShutdown;
  episode.books.Take(said.report.echo, count);
  return episode;
}

namespace {

ErrorReport ReportOf(const FanotifySignal& record) {
  return {.kind = record.code == ESHUTDOWN ? Kind::kShutdown : Kind::kMetadata,
          .code = record.code,
          .inode = record.inode,
          .generation = record.generation,
          .echo = Echo::kRecord};
}

}  // namespace

// The kernel merges records: described is the first error, the others are any.
void Episodes::AddRecord(const FanotifySignal& record, uint64_t now_ns) {
  ErrorReport report = ReportOf(record);
  uint64_t left = record.count;
  std::vector<EchoTarget> targets = Targets(now_ns);
  const std::optional<size_t> described = FindEchoed(report, targets);
  if (described) {
    const EchoTarget& target = targets[*described];
    const uint64_t taken = std::min(left, target.books.Room(Echo::kRecord, target.count));
    TakeEcho(*described, Echo::kRecord, taken);
    left -= taken;
    if (*described < episodes_.size()) LearnReport(episodes_[*described].report, report);
    report = {.kind = Kind::kMetadata, .echo = Echo::kRecord};
  }
  left -= TakeOwed(left, now_ns);
  if (left == 0) return;
  report.count = left;
  Said said{.boottime_ns = record.boottime_ns, .report = std::move(report), .sources = SourceId::kFanotify};
  Episode& episode = BeginEcho(said, left);
  episode.deadline_ns = now_ns + options_.window_ns;
  Merge(std::move(said), episode);
}

bool Episodes::TakeDescribed(const FanotifySignal& record, uint64_t now_ns) {
  if (!record.inode) return false;
  const std::vector<EchoTarget> targets = Targets(now_ns);
  const std::optional<size_t> described = FindEchoed(ReportOf(record), targets);
  if (!described || targets[*described].inode != record.inode) return false;
  TakeEcho(*described, Echo::kRecord, 1);
  return true;
}

uint64_t Episodes::TakeOwed(uint64_t count, uint64_t now_ns) {
  if (count == 0) return 0;
  uint64_t left = count;
  const std::vector<EchoTarget> targets = Targets(now_ns);
  for (size_t i = 0; i < targets.size() && left > 0; ++i) {
    const EchoBooks& books = targets[i].books;
    const uint64_t taken = std::min(left, books.owed() - std::min(books.owed(), books.taken(Echo::kRecord)));
    if (taken > 0) TakeEcho(i, Echo::kRecord, taken);
    left -= taken;
  }
  return count - left;
}

// A report that is later than its echo: of a line that comes late, or of a task that has called before it printed.
bool Episodes::IsEchoOf(const Episode& echo, const Said& said) const {
  if (!echo.is_echo || !CanBeOf(said.report, TargetOf(echo))) return false;
  const bool same_inode = said.report.inode && said.report.inode == echo.report.inode;
  const bool same_task = said.task && said.task->tid && echo.told.task && echo.told.task->tid == said.task->tid;
  return same_inode || same_task || expected_.before_lines;
}

// The only one that has been told by echoes alone, and can be of it.
Episodes::Episode* Episodes::FindEchoOf(const Said& said) {
  if (said.folded > 0 || said.report.corrected) return nullptr;
  Episode* found = nullptr;
  for (Episode& episode : episodes_) {
    if (!IsEchoOf(episode, said)) continue;
    if (found != nullptr) return nullptr;
    found = &episode;
  }
  return found;
}

// The report is the error's own. Of a merged record it is one error, the others go on waiting for theirs.
Episodes::Episode& Episodes::TakeOver(Episode& echo, const Said& said) {
  if (echo.told.error.count == 1) {
    echo.kind_is_known = true;
    echo.report.kind = said.report.kind;
    return echo;
  }
  --echo.told.error.count;
  const ErrorReport described = std::exchange(echo.report, ErrorReport{.kind = echo.report.kind, .task_is_any = true});
  echo.books = EchoBooks();
  echo.books.Take(Echo::kRecord, echo.told.error.count);
  Episode& episode = Begin(said);
  episode.books.Take(Echo::kRecord, 1);
  episode.told.sources.Add(SourceId::kFanotify);
  episode.report.code = described.code;
  episode.report.inode = described.inode;
  episode.report.generation = described.generation;
  return episode;
}

void Episodes::AwaitEcho(Episode& episode, uint64_t now_ns) const {
  if (!expected_.fanotify || episode.told.error.count == 0) return;
  const uint64_t taken = episode.books.taken(Echo::kRecord);
  const bool is_awaited = episode.books.owed() > taken || (expected_.of_any && taken == 0);
  if (is_awaited) episode.echo_deadline_ns = now_ns + options_.echo_window_ns;
}

void Episodes::Remember(const Episode& episode, uint64_t now_ns) {
  const bool is_echoed = expected_.of_any || episode.books.owed() > 0;
  if (!is_echoed) return;
  if (past_.size() >= kMaxPast) past_.pop_front();
  past_.push_back({TargetOf(episode), now_ns + options_.remembered_ns});
}

std::vector<Episodes::Episode> Episodes::Take(uint64_t now_ns, bool all) {
  std::vector<Episode> taken;
  std::deque<Episode> open;
  for (size_t i = 0; i < episodes_.size(); ++i) {
    Episode& episode = episodes_[i];
    const bool is_complete = all || now_ns >= episode.due_ns() || episodes_.size() - i > kMaxOpen;
    if (is_complete) Remember(episode, now_ns);
    if (is_complete) taken.push_back(std::move(episode));
    else open.push_back(std::move(episode));
  }
  episodes_ = std::move(open);
  return taken;
}

std::optional<uint64_t> Episodes::deadline_ns() const {
  std::optional<uint64_t> earliest;
  for (const Episode& episode : episodes_) earliest = std::min(earliest.value_or(episode.due_ns()), episode.due_ns());
  return earliest;
}

}  // namespace fsherald
