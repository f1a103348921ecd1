// SPDX-License-Identifier: MIT
#include "filesystem/btrfs.h"

#include <algorithm>

#include "filesystem/btrfs_advice.h"
#include "filesystem/btrfs_counters.h"
#include "filesystem/btrfs_ioctl.h"
#include "filesystem/btrfs_log.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

// Linux, fs/btrfs: what stands between the function that met an error and printk. (In tree-checker.c each structure has a
// function of its own that words the error.)
constexpr std::string_view kHelpers[] = {
    "_btrfs_printk",
    "btrfs_printk",
    "btrfs_printk_in_rcu",
    "btrfs_printk_ratelimited",
    "btrfs_dev_stat_inc_and_print",
    "btrfs_dev_stat_print_on_error",
    "btrfs_print_data_csum_error",
    "btrfs_log_dev_io_error",
    "__btrfs_handle_fs_error",
    "__btrfs_abort_transaction",
    "generic_err",
    "file_extent_err",
    "dir_item_err",
    "block_group_err",
    "chunk_err",
    "dev_item_err",
    "extent_err",
    "inode_ref_err",
    "inode_item_err",
    "root_item_err",
    "raid_stripe_tree_err",
    "scrub_print_common_warning",
    "scrub_print_warning",
    "scrub_print_warning_inode",
    "iterate_extent_inodes",
    "___ratelimit",
};

// In the order of the record.
constexpr std::string_view kFields[] = {"root",  "inode",    "offset", "logical", "physical", "mirror",
                                        "level", "expected", "found",  "device",  "devid",    "counter"};

SpecificField FieldOf(const ErrorReport& report, std::string_view name) {
  const auto said = std::ranges::find(report.fields, name, &SpecificField::name);
  if (said != report.fields.end()) return *said;
  SpecificField field{std::string(name), std::monostate{}};
  if (name == "root" && report.inode_root) field.value = *report.inode_root;
  if (name == "inode" && report.inode) field.value = *report.inode;
  if (name == "offset" && report.inode && report.range) field.value = report.range->offset_bytes;
  if (name == "counter" && !report.counter.empty()) field.value = report.counter;
  return field;
}

bool ObjectIsLoadable(const ErrorReport& /*report*/) { return true; }  // its inodes are not looked for by a handle

}  // namespace

bool IsBtrfsReportingHelper(std::string_view function) {
  return std::ranges::find(kHelpers, FrameFunction(function)) != std::end(kHelpers);
}

Specific BtrfsSpecific(const ErrorReport& report) {
  Specific specific{.type = "btrfs", .message = std::nullopt};
  for (const std::string_view name : kFields) specific.fields.push_back(FieldOf(report, name));
  if (!report.message.empty()) specific.message = report.message;
  return specific;
}

FilesystemModule BtrfsModule() {
  return {
      .type = "btrfs",
      .log_prefixes = BtrfsLogPrefixes(),
      .parse_log = ParseBtrfsLine,
      .is_reporting_helper = IsBtrfsReportingHelper,
      .specific = BtrfsSpecific,
      .object_is_loadable = ObjectIsLoadable,
      .read_counters = ReadBtrfsCounters,
      .counter_instance_path = BtrfsInstancePath,
      .ask_path = AskBtrfsPath,
      .advice = &kBtrfsAdvice,
  };
}

}  // namespace fsherald
