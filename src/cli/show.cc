// SPDX-License-Identifier: MIT
#include "cli/show.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/styles.h"
#include "base/text.h"
#include "cli/entry_json.h"
#include "cli/exit_code.h"
#include "cli/explanation_text.h"
#include "cli/open_history.h"
#include "cli/time_text.h"
#include "explain/explain.h"
#include "record/text.h"

namespace fsherald {
namespace {

using namespace styles;

// Lines in the manner of record/text.h, below its own.
class Lines {
 public:
  explicit Lines(bool color) : color_(color) {}
  void Add(std::string_view label, std::string_view words) {
    if (words.empty()) return;
    const std::string padded = fmt::format("{:<7}", label);
    text_ += fmt::format("  {}  {}\n", color_ ? fmt::format("{}{}{}", kDim, padded, kNormal) : padded, words);
  }
  std::string Take() { return std::move(text_); }

 private:
  bool color_;
  std::string text_;
};

std::string IdentityWords(const FilesystemInfo& filesystem) {
  std::string words;
  const auto append = [&](std::string_view name, const std::string& value) {
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", name, value);
  };
  if (filesystem.uuid) append("uuid", ToString(*filesystem.uuid));
  if (filesystem.dev) append("device", ToString(*filesystem.dev));
  if (filesystem.fsid) append("fsid", ToString(*filesystem.fsid));
  return words;
}

std::string MountWords(const FilesystemInfo& filesystem) {
  std::string words;
  for (const std::string& mount : filesystem.mounts) words += (words.empty() ? "" : ", ") + ForTerminal(mount);
  return words;
}

std::string BootWords(const Entry& entry, bool same_boot) {
  std::string words = ForTerminal(entry.host.boot_id);
  if (words.empty()) return words;
  words += same_boot ? " (this one)" : " (not this one)";
  if (entry.notification.boottime_ns)
    words += fmt::format(", {:.6f} s after its begin", static_cast<double>(*entry.notification.boottime_ns) * 1e-9);
  return words;
}

std::string NumberWords(const Notification& n) {
  std::string words = fmt::format("{}", n.seq);
  if (n.filesystem_seq != 0) words += fmt::format(", of this file system's {}", n.filesystem_seq);
  return words;
}

std::string MergedWords(const Entry& entry) {
  if (entry.rows <= 1) return "";
  return fmt::format("{} notifications in one, up to {} at {}: this is the first of them, the count is that of all",
                     entry.rows, entry.last_seq, LocalTimeText(entry.last_utc_ns));
}

// "4 notifications of 9 errors, 37 to 43, from 10:31:07 to 10:31:09"
std::string IncidentWords(const std::optional<IncidentSpan>& incident) {
  if (!incident) return "";
  std::string words =
      fmt::format("{}: {} notification{} of {} error{}, from {} to {}", incident->first_seq, incident->notifications,
                  incident->notifications == 1 ? "" : "s", incident->errors, incident->errors == 1 ? "" : "s",
                  LocalTimeText(incident->first_utc_ns), LocalTimeText(incident->last_utc_ns));
  if (incident->last_seq != incident->first_seq) words += fmt::format(" (up to number {})", incident->last_seq);
  return words;
}

// An incident's notifications lie between those of other file systems; with another incident of the same one it has ended.
std::optional<IncidentSpan> FindIncident(const std::string& directory, const Notification& n) {
  if (!n.incident) return std::nullopt;
  auto history = History::Open(directory);
  if (!history) return std::nullopt;
  History::Query query{.after_seq = *n.incident - std::min<uint64_t>(*n.incident, 1)};
  query.filesystem = n.filesystem.uuid ? ToString(*n.filesystem.uuid) : n.filesystem.device;
  std::optional<IncidentSpan> incident;
  (void)(*history)->ForEach(query, [&](const Entry& entry) {
    const auto& of = entry.notification.incident;
    if (of && *of > *n.incident) return false;
    if (of != n.incident) return true;
    if (!incident) incident.emplace();
    Extend(*incident, entry);
    return true;
  });
  return incident;
}

int Fail(const Error& error) {
  Complain(error.ToString());
  return kExitFailure;
}

}  // namespace

void Extend(IncidentSpan& incident, const Entry& entry) {
  const Notification& n = entry.notification;
  if (incident.notifications == 0) incident.first_seq = n.seq, incident.first_utc_ns = n.utc_ns;
  incident.last_seq = std::max({incident.last_seq, n.seq, entry.last_seq});
  incident.first_utc_ns = std::min(incident.first_utc_ns, n.utc_ns);
  incident.last_utc_ns = std::max({incident.last_utc_ns, n.utc_ns, entry.rows > 1 ? entry.last_utc_ns : n.utc_ns});
  incident.notifications += entry.rows;
  incident.errors += ErrorCount(n);
}

std::string ShowText(const Entry& entry, const ShowLook& look) {
  const Notification& n = entry.notification;
  std::string text;
  AppendText(n, entry.host, {.color = look.color, .dated = true, .whole_stack = true}, text);
  if (text.ends_with("\n\n")) text.pop_back();
  Lines lines(look.color);
  lines.Add("system", IdentityWords(n.filesystem));
  lines.Add("mounted", MountWords(n.filesystem));
  lines.Add("boot", BootWords(entry, look.same_boot));
  lines.Add("id", NumberWords(n));
  lines.Add("stands", MergedWords(entry));
  lines.Add("incident", IncidentWords(look.incident));
  text += lines.Take() + "\n";
  AppendItems("next", StepsFor(n, look.same_boot), look.width, look.color, text);
  text += fmt::format("\nwhat it means, and what not to do: fsherald explain --id {}\n", n.seq);
  return text;
}

int RunShow(const ShowOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  ::signal(SIGPIPE, SIG_IGN);
  std::optional<Entry> entry;
  if (const int code = FindEntry(options.store, options.id, entry); !entry) return code;
  std::string text;
  if (options.json) AppendEntryJson(*entry, text);
  else
    text = ShowText(*entry, {.width = TerminalColumns(STDOUT_FILENO),
                             .color = UseColor(options.color, STDOUT_FILENO),
                             .same_boot = entry->host.boot_id == ReadHost().boot_id,
                             .incident = FindIncident(options.store, entry->notification)});
  if (Status written = WriteAll(STDOUT_FILENO, text); !written) return Fail(written.error());
  return kExitOk;
}

}  // namespace fsherald
