// SPDX-License-Identifier: MIT
#include "filesystem/general.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(GeneralModule, TheSpecificRecordIsJustWhatTheReportSays) {
  ErrorReport report;
  report.filesystem_type = "f2fs";
  report.message = "inconsistent node block";
  report.fields = {{"nid", uint64_t{5}}};
  EXPECT_EQ(GeneralModule().specific(report),
            (Specific{.type = "f2fs", .fields = {{"nid", uint64_t{5}}}, .message = "inconsistent node block"}));
}

TEST(GeneralModule, WithoutWordsThereIsNoMessage) {
  EXPECT_EQ(GeneralModule().specific(ErrorReport{}).message, std::nullopt);
}

TEST(GeneralModule, ATypeWithoutAModuleHasIt) {
  EXPECT_EQ(ModuleOf("no such file system").type, "");
  EXPECT_EQ(ModuleOf("").specific, GeneralModule().specific);
  EXPECT_EQ(ModuleOf("ext4").type, "ext4");
}

}  // namespace
}  // namespace fsherald
