// SPDX-License-Identifier: MIT
#include "cli/explain.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>

#include "cli/exit_code.h"
#include "cli/explanation_text.h"
#include "cli/open_history.h"
#include "explain/explain.h"

namespace fsherald {
namespace {

std::optional<uint64_t> ParseId(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

int Print(const Explanation& explanation, const ExplainOptions& options) {
  const std::string text =
      ExplanationText(explanation, TerminalColumns(STDOUT_FILENO), UseColor(options.color, STDOUT_FILENO));
  Status written = WriteAll(STDOUT_FILENO, text);
  if (written) return kExitOk;
  Complain(written.error().ToString());
  return kExitFailure;
}

int ExplainId(uint64_t id, const ExplainOptions& options) {
  std::optional<Entry> entry;
  if (const int code = FindEntry(options.store, id, entry); !entry) return code;
  return Print(ExplainNotification(entry->notification, entry->host.boot_id == ReadHost().boot_id), options);
}

// An errno's number may be a notification's as well.
void SayIfIdToo(const ExplainOptions& options) {
  const auto id = ParseId(options.what);
  if (!id) return;
  auto history = History::Open(options.store);
  if (!history) return;
  const auto entry = (*history)->Find(*id);
  if (entry && *entry)
    Say(fmt::format("fsherald: this is the errno {0}; of the notification {0}: fsherald explain --id {0}\n", *id));
}

std::optional<Explanation> ExplainWord(std::string_view word) {
  if (const auto code = ParseErrno(word)) return ExplainErrno(*code);
  if (const auto kind = ParseKind(word)) return ExplainKind(*kind);
  return ExplainFunction(word);
}

}  // namespace

int RunExplain(const ExplainOptions& options) {
  if (Status open = CheckStandardStreams(); !open) {
    Complain(open.error().ToString());
    return kExitFailure;
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (options.id) return ExplainId(*options.id, options);
  if (const auto explanation = ExplainWord(options.what)) {
    const int code = Print(*explanation, options);
    SayIfIdToo(options);
    return code;
  }
  if (const auto id = ParseId(options.what)) return ExplainId(*id, options);
  Complain(
      fmt::format("nothing is known of '{}': name an errno (EUCLEAN, 117), a kind ({}), a kernel function of a file "
                  "system, or the ID of a notification",
                  options.what, KindNames()));
  return kExitFailure;
}

}  // namespace fsherald
