// SPDX-License-Identifier: MIT
#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ConfigReading Read(std::string_view text) {
  ConfigReading reading;
  ReadConfigText(text, "f.toml", reading);
  return reading;
}

std::vector<std::string> Faults(const ConfigReading& reading) {
  std::vector<std::string> sentences;
  for (const ConfigFault& fault : reading.faults) sentences.push_back(fault.ToString());
  return sentences;
}

std::vector<std::string> FaultsOf(std::string_view text) { return Faults(Read(text)); }

TEST(ConfigTest, AnEmptyFileHasTheDefaults) {
  const ConfigReading reading = Read("# nothing\n");
  EXPECT_THAT(Faults(reading), IsEmpty());
  EXPECT_EQ(reading.config, DaemonConfig{});
  EXPECT_TRUE(reading.config.store.enabled);
  EXPECT_EQ(reading.config.store.directory, "/var/lib/fsherald");
  EXPECT_EQ(reading.config.store.max_bytes, 1073741824U);
  EXPECT_EQ(reading.config.store.max_age_s, 34560000U);
}

TEST(ConfigTest, TakesEveryKey) {
  const ConfigReading reading = Read(R"([daemon]
runtime_directory = "/run/other"
[access]
subscribe_group = "root"
report_group = "4242"
[sources]
without = ["kmsg", "counters"]
[store]
enabled = false
directory = "/data/errors"
max_size = "512 MiB"
max_age = "8w"
)");
  EXPECT_THAT(Faults(reading), IsEmpty());
  EXPECT_EQ(
      reading.config,
      (DaemonConfig{
          .runtime_directory = "/run/other",
          .subscribe_group = "root",
          .report_group = "4242",
          .without = SourceSet(SourceId::kKmsg).Add(SourceId::kCounters),
          .store = {.enabled = false, .directory = "/data/errors", .max_bytes = 536870912, .max_age_s = 4838400}}));
  EXPECT_EQ(reading.origins.at("store.max_size"), "f.toml:11:12");
}

TEST(ConfigTest, AnUnknownKeyIsTheNearestThatIsKnown) {
  EXPECT_THAT(FaultsOf("[store]\nmax_sise = \"1GiB\"\n"),
              ElementsAre("f.toml:2:1: unknown key \"max_sise\" in [store]: did you mean \"max_size\"?"));
  EXPECT_THAT(FaultsOf("[acess]\n"), ElementsAre("f.toml:1:2: unknown section [acess]: did you mean [access]?"));
}

TEST(ConfigTest, AKeyThatIsNearNoneIsToldThoseThatThereAre) {
  EXPECT_THAT(
      FaultsOf("[store]\ncompression = 1\n"),
      ElementsAre(
          "f.toml:2:1: unknown key \"compression\" in [store]: there are enabled, directory, max_size, max_age"));
  EXPECT_THAT(FaultsOf("[http]\n"),
              ElementsAre("f.toml:1:2: unknown section [http]: there are [daemon], [access], [sources], [store]"));
}

TEST(ConfigTest, AKeyInTheWrongPlaceIsToldTheRightOne) {
  EXPECT_THAT(FaultsOf("[store]\nreport_group = \"root\"\n"),
              ElementsAre("f.toml:2:1: unknown key \"report_group\" in [store]: it belongs below [access]"));
  EXPECT_THAT(FaultsOf("max_size = \"1GiB\"\n"),
              ElementsAre("f.toml:1:1: max_size stands outside of a section: it belongs below [store]"));
  EXPECT_THAT(FaultsOf("store = 1\n"),
              ElementsAre("f.toml:1:1: store is a section: write [store] on a line of its own"));
  EXPECT_THAT(
      FaultsOf("colour = 1\n"),
      ElementsAre("f.toml:1:1: unknown key \"colour\": every key stands in a section, below [daemon], [access], "
                  "[sources], [store]"));
}

TEST(ConfigTest, AValueOfAnotherTypeIsToldTheRightOne) {
  EXPECT_THAT(FaultsOf("[store]\nenabled = \"yes\"\nmax_size = 1024\n[sources]\nwithout = \"kmsg\"\n"),
              ElementsAre("f.toml:2:11: store.enabled has to be true or false",
                          "f.toml:3:12: store.max_size has to be a string, in \"quotes\"",
                          "f.toml:5:11: sources.without has to be a list of strings, as [\"a\", \"b\"]"));
  EXPECT_THAT(FaultsOf("[sources]\nwithout = [1]\n"),
              ElementsAre("f.toml:2:11: sources.without has to be a list of strings, as [\"a\", \"b\"]"));
  EXPECT_THAT(FaultsOf("[[store]]\n"),
              ElementsAre("f.toml:1:3: store is a section: write [store] on a line of its own"));
}

TEST(ConfigTest, SizesAndAgesHaveUnitsAndARange) {
  EXPECT_THAT(
      FaultsOf("[store]\nmax_size = \"1GB\"\n"),
      ElementsAre(
          "f.toml:2:12: store.max_size: \"1GB\" is no size: a whole number of KiB, MiB, GiB or TiB, as \"1GiB\""));
  EXPECT_THAT(FaultsOf("[store]\nmax_size = \"1MiB\"\n"),
              ElementsAre("f.toml:2:12: store.max_size: it has to be from 16MiB to 16TiB"));
  EXPECT_THAT(
      FaultsOf("[store]\nmax_size = \"99999999TiB\"\n"),
      ElementsAre("f.toml:2:12: store.max_size: \"99999999TiB\" is no size: a whole number of KiB, MiB, GiB or TiB, "
                  "as \"1GiB\""))
      << "beyond 64 bits";
  EXPECT_THAT(FaultsOf("[store]\nmax_age = \"-1d\"\n"),
              ElementsAre("f.toml:2:11: store.max_age: \"-1d\" is no age: a whole number of hours, days or weeks, as "
                          "\"12h\", \"400d\", \"8w\""));
  EXPECT_THAT(FaultsOf("[store]\nmax_age = \"0d\"\n"),
              ElementsAre("f.toml:2:11: store.max_age: it has to be from 1h to 36500d"));
}

TEST(ConfigTest, AGroupHasToExist) {
  EXPECT_THAT(
      FaultsOf("[access]\nreport_group = \"no-such-group\"\n"),
      ElementsAre("f.toml:2:16: access.report_group: there is no group no-such-group (make it: groupadd --system "
                  "no-such-group)"));
}

TEST(ConfigTest, ADirectoryIsAbsoluteAndHasRoomForASocketsName) {
  EXPECT_THAT(FaultsOf("[store]\ndirectory = \"data\"\n"),
              ElementsAre("f.toml:2:13: store.directory: \"data\" is no absolute path: it has to begin with /"));
  const auto faults = FaultsOf("[daemon]\nruntime_directory = \"/" + std::string(200, 'r') + "\"\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], testing::StartsWith("f.toml:2:21: daemon.runtime_directory: "));
}

TEST(ConfigTest, SourcesAreThoseThatThereAreAndNotAllOfThem) {
  EXPECT_THAT(FaultsOf("[sources]\nwithout = [\"ksmg\"]\n"),
              ElementsAre("f.toml:2:11: sources.without: there is no source \"ksmg\": did you mean \"kmsg\"?"));
  EXPECT_THAT(FaultsOf("[sources]\nwithout = [\"fanotify\", \"trace\", \"kmsg\", \"counters\"]\n"),
              ElementsAre("f.toml:2:11: sources.without: this leaves no source: take out at least one of them"));
}

TEST(ConfigTest, WhatIsNoTomlIsToldWhere) {
  const auto faults = FaultsOf("[store]\nmax_size = 1GiB\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], testing::StartsWith("f.toml:2:"));
  EXPECT_THAT(faults[0], testing::HasSubstr("this is no TOML: "));
  EXPECT_EQ(FaultsOf(std::string_view("\0\xff\xfe[", 4)).size(), 1U);
  EXPECT_EQ(FaultsOf("[store]\nmax_age = \"1d\"\nmax_age = \"2d\"\n").size(), 1U) << "twice in one file";
  EXPECT_EQ(FaultsOf("a = " + std::string(100'000, '[')).size(), 1U) << "too deep";
}

TEST(ConfigTest, ControlBytesOfANameReachNoTerminal) {
  const auto faults = FaultsOf("[store]\n\"a\\u001b[2J\" = 1\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].find('\x1b'), std::string::npos);
}

TEST(ConfigTest, AllFaultsAreToldInTheOrderOfTheFileAndTheRestIsTaken) {
  const ConfigReading reading = Read("[store]\nzzzzzz = 1\nmax_age = \"2d\"\naaaaaa = 1\n");
  ASSERT_EQ(reading.faults.size(), 2U);
  EXPECT_EQ(reading.faults[0].line, 2U);
  EXPECT_EQ(reading.faults[1].line, 4U);
  EXPECT_EQ(reading.config.store.max_age_s, 172800U);
}

TEST(ConfigTest, WhatIsShownReadsToTheSame) {
  const DaemonConfig config{
      .runtime_directory = "/run/a \"b\"\n\x1b",
      .subscribe_group = "root",
      .report_group = {},
      .without = SourceId::kTrace,
      .store = {.enabled = false, .directory = "/d", .max_bytes = 1536ULL << 20, .max_age_s = 5 * 3600}};
  const std::string shown = ConfigToml(config, {{"store.max_age", "f\n[x]:1:2"}});
  const ConfigReading again = Read(shown);
  EXPECT_THAT(Faults(again), IsEmpty()) << shown;
  EXPECT_EQ(again.config, config) << shown;
  EXPECT_NE(shown.find("max_size = \"1536MiB\"  # default\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("max_age = \"5h\"  # f\\n[x]:1:2\n"), std::string::npos) << shown;
}

TEST(ConfigTest, ChangesAreNamedAndWhetherTheyNeedARestart) {
  DaemonConfig before;
  DaemonConfig after;
  EXPECT_THAT(ChangesBetween(before, after), IsEmpty());
  after.report_group = "root";
  after.without = SourceId::kKmsg;
  after.store.max_bytes *= 2;
  EXPECT_THAT(ChangesBetween(before, after),
              ElementsAre(ConfigChange{"access.report_group", false}, ConfigChange{"sources.without", true},
                          ConfigChange{"store.max_size", false}));
}

class ConfigFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::path(testing::TempDir()) / (std::string("config.") + std::to_string(getpid()));
    std::filesystem::create_directories(dir_ + "/fsherald.d");
    paths_ = {.file = {}, .dir = {}, .default_file = dir_ + "/fsherald.toml", .default_dir = dir_ + "/fsherald.d"};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  void Write(const std::string& name, std::string_view text) { std::ofstream(dir_ + '/' + name) << text; }

  std::string dir_;
  ConfigPaths paths_;
};

TEST_F(ConfigFilesTest, TheLastDropInThatSetsAKeyWins) {
  Write("fsherald.toml", "[store]\nmax_age = \"1d\"\nmax_size = \"1GiB\"\n[access]\nreport_group = \"1\"\n");
  Write("fsherald.d/20.toml", "[store]\nmax_age = \"3d\"\n");
  Write("fsherald.d/10.toml", "[store]\nmax_age = \"2d\"\nmax_size = \"2GiB\"\n");
  Write("fsherald.d/30.toml.bak", "no configuration");
  const ConfigReading reading = ReadConfig(paths_);
  EXPECT_THAT(Faults(reading), IsEmpty());
  EXPECT_THAT(reading.files,
              ElementsAre(dir_ + "/fsherald.toml", dir_ + "/fsherald.d/10.toml", dir_ + "/fsherald.d/20.toml"));
  EXPECT_EQ(reading.config.store.max_age_s, 3U * 86'400);
  EXPECT_EQ(reading.config.store.max_bytes, 2ULL << 30);
  EXPECT_EQ(reading.config.report_group, "1");
  EXPECT_EQ(reading.origins.at("store.max_age"), dir_ + "/fsherald.d/20.toml:2:11");
}

TEST_F(ConfigFilesTest, DefaultsThatAreMissingAreNoFaultAndNamedOnesAre) {
  std::filesystem::remove_all(dir_ + "/fsherald.d");
  EXPECT_THAT(Faults(ReadConfig(paths_)), IsEmpty());
  paths_.file = dir_ + "/other.toml";
  EXPECT_THAT(Faults(ReadConfig(paths_)), ElementsAre(dir_ + "/other.toml: cannot be read: No such file or directory"));
  paths_.file.reset();
  paths_.dir = dir_ + "/other.d";
  EXPECT_THAT(Faults(ReadConfig(paths_)), ElementsAre(dir_ + "/other.d: cannot be read: No such file or directory"));
}

TEST_F(ConfigFilesTest, AFileThatIsNamedComesWithoutTheDropInsOfTheDefault) {
  Write("alone.toml", "[store]\nmax_age = \"1d\"\n");
  Write("fsherald.d/10.toml", "[store]\nmax_age = \"2d\"\n");
  paths_.file = dir_ + "/alone.toml";
  EXPECT_EQ(ReadConfig(paths_).config.store.max_age_s, 86'400U);
  paths_.dir = dir_ + "/fsherald.d";
  EXPECT_EQ(ReadConfig(paths_).config.store.max_age_s, 2U * 86'400);
}

TEST_F(ConfigFilesTest, WhatIsNoFileIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo((dir_ + "/fsherald.toml").c_str(), 0600), 0);
  EXPECT_THAT(Faults(ReadConfig(paths_)), ElementsAre(dir_ + "/fsherald.toml: this is no regular file"));
  std::filesystem::remove(dir_ + "/fsherald.toml");
  Write("fsherald.toml", std::string((1 << 20) + 1, '#'));
  EXPECT_THAT(Faults(ReadConfig(paths_)),
              ElementsAre(dir_ + "/fsherald.toml: this file is larger than 1 MiB: no configuration is"));
}

}  // namespace
}  // namespace fsherald
