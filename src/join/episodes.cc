// SPDX-License-Identifier: MIT
#include "join/episodes.h"

#include <algorithm>
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

void LearnReport(ErrorReport& known, ErrorReport& news) {
  LearnPlace(known, news);
  Learn(known.code, news.code);
  Learn(known.inode, news.inode);
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

bool TakesPart(const Episodes::Episode& episode, const ErrorReport& report) {
  return (episode.parts & report.part) == 0;
}

bool IsAskedAgain(const Episodes::Episode& episode, const ErrorReport& report) {
  return episode.report.speculative && !report.topic.empty() && !TakesPart(episode, report);
}

}  // namespace

void Episodes::Add(LogSignal signal, uint64_t now_ns) {
  // A line names its task's comm at the least.
  if (!signal.task && !signal.report.comm.empty()) signal.task = Task{.comm = signal.report.comm};
  Add({.boottime_ns = signal.boottime_ns,
       .task = std::move(signal.task),
       .stack = std::move(signal.stack),
       .report = std::move(signal.report),
       .source = SourceId::kKmsg},
      now_ns);
}

void Episodes::Add(EventSignal signal, uint64_t now_ns) {
  Add({.boottime_ns = signal.boottime_ns,
       .task = std::move(signal.task),
       .stack = std::move(signal.stack),
       .report = std::move(signal.report),
       .source = SourceId::kTrace,
       .folded = signal.folded},
      now_ns);
}

void Episodes::Add(Said said, uint64_t now_ns) {
  Episode* episode = Find(said);
  if (episode == nullptr) {
    if (said.report.meaning == ErrorReport::Meaning::kAddition) return;  // of an error that was told without it
    episode = &Begin(said);
  }
  // Who asks again for what was read ahead need not wait for that any more.
  if (IsAskedAgain(*episode, said.report)) episode->deadline_ns = 0;
  episode->deadline_ns = std::max(episode->deadline_ns, now_ns + WindowNs(said.report));
  Merge(std::move(said), *episode);
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

template <typename Fits>
Episodes::Episode* Episodes::Latest(const Said& said, Fits fits) {
  auto it = std::find_if(episodes_.rbegin(), episodes_.rend(),
                         [&](const Episode& episode) { return IsNear(episode, said) && fits(episode); });
  return it == episodes_.rend() ? nullptr : &*it;
}

// Without the task (from /dev/kmsg) the order of the lines has to do.
bool Episodes::IsOfItsTask(const Episode& episode, const Said& said) {
  const std::optional<Task>& task = episode.told.task;
  return !said.task || !said.task->tid || !task || !task->tid || task->tid == said.task->tid;
}

Episodes::Episode* Episodes::FindByTopic(const Said& said) {
  const ErrorReport& report = said.report;
  Episode* episode = Latest(said, [&](const Episode& e) {
    const bool is_of_any = report.task_is_any || e.report.task_is_any || e.report.speculative;
    return e.report.topic == report.topic && (is_of_any || IsOfItsTask(e, said));
  });
  return episode != nullptr && (TakesPart(*episode, report) || episode->report.speculative) ? episode : nullptr;
}

Episodes::Episode* Episodes::FindByTask(const Said& said) {
  const ErrorReport& report = said.report;
  Episode* episode = Latest(said, [&](const Episode& e) {
    const bool is_of_another = report.inode && e.report.inode && report.inode != e.report.inode;
    return !e.report.topic.empty() && IsOfItsTask(e, said) && e.report.kind == report.kind && !is_of_another;
  });
  return episode != nullptr && TakesPart(*episode, report) ? episode : nullptr;
}

Episodes::Episode* Episodes::Find(const Said& said) {
  if (said.folded > 0) return nullptr;
  Episode* episode = nullptr;
  if (!said.report.topic.empty()) episode = FindByTopic(said);
  if (episode == nullptr && said.report.follows) episode = FindByTask(said);
  return episode;
}

Episodes::Episode& Episodes::Begin(const Said& said) {
  Episode& episode = episodes_.emplace_back();
  episode.told.boottime_ns = said.boottime_ns;
  episode.told.kind = said.report.kind;
  episode.report.kind = said.report.kind;
  episode.report.filesystem_type = said.report.filesystem_type;
  episode.report.device = said.report.device;
  episode.report.speculative = said.report.speculative;
  episode.report.task_is_any = true;
  episode.told.error.count = std::max<uint64_t>(said.folded, said.report.count == 0 ? 0 : 1);
  return episode;
}

void Episodes::Merge(Said said, Episode& episode) {
  ErrorReport& report = said.report;
  // Of what was read ahead, who asks for it again says who met it, and where; its parts are told again.
  const bool is_asked_again = episode.report.speculative && !report.topic.empty() && (episode.parts & report.part) != 0;
  if (is_asked_again) {
    episode.report.speculative = report.speculative;
    episode.report.task_is_any = true;
    episode.parts = 0;
    episode.told.location.reset();
  }
  episode.parts |= report.part;
  episode.last_boottime_ns = std::max(episode.last_boottime_ns, said.boottime_ns);
  if (report.counted) episode.counted += report.count;
  episode.told.sources.Add(said.source);
  // The first task that is one; until then any, for what follows in it.
  if (said.task && (episode.report.task_is_any || !episode.told.task)) {
    if (!report.task_is_any || !episode.told.task) episode.told.task = std::move(said.task);
    episode.report.task_is_any = report.task_is_any;
  }
  // A stack of the task that met the error says more than an interrupt's.
  if (!said.stack.empty() && (!episode.told.location || (episode.stack_is_any && !report.task_is_any))) {
    episode.told.location.emplace().stack = std::move(said.stack);
    episode.stack_is_any = report.task_is_any;
  }
  Learn(episode.report.topic, report.topic);
  LearnReport(episode.report, report);
}

std::vector<Episodes::Episode> Episodes::Take(uint64_t now_ns, bool all) {
  std::vector<Episode> taken;
  std::deque<Episode> open;
  for (size_t i = 0; i < episodes_.size(); ++i) {
    Episode& episode = episodes_[i];
    const bool is_complete = all || now_ns >= episode.deadline_ns || episodes_.size() - i > kMaxOpen;
    if (is_complete) taken.push_back(std::move(episode));
    else open.push_back(std::move(episode));
  }
  episodes_ = std::move(open);
  return taken;
}

std::optional<uint64_t> Episodes::deadline_ns() const {
  std::optional<uint64_t> earliest;
  for (const Episode& episode : episodes_)
    earliest = std::min(earliest.value_or(episode.deadline_ns), episode.deadline_ns);
  return earliest;
}

}  // namespace fsherald
