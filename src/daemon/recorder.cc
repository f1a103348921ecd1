// SPDX-License-Identifier: MIT
#include "daemon/recorder.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "daemon/config.h"
#include "daemon/removed_gap.h"
#include "record/stream.h"
#include "store/history.h"

namespace fsherald {
namespace {

constexpr size_t kMostAtOnce = 4096;  // notifications of a transaction
constexpr size_t kMergedAtOnce = 1000;
constexpr int kMostReadings = 8;                           // of a second store that cannot be read: two minutes
constexpr int kMostFindings = 3;                           // of one that an earlier daemon has left
constexpr uint64_t kRetainEvery = 20000;                   // notifications
constexpr int64_t kJumpNs = int64_t{600} * 1'000'000'000;  // of the clock: what is less is set right by and by
constexpr uint64_t kHourNs = uint64_t{3600} * 1'000'000'000;

std::vector<Notification> Decode(const std::vector<Bytes>& streams) {
  std::vector<Notification> notifications;
  notifications.reserve(streams.size());
  for (Bytes bytes : streams)
    if (auto parsed = ParseStream(bytes)) notifications.push_back(std::move(parsed->notification));
  return notifications;
}

// What the second store has had no room for, between the one before and `next`.
Notification GapBetween(uint64_t before_seq, int64_t before_utc_ns, const Notification& next,
                        const History::Removed& removed) {
  Notification gap =
      RemovedGap(next.seq - before_seq - 1, {.notifications = removed.notifications, .errors = removed.errors},
                 before_utc_ns, next.utc_ns);
  gap.seq = before_seq + 1;
  return gap;
}

std::string OpeningWords(const Store::Options& options, const Store::Opening& opening) {
  if (!opening.unsalvaged.empty())
    return "the history in " + options.directory + " is damaged (" + opening.why +
           "), and what can be read of it cannot be saved yet: " + opening.unsalvaged +
           "; the file stays as it is, and that is tried again";
  if (opening.renewed)
    return "a write or sync of the history in " + options.directory +
           " had failed: all of it was copied into a new file, which takes its place";
  if (opening.set_aside.empty()) return "";
  std::string words = "the history in " + options.directory + " was damaged (" + opening.why + "): it lies in " +
                      opening.set_aside + " now, and " + std::to_string(opening.salvaged) +
                      " notifications of it were saved";
  if (opening.lost > 0) words += ", at least " + std::to_string(opening.lost) + " were not";
  return words;
}

std::string GroupWords(const std::string& directory, gid_t group) {
  const std::string name = GroupName(group);
  const std::string own = GroupName(::getegid());
  return "the members of the group " + name + " cannot read the files of the history in " + directory +
         ": the daemon is not in that group, so it may not give the files to it, and they stay in the group " + own +
         "; add SupplementaryGroups=" + name + " to the unit (systemctl edit fsherald) and restart it, or put these " +
         "people into the group " + own;
}

}  // namespace

// Who takes from the journal is its owner: one of the two threads. All that both touch is under mutex_, but for each one's store.
class Recorder::Impl {
 public:
  Impl(Options options, std::shared_ptr<Journal> journal)
      : options_(std::move(options)), journal_(std::move(journal)), retry_ns_(options_.retry_ns) {
    event_.Reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  }

  static Status StartThread(const std::shared_ptr<Impl>& impl, void (Impl::*run)(), std::thread& thread);
  Status Start(const std::shared_ptr<Impl>& impl);
  void WaitForStart();
  void Stop();

  void Committed(size_t notifications);
  bool Finish(uint64_t most_ns);
  std::vector<std::string> TakeWords();

  // Of the store as it was found, or of the second one where that is ahead.
  struct Found {
    std::optional<uint64_t> last_seq;
    std::string cursors;
  };
  Found found() const {
    std::lock_guard lock(mutex_);
    return found_;
  }
  int fd() const { return event_.get(); }
  void SetLimits(uint64_t max_bytes, uint64_t max_age_s, std::optional<gid_t> group) {
    std::lock_guard lock(mutex_);
    options_.store.group = options_.second.group = group;
    options_.store.max_bytes = max_bytes;
    options_.store.max_age_s = max_age_s;
    limits_changed_ = true;
    work_.notify_all();
  }

 private:
  enum class Owner { kStore, kSecond };

  // As long as it lives the store is being asked for something, and may hang.
  class Asking {
   public:
    explicit Asking(Impl& impl) : impl_(impl) { Set(BoottimeNowNs()); }
    ~Asking() { Set(0); }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

   private:
    void Set(uint64_t since_ns) {
      std::lock_guard lock(impl_.mutex_);
      impl_.asked_since_ns_ = since_ns;
    }
    Impl& impl_;
  };
  using Lock = std::unique_lock<std::mutex>;

  void RunStore();
  void StoreUntilStopped();
  void RunSecond();
  void FindSecond();
  Result<std::unique_ptr<Store>> OpenSecond();
  bool OpenStore();
  bool OpenAnew();
  bool TakeBack();
  bool Merge(const std::string& cursors);
  bool CanGoWithout(const Error& unread);
  bool WaitForRetry(Lock& lock);
  void EndSecond();
  void DropSecond();
  std::string SetSecondAside();
  void Publish(uint64_t last_seq, const std::string& cursors);
  void PublishWhatCanBeRead();
  void GiveUpStore(const Error& why);
  void HandOver(Lock& lock);
  bool StoreBatch();
  bool StoreSecondBatch();
  void SayOfOpening(const Store::Options& options, const Store::Opening& opening);
  void SayOfGroup(const Store::Options& options, const Store::Opening& opening);
  Store::Options SecondOptions() const;
  void Retain();
  int64_t ClockAgeS();
  Status RetainSecond(size_t notifications);
  bool WaitForWork(Lock& lock, Owner self);
  void Say(std::string words);
  void SayLocked(std::string words);

  Options options_;
  const std::shared_ptr<Journal> journal_;
  Fd event_;
  std::weak_ptr<Impl> self_;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // for the threads
  std::condition_variable ended_;  // for those that wait for them
  std::thread store_thread_;
  std::thread second_thread_;
  bool stopping_ = false;
  bool finishing_ = false;  // nothing waits for others any more
  bool has_begun_ = false;  // the store was opened, or could not be
  bool limits_changed_ = false;
  Owner owner_ = Owner::kStore;
  bool is_silent_ = false;        // the store did not answer, and that was told
  bool second_is_found_ = false;  // where there was one
  bool second_is_to_end_ = false;
  bool store_has_ended_ = false;  // its thread
  size_t committed_ = 0;          // since the owner looked last
  uint64_t asked_since_ns_ = 0;   // the store is being asked for something, since then; 0: it is not
  Found found_;
  bool numbers_are_known_ = true;  // false: what an earlier process has left cannot be read, and has the latest
  std::vector<std::string> words_;

  // The store's thread's.
  std::unique_ptr<Store> store_;
  std::string opening_words_;           // said of the last opening
  std::optional<gid_t> refused_group_;  // that it could not be given to, which was told
  bool had_store_ = false;              // it was open before
  bool has_failed_ = false;             // and was told so; nothing was stored since
  bool is_suspect_ = false;             // a sync or write of its file has failed, and it was not renewed since
  size_t merged_ = 0;                   // in this turn
  uint64_t lost_ = 0;                   // likewise: errors that the second one had no room for
  std::string unread_;                  // why not all of the second one could be read, until it goes; empty: it could
  int unread_times_ = 0;                // how often it was tried
  uint64_t retry_ns_;
  uint64_t retry_at_ns_ = 0;
  uint64_t since_retention_ = 0;
  uint64_t retained_ns_ = 0;
  std::optional<int64_t> boot_utc_ns_;  // as the clock said when it was looked at last
  int64_t clock_since_ns_ = 0;          // boot time
  // The second thread's, and the store's thread's where it has ended.
  std::unique_ptr<Store> second_;
  std::string second_damage_;  // what opening it found; empty: nothing
  uint64_t second_since_retention_ = 0;
};

void Recorder::Impl::Say(std::string words) {
  if (words.empty()) return;
  std::lock_guard lock(mutex_);
  SayLocked(std::move(words));
}

// With the mutex held.
void Recorder::Impl::SayLocked(std::string words) {
  words_.push_back(std::move(words));
  (void)::eventfd_write(event_.get(), 1);
}

std::vector<std::string> Recorder::Impl::TakeWords() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(event_.get(), &ignored);
  std::lock_guard lock(mutex_);
  return std::exchange(words_, {});
}

Status Recorder::Impl::StartThread(const std::shared_ptr<Impl>& impl, void (Impl::*run)(), std::thread& thread) {
  try {
    thread = std::thread([impl, run] { ((*impl).*run)(); });
  } catch (const std::system_error& error) {
    return Error{"cannot start a thread to store with", error.code().value()};
  }
  return {};
}

Status Recorder::Impl::Start(const std::shared_ptr<Impl>& impl) {
  self_ = impl;
  return StartThread(impl, &Impl::RunStore, store_thread_);
}

void Recorder::Impl::WaitForStart() {
  Lock lock(mutex_);
  if (ended_.wait_for(lock, std::chrono::nanoseconds(options_.patience_ns), [&] { return has_begun_; })) return;
  SayLocked("the history in " + options_.store.directory +
            " does not answer: what comes is kept in memory until it does");
  is_silent_ = true;
  HandOver(lock);
}

void Recorder::Impl::Committed(size_t notifications) {
  Lock lock(mutex_);
  committed_ += notifications;
  const bool is_late =
      owner_ == Owner::kStore && asked_since_ns_ != 0 && BoottimeNowNs() - asked_since_ns_ > options_.patience_ns;
  if (is_late) {
    SayLocked("the history in " + options_.store.directory + " has not answered for " +
              std::to_string(options_.patience_ns / 1'000'000'000) + " s: what comes is kept in memory until it does");
    is_silent_ = true;
    HandOver(lock);
  }
  work_.notify_all();
}

// What the next number has to be above.
void Recorder::Impl::Publish(uint64_t last_seq, const std::string& cursors) {
  std::lock_guard lock(mutex_);
  if (found_.last_seq && *found_.last_seq >= last_seq && !found_.cursors.empty()) return;
  if (numbers_are_known_) found_.last_seq = std::max(found_.last_seq.value_or(0), last_seq);
  found_.cursors = cursors;
}

// Of a store that cannot be written to.
void Recorder::Impl::PublishWhatCanBeRead() {
  auto history = History::Open(options_.store.directory);
  if (!history) return;
  if (auto covers = (*history)->Covers()) Publish(covers->last_seq, "");
}

// The second store takes from the journal from here on.
void Recorder::Impl::HandOver(Lock& lock) {
  if (owner_ == Owner::kSecond || stopping_) return;
  owner_ = Owner::kSecond;
  second_is_to_end_ = false;
  if (second_thread_.joinable()) {
    std::thread before = std::move(second_thread_);
    lock.unlock();
    before.join();  // it has ended, or is about to
    lock.lock();
    // Meanwhile the store may have answered, or the other thread have handed over anew.
    if (owner_ != Owner::kSecond || stopping_ || second_thread_.joinable()) return;
  }
  // Without a thread what comes stays in the journal.
  if (auto self = self_.lock()) (void)StartThread(self, &Impl::RunSecond, second_thread_);
}

// True: there is something to store, and it is for `self` to do. False: look at the state again.
bool Recorder::Impl::WaitForWork(Lock& lock, Owner self) {
  auto is_over = [&] {
    return stopping_ || owner_ != self || (self == Owner::kSecond ? second_is_to_end_ : limits_changed_);
  };
  const auto hour = std::chrono::nanoseconds(kHourNs);
  // Not has_waiting alone: who has stored all he could take waits for the next commit.
  work_.wait_for(lock, hour, [&] { return is_over() || committed_ > 0 || journal_->has_waiting(); });
  if (is_over() && !(stopping_ && journal_->has_waiting() && owner_ == self)) return false;
  if (!finishing_ && !stopping_)
    work_.wait_for(lock, std::chrono::nanoseconds(options_.group_ns),
                   [&] { return is_over() || finishing_ || committed_ >= options_.group_size; });
  committed_ = 0;
  return journal_->has_waiting();
}

void Recorder::Impl::RunStore() {
  FindSecond();
  {
    Lock lock(mutex_);
    second_is_found_ = true;
    work_.notify_all();
  }
  const bool is_open = OpenStore();
  if (!is_open) PublishWhatCanBeRead();
  {
    Lock lock(mutex_);
    has_begun_ = true;
    ended_.notify_all();
  }
  if (is_open) (void)TakeBack();
  StoreUntilStopped();
  Asking closing(*this);
  store_.reset();
  Lock lock(mutex_);
  store_has_ended_ = true;
  ended_.notify_all();
}

void Recorder::Impl::StoreUntilStopped() {
  for (;;) {
    if (!store_) {
      Lock lock(mutex_);
      HandOver(lock);
      if (!WaitForRetry(lock)) return;
      lock.unlock();
      (void)(OpenStore() && TakeBack());
      continue;
    }
    {
      Lock lock(mutex_);
      if (owner_ == Owner::kSecond) {     // it has answered after all, or the second one could not be read
        if (!WaitForRetry(lock)) return;  // the next daemon merges
        lock.unlock();
        (void)TakeBack();
        continue;
      }
      const bool has_work = WaitForWork(lock, Owner::kStore);
      if (!has_work && stopping_) return;
      if (std::exchange(limits_changed_, false)) {
        lock.unlock();
        (void)OpenAnew();
        continue;
      }
      if (!has_work) {
        lock.unlock();
        Retain();
        continue;
      }
    }
    if (StoreBatch()) Retain();
  }
}

// False: all is to end.
bool Recorder::Impl::WaitForRetry(Lock& lock) {
  const uint64_t now_ns = BoottimeNowNs();
  if (now_ns < retry_at_ns_)
    work_.wait_for(lock, std::chrono::nanoseconds(retry_at_ns_ - now_ns), [&] { return stopping_; });
  return !stopping_;
}

// What an earlier process has left in memory is the newest that is known.
void Recorder::Impl::FindSecond() {
  if (!Store::IsThere(options_.second)) return;
  Result<std::unique_ptr<Store>> second = OpenSecond();
  for (int times = 1; !second && times < kMostFindings; ++times) {
    retry_at_ns_ = BoottimeNowNs() + options_.retry_ns;
    Lock lock(mutex_);
    if (!WaitForRetry(lock)) return;  // it stays for the next
    lock.unlock();
    second = OpenSecond();
  }
  if (second) {
    second_ = std::move(*second);
    return Publish(second_->last_seq(), second_->cursors());
  }
  {
    Lock lock(mutex_);
    numbers_are_known_ = false;
  }
  Say("what an earlier daemon kept in " + options_.second.directory + " cannot be read: " + second.error().ToString() +
      SetSecondAside());
}

Result<std::unique_ptr<Store>> Recorder::Impl::OpenSecond() {
  Store::Opening opening;
  auto second = Store::Open(SecondOptions(), &opening);
  // What cannot be salvaged yet would be said at each try.
  if (opening.unsalvaged.empty()) Say(OpeningWords(options_.second, opening));
  if (!second) return second;
  if (!opening.set_aside.empty()) second_damage_ = opening.why;
  return second;
}

// With the limits of now.
bool Recorder::Impl::OpenAnew() {
  {
    Asking closing(*this);
    store_.reset();
  }
  retry_at_ns_ = 0;
  return OpenStore();
}

bool Recorder::Impl::OpenStore() {
  Store::Opening opening;
  Store::Options options;
  {
    std::lock_guard lock(mutex_);
    options = options_.store;
  }
  options.is_suspect = is_suspect_;
  Asking opening_it(*this);
  // Not in an empty directory that its file system was mounted on: what came would be in two places.
  if (had_store_ && !Store::IsThere(options)) {
    GiveUpStore(
        Error{"the history that was there is there no more (where its file system is not mounted, mount it; to begin "
              "a new history, restart the daemon)"});
    return false;
  }
  auto store = Store::Open(options, &opening);
  SayOfOpening(options, opening);  // it is so also where it fails behind it
  if (!store) {
    GiveUpStore(store.error());
    return false;
  }
  SayOfGroup(options, opening);
  is_suspect_ = false;
  store_ = std::move(*store);
  had_store_ = true;
  Publish(store_->last_seq(), store_->cursors());
  return true;
}

// Once, and not at each try.
void Recorder::Impl::SayOfOpening(const Store::Options& options, const Store::Opening& opening) {
  std::string words = OpeningWords(options, opening);
  if (words != opening_words_) Say(words);
  opening_words_ = std::move(words);
}

// Once, and not at each opening.
void Recorder::Impl::SayOfGroup(const Store::Options& options, const Store::Opening& opening) {
  const std::optional<gid_t> refused = opening.group_refused ? options.group : std::nullopt;
  if (refused && refused != refused_group_) Say(GroupWords(options.directory, *refused));
  refused_group_ = refused;
}

Store::Options Recorder::Impl::SecondOptions() const {
  std::lock_guard lock(mutex_);
  return options_.second;
}

// Tells it once, until something was stored again; the next try comes later each time.
void Recorder::Impl::GiveUpStore(const Error& why) {
  if (why.code == EIO) is_suspect_ = true;  // the store leaves a mark of it, if it can write even that
  store_.reset();
  const bool is_new = !std::exchange(has_failed_, true);
  retry_ns_ = is_new ? options_.retry_ns : std::min(2 * retry_ns_, options_.max_retry_ns);
  retry_at_ns_ = BoottimeNowNs() + retry_ns_;
  if (is_new)
    Say("nothing can be stored in " + options_.store.directory + ": " + why.ToString() +
        "; what comes is kept in memory, in " + options_.second.directory + ", and stored when it can be");
}

// Brings what the second store has into the store, and ends the second one's turn. False: the store has failed, or did not answer
// for so long that the turn goes on; or the second one cannot be read for now.
bool Recorder::Impl::TakeBack() {
  merged_ = 0;
  lost_ = 0;
  // Most of it while the second one still takes what comes: the store may hang again.
  if (!Merge(store_->cursors())) return false;
  EndSecond();
  const std::string cursors = second_ ? second_->cursors() : store_->cursors();
  {
    Lock lock(mutex_);
    owner_ = Owner::kStore;  // so that Committed hands over where the store does not answer
  }
  if (!Merge(cursors)) return false;
  bool was_silent = false;
  {
    Lock lock(mutex_);
    if (stopping_ || owner_ == Owner::kSecond) return false;
    retry_ns_ = options_.retry_ns;
    unread_times_ = 0;
    was_silent = std::exchange(is_silent_, false);
  }
  if (second_ || Store::IsThere(options_.second)) DropSecond();
  else if (was_silent) Say("the history in " + options_.store.directory + " can be written to again");
  return true;
}

void Recorder::Impl::EndSecond() {
  std::thread second;
  {
    Lock lock(mutex_);
    second_is_to_end_ = true;
    work_.notify_all();
    second = std::move(second_thread_);
  }
  if (second.joinable()) second.join();
  Lock lock(mutex_);
  second_is_to_end_ = false;
}

// Of what the second store has not all can be read. True: and never will be, as it seems. False: it is tried again later, and
// takes what comes until then: what is stored in between would go before it.
bool Recorder::Impl::CanGoWithout(const Error& unread) {
  if (unread.code == EUCLEAN || ++unread_times_ >= kMostReadings) {
    unread_ = unread.ToString();
    return true;
  }
  retry_ns_ = unread_times_ == 1 ? options_.retry_ns : std::min(2 * retry_ns_, options_.max_retry_ns);
  retry_at_ns_ = BoottimeNowNs() + retry_ns_;
  if (unread_times_ == 1)
    Say("what is kept in memory, in " + options_.second.directory + ", cannot be read for now: " + unread.ToString() +
        "; it stays there, and that is tried again");
  Lock lock(mutex_);
  HandOver(lock);
  return false;
}

// `cursors` are those that go with the last. False: the store has failed, or all is to end, or it is tried again later.
bool Recorder::Impl::Merge(const std::string& cursors) {
  if (!Store::IsThere(options_.second)) return true;
  auto history = History::Open(options_.second.directory);
  if (!history) return CanGoWithout(history.error());
  std::vector<Notification> batch;
  Status stored;
  bool is_stopped = false;
  auto store = [&](const std::string& with) {
    Asking storing(*this);
    stored = store_->Append(batch, options_.host, with);
    merged_ += batch.size();
    batch.clear();
    Lock lock(mutex_);
    is_stopped = stopping_;
    return stored && !is_stopped;
  };
  const uint64_t from_seq = store_->last_seq();
  uint64_t before_seq = from_seq;
  int64_t before_utc_ns = 0;  // not known
  const Status read = (*history)->ForEach({.after_seq = from_seq}, [&](const Entry& entry) {
    // The second one still takes what comes, and makes room for it: what has gone is looked for wherever a number is missing. The
    // gap is stored with what comes next, so that nobody who begins anew between them counts it once more.
    const Notification& next = entry.notification;
    if (next.seq > before_seq + 1) {
      const auto removed = (*history)->RemovedBetween(before_seq, next.seq - 1, from_seq);
      if (removed && removed->notifications > 0) {
        batch.push_back(GapBetween(before_seq, before_utc_ns, next, *removed));
        lost_ += removed->errors;
      }
    }
    before_seq = next.seq;
    before_utc_ns = next.utc_ns;
    batch.push_back(next);
    return batch.size() < kMergedAtOnce || store(store_->cursors());
  });
  if (stored && !is_stopped && !read && !CanGoWithout(read.error())) return false;
  if (stored && !is_stopped) store(cursors);
  if (!stored) GiveUpStore(stored.error());
  return stored && !is_stopped;
}

// All of it that can be read is in the store.
void Recorder::Impl::DropSecond() {
  std::string words = "the history in " + options_.store.directory +
                      " can be written to again: " + std::to_string(merged_) +
                      " notifications that were kept in memory are in it now";
  if (lost_ > 0)
    words += "; for " + std::to_string(lost_) + " errors there was no room in memory: a gap in it has their count";
  has_failed_ = false;
  second_.reset();
  const std::string damage = std::exchange(second_damage_, "");
  const std::string unread = std::exchange(unread_, "");
  if (!unread.empty() || !damage.empty()) {
    words += "; what else was kept cannot be read: " + (unread.empty() ? damage : unread) + SetSecondAside();
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(options_.second.directory, ignored);
  }
  Say(std::move(words));
}

// What cannot be read here is kept for who can: the latest, as it is in memory. Where it lies then, as the end of a sentence.
std::string Recorder::Impl::SetSecondAside() {
  const std::string& from = options_.second.directory;
  const std::string to = from + ".unread";
  std::error_code failed;
  std::filesystem::remove_all(to, failed);
  std::filesystem::rename(from, to, failed);
  return failed ? "; nor can it be renamed to " + to + ": " + failed.message() : "; it lies in " + to + " now";
}

bool Recorder::Impl::StoreBatch() {
  const Journal::Batch batch = journal_->Take(kMostAtOnce);
  const std::vector<Notification> notifications = Decode(batch.notifications);
  const Status stored = [&] {
    Asking storing(*this);
    return store_->Append(notifications, options_.host, batch.state.value_or(store_->cursors()));
  }();
  Lock lock(mutex_);
  if (owner_ == Owner::kSecond) return false;  // nobody waited for us; what we have stored is told apart by its number
  if (stored) {
    journal_->Stored(batch);
    ended_.notify_all();
    since_retention_ += notifications.size();
    lock.unlock();
    if (std::exchange(has_failed_, false))
      Say("the history in " + options_.store.directory + " can be written to again");
    return true;
  }
  lock.unlock();
  GiveUpStore(stored.error());
  return false;
}

// For how long the clock has gone on without a jump, in this daemon.
int64_t Recorder::Impl::ClockAgeS() {
  const auto now_ns = static_cast<int64_t>(BoottimeNowNs());
  const int64_t boot_utc_ns = UtcNowNs() - now_ns;
  const bool has_jumped = !boot_utc_ns_ || std::abs(boot_utc_ns / kJumpNs - *boot_utc_ns_ / kJumpNs) > 1;
  if (has_jumped) clock_since_ns_ = now_ns;
  boot_utc_ns_ = boot_utc_ns;
  return (now_ns - clock_since_ns_) / 1'000'000'000;
}

void Recorder::Impl::Retain() {
  const uint64_t now_ns = BoottimeNowNs();
  if (since_retention_ < kRetainEvery && now_ns - retained_ns_ < kHourNs && retained_ns_ != 0) return;
  Asking retaining(*this);
  auto more = store_->Retain(UtcNowNs() / 1'000'000'000, ClockAgeS());
  if (!more) return GiveUpStore(more.error());
  if (*more) return;
  since_retention_ = 0;
  retained_ns_ = now_ns;
}

void Recorder::Impl::RunSecond() {
  {
    Lock lock(mutex_);
    work_.wait(lock, [&] { return second_is_found_ || stopping_; });
    if (!second_is_found_) return;
  }
  bool has_failed = false;
  for (;;) {
    {
      Lock lock(mutex_);
      const bool has_work = WaitForWork(lock, Owner::kSecond);
      if (second_is_to_end_ || (stopping_ && !has_work)) break;
      if (!has_work) continue;
    }
    if (StoreSecondBatch()) {
      has_failed = false;
      continue;
    }
    if (!std::exchange(has_failed, true))
      Say("nothing can be kept in " + options_.second.directory +
          " either: what the journal has no room for will be counted only");
    Lock lock(mutex_);
    work_.wait_for(lock, std::chrono::nanoseconds(options_.retry_ns), [&] { return stopping_ || second_is_to_end_; });
    if (stopping_) break;
  }
}

bool Recorder::Impl::StoreSecondBatch() {
  if (!second_) {
    auto opened = OpenSecond();
    if (!opened) return false;
    second_ = std::move(*opened);
  }
  const Journal::Batch batch = journal_->Take(kMostAtOnce);
  const std::vector<Notification> notifications = Decode(batch.notifications);
  Status stored = second_->Append(notifications, options_.host, batch.state.value_or(second_->cursors()));
  if (stored) stored = RetainSecond(notifications.size());
  if (!stored) {
    second_.reset();
    return false;
  }
  journal_->Stored(batch);
  std::lock_guard lock(mutex_);
  ended_.notify_all();
  return true;
}

// Memory is scarcer than disks: it is looked at more often.
Status Recorder::Impl::RetainSecond(size_t notifications) {
  second_since_retention_ += notifications;
  if (second_since_retention_ < kRetainEvery / 4) return {};
  second_since_retention_ = 0;
  for (;;) {
    auto more = second_->Retain(UtcNowNs() / 1'000'000'000, 0);
    if (!more) return more.error();
    if (!*more) return {};
  }
}

bool Recorder::Impl::Finish(uint64_t most_ns) {
  Lock lock(mutex_);
  finishing_ = true;
  work_.notify_all();
  return ended_.wait_for(lock, std::chrono::nanoseconds(most_ns), [&] { return !journal_->has_waiting(); });
}

// A thread that hangs in the kernel is left to itself.
void Recorder::Impl::Stop() {
  std::thread second;
  std::thread store;
  {
    Lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    ended_.wait_for(lock, std::chrono::nanoseconds(options_.patience_ns), [&] { return store_has_ended_; });
    second = std::move(second_thread_);
    if (store_has_ended_) store = std::move(store_thread_);
    else if (store_thread_.joinable()) store_thread_.detach();
  }
  for (std::thread* thread : {&second, &store})
    if (thread->joinable()) thread->join();
}

Result<std::unique_ptr<Recorder>> Recorder::Start(Options options, std::shared_ptr<Journal> journal) {
  std::unique_ptr<Recorder> recorder(new Recorder);
  recorder->impl_ = std::make_shared<Impl>(std::move(options), std::move(journal));
  if (Status started = recorder->impl_->Start(recorder->impl_); !started) return started.error();
  recorder->impl_->WaitForStart();
  auto found = recorder->impl_->found();
  recorder->last_seq_ = found.last_seq;
  recorder->cursors_ = std::move(found.cursors);
  return recorder;
}

Recorder::~Recorder() { impl_->Stop(); }

void Recorder::Committed(size_t notifications) { impl_->Committed(notifications); }
int Recorder::fd() const { return impl_->fd(); }
std::vector<std::string> Recorder::TakeWords() { return impl_->TakeWords(); }
bool Recorder::Finish(uint64_t most_ns) { return impl_->Finish(most_ns); }
void Recorder::SetLimits(uint64_t max_bytes, uint64_t max_age_s, std::optional<gid_t> group) {
  impl_->SetLimits(max_bytes, max_age_s, group);
}

}  // namespace fsherald
