// SPDX-License-Identifier: MIT
#include "filesystem/advice.h"

#include <algorithm>
#include <cctype>

#include "filesystem/filesystem.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

// Takes from `text` up to and with the first `word` at or behind its beginning.
bool SkipPast(std::string_view word, std::string_view& text) {
  const size_t at = text.find(word);
  if (at == std::string_view::npos) return false;
  text.remove_prefix(at + word.size());
  return true;
}

bool Fits(std::string_view pattern, std::string_view function) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == function;
  if (!function.starts_with(pattern.substr(0, star))) return false;
  function.remove_prefix(star);
  for (pattern.remove_prefix(star + 1); (star = pattern.find('*')) != std::string_view::npos;
       pattern.remove_prefix(star + 1))
    if (!SkipPast(pattern.substr(0, star), function)) return false;
  return function.ends_with(pattern);
}

}  // namespace

std::string ShellWord(std::string_view text) {
  const bool is_plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/._-+:@%,=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string MountPointOf(const Patient& patient) {
  return patient.mount_point.empty() ? "MOUNTPOINT" : ShellWord(patient.mount_point);
}

std::vector<std::string> Unmounted(const Patient& patient, std::vector<std::string> commands) {
  if (!patient.is_root) {
    commands.insert(commands.begin(), "umount " + MountPointOf(patient));
  } else if (!commands.empty()) {
    commands.front() = "boot another system, and there: " + commands.front();
  }
  return commands;
}

std::optional<uint64_t> NumberOf(const Notification& notification, std::string_view field) {
  if (!notification.specific) return std::nullopt;
  const auto& fields = notification.specific->fields;
  const auto found = std::ranges::find(fields, field, &SpecificField::name);
  if (found == fields.end()) return std::nullopt;
  const auto* number = std::get_if<uint64_t>(&found->value);
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::optional<KnownFunction> FindFunction(std::string_view function) {
  function = FrameFunction(function);
  for (const FilesystemModule& module : FilesystemModules()) {
    if (module.advice == nullptr) continue;
    for (const FunctionNote& note : module.advice->functions)
      if (Fits(note.pattern, function)) return KnownFunction{module.type, note.words};
  }
  return std::nullopt;
}

std::string_view CodeWords(std::string_view type, int code) {
  const Advice* advice = ModuleOf(type).advice;
  if (advice == nullptr) return {};
  const auto found = std::ranges::find(advice->codes, code, &CodeNote::code);
  return found == advice->codes.end() ? std::string_view() : found->words;
}

}  // namespace fsherald
