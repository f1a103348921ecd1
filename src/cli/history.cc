// SPDX-License-Identifier: MIT
// Following looks at the store a few times a second for what has a greater number than the last that was looked at: what is
// stored is durable and numbered, so nothing is missed or told twice, whether or not a daemon runs, and whatever becomes of it.
#include "cli/history.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/history_output.h"
#include "cli/open_history.h"
#include "cli/signals.h"
#include "cli/time_text.h"
#include "explain/fact.h"
#include "store/store.h"

namespace fsherald {
namespace {

constexpr int kLookEveryMs = 200;
constexpr int kFailedLooks = 25;  // of a new file: five seconds
constexpr uint64_t kShownBeforeFollowing = 10;

bool IsReadable(int fd, int timeout_ms) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, timeout_ms) > 0;
}

// Which file the history is in just now: a damaged one is set aside for a new one.
ino_t FileOf(const std::string& directory) {
  struct stat file {};
  const std::string path = directory + "/" + std::string(kHistoryFileName);
  return ::stat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

// As the store names a device: "/dev/mapper/home" stays, "/dev/sda1" is "sda1", and the kernel's name has '!' for a '/'.
std::string FilesystemName(const std::string& text) {
  std::string name = text;
  if (name.starts_with("/dev/")) {
    name.erase(0, 5);
    std::ranges::replace(name, '/', '!');
  }
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  return name;
}

Result<History::Query> ToQuery(const HistoryOptions& options) {
  History::Query query{.filesystem = FilesystemName(options.filesystem), .function = options.function};
  const int64_t now_utc_ns = UtcNowNs();
  const auto parse = [&](const std::string& text, std::optional<int64_t>& time) -> Status {
    if (text.empty()) return {};
    auto parsed = ParseTime(text, now_utc_ns);
    if (!parsed) return parsed.error();
    time = *parsed;
    return {};
  };
  if (Status parsed = parse(options.since, query.since_utc_ns); !parsed) return parsed.error();
  if (Status parsed = parse(options.until, query.until_utc_ns); !parsed) return parsed.error();
  if (query.since_utc_ns && query.until_utc_ns && *query.since_utc_ns > *query.until_utc_ns)
    return Error{fmt::format("--since {} is later than --until {}", options.since, options.until), 0};
  if (options.kind.empty()) return query;
  query.kind = ParseKind(options.kind);
  if (!query.kind) return Error{fmt::format("'{}' is no kind: name one of {}", options.kind, KindNames()), 0};
  return query;
}

class Reader {
 public:
  Reader(const HistoryOptions& options, History::Query query, int signals)
      : options_(options),
        query_(std::move(query)),
        signals_(signals),
        output_(STDOUT_FILENO, signals, options.form, UseColor(options.color, STDOUT_FILENO)) {}

  Status Open() {
    const ino_t file = FileOf(options_.store);
    auto history = History::Open(options_.store);
    if (!history) return history.error();
    history_ = std::move(*history);
    file_ = file;
    return {};
  }

  // What is there. Error: of the history; that of the output waits in `written`.
  Status List() {
    const std::optional<uint64_t> count = options_.follow && !options_.count ? kShownBeforeFollowing : options_.count;
    if (!count) SayWhatIsGone(*history_, query_.since_utc_ns);
    const auto last = LastStored();
    if (!last && last.error().code != EUCLEAN) return last.error();  // damage is told by the reading that follows
    looked_at_ = last.value_or(0);
    History::Query query = query_;
    query.newest_first = options_.newest_first;
    if (count && !options_.newest_first) {
      const auto begin = BeginOfNewest(*count);
      if (!begin) return begin.error();
      if (*begin == 0) return {};
      query.after_seq = *begin - 1;
    }
    query.limit = count.value_or(0);
    if (count == 0) return {};
    return Print(query);
  }

  // What comes, until it is told to end. The history may be set aside for a new one meanwhile.
  Status Follow() {
    std::array<pollfd, 2> wait{pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = STDOUT_FILENO, .events = 0, .revents = 0}};  // POLLERR: the reader is gone
    while (written_) {
      if (::poll(wait.data(), wait.size(), kLookEveryMs) > 0) return {};
      if (Status looked = Look(); !looked) return looked;
    }
    return {};
  }

  const Status& written() const { return written_; }
  uint64_t rows() const { return output_.rows(); }

  void Flush() {
    if (Status flushed = output_.Flush(); !flushed) written_ = flushed;
  }

 private:
  Result<uint64_t> LastStored() {
    const auto extent = history_->Covers();
    if (!extent) return extent.error();
    return extent->last_seq;
  }

  Status Look() {
    const ino_t file = FileOf(options_.store);
    if (file == 0) return {};  // just being set aside
    if (file != file_) {
      Status opened = Open();
      if (!opened && ++failed_looks_ <= kFailedLooks) return {};  // just being made
      if (!opened) return opened;
    }
    failed_looks_ = 0;
    const auto last = LastStored();
    if (!last) return last.error();
    if (*last < looked_at_) looked_at_ = 0;  // another history, numbered anew
    if (*last == looked_at_) return {};
    History::Query query = query_;
    query.after_seq = looked_at_;
    Status read = Print(query);
    looked_at_ = std::max(looked_at_, *last);
    Flush();
    return read;
  }

  // The number of the oldest of the newest `count`; 0: there are none.
  Result<uint64_t> BeginOfNewest(uint64_t count) {
    History::Query query = query_;
    query.newest_first = true;
    query.limit = count;
    uint64_t begin = 0;
    if (count == 0) return begin;
    Status read = history_->ForEach(query, [&](const Entry& entry) {
      begin = entry.notification.seq;
      return true;
    });
    if (!read && read.error().code != EUCLEAN) return read.error();  // damage is told by the reading that follows
    return begin;
  }

  Status Print(const History::Query& query) {
    return history_->ForEach(query, [&](const Entry& entry) {
      output_.Add(entry);
      looked_at_ = std::max({looked_at_, entry.notification.seq, entry.last_seq});
      if (output_.rows() % 256 != 0) return true;
      // A table has to be seen as it grows, and a reader that has gone away ends the reading.
      Flush();
      return written_ && !IsReadable(signals_, 0);
    });
  }

  const HistoryOptions& options_;
  const History::Query query_;
  const int signals_;
  HistoryOutput output_;
  std::unique_ptr<History> history_;
  ino_t file_ = 0;
  int failed_looks_ = 0;    // one after the other
  uint64_t looked_at_ = 0;  // the last number that was there at the last look
  Status written_;
};

int Fail(const Error& error) {
  Complain(error.ToString());
  return kExitFailure;
}

int UsageError(const Error& error) {
  Complain(error.ToString());
  return kExitUsage;
}

// A reader that has gone away (`| head`) wanted no more; a stop while writing is what was asked for.
bool IsEndOfReader(const Status& written) {
  return !written && (written.error().code == EPIPE || written.error().code == ECANCELED);
}

}  // namespace

int RunHistory(const HistoryOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  auto query = ToQuery(options);
  if (!query) return UsageError(query.error());
  auto signals = OpenEndingSignals();
  if (!signals) return Fail(signals.error());

  Reader reader(options, std::move(*query), signals->get());
  if (Status opened = reader.Open(); !opened) return FailHistory(opened.error(), options.store);
  Status read = reader.List();
  reader.Flush();
  if (read && options.follow && reader.written()) read = reader.Follow();
  reader.Flush();
  if (IsEndOfReader(reader.written())) return kExitFailure;
  if (!reader.written()) return Fail(reader.written().error());
  if (!read) return FailHistory(read.error(), options.store);
  if (reader.rows() == 0 && !options.follow) Say("fsherald: the history has nothing of this\n");
  return kExitOk;
}

}  // namespace fsherald
