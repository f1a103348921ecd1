// SPDX-License-Identifier: MIT
#include "filesystem/xfs.h"

#include <algorithm>

#include "filesystem/kernel_version.h"
#include "filesystem/stack_frame.h"
#include "filesystem/xfs_advice.h"
#include "filesystem/xfs_event.h"
#include "filesystem/xfs_log.h"

namespace fsherald {
namespace {

// Linux, fs/xfs/xfs_message.c, xfs_error.c, xfs_health.c and the like; then xfs_buf.c and xfs_trans_buf.c between who wants
// a block and the check that has returned. An entry that ends in '_' stands for all names that begin with it.
constexpr std::string_view kHelpers[] = {
    "xfs_printk_level",
    "_xfs_alert_tag",
    "xfs_hex_dump",
    "xfs_buf_alert_ratelimited",
    "xfs_buf_ioerror",
    "__xfs_buf_ioerror",
    "xfs_buf_ioerror_alert",
    "xfs_buf_ioerror_alert_ratelimited",
    "xfs_buf_verifier_error",
    "xfs_buf_corruption_error",
    "xfs_verifier_error",
    "xfs_inode_verifier_error",
    "xfs_corruption_error",
    "xfs_error_report",
    "xfs_fs_mark_",
    "xfs_group_mark_",
    "xfs_ag_mark_",
    "xfs_agno_mark_",
    "xfs_rtgroup_mark_",
    "xfs_rgno_mark_",
    "xfs_inode_mark_",
    "xfs_bmap_mark_",
    "xfs_btree_mark_",
    "xfs_da_mark_",
    "xfs_dirattr_mark_",
    "xfs_bmap_complain_bad_rec",
    "xfs_alloc_complain_bad_rec",
    "xfs_inobt_complain_bad_rec",
    "xfs_rmap_complain_bad_rec",
    "xfs_refcount_complain_bad_rec",
    "xfs_do_force_shutdown",
    "xlog_force_shutdown",
    "__xfs_buf_ioend",
    "xfs_buf_ioend",
    "xfs_buf_ioend_work",
    "xfs_buf_iowait",
    "_xfs_buf_read",
    "xfs_buf_read_map",
    "xfs_buf_read_uncached",
    "xfs_buf_bio_end_io",
    "xfs_buf_ioend_fail",
    "xfs_trans_read_buf_map",
};

const SpecificField* FindField(const ErrorReport& report, std::string_view name) {
  auto it = std::ranges::find(report.fields, name, &SpecificField::name);
  return it == report.fields.end() ? nullptr : &*it;
}

std::string_view WordsOf(const ErrorReport& report, std::string_view name) {
  const SpecificField* field = FindField(report, name);
  const auto* words = field != nullptr ? std::get_if<std::string>(&field->value) : nullptr;
  return words != nullptr ? std::string_view(*words) : std::string_view();
}

SpecificField Said(const ErrorReport& report, std::string_view name) {
  const SpecificField* field = FindField(report, name);
  return {std::string(name), field != nullptr ? field->value : std::monostate{}};
}

SpecificField Number(std::string_view name, const std::optional<uint64_t>& number) {
  if (!number) return {std::string(name), std::monostate{}};
  return {std::string(name), *number};
}

// Where nothing was marked as sick: the inode, the group or the block that the error is about.
SpecificField DomainOf(const ErrorReport& report) {
  SpecificField domain = Said(report, "domain");
  if (!std::holds_alternative<std::monostate>(domain.value)) return domain;
  if (report.inode) domain.value = "inode";
  else if (FindField(report, "daddr") != nullptr) domain.value = "buffer";
  else if (report.group) domain.value = "ag";
  return domain;
}

}  // namespace

bool IsXfsReportingHelper(std::string_view function) {
  const std::string_view name = FrameFunction(function);
  return IsTracingMachinery(name) || std::ranges::any_of(kHelpers, [&](std::string_view helper) {
           return helper.ends_with('_') ? name.starts_with(helper) : name == helper;
         });
}

bool IsXfsReadAhead(std::string_view function) { return FrameFunction(function).starts_with("xfs_btree_readahead"); }

Specific XfsSpecific(const ErrorReport& report) {
  Specific specific{
      .type = "xfs",
      .fields = {DomainOf(report), Number("ag", report.group), Number("inode", report.inode), Said(report, "daddr"),
                 Said(report, "length"), Said(report, "structure"), Said(report, "sick"), Said(report, "reason")},
      .message = std::nullopt};
  if (!report.message.empty()) specific.message = report.message;
  return specific;
}

bool XfsObjectIsLoadable(const ErrorReport& report) {
  const std::string_view structure = WordsOf(report, "structure");
  const std::string_view sick = WordsOf(report, "sick");
  return structure != "dinode" && !structure.starts_with("xfs_iformat_") && sick != "core" &&
         !sick.starts_with("core,");
}

bool XfsSendsFanotify(std::string_view kernel_release) {
  return ParseKernelVersion(kernel_release) >= KernelVersion{7, 0, 0};
}

FilesystemModule XfsModule() {
  return {
      .type = "xfs",
      .log_prefixes = XfsLogPrefixes(),
      .parse_log = ParseXfsLine,
      .parse_event = ParseXfsEvent,
      .is_reporting_helper = IsXfsReportingHelper,
      .is_read_ahead = IsXfsReadAhead,
      .specific = XfsSpecific,
      .object_is_loadable = XfsObjectIsLoadable,
      .sends_fanotify = XfsSendsFanotify,
      .advice = &kXfsAdvice,
  };
}

}  // namespace fsherald
