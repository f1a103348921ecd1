// SPDX-License-Identifier: MIT
#include "daemon/history_reader.h"

#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/fd.h"
#include "store/history.h"
#include "store/store.h"

namespace fsherald {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);  // at the end

// Rows of one store, in order.
struct Rows {
  std::vector<Entry> entries;
  bool is_whole = true;  // false: there are more behind the last
};

// A history that is kept open while it is read, and opened anew where another file has taken the place of the one that was.
class KeptHistory {
 public:
  explicit KeptHistory(const std::string& directory)
      : directory_(directory), path_(directory + "/" + std::string(kHistoryFileName)) {}

  // Null: it is not there, or cannot be read.
  History* Get() {
    struct stat found {};
    if (::stat(path_.c_str(), &found) != 0) {
      Close();
      return nullptr;
    }
    if (history_ && found.st_dev == device_ && found.st_ino == inode_) return history_.get();
    auto opened = History::Open(directory_);
    history_ = opened ? std::move(*opened) : nullptr;
    device_ = found.st_dev;
    inode_ = found.st_ino;
    return history_.get();
  }
  void Close() { history_.reset(); }

 private:
  std::string directory_;
  std::string path_;
  std::unique_ptr<History> history_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// What damage hides is missing on the line of numbers, and is told as that.
Rows Read(History* history, uint64_t after_seq) {
  constexpr size_t kMostRows = 512;
  Rows rows;
  if (history == nullptr) return rows;
  (void)history->ForEach({.after_seq = after_seq}, [&](const Entry& entry) {
    rows.is_whole = rows.entries.size() < kMostRows;
    if (rows.is_whole) rows.entries.push_back(entry);
    return rows.is_whole;
  });
  return rows;
}

// The second store's follow: the first one was read later, and tells itself of all up to its last row, in rows or in gaps that count
// what went from the second store before the two were merged. What comes again below that ReplayLine passes over.
Rows Join(Rows first, Rows second) {
  if (!first.is_whole) return first;
  std::ranges::move(second.entries, std::back_inserter(first.entries));
  first.is_whole = second.is_whole;
  return first;
}

Removed UntilNow(const Result<History::Removed>& removed) {
  if (!removed || removed->notifications == 0) return {};
  return {.notifications = removed->notifications, .errors = removed->errors, .until_utc_ns = UtcNowNs()};
}

Removed RemovedAfter(History* history, uint64_t after_seq) {
  return history == nullptr ? Removed() : UntilNow(history->RemovedAfter(after_seq));
}

// What has gone from the second store of the numbers above those of the first one.
struct SecondAlone {
  History* history = nullptr;
  uint64_t above = 0;
  uint64_t begun_at = 0;  // the replay: what was merged into rows above it is told by them

  Removed RemovedBetween(uint64_t after, uint64_t until) const {
    after = std::max(after, above);
    if (history == nullptr || after >= until) return {};
    return UntilNow(history->RemovedBetween(after, until, begun_at));
  }
};

HistoryPiece PieceOf(const Rows& rows, const SecondAlone& second, ReplayLine line) {
  HistoryPiece piece{.bytes = {}, .ends = {}, .line = line, .is_last = rows.is_whole};
  for (const Entry& row : rows.entries) {
    if (piece.bytes.size() >= HistoryReader::kPieceBytes) {
      piece.is_last = false;
      break;
    }
    piece.line.AddRemoved(second.RemovedBetween(piece.line.position(), row.notification.seq - 1));
    piece.line.Add(row, piece.bytes);
    const uint32_t end = piece.ends.empty() ? 0 : piece.ends.back();
    if (piece.bytes.size() > end) piece.ends.push_back(static_cast<uint32_t>(piece.bytes.size()));
  }
  return piece;
}

}  // namespace

class HistoryReader::Impl {
 public:
  Impl(const std::string& directory, const std::string& second) : first_(directory), second_(second) {
    event_.Reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  }

  Status Start(const std::shared_ptr<Impl>& self) {
    if (!event_) return ErrnoError("make an event for the reader of the history", "");
    try {
      thread_ = std::thread([self] { self->Run(); });
    } catch (const std::system_error& error) {
      return Error{"cannot start a thread to read the history with", error.code().value()};
    }
    return {};
  }

  void Ask(uint64_t who, const ReplayLine& line) {
    std::lock_guard lock(mutex_);
    asked_.push_back({who, line});
    changed_.notify_all();
  }

  std::vector<Answer> Take() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(event_.get(), &ignored);
    std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }

  // A thread that hangs in the kernel is left to itself.
  void Stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    const bool has_ended = changed_.wait_for(lock, kPatience, [this] { return ended_; });
    lock.unlock();
    if (has_ended) thread_.join();
    else thread_.detach();
  }

  int fd() const { return event_.get(); }

 private:
  struct Asked {
    uint64_t who = 0;
    ReplayLine line{0};
  };

  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !asked_.empty(); });
      if (stopping_) break;
      const Asked one = asked_.front();
      asked_.pop_front();
      lock.unlock();
      HistoryPiece piece = PieceAfter(one.line);
      lock.lock();
      answers_.push_back({one.who, std::move(piece)});
      (void)::eventfd_write(event_.get(), 1);
    }
    ended_ = true;
    changed_.notify_all();
  }

  // The second store first: what is merged into the other one and removed meanwhile is then found there.
  HistoryPiece PieceAfter(ReplayLine line) {
    const uint64_t after_seq = line.position();
    History* const second = second_.Get();
    Rows of_second = Read(second, after_seq);
    Removed removed;
    if (line.is_at_first()) removed = RemovedAfter(first_.Get(), after_seq);
    Rows of_first = Read(first_.Get(), after_seq);
    // More was removed while the rows were read: some of it may be told by them.
    if (removed.notifications > 0)
      removed.exact = RemovedAfter(first_.Get(), after_seq).notifications == removed.notifications;
    line.set_removed(removed);
    const SecondAlone alone{.history = second,
                            .above = of_first.entries.empty() ? 0 : of_first.entries.back().notification.seq,
                            .begun_at = line.begun_at()};
    HistoryPiece piece = PieceOf(Join(std::move(of_first), std::move(of_second)), alone, line);
    // Whoever has read to the end asks no more: nothing of the disk is held then.
    if (piece.is_last) {
      first_.Close();
      second_.Close();
    }
    return piece;
  }

  Fd event_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool ended_ = false;
  std::deque<Asked> asked_;
  std::vector<Answer> answers_;
  // The thread's.
  KeptHistory first_;
  KeptHistory second_;
};

Result<std::unique_ptr<HistoryReader>> HistoryReader::Start(std::string directory, std::string second) {
  auto impl = std::make_shared<Impl>(directory, second);
  if (Status started = impl->Start(impl); !started) return started.error();
  return std::unique_ptr<HistoryReader>(new HistoryReader(std::move(impl)));
}

HistoryReader::~HistoryReader() { impl_->Stop(); }

void HistoryReader::Ask(uint64_t who, const ReplayLine& line) { impl_->Ask(who, line); }
int HistoryReader::fd() const { return impl_->fd(); }
std::vector<HistoryReader::Answer> HistoryReader::Take() { return impl_->Take(); }

}  // namespace fsherald
