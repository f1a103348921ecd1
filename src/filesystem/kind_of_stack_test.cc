// SPDX-License-Identifier: MIT
#include "filesystem/kind_of_stack.h"

#include <gtest/gtest.h>

#include <vector>

namespace fsherald {
namespace {

std::optional<Kind> Of(const std::vector<std::string>& stack, std::string_view type = "squashfs") {
  return KindOfStack(type, stack);
}

TEST(KindOfStack, WhatSquashfsReadsForAPageWithoutACacheIsAFilesData) {
  EXPECT_EQ(Of({"squashfs_decompress.cold+0x13", "squashfs_read_data+0xff", "squashfs_readahead+0x55a"}),
            Kind::kDataRead);
  EXPECT_EQ(Of({"squashfs_read_data.cold+0x11", "squashfs_readpage_block+0x178", "squashfs_read_folio+0x10b"}),
            Kind::kDataRead);
}

TEST(KindOfStack, WhatItReadsByWayOfACacheIsWhatItsWordsSay) {
  // A file's list of blocks is metadata, whoever asks for it.
  EXPECT_EQ(
      Of({"squashfs_read_data+0xff", "squashfs_cache_get+0x1", "squashfs_read_metadata+0x1", "squashfs_readahead+1"}),
      std::nullopt);
  EXPECT_EQ(Of({"squashfs_read_data+0xff", "squashfs_lookup+0x1"}), std::nullopt);
  EXPECT_EQ(Of({}), std::nullopt);
}

TEST(KindOfStack, AnotherTypesFunctionsSayNothing) { EXPECT_EQ(Of({"squashfs_readahead+0x1"}, "erofs"), std::nullopt); }

}  // namespace
}  // namespace fsherald
