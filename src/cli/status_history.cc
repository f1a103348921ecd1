// SPDX-License-Identifier: MIT
#include "cli/status_history.h"

#include <algorithm>

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
    known.health = LastChange(info);
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

  std::optional<Notification> LastChange(const FilesystemInfo& info) {
    std::optional<Notification> last;
    const History::Query query{
        .filesystem = info.uuid ? ToString(*info.uuid) : info.device, .kind = Kind::kHealth, .newest_first = true};
    if (query.filesystem.empty()) return last;
    (void)history_.ForEach(query, [&](const Entry& entry) {
      if (IsOf(entry, info)) last = entry.notification;
      return !last;
    });
    return last;
  }

  History& history_;
  const std::vector<History::FilesystemSummary> summaries_;
  const std::string& boot_id_;
};

void SayNotRead(const Error& error, std::vector<FilesystemStatus>& statuses) {
  if (error.code == ENOENT || error.code == ENOTDIR) return;
  for (FilesystemStatus& status : statuses) status.not_read.push_back("the history: " + error.ToString());
}

}  // namespace

void AddHistory(const std::string& directory, const std::string& boot_id, std::vector<FilesystemStatus>& statuses) {
  auto history = History::Open(directory);
  if (!history) return SayNotRead(history.error(), statuses);
  auto summaries = (*history)->Filesystems();
  if (!summaries) return SayNotRead(summaries.error(), statuses);
  Finder finder(**history, std::move(*summaries), boot_id);
  for (FilesystemStatus& status : statuses) status.history = finder.Of(status.info);
}

}  // namespace fsherald
