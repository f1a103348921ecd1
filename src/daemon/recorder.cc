// SPDX-License-Identifier: MIT
#include "daemon/recorder.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "record/stream.h"
#include "store/history.h"

namespace fsherald {
namespace {

constexpr size_t kMostAtOnce = 4096;  // notifications of a transaction
constexpr size_t kMergedAtOnce = 1000;
constexpr uint64_t kRetainEvery = 20000;  // notifications
constexpr uint64_t kHourNs = uint64_t{3600} * 1'000'000'000;

std::vector<Notification> Decode(const std::vector<Bytes>& streams) {
  std::vector<Notification> notifications;
  notifications.reserve(streams.size());
  for (Bytes bytes : streams)
    if (auto parsed = ParseStream(bytes)) notifications.push_back(std::move(parsed->notification));
  return notifications;
}

bool HasFile(const Store::Options& options) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(options.directory) / options.file_name, ignored);
}

std::string OpeningWords(const Store::Options& options, const Store::Opening& opening) {
  if (opening.set_aside.empty()) return "";
  std::string words = "the history in " + options.directory + " was damaged (" + opening.why + "): it lies in " +
                      opening.set_aside + " now, and " + std::to_string(opening.salvaged) +
                      " notifications of it were saved";
  if (opening.lost > 0) words += ", at least " + std::to_string(opening.lost) + " were not";
  return words;
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
  uint64_t found_seq() const { return found_seq_; }
  const std::string& found_cursors() const { return found_cursors_; }
  int fd() const { return event_.get(); }
  bool is_well() const {
    std::lock_guard lock(mutex_);
    return owner_ == Owner::kStore && is_open_;
  }
  void SetLimits(uint64_t max_bytes, uint64_t max_age_s) {
    std::lock_guard lock(mutex_);
    options_.store.max_bytes = max_bytes;
    options_.store.max_age_s = max_age_s;
    limits_changed_ = true;
    work_.notify_all();
  }

 private:
  enum class Owner { kStore, kSecond };
  using Lock = std::unique_lock<std::mutex>;

  void RunStore();
  void RunSecond();
  void FindSecond();
  bool OpenStore();
  bool TakeBack();
  bool Merge();
  void GiveUpStore(const std::string& why);
  void HandOver(Lock& lock);
  bool StoreBatch();
  bool StoreSecondBatch();
  void Retain();
  bool WaitForWork(Lock& lock, Owner self);
  void Say(std::string words);

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
  bool is_open_ = false;
  Owner owner_ = Owner::kStore;
  bool second_runs_ = false;
  bool second_is_to_end_ = false;
  size_t committed_ = 0;         // since the owner looked last
  uint64_t asked_since_ns_ = 0;  // the store is being asked to store, since then; 0: it is not
  std::vector<std::string> words_;

  // The store's thread's.
  std::unique_ptr<Store> store_;
  uint64_t found_seq_ = 0;
  std::string found_cursors_;
  uint64_t retry_ns_;
  uint64_t retry_at_ns_ = 0;
  uint64_t since_retention_ = 0;
  uint64_t retained_ns_ = 0;
  // The second thread's, and the store's thread's where it has ended.
  std::unique_ptr<Store> second_;
};

void Recorder::Impl::Say(std::string words) {
  if (words.empty()) return;
  {
    std::lock_guard lock(mutex_);
    words_.push_back(std::move(words));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

std::vector<std::string> Recorder::Impl::TakeWords() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(event_.get(), &count, sizeof count);
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
  lock.unlock();
  Say("the history in " + options_.store.directory + " does not answer: what comes is kept in memory until it does");
  lock.lock();
  HandOver(lock);
}

void Recorder::Impl::Committed(size_t notifications) {
  Lock lock(mutex_);
  committed_ += notifications;
  const bool is_late =
      owner_ == Owner::kStore && asked_since_ns_ != 0 && BoottimeNowNs() - asked_since_ns_ > options_.patience_ns;
  if (is_late) {
    words_.push_back("the history in " + options_.store.directory + " has not answered for " +
                     std::to_string(options_.patience_ns / 1'000'000'000) +
                     " s: what comes is kept in memory until it does");
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
    HandOver(lock);
  }
  work_.notify_all();
}

// The second store takes from the journal from here on.
void Recorder::Impl::HandOver(Lock& lock) {
  if (owner_ == Owner::kSecond) return;
  owner_ = Owner::kSecond;
  second_is_to_end_ = false;
  if (second_thread_.joinable()) {
    std::thread before = std::move(second_thread_);
    lock.unlock();
    before.join();  // it has ended, or is about to
    lock.lock();
  }
  second_runs_ = true;
  if (auto self = self_.lock(); !self || !StartThread(self, &Impl::RunSecond, second_thread_)) second_runs_ = false;
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
  (void)(OpenStore() && TakeBack());
  {
    Lock lock(mutex_);
    has_begun_ = true;
    ended_.notify_all();
  }
  for (;;) {
    if (!store_) {
      Lock lock(mutex_);
      HandOver(lock);
      const uint64_t now_ns = BoottimeNowNs();
      if (now_ns < retry_at_ns_)
        work_.wait_for(lock, std::chrono::nanoseconds(retry_at_ns_ - now_ns), [&] { return stopping_; });
      if (stopping_) return;
      lock.unlock();
      (void)(OpenStore() && TakeBack());
      continue;
    }
    {
      Lock lock(mutex_);
      if (owner_ == Owner::kSecond) {  // it has answered after all
        lock.unlock();
        (void)TakeBack();
        continue;
      }
      const bool has_work = WaitForWork(lock, Owner::kStore);
      if (!has_work && stopping_) return;
      if (std::exchange(limits_changed_, false)) {
        lock.unlock();
        store_.reset();  // it is opened with the new ones
        retry_at_ns_ = 0;
        (void)(OpenStore() && TakeBack());
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

// What an earlier process has left in memory is the newest that is known.
void Recorder::Impl::FindSecond() {
  if (!HasFile(options_.second)) return;
  auto second = Store::Open(options_.second, nullptr);
  if (!second)
    return Say("what an earlier daemon kept in " + options_.second.directory +
               " cannot be read: " + second.error().ToString());
  second_ = std::move(*second);
  found_seq_ = second_->last_seq();
  found_cursors_ = second_->cursors();
}

bool Recorder::Impl::OpenStore() {
  Store::Opening opening;
  Store::Options options;
  {
    std::lock_guard lock(mutex_);
    options = options_.store;
  }
  auto store = Store::Open(options, &opening);
  if (!store) {
    GiveUpStore(store.error().ToString());
    return false;
  }
  Say(OpeningWords(options, opening));
  store_ = std::move(*store);
  if (store_->last_seq() > found_seq_ || found_cursors_.empty()) {
    found_seq_ = std::max(found_seq_, store_->last_seq());
    found_cursors_ = store_->cursors();
  }
  std::lock_guard lock(mutex_);
  is_open_ = true;
  return true;
}

// Tells it once; the next try comes later each time.
void Recorder::Impl::GiveUpStore(const std::string& why) {
  bool was_open = false;
  {
    std::lock_guard lock(mutex_);
    was_open = std::exchange(is_open_, false) || !has_begun_;
  }
  store_.reset();
  retry_ns_ = was_open ? options_.retry_ns : std::min(2 * retry_ns_, options_.max_retry_ns);
  retry_at_ns_ = BoottimeNowNs() + retry_ns_;
  if (was_open)
    Say("nothing can be stored in " + options_.store.directory + ": " + why + "; what comes is kept in memory, in " +
        options_.second.directory + ", and stored when it can be");
}

// Ends the second store's turn, and brings what it has into the store.
bool Recorder::Impl::TakeBack() {
  std::thread second;
  {
    Lock lock(mutex_);
    second_is_to_end_ = true;
    work_.notify_all();
    second = std::move(second_thread_);
  }
  if (second.joinable()) second.join();
  if (!Merge()) return false;
  Lock lock(mutex_);
  second_runs_ = second_is_to_end_ = false;
  owner_ = Owner::kStore;
  retry_ns_ = options_.retry_ns;
  return true;
}

bool Recorder::Impl::Merge() {
  if (!second_) return true;
  const std::string cursors = second_->cursors();
  auto history = History::Open(options_.second.directory);
  size_t merged = 0;
  std::vector<Notification> batch;
  Status stored;
  auto store = [&] {
    if (stored) stored = store_->Append(batch, options_.host, cursors);
    merged += batch.size();
    batch.clear();
    return static_cast<bool>(stored);
  };
  if (history) {
    const Status read = (*history)->ForEach({.after_seq = store_->last_seq()}, [&](const Entry& entry) {
      batch.push_back(entry.notification);
      return batch.size() < kMergedAtOnce || store();
    });
    if (stored && store() && !read) Say("a part of what was kept in memory cannot be read: " + read.error().ToString());
  }
  if (!stored) {
    GiveUpStore(stored.error().ToString());
    Lock lock(mutex_);
    owner_ = Owner::kStore;  // so that it is handed over anew
    second_is_to_end_ = second_runs_ = false;
    return false;
  }
  history = Error{"", 0};
  second_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(options_.second.directory, ignored);
  Say("the history in " + options_.store.directory + " can be written to again: " + std::to_string(merged) +
      " notifications that were kept in memory are in it now");
  return true;
}

bool Recorder::Impl::StoreBatch() {
  const Journal::Batch batch = journal_->Take(kMostAtOnce);
  const std::vector<Notification> notifications = Decode(batch.notifications);
  {
    std::lock_guard lock(mutex_);
    asked_since_ns_ = BoottimeNowNs();
  }
  const Status stored = store_->Append(notifications, options_.host, batch.state.value_or(store_->cursors()));
  Lock lock(mutex_);
  asked_since_ns_ = 0;
  if (owner_ == Owner::kSecond) return false;  // nobody waited for us; what we have stored is told apart by its number
  if (stored) {
    journal_->Stored(batch);
    ended_.notify_all();
    since_retention_ += notifications.size();
    return true;
  }
  lock.unlock();
  GiveUpStore(stored.error().ToString());
  return false;
}

void Recorder::Impl::Retain() {
  const uint64_t now_ns = BoottimeNowNs();
  if (since_retention_ < kRetainEvery && now_ns - retained_ns_ < kHourNs && retained_ns_ != 0) return;
  auto more = store_->Retain(UtcNowNs() / 1'000'000'000);
  if (!more) return GiveUpStore(more.error().ToString());
  if (*more) return;
  since_retention_ = 0;
  retained_ns_ = now_ns;
}

void Recorder::Impl::RunSecond() {
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
  Lock lock(mutex_);
  second_runs_ = false;
  ended_.notify_all();
}

bool Recorder::Impl::StoreSecondBatch() {
  if (!second_) {
    auto opened = Store::Open(options_.second, nullptr);
    if (!opened) return false;
    second_ = std::move(*opened);
  }
  const Journal::Batch batch = journal_->Take(kMostAtOnce);
  const Status stored =
      second_->Append(Decode(batch.notifications), options_.host, batch.state.value_or(second_->cursors()));
  if (!stored) {
    second_.reset();
    return false;
  }
  journal_->Stored(batch);
  std::lock_guard lock(mutex_);
  ended_.notify_all();
  return true;
}

bool Recorder::Impl::Finish(uint64_t most_ns) {
  Lock lock(mutex_);
  finishing_ = true;
  work_.notify_all();
  return ended_.wait_for(lock, std::chrono::nanoseconds(most_ns), [&] { return !journal_->has_waiting(); });
}

// A thread that hangs in the kernel is left to itself.
void Recorder::Impl::Stop() {
  std::vector<std::thread> threads;
  {
    Lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    threads.push_back(std::move(second_thread_));
    const bool hangs = !has_begun_ || (asked_since_ns_ != 0 && owner_ == Owner::kSecond);
    if (hangs) store_thread_.detach();
    else threads.push_back(std::move(store_thread_));
  }
  for (std::thread& thread : threads)
    if (thread.joinable()) thread.join();
}

Result<std::unique_ptr<Recorder>> Recorder::Start(Options options, std::shared_ptr<Journal> journal) {
  std::unique_ptr<Recorder> recorder(new Recorder);
  recorder->impl_ = std::make_shared<Impl>(std::move(options), std::move(journal));
  if (Status started = recorder->impl_->Start(recorder->impl_); !started) return started.error();
  recorder->impl_->WaitForStart();
  recorder->last_seq_ = recorder->impl_->found_seq();
  recorder->cursors_ = recorder->impl_->found_cursors();
  return recorder;
}

Recorder::~Recorder() { impl_->Stop(); }

void Recorder::Committed(size_t notifications) { impl_->Committed(notifications); }
int Recorder::fd() const { return impl_->fd(); }
std::vector<std::string> Recorder::TakeWords() { return impl_->TakeWords(); }
bool Recorder::is_well() const { return impl_->is_well(); }
bool Recorder::Finish(uint64_t most_ns) { return impl_->Finish(most_ns); }
void Recorder::SetLimits(uint64_t max_bytes, uint64_t max_age_s) { impl_->SetLimits(max_bytes, max_age_s); }

}  // namespace fsherald
