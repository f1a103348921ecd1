// SPDX-License-Identifier: MIT
#include "store/store.h"

#include "store/opening.h"
#include "store/retention.h"
#include "store/writer.h"

namespace fsherald {

class StoreImpl {
 public:
  StoreImpl(HistoryDirectory directory, std::unique_ptr<Writer> writer, const Store::Options& options)
      : directory_(std::move(directory)),
        writer_(std::move(writer)),
        cursors_(writer_->state().cursors),
        retention_(*writer_, options.max_bytes, options.max_age_s) {}

  Status Append(std::span<const Notification> notifications, const Host& host, std::string_view cursors) {
    return Guarded([&]() -> Status {
      if (auto begun = writer_->Begin(); !begun) return begun;
      for (const Notification& notification : notifications) {
        if (notification.seq <= writer_->state().last_seq) continue;
        if (auto added = writer_->Add({notification, host}); !added) return added;
      }
      writer_->state().cursors = cursors;
      if (auto committed = writer_->Commit(); !committed) return committed;
      last_seq_ = writer_->state().last_seq;
      cursors_ = cursors;
      return {};
    });
  }

  Result<bool> Retain(int64_t now_utc_s, int64_t clock_age_s) {
    bool more = false;
    const Status done = Guarded([&]() -> Status {
      auto stepped = retention_.Step(now_utc_s, clock_age_s);
      if (!stepped) return stepped.error();
      more = *stepped;
      return {};
    });
    if (!done) return done.error();
    return more;
  }

  uint64_t last_seq() const { return last_seq_; }
  const std::string& cursors() const { return cursors_; }

 private:
  // The first failure is the last thing that it does.
  template <typename Work>
  Status Guarded(const Work& work) {
    if (!failure_) return failure_;
    if (auto done = work(); !done) return Fail(std::move(done));
    // What was asked for is done, and durable: this is of those who ask next.
    if (auto done = writer_->CheckpointIfGrown(); !done) (void)Fail(std::move(done));
    return {};
  }

  // The next opening is told what this one may not trust any more.
  Status Fail(Status failure) {
    failure_ = std::move(failure);
    const Error& error = failure_.error();
    if (error.code == EUCLEAN) directory_.MarkDamaged(error.what);
    if (LeavesDoubt(error.code)) directory_.MarkSuspect(error.what);
    return failure_;
  }

  HistoryDirectory directory_;  // the lock: goes last
  std::unique_ptr<Writer> writer_;
  uint64_t last_seq_ = writer_->state().last_seq;
  std::string cursors_;
  Retention retention_;
  Status failure_;
};

Result<std::unique_ptr<Store>> Store::Open(const Options& options, Opening* found) {
  Opening unwanted;
  if (found == nullptr) found = &unwanted;
  *found = {};
  auto directory = HistoryDirectory::Open(options);
  if (!directory) return directory.error();
  auto writer = OpenHistory(*directory, options, found);
  if (!writer) return writer.error();
  return std::unique_ptr<Store>(
      new Store(std::make_unique<StoreImpl>(std::move(*directory), std::move(*writer), options)));
}

Store::Store(std::unique_ptr<StoreImpl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Status Store::Append(std::span<const Notification> notifications, const Host& host, std::string_view cursors) {
  return impl_->Append(notifications, host, cursors);
}
uint64_t Store::last_seq() const { return impl_->last_seq(); }
const std::string& Store::cursors() const { return impl_->cursors(); }
Result<bool> Store::Retain(int64_t now_utc_s, int64_t clock_age_s) { return impl_->Retain(now_utc_s, clock_age_s); }

}  // namespace fsherald
