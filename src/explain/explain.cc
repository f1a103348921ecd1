// SPDX-License-Identifier: MIT
#include "explain/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "filesystem/filesystem.h"
#include "filesystem/repair.h"

namespace fsherald {
namespace {

using Items = std::vector<std::string>;
using Trouble = Patient::Trouble;

constexpr std::string_view kCauses = "likely causes";
constexpr std::string_view kToDo = "what to do";
constexpr std::string_view kNotToDo = "what not to do";

void AddSection(std::string_view label, Items items, Explanation& to) {
  if (!items.empty()) to.sections.push_back({std::string(label), std::move(items)});
}

Items ItemsOf(std::span<const std::string_view> words) { return {words.begin(), words.end()}; }

// Without those that are there.
void Append(std::span<const std::string_view> words, Items& items) {
  for (const std::string_view each : words)
    if (std::ranges::find(items, each) == items.end()) items.emplace_back(each);
}

void AddFact(const Fact& fact, Explanation& to) {
  to.meaning.emplace_back(fact.meaning);
  AddSection(kCauses, ItemsOf(fact.causes), to);
  AddSection(kToDo, ItemsOf(fact.to_do), to);
  AddSection(kNotToDo, ItemsOf(fact.never), to);
}

const Advice* AdviceOf(std::string_view type) { return ModuleOf(type).advice; }

// The name of the device may be another's after a boot: then only the uuid is certain.
std::string NodeOf(const FilesystemInfo& filesystem, bool same_boot) {
  if (!same_boot && filesystem.uuid) return "/dev/disk/by-uuid/" + ToString(*filesystem.uuid);
  if (filesystem.device.empty()) return "DEVICE";
  std::string node = "/dev/" + filesystem.device;
  std::ranges::replace(node, '!', '/');
  return node;
}

Patient PatientOf(const FilesystemInfo& filesystem, bool same_boot) {
  const auto& mounts = filesystem.mounts;
  return {.type = filesystem.type,
          .node = NodeOf(filesystem, same_boot),
          .mount_point = mounts.empty() ? std::string() : mounts.front(),
          .is_root = std::ranges::find(mounts, "/") != mounts.end()};
}

Trouble TroubleOf(Kind kind) {
  if (kind == Kind::kShutdown) return Trouble::kShutDown;
  return kind == Kind::kReadOnly ? Trouble::kReadOnly : Trouble::kErrors;
}

// The device that failed, where one did, and its name is still its own.
std::string FailedDeviceOf(const Notification& n, const Patient& patient, bool same_boot) {
  if (!same_boot || !n.device_error || n.device_error->device.empty()) return patient.node;
  return "/dev/" + n.device_error->device;
}

bool IsOfDevice(const Notification& n) {
  return n.device_error || n.kind == Kind::kDevice ||
         ((n.kind == Kind::kDataRead || n.kind == Kind::kDataWrite || n.kind == Kind::kWriteback) &&
          n.error.code == EIO);
}

Items DeviceSteps(const Notification& n, const Patient& patient, bool same_boot) {
  const std::string device = FailedDeviceOf(n, patient, same_boot);
  return {"see what lies below: lsblk -s -o NAME,TYPE,SIZE,MODEL,SERIAL,STATE " + device,
          "see what the disk says of itself: smartctl -a DISK (the disk at the end of that list)"};
}

Items FileSteps(const Notification& n, bool same_boot) {
  const bool has_path = n.object && n.object->path;
  const std::string file = has_path ? *n.object->path : "the file";
  switch (n.kind) {
    case Kind::kDataRead: return {"restore " + file + " from a backup, or save the rest of it with ddrescue"};
    case Kind::kDataWrite:
      return {"see what the program made of it: its write to " + file + " failed, and it was told"};
    case Kind::kWriteback:
      if (!same_boot)
        return {"write " + file + " anew from its source, or restore it: what was written is not on the disk"};
      return {"copy " + file + " elsewhere at once: its lost pages may still be in memory",
              "write " + file + " anew from its source, or restore it: what was written is not on the disk"};
    default: return {};
  }
}

Items UserSteps(const Notification& n) {
  const bool has_name = n.task && !n.task->comm.empty();
  return {
      fmt::format("see the log of {} (file system in user space, type {}): it reported this, and only it knows what "
                  "repairs it",
                  has_name ? n.task->comm : "the program that reported it",
                  n.filesystem.type.empty() ? "unknown" : n.filesystem.type)};
}

bool IsError(const Notification& n) { return n.kind != Kind::kGap && n.kind != Kind::kHealth; }

// What is neither repaired nor to be repaired.
std::optional<Items> StepsWithoutDamage(const Notification& n) {
  if (n.kind == Kind::kGap) return ItemsOf(FactOf(Kind::kGap).to_do);
  if (n.kind == Kind::kHealth) {
    Items steps = ItemsOf(FactOf(Kind::kHealth).to_do);
    if (n.incident) steps.insert(steps.begin(), fmt::format("fsherald show {}", *n.incident));
    return steps;
  }
  if (!n.trusted)
    return Items{"do not act on it alone: a program wrote this line to /dev/kmsg, and nothing else has seen the error",
                 "find out which program that is: only root and CAP_SYS_ADMIN may write there"};
  if (IsHealthyAgain(n)) return Items{"nothing for this: what was damaged no longer is"};
  if (n.origin == Origin::kUser) return UserSteps(n);
  return std::nullopt;
}

// What it means: of its kind, of its errno, of both from this file system, and of the function.
Items MeaningOf(const Notification& n) {
  Items meaning{std::string(FactOf(n.kind).meaning)};
  if (n.corrected) meaning.emplace_back("The file system has put it right from another copy: nothing is lost.");
  if (!n.trusted) meaning.emplace_back("A program in user space wrote the line to the kernel's log: it may be false.");
  if (n.error.code && n.origin == Origin::kKernel && IsError(n)) {
    const Fact* fact = FactOf(*n.error.code);
    if (fact != nullptr) meaning.push_back(ErrnoTitle(*n.error.code) + ". " + std::string(fact->meaning));
    const std::string_view own = CodeWords(n.filesystem.type, *n.error.code);
    if (!own.empty()) meaning.push_back(fmt::format("On {}: {}", ModuleOf(n.filesystem.type).type, own));
  }
  const auto known = n.location ? FindFunction(n.location->function) : std::nullopt;
  if (known && n.origin == Origin::kKernel)
    meaning.push_back(fmt::format("{}: {}.", n.location->function, known->words));
  return meaning;
}

Items CausesOf(const Notification& n) {
  Items causes = ItemsOf(FactOf(n.kind).causes);
  const Fact* fact = n.error.code ? FactOf(*n.error.code) : nullptr;
  if (fact != nullptr && n.kind == Kind::kMetadata) causes = ItemsOf(fact->causes);  // what the kind says, more exactly
  else if (fact != nullptr && IsError(n)) Append(fact->causes, causes);
  return causes;
}

Items NeverOf(const Notification& n) {
  Items never = ItemsOf(FactOf(n.kind).never);
  const Advice* advice = AdviceOf(n.filesystem.type);
  if (advice != nullptr && IsError(n) && n.origin == Origin::kKernel) {
    std::erase(never, "never run fsck or a repair on a file system that is mounted");  // its own words are more exact
    Append(advice->never, never);
  }
  return never;
}

std::string TitleOf(const Notification& n) {
  std::string title = fmt::format("notification {}: {}", n.seq, Name(n.kind));
  if (!n.filesystem.type.empty()) title += " on " + n.filesystem.type;
  if (!n.filesystem.device.empty()) title += " " + n.filesystem.device;
  if (n.error.code && IsError(n)) title += ": " + ErrnoTitle(*n.error.code);
  return title;
}

}  // namespace

Explanation ExplainErrno(int code) {
  Explanation explanation{.title = ErrnoTitle(code), .meaning = {}, .sections = {}};
  if (const Fact* fact = FactOf(code)) AddFact(*fact, explanation);
  else
    explanation.meaning.emplace_back(
        "An answer to a program. No file system that fsherald knows reports it as an error of its own.");
  if (!KernelNameOf(code).empty())
    explanation.meaning.push_back(fmt::format("The kernel's source calls it {}.", KernelNameOf(code)));
  for (const FilesystemModule& module : FilesystemModules())
    if (const std::string_view words = CodeWords(module.type, code); !words.empty())
      AddSection(fmt::format("on {}", module.type), {std::string(words)}, explanation);
  return explanation;
}

Explanation ExplainKind(Kind kind) {
  Explanation explanation{.title = std::string(Name(kind)), .meaning = {}, .sections = {}};
  AddFact(FactOf(kind), explanation);
  return explanation;
}

std::optional<Explanation> ExplainFunction(std::string_view function) {
  const auto known = FindFunction(function);
  if (!known) return std::nullopt;
  Explanation explanation{.title = fmt::format("{} ({})", function, known->type),
                          .meaning = {fmt::format("Where it reports: {}.", known->words)},
                          .sections = {}};
  const Patient patient{.type = known->type, .node = "DEVICE", .mount_point = ""};
  AddSection(kToDo, NextSteps(patient, Trouble::kErrors), explanation);
  AddSection(kNotToDo, ItemsOf(AdviceOf(known->type)->never), explanation);
  return explanation;
}

std::vector<std::string> StepsFor(const Notification& n, bool same_boot) {
  if (auto steps = StepsWithoutDamage(n)) return *steps;
  const Patient patient = PatientOf(n.filesystem, same_boot);
  Items steps = FileSteps(n, same_boot);
  const auto add = [&](Items more) { steps.insert(steps.end(), more.begin(), more.end()); };
  if (IsOfDevice(n)) add(DeviceSteps(n, patient, same_boot));
  if (n.filesystem.type.empty()) return steps;  // a device alone
  const Advice* advice = AdviceOf(n.filesystem.type);
  if (advice != nullptr && advice->look != nullptr) {
    for (const std::string& command : advice->look(patient, n))
      steps.push_back("look, which changes nothing: " + command);
  }
  add(NextSteps(patient, TroubleOf(n.kind)));
  return steps;
}

Explanation ExplainNotification(const Notification& n, bool same_boot) {
  Explanation explanation{.title = TitleOf(n), .meaning = MeaningOf(n), .sections = {}};
  if (!IsHealthyAgain(n)) AddSection(kCauses, CausesOf(n), explanation);
  AddSection(kToDo, StepsFor(n, same_boot), explanation);
  if (!IsHealthyAgain(n)) AddSection(kNotToDo, NeverOf(n), explanation);
  return explanation;
}

}  // namespace fsherald
