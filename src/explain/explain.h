// SPDX-License-Identifier: MIT
// What an errno, a kind, a function or a notification means, what may be the cause, what to do and what not to do. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explain/fact.h"
#include "filesystem/advice.h"
#include "record/notification.h"

namespace fsherald {

// Sentences and commands. What comes from a notification is as it was there, control bytes included.
struct Explanation {
  struct Section {
    std::string label;
    std::vector<std::string> items;
    friend bool operator==(const Section&, const Section&) = default;
  };
  std::string title;
  std::vector<std::string> meaning;  // paragraphs
  std::vector<Section> sections;     // none is empty
};

// An errno (with a name), whichever file system reports it, and what it means from each that adds something.
Explanation ExplainErrno(int code);
Explanation ExplainKind(Kind kind);
// Empty: no file system's module knows the function.
std::optional<Explanation> ExplainFunction(std::string_view function);
// `same_boot`: it was told in this boot, so that its device still has the same name.
Explanation ExplainNotification(const Notification& notification, bool same_boot);

// What to do about one notification: where to look, then the file system's own tools.
std::vector<std::string> StepsFor(const Notification& notification, bool same_boot);

}  // namespace fsherald
