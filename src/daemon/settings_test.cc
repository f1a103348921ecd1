// SPDX-License-Identifier: MIT
#include "daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }
  void Write(std::string_view text) { std::ofstream(file_) << text; }
  Settings ReadOrFail(std::vector<ConfigOverride> overrides = {}) {
    auto settings = Settings::Read({.file = file_}, std::move(overrides));
    if (!settings) throw std::runtime_error(settings.error().what);
    return std::move(*settings);
  }

  const std::string file_ = testing::TempDir() + "settings." + std::to_string(getpid()) + ".toml";
};

TEST_F(SettingsTest, TheCommandLineHoldsOverTheFiles) {
  Write("[access]\nreport_group = \"1\"\nsubscribe_group = \"2\"\n[sources]\nwithout = [\"kmsg\"]\n");
  const Settings settings = ReadOrFail({{"access.report_group", "--report-group", "3"},
                                        {"sources.without", "--without", std::vector<std::string>{"trace"}}});
  EXPECT_EQ(settings.config().report_group, "3");
  EXPECT_EQ(settings.config().subscribe_group, "2");
  EXPECT_EQ(settings.config().without, SourceSet(SourceId::kTrace));
}

TEST_F(SettingsTest, AFaultOfTheCommandLineIsToldLikeAFiles) {
  Write("[access]\nreport_groop = \"1\"\n");
  const auto settings = Settings::Read({.file = file_}, {{"access.report_group", "--report-group", "no-such-group"}});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().what,
            file_ +
                ":2:1: unknown key \"report_groop\" in [access]: did you mean \"report_group\"?\n"
                "--report-group: there is no group no-such-group (make it: groupadd --system no-such-group)");
}

TEST_F(SettingsTest, WhatARunningDaemonCanTakeChangesAtOnce) {
  Write("[access]\nreport_group = \"1\"\n");
  Settings settings = ReadOrFail();
  Write("[access]\nreport_group = \"2\"\n[store]\nmax_age = \"9d\"\n");
  const Settings::Reloaded reloaded = settings.Reload();
  EXPECT_TRUE(reloaded.changed);
  EXPECT_EQ(reloaded.words, "configuration read again: access.report_group, store.max_age changed");
  EXPECT_EQ(settings.config().report_group, "2");
  EXPECT_EQ(settings.config().store.max_age_s, 9U * 86'400);
}

TEST_F(SettingsTest, WhatItCannotTakeStaysAndIsToldEveryTime) {
  Write("");
  Settings settings = ReadOrFail();
  Write("[sources]\nwithout = [\"kmsg\"]\n[daemon]\nruntime_directory = \"/run/other\"\n");
  for (int i = 0; i < 2; ++i) {
    const Settings::Reloaded reloaded = settings.Reload();
    EXPECT_FALSE(reloaded.changed);
    EXPECT_EQ(reloaded.words,
              "configuration read again: nothing changed; daemon.runtime_directory, sources.without need a restart");
    EXPECT_EQ(settings.config().without, SourceSet());
  }
}

TEST_F(SettingsTest, AFileWithAFaultChangesNothing) {
  Write("[access]\nreport_group = \"1\"\n");
  Settings settings = ReadOrFail();
  Write("[access]\nreport_group = \"2\"\nsubscribe_group = 5\n");
  const Settings::Reloaded reloaded = settings.Reload();
  EXPECT_FALSE(reloaded.changed);
  EXPECT_EQ(reloaded.words, "the configuration has a fault, all stays as it was\n" + file_ +
                                ":3:19: access.subscribe_group has to be a string, in \"quotes\"");
  EXPECT_EQ(settings.config().report_group, "1");
}

}  // namespace
}  // namespace fsherald
