// SPDX-License-Identifier: MIT
#include "cli/status_history.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "store/history.h"

namespace fsherald {
namespace {

bool IsOf(const std::optional<Uuid>& uuid, const std::string& type, const std::string& device,
          const FilesystemInfo& info) {
  if (uuid || info.uuid) return uuid == info.uuid;
  return !info.device.empty() && type == info.type && device == info.device;
}

// The name of a device without a uuid is another's after a boot.
bool IsOf(const Entry& entry, const FilesystemInfo& info, const std::string& boot_id) {
  const FilesystemInfo& found = entry.notification.filesystem;
  return IsOf(found.uuid, found.type, found.device, info) && (info.uuid || entry.host.boot_id == boot_id);
}

// The last change of health of one file system, of which changes are met from the latest on.
class LastChangeFinder {
 public:
  LastChangeFinder(FilesystemInfo info, const std::string& boot_id) : info_(std::move(info)), boot_id_(boot_id) {}

  // Two copies of a file system have one uuid. What was told of the other, mounted from another device, is nothing of this one, unless
  // it may be this one before it was moved: it was left there. Devices have their names for one boot.
  void Meet(const Entry& entry) {
    const Notification& n = entry.notification;
    if (is_found_ || !n.health || !IsOf(entry, info_, boot_id_)) return;
    const bool is_of_boot = entry.host.boot_id == boot_id_;
    const bool is_its_own = is_of_boot && n.filesystem.dev == info_.dev;
    const bool is_left = IsLeft(n.health->to);
    const bool may_be_its = is_left || is_its_own || !is_of_boot;
    if (may_be_its && (!change_ || (is_its_own && !is_left))) {
      change_ = n;
      is_of_this_mounting_ = is_its_own;
    }
    is_found_ = !is_of_boot || is_its_own;
  }

  bool is_found() const { return is_found_; }  // an earlier one changes nothing
  const FilesystemInfo& info() const { return info_; }
  const std::optional<Notification>& change() const { return change_; }
  bool is_of_this_mounting() const { return is_of_this_mounting_; }

 private:
  const FilesystemInfo info_;
  const std::string& boot_id_;
  std::optional<Notification> change_;
  bool is_of_this_mounting_ = false;
  bool is_found_ = false;
};

// Of each file system the last change is met first.
class UnmountedFinder {
 public:
  explicit UnmountedFinder(const std::vector<FilesystemStatus>& mounted) {
    for (const FilesystemStatus& status : mounted) known_.insert(IdentityOf(status.info));
  }
  // Whether it is the last change of what is not mounted, and was left in no good state.
  bool Is(const Notification& n) {
    if (!n.health || !known_.insert(IdentityOf(n.filesystem)).second) return false;
    if (n.health->to == HealthState::kGone) return true;
    return n.origin == Origin::kUser && n.health->to != HealthState::kWell;  // needs no mount
  }

 private:
  static std::string IdentityOf(const FilesystemInfo& info) {
    return info.uuid ? ToString(*info.uuid) : info.type + '\0' + info.device;
  }
  std::set<std::string> known_;
};

// The last changes of those that are mounted and, behind them, `with_unmounted`, of those that are not and were left in no good state in
// this boot: what was left in an earlier one, the daemon tells again at its start. All changes are read once, from the latest on.
std::vector<LastChangeFinder> LastChanges(History& history, const std::string& boot_id, bool with_unmounted,
                                          const std::vector<FilesystemStatus>& mounted) {
  std::vector<LastChangeFinder> finders;
  for (const FilesystemStatus& status : mounted) finders.emplace_back(status.info, boot_id);
  UnmountedFinder unmounted(mounted);
  (void)history.ForEach({.kind = Kind::kHealth, .newest_first = true}, [&](const Entry& entry) {
    const bool is_sought = with_unmounted && entry.host.boot_id == boot_id;
    if (is_sought && unmounted.Is(entry.notification)) finders.emplace_back(entry.notification.filesystem, boot_id);
    for (LastChangeFinder& finder : finders) finder.Meet(entry);
    return is_sought || !std::ranges::all_of(finders, &LastChangeFinder::is_found);
  });
  return finders;
}

class Finder {
 public:
  Finder(History& history, std::vector<History::FilesystemSummary> summaries, const std::string& boot_id)
      : history_(history), summaries_(std::move(summaries)), boot_id_(boot_id) {}

  std::optional<KnownHistory> Of(const LastChangeFinder& last_change) {
    const FilesystemInfo& info = last_change.info();
    KnownHistory known;
    const auto summary = std::ranges::find_if(
        summaries_, [&](const auto& each) { return IsOf(each.uuid, each.type, each.device, info); });
    if (summary != summaries_.end()) {
      known.last = Find(summary->last_seq, info);
      if (!info.uuid && !known.last) return std::nullopt;  // of another boot
      known.first = Find(summary->first_seq, info);
      known.errors = summary->errors;
      known.notifications = summary->notifications;
    }
    known.health = last_change.change();
    known.is_of_this_mounting = last_change.is_of_this_mounting();
    if (summary == summaries_.end() && !known.health) return std::nullopt;
    return known;
  }

 private:
  std::optional<Notification> Find(uint64_t seq, const FilesystemInfo& info) {
    auto entry = history_.Find(seq);
    if (!entry || !*entry || !IsOf(**entry, info, boot_id_)) return std::nullopt;
    return std::move((*entry)->notification);
  }

  History& history_;
  const std::vector<History::FilesystemSummary> summaries_;
  const std::string& boot_id_;
};

FilesystemStatus StatusOfUnmounted(const FilesystemInfo& info, std::optional<KnownHistory> history) {
  FilesystemStatus status{.info = info};
  status.history = std::move(history);
  status.info.mounts.clear();
  status.is_mounted = false;
  status.is_daemons = true;
  if (status.history && status.history->health) status.health = status.history->health->health->to;
  return status;
}

bool IsCountedByExt4(const std::optional<Notification>& error) {
  return error && (error->kind == Kind::kMetadata || error->kind == Kind::kCounter);
}

void Decide(FilesystemStatus& status) {
  std::optional<LastChange> change;
  if (status.history && status.history->health)
    change = {.to = status.history->health->health->to,
              .rule = status.history->health->health->rule,
              .utc_ns = status.history->health->utc_ns,
              .is_of_this_mounting = status.history->is_of_this_mounting,
              .follows_counted_error = IsCountedByExt4(status.history->last)};
  const Verdict verdict = Judge(status.evidence, status.own, change);
  status.health = verdict.state;
  status.is_daemons = verdict.is_daemons;
}

void SayNotRead(const Error& error, std::vector<FilesystemStatus>& statuses) {
  if (error.code == ENOENT || error.code == ENOTDIR) return;
  for (FilesystemStatus& status : statuses) status.not_read.push_back("the history: " + error.ToString());
}

}  // namespace

void AddHistory(const std::string& directory, const std::string& boot_id, bool with_unmounted,
                std::vector<FilesystemStatus>& statuses) {
  auto history = History::Open(directory);
  if (!history) return SayNotRead(history.error(), statuses);
  auto summaries = (*history)->Filesystems();
  if (!summaries) return SayNotRead(summaries.error(), statuses);
  Finder finder(**history, std::move(*summaries), boot_id);
  const std::vector<LastChangeFinder> changes = LastChanges(**history, boot_id, with_unmounted, statuses);
  const size_t mounted = statuses.size();
  for (size_t i = 0; i < mounted; ++i) {
    statuses[i].history = finder.Of(changes[i]);
    Decide(statuses[i]);
  }
  for (const LastChangeFinder& change : std::span(changes).subspan(mounted))
    statuses.push_back(StatusOfUnmounted(change.info(), finder.Of(change)));
}

}  // namespace fsherald
