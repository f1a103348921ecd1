// SPDX-License-Identifier: MIT
#include "cli/status_history.h"

#include <algorithm>
#include <set>

#include "store/history.h"

namespace fsherald {
namespace {

class Finder {
 public:
  Finder(History& history, std::vector<History::FilesystemSummary> summaries, const std::string& boot_id)
      : history_(history), summaries_(std::move(summaries)), boot_id_(boot_id) {}

  std::optional<KnownHistory> Of(const FilesystemInfo& info) {
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
    FindChange(info, known);
    if (summary == summaries_.end() && !known.health) return std::nullopt;
    return known;
  }

 private:
  static bool IsOf(const std::optional<Uuid>& uuid, const std::string& type, const std::string& device,
                   const FilesystemInfo& info) {
    if (uuid || info.uuid) return uuid == info.uuid;
    return !info.device.empty() && type == info.type && device == info.device;
  }

  // The name of a device without a uuid is another's after a boot.
  bool IsOf(const Entry& entry, const FilesystemInfo& info) const {
    const FilesystemInfo& found = entry.notification.filesystem;
    return IsOf(found.uuid, found.type, found.device, info) && (info.uuid || entry.host.boot_id == boot_id_);
  }

  std::optional<Notification> Find(uint64_t seq, const FilesystemInfo& info) {
    auto entry = history_.Find(seq);
    if (!entry || !*entry || !IsOf(**entry, info)) return std::nullopt;
    return std::move((*entry)->notification);
  }

  // Two copies of a file system have one uuid. What was told of the other, mounted from another device, is nothing of this one, unless
  // it may be this one before it was moved: it was left there. Devices have their names for one boot.
  void FindChange(const FilesystemInfo& info, KnownHistory& known) {
    const History::Query query{
        .filesystem = info.uuid ? ToString(*info.uuid) : info.device, .kind = Kind::kHealth, .newest_first = true};
    if (query.filesystem.empty()) return;
    (void)history_.ForEach(query, [&](const Entry& entry) {
      const Notification& n = entry.notification;
      if (!n.health || !IsOf(entry, info)) return true;
      const bool is_of_boot = entry.host.boot_id == boot_id_;
      const bool is_its_own = is_of_boot && n.filesystem.dev == info.dev;
      const bool is_left = n.health->to == HealthState::kWell || n.health->to == HealthState::kGone;
      const bool may_be_its = is_left || is_its_own || !is_of_boot;
      if (may_be_its && (!known.health || (is_its_own && !is_left))) {
        known.health = n;
        known.is_of_this_mounting = is_its_own;
      }
      return is_of_boot && !is_its_own;
    });
  }

  History& history_;
  const std::vector<History::FilesystemSummary> summaries_;
  const std::string& boot_id_;
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

// Those of this boot, the latest first. What was left in an earlier one, the daemon tells again at its start.
std::vector<FilesystemInfo> Unmounted(History& history, const std::string& boot_id,
                                      const std::vector<FilesystemStatus>& mounted) {
  std::vector<FilesystemInfo> unmounted;
  UnmountedFinder finder(mounted);
  (void)history.ForEach({.kind = Kind::kHealth, .newest_first = true}, [&](const Entry& entry) {
    if (entry.host.boot_id != boot_id) return false;
    if (finder.Is(entry.notification)) unmounted.push_back(entry.notification.filesystem);
    return true;
  });
  return unmounted;
}

FilesystemStatus StatusOfUnmounted(FilesystemInfo info, Finder& finder) {
  FilesystemStatus status{.info = std::move(info)};
  status.history = finder.Of(status.info);
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
  for (FilesystemStatus& status : statuses) {
    status.history = finder.Of(status.info);
    Decide(status);
  }
  if (!with_unmounted) return;
  for (FilesystemInfo& info : Unmounted(**history, boot_id, statuses))
    statuses.push_back(StatusOfUnmounted(std::move(info), finder));
}

}  // namespace fsherald
