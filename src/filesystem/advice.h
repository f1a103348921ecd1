// SPDX-License-Identifier: MIT
// What those who repair a file system know of its errors: what its codes and its functions mean, what its own tools do next,
// and what makes it worse. One for each module that has any (FilesystemModule::advice). Data and pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/notification.h"

namespace fsherald {

struct Patient {
  enum class Trouble { kErrors, kReadOnly, kShutDown };
  std::string_view type;
  std::string node;         // of its device: "/dev/sda1"
  std::string mount_point;  // empty: in no mount table of ours
  bool is_root = false;     // it cannot be unmounted
};

// What an errno means when it is this file system that reports it.
struct CodeNote {
  int code;
  std::string_view words;
};

// What it means that this function reports. In the pattern a '*' stands for any characters; the first that fits counts.
struct FunctionNote {
  std::string_view pattern;
  std::string_view words;
};

struct Advice {
  std::span<const CodeNote> codes;
  std::span<const FunctionNote> functions = {};
  std::span<const std::string_view> never = {};  // what not to do, in sentences

  // Sentences and commands, in their order; names as they are, control bytes included.
  std::vector<std::string> (*steps)(const Patient& patient, Patient::Trouble trouble);
  // Commands that look at what the notification is about, and change nothing. Null: there are none.
  std::vector<std::string> (*look)(const Patient& patient, const Notification& notification) = nullptr;
};

// As one word for a shell: in quotes, unless nothing in it means anything to one.
std::string ShellWord(std::string_view text);

// The mount point as a word for a shell, or a word in its place.
std::string MountPointOf(const Patient& patient);

// The commands, after its unmounting; of the root file system from another one.
std::vector<std::string> Unmounted(const Patient& patient, std::vector<std::string> commands);

// The value of one of the file system's own fields, where the notification has it.
std::optional<uint64_t> NumberOf(const Notification& notification, std::string_view field);

// What is known of a function ("ext4_lookup", or a frame of it), and of which file system it is.
struct KnownFunction {
  std::string_view type;
  std::string_view words;
};
std::optional<KnownFunction> FindFunction(std::string_view function);

// What an errno means from this type; empty: nothing beyond what it means from all.
std::string_view CodeWords(std::string_view type, int code);

}  // namespace fsherald
