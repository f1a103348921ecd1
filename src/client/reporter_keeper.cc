// SPDX-License-Identifier: MIT
#include "client/reporter_keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <new>

#include "base/clock.h"
#include "client/reporter_generation.h"

namespace fsherald {
namespace {

constexpr size_t kStackBytes = 256 << 10;         // most of it is never touched
constexpr uint64_t kLookAgainNs = 5'000'000'000;  // where directories cannot be watched, or memory is short

// For as long as it lives: a thread made meanwhile has all signals blocked, for good.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

ReporterKeeper& ReporterKeeper::Instance() {
  static ReporterKeeper& keeper = *[] {
    auto* made = new ReporterKeeper;
    RegisterForkHandlers();
    return made;
  }();
  return keeper;
}

void ReporterKeeper::RegisterForkHandlers() {
  ::pthread_atfork([] { Instance().BeforeFork(); }, [] { Instance().AfterForkInParent(); },
                   [] { Instance().AfterForkInChild(); });
}

void ReporterKeeper::BeforeFork() {
  life_.lock();
  mutex_.lock();
}

void ReporterKeeper::AfterForkInParent() {
  mutex_.unlock();
  life_.unlock();
}

// The thread is the parent's, and so are the connections and all memory of the rings. Where no thread can be made, the reporters
// still count and keep, and the next Add tries again.
void ReporterKeeper::AfterForkInChild() {
  watch_ = {};
  wake_.Reset();
  runs_ = false;
  NextGeneration();
  if (!reporters_.empty()) {
    for (fsherald_reporter* reporter : reporters_) reporter->MakeAgain();
    (void)StartThread();
  }
  mutex_.unlock();
  life_.unlock();
}

Status ReporterKeeper::Add(fsherald_reporter* reporter) {
  std::lock_guard life(life_);
  std::lock_guard lock(mutex_);
  reporters_.push_back(reporter);
  if (!runs_) {
    if (Status started = StartThread(); !started) {
      reporters_.pop_back();
      return started;
    }
  }
  Wake();
  return {};
}

void ReporterKeeper::Remove(fsherald_reporter* reporter) {
  std::lock_guard life(life_);
  bool is_last = false;
  {
    std::lock_guard lock(mutex_);
    std::erase(reporters_, reporter);
    is_last = reporters_.empty() && runs_;
    stopping_ = is_last;
    Wake();
  }
  if (is_last) StopThread();
}

int ReporterKeeper::StateOf(fsherald_reporter& reporter) {
  std::lock_guard lock(mutex_);
  return reporter.link().state();
}

Status ReporterKeeper::StartThread() {
  wake_.Reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_) return ErrnoError("eventfd", "");
  stopping_ = false;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  const SignalsBlocked blocked;
  const int failed = ::pthread_create(&thread_, &attributes, RunThread, this);
  ::pthread_attr_destroy(&attributes);
  if (failed != 0) return ErrnoError("start", "a thread", failed);
  runs_ = true;
  return {};
}

// With life_ held, mutex_ not.
void ReporterKeeper::StopThread() {
  ::pthread_join(thread_, nullptr);
  std::lock_guard lock(mutex_);
  runs_ = false;
  wake_.Reset();
  watch_ = {};
}

void* ReporterKeeper::RunThread(void* keeper) {
  ::pthread_setname_np(::pthread_self(), "fsherald");
  static_cast<ReporterKeeper*>(keeper)->Run();
  return nullptr;
}

void ReporterKeeper::Wake() {
  const uint64_t one = 1;
  if (wake_) [[maybe_unused]]
    const ssize_t size = ::write(wake_.get(), &one, sizeof one);
}

void ReporterKeeper::Run() noexcept {
  for (;;) {
    const uint64_t now_ns = BoottimeNowNs();
    std::optional<uint64_t> until_ns = now_ns + kLookAgainNs;
    try {
      {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        until_ns = Pass(now_ns);
      }
      Wait(until_ns);
    } catch (const std::bad_alloc&) {
      // A program that has no memory left goes on, and so do its reports.
      ::poll(nullptr, 0, 1000);
    }
  }
}

// When to look again by itself; empty: only when something happens. Watches first: what appears then is either tried below, or
// told.
std::optional<uint64_t> ReporterKeeper::Pass(uint64_t now_ns) {
  std::set<std::string> missing;
  for (fsherald_reporter* reporter : reporters_)
    if (reporter->link().needs_daemon()) missing.insert(reporter->link().target().runtime_dir);
  std::optional<uint64_t> until_ns;
  if (!watch_.Watch(missing)) until_ns = now_ns + kLookAgainNs;
  for (fsherald_reporter* reporter : reporters_) {
    ReporterLink& link = reporter->link();
    link.Try(reporter->memory(), now_ns);
    if (link.retry_ns() && (!until_ns || *link.retry_ns() < *until_ns)) until_ns = link.retry_ns();
  }
  return until_ns;
}

void ReporterKeeper::Wait(std::optional<uint64_t> until_ns) {
  std::vector<pollfd> fds;
  {
    std::lock_guard lock(mutex_);
    fds.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = watch_.fd(), .events = POLLIN, .revents = 0});
    for (fsherald_reporter* reporter : reporters_)
      if (!reporter->link().needs_daemon())
        fds.push_back({.fd = reporter->link().socket(), .events = POLLIN, .revents = 0});
  }
  timespec timeout{};
  if (until_ns) {
    const uint64_t now_ns = BoottimeNowNs();
    const uint64_t left_ns = *until_ns > now_ns ? *until_ns - now_ns : 0;
    timeout = {.tv_sec = static_cast<time_t>(left_ns / 1'000'000'000),
               .tv_nsec = static_cast<long>(left_ns % 1'000'000'000)};
  }
  if (::ppoll(fds.data(), fds.size(), until_ns ? &timeout : nullptr, nullptr) < 0) return;
  std::vector<int> readable;
  for (const pollfd& fd : fds)
    if (fd.revents != 0) readable.push_back(fd.fd);
  Received(readable);
}

// What has been closed since is not found any more; a descriptor that is used again has nothing to be read, and says so.
void ReporterKeeper::Received(const std::vector<int>& readable) {
  std::lock_guard lock(mutex_);
  const uint64_t now_ns = BoottimeNowNs();
  for (int fd : readable) {
    uint64_t wakes = 0;
    if (fd == wake_.get()) [[maybe_unused]]
      const ssize_t size = ::read(fd, &wakes, sizeof wakes);
    for (fsherald_reporter* reporter : reporters_)
      if (reporter->link().socket() == fd) reporter->link().Receive(now_ns);
    if (fd != watch_.fd()) continue;
    watch_.Read();
    for (fsherald_reporter* reporter : reporters_) reporter->link().Changed();
  }
}

}  // namespace fsherald
