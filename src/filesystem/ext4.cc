// SPDX-License-Identifier: MIT
#include "filesystem/ext4.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "filesystem/ext4_advice.h"
#include "filesystem/ext4_counters.h"
#include "filesystem/ext4_log.h"
#include "filesystem/ext4_walk.h"
#include "filesystem/kernel_version.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

// Linux, fs/ext4/super.c: what each reporting function does besides printing.
struct ReporterRow {
  std::string_view function;
  Reporter reporter;
};
constexpr ReporterRow kReporters[] = {
    {"__ext4_error", {.told_by_fanotify = true, .counted = true, .code = std::nullopt}},
    {"__ext4_error_inode", {.told_by_fanotify = true, .counted = true, .code = std::nullopt}},
    {"__ext4_error_file", {.told_by_fanotify = true, .counted = true, .code = EUCLEAN}},
    {"__ext4_std_error", {.told_by_fanotify = true, .counted = true, .code = std::nullopt}},
    {"__ext4_grp_locked_error", {.told_by_fanotify = false, .counted = true, .code = EUCLEAN}},
    {"__ext4_warning", {.told_by_fanotify = false, .counted = false, .code = std::nullopt}},
    {"__ext4_warning_inode", {.told_by_fanotify = false, .counted = false, .code = std::nullopt}},
    {"__ext4_msg", {.told_by_fanotify = false, .counted = false, .code = std::nullopt}},
    {"ext4_force_shutdown", {.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN}},
    {"ext4_shutdown", {.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN}},
};

const ReporterRow* FindReporter(std::string_view function) {
  for (const ReporterRow& row : kReporters) {
    if (row.function == function) return &row;
  }
  return nullptr;
}

SpecificField Field(std::string_view name, const std::optional<uint64_t>& value) {
  if (!value) return {std::string(name), std::monostate{}};
  return {std::string(name), *value};
}

// ext4_iget (fs/ext4/inode.c) fails with one of these: the inode in the message is the one that it could not load.
constexpr std::string_view kIgetMessages[] = {
    "iget: ",
    "unable to read itable block",
    "corrupted in-inode xattr",
    "unexpected EA_INODE flag",
    "missing EA_INODE flag",
    "ea_inode ",
    "casefold flag without casefold feature",
};
constexpr std::string_view kIgetFunctions[] = {"ext4_ext_check_inode", "ext4_ind_check_inode"};

}  // namespace

bool IsExt4ReportingHelper(std::string_view function) {
  std::string_view name = FrameFunction(function);
  // A shutdown's frame is the place itself, no helper.
  if (name == "ext4_force_shutdown" || name == "ext4_shutdown") return false;
  return FindReporter(name) != nullptr || name == "ext4_handle_error" || IsTracingMachinery(name);
}

Reporter Ext4Reporter(std::span<const std::string> stack) {
  for (const std::string& frame : stack) {
    if (const ReporterRow* row = FindReporter(FrameFunction(frame))) return row->reporter;
  }
  return {};
}

Specific Ext4Specific(const ErrorReport& message) {
  Specific specific{
      .type = "ext4",
      .fields = {Field("inode", message.inode), Field("block", message.block), Field("group", message.group)},
      .message = std::nullopt};
  if (!message.message.empty()) specific.message = message.message;
  return specific;
}

bool Ext4ObjectIsLoadable(const ErrorReport& message) {
  // Only the error handler spoke, or the counters: nothing says whether the inode could be loaded.
  if (message.message.empty()) return false;
  auto begins = [&](std::string_view text) { return message.message.starts_with(text); };
  return std::ranges::none_of(kIgetMessages, begins) &&
         std::ranges::find(kIgetFunctions, message.function) == std::end(kIgetFunctions);
}

bool Ext4SendsFanotify(std::string_view kernel_release) {
  const KernelVersion version = ParseKernelVersion(kernel_release);
  if (version.major == 5 && version.minor == 10) return version.patch >= 220;  // brought to the long-term kernels
  if (version.major == 5 && version.minor == 15) return version.patch >= 154;
  return version >= KernelVersion{5, 16, 0};
}

// Linux, fs/ext4/super.c, ext4_statfs: both halves of the uuid, as little-endian numbers, by exclusive or.
Fsid Ext4FsidOf(const Uuid& uuid) {
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(uuid.bytes[at + i]) << (8 * i);
    return value;
  };
  return {word(0) ^ word(8), word(4) ^ word(12)};
}

FilesystemModule Ext4Module() {
  return {
      .type = "ext4",
      .log_prefixes = Ext4LogPrefixes(),
      .parse_log = ParseExt4Line,
      .is_reporting_helper = IsExt4ReportingHelper,
      .reporter = Ext4Reporter,
      .specific = Ext4Specific,
      .object_is_loadable = Ext4ObjectIsLoadable,
      .read_counters = ReadExt4Counters,
      .counter_event_path = Ext4CounterEventPath,
      .find_path = FindExt4Path,
      .opens_any_generation = true,
      .fsid_of = Ext4FsidOf,
      .sends_fanotify = Ext4SendsFanotify,
      .advice = &kExt4Advice,
  };
}

}  // namespace fsherald
