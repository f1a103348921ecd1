// SPDX-License-Identifier: MIT
#include "filesystem/kind_of_stack.h"

#include <algorithm>

#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

// The innermost function of a type's rows decides.
struct KindRow {
  std::string_view type;
  std::string_view function;
  std::optional<Kind> kind;
};

// squashfs: what is read by way of a cache says itself what it was; what a reader of pages reads without one is a file's.
constexpr KindRow kRows[] = {
    {"squashfs", "squashfs_cache_get", std::nullopt},    {"squashfs", "squashfs_read_table", std::nullopt},
    {"squashfs", "squashfs_readahead", Kind::kDataRead}, {"squashfs", "squashfs_readpage_block", Kind::kDataRead},
    {"squashfs", "squashfs_readpage", Kind::kDataRead},  {"squashfs", "squashfs_read_folio", Kind::kDataRead},
};

}  // namespace

std::optional<Kind> KindOfStack(std::string_view type, std::span<const std::string> stack) {
  for (const std::string& frame : stack) {
    const auto row = std::ranges::find_if(
        kRows, [&](const KindRow& each) { return each.type == type && each.function == FrameFunction(frame); });
    if (row != std::end(kRows)) return row->kind;
  }
  return std::nullopt;
}

}  // namespace fsherald
