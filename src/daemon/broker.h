// SPDX-License-Identifier: MIT
// Broker: joins processes. Notifications come from the kernel (notify/) and from producers, are numbered together, and go to the
// subscribers that marked their file systems.
//
// With a journal nothing is told before it is safe: what a round has brought is committed, with the state in which the next
// process would go on, then it is delivered, and then those that it came from get their room back. So whenever the daemon is
// killed, each error was told and stays told, or is told by the next.
//
//   auto broker = Broker::Open({});
//   for (;;) { poll(broker->fd()); broker->Pump(); }
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/kept_fds.h"
#include "base/poller.h"
#include "base/result.h"
#include "daemon/daemon_state.h"
#include "daemon/journal.h"
#include "daemon/producers.h"
#include "daemon/recorder.h"
#include "daemon/replays.h"
#include "daemon/runtime_dir.h"
#include "daemon/subscribers.h"
#include "daemon/user_filesystems.h"
#include "health/health_book.h"
#include "notify/monitor.h"
#include "notify/numbering.h"

namespace fsherald {

// One thread.
class Broker {
 public:
  struct Options {
    std::string runtime_dir;            // of the two sockets
    SourceSet without;                  // sources of the monitor that are not to be used
    bool xfs_health_monitor = false;    // it is to use XFS's
    std::optional<gid_t> report_group;  // who may report, and who subscribe, besides root
    std::optional<gid_t> subscribe_group;
    std::optional<int> mounts_of;  // the process whose mount table is the machine's (MountTable); empty: our own is
    Host host;
    std::optional<Store::Options> store;  // empty: nothing is kept
    KeptFds* kept = nullptr;              // of an earlier process; may be null
  };

  // Returns when everything is armed and both sockets listen. Errors: as Monitor::Open; another daemon serves this directory.
  static Result<std::unique_ptr<Broker>> Open(Options options);

  // poll(2) says POLLIN when Pump has something to do.
  int fd() const { return poller_.fd(); }
  // Never waits.
  Status Pump();
  // Who may report and subscribe besides root from now on. Who does already goes on; reporters that were refused ask again.
  void SetGroups(std::optional<gid_t> report_group, std::optional<gid_t> subscribe_group);
  // Tells what still waits for anything, and stores it; waits a second at the most. Call it once, at the end.
  void Finish();

  // What to keep for the next process, where they have become more since the last call.
  std::vector<FdToKeep> TakeDescriptors();
  // Sentences for the operator that have come up since.
  std::vector<std::string> TakeWords();
  // Of the store, and who may read it, from now on.
  void SetLimits(uint64_t max_bytes, uint64_t max_age_s, std::optional<gid_t> group) {
    if (recorder_) recorder_->SetLimits(max_bytes, max_age_s, group);
  }

  const Monitor& monitor() const { return *monitor_; }
  const std::string& runtime_dir() const { return runtime_dir_->path(); }
  uint64_t told() const { return numbering_.given(); }  // how many notifications this process has told
  // Records and requests so far that were no valid ones.
  uint64_t refused() const { return monitor_->refused() + producers_->refused(); }

 private:
  // Told, and not delivered yet.
  struct Outgoing {
    Notification notification;
    std::vector<FilesystemKey> keys;
  };

  Broker() = default;
  Status OpenJournal(const Options& options);
  void TakeUpState();
  Status OpenMonitor(const Options& options);
  void Commit(const std::optional<Producer::Progress>& unreleased);
  void Write(const Notification& notification, FilesystemKey key);
  void WriteUnstored();
  void CountUnstored(const Notification& notification, FilesystemKey key);
  DaemonState State(const std::optional<Producer::Progress>& unreleased);
  Status OpenSockets(const Options& options);
  Status OpenSubscribers(const Options& options);
  Status OpenProducers(const Options& options);
  void Tell(Notification notification, std::span<const FilesystemKey> keys);
  void Hand(Notification notification, std::span<const FilesystemKey> keys);
  void TellHealth(std::vector<HealthTold> told, std::span<const FilesystemKey> keys = {});
  void Observe(FilesystemKey key, const FilesystemInfo& info, const Observation& observation);
  Result<std::string> Clear(const ClearRequest& request, int descriptor, const Peer& peer);
  std::vector<const Notification*> Unstored() const;
  Result<FilesystemKey> KeyOfDescriptor(int descriptor, pid_t peer);

  Host host_;
  std::shared_ptr<Journal> journal_;  // null: nothing is kept
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Replays> replays_;  // before the subscribers, who have some
  DaemonState found_;                 // of the earlier process
  std::optional<RawReads> reads_;
  std::vector<Outgoing> outgoing_;
  std::map<FilesystemKey, Notification> unstored_;  // gaps: what the journal had no room for, by file system
  std::vector<std::string> words_;
  std::string encoded_;  // kept for its memory
  Numbering numbering_;
  UserFilesystems user_filesystems_;
  HealthBook health_;
  std::vector<HealthTold> cleared_;  // and not told yet
  std::optional<RuntimeDir> runtime_dir_;
  std::unique_ptr<Subscribers> subscribers_;  // null until the monitor is armed: nobody can have marked anything yet
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<Producers> producers_;
  std::vector<FdToKeep> to_keep_;  // the sockets
  size_t descriptors_taken_ = 0;
  bool is_whole_ = true;        // the last commit was
  bool marks_changed_ = false;  // the producers have not been told
  Poller poller_;
};

}  // namespace fsherald
