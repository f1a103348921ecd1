// SPDX-License-Identifier: MIT
#include "stored_errors.h"

#include "process.h"
#include "record/text.h"
#include "store/history.h"

namespace fsherald::system_test {

std::vector<Notification> StoredNotifications(const std::string& directory) {
  auto history = History::Open(directory);
  if (!history) Fail(history.error().ToString());
  std::vector<Notification> notifications;
  const Status read = (*history)->ForEach({}, [&](const Entry& entry) {
    notifications.push_back(entry.notification);
    return true;
  });
  if (!read) Fail(read.error().ToString());
  return notifications;
}

std::map<std::string, uint64_t> ErrorsByUuid(const std::vector<Notification>& notifications) {
  std::map<std::string, uint64_t> errors;
  for (const Notification& n : notifications)
    if (n.kind != Kind::kGap && n.kind != Kind::kHealth)
      errors[n.filesystem.uuid ? ToString(*n.filesystem.uuid) : ""] += n.error.count;
  return errors;
}

std::string WithoutTrace(const std::vector<Notification>& notifications) {
  std::string told;
  for (const Notification& n : notifications) {
    if (n.kind == Kind::kGap || n.kind == Kind::kHealth || n.sources.Has(SourceId::kTrace)) continue;
    told += std::to_string(n.seq) + ": " + n.filesystem.device + ", " + std::to_string(n.error.count) + " errors, by " +
            SourceNames(n.sources, " ") + "\n";
  }
  return told;
}

std::string Losses(const std::vector<Notification>& notifications) {
  std::string losses;
  for (const Notification& n : notifications) {
    if (n.kind != Kind::kGap || !n.gap || n.sources.Has(SourceId::kKmsg)) continue;
    losses += n.filesystem.device + " " + (n.gap->count ? std::to_string(*n.gap->count) : "?") + " " +
              SourceNames(n.sources, " ") + "\n";
  }
  return losses;
}

}  // namespace fsherald::system_test
