// SPDX-License-Identifier: MIT
// Runs each folder of tests/images, and its undamaged twin: what is damaged is told exactly so, what is not is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "expectation.h"
#include "ext4_filesystem.h"
#include "faulty_disk.h"
#include "kernel_log.h"
#include "sandbox.h"
#include "scenario.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

enum class Damage { kYes, kNo };

// The kernel's worker writes the counter within milliseconds.
constexpr std::chrono::seconds kCounterDelay{2};
// A path that takes a walk is told last, within a second (PathFinder::Options).
constexpr std::chrono::seconds kPathDelay{2};

std::vector<std::string> Words(const std::string& line) {
  std::istringstream text(line);
  return {std::istream_iterator<std::string>(text), {}};
}

// Has the scenario's own script damage the image; what it prints are facts.
Facts DamageImage(const Scenario& scenario, const std::string& image) {
  Facts facts;
  std::istringstream said(RunOrFail({.arguments = {"bash", "-e", scenario.folder + "/make"},
                                     .environment = {{"IMG", image}, {"LIB", std::string(FSHERALD_IMAGES) + "/lib.sh"}},
                                     .directory = {}}));
  for (std::string line; std::getline(said, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) Fail("make says what is no fact: " + line);
    facts[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return facts;
}

void BreakDisk(FaultyDisk& disk, const Facts& facts) {
  const auto break_range = [&](const std::string& fact, FaultyDisk::Access access) {
    const auto found = facts.find(fact);
    if (found == facts.end()) return;
    const std::vector<std::string> range = Words(found->second);
    disk.Break(access, std::stoull(range.at(0)), std::stoull(range.at(1)));
  };
  break_range("FAIL_READ", FaultyDisk::Access::kRead);
  break_range("FAIL_WRITE", FaultyDisk::Access::kWrite);
}

// Puts in the line number where "@kernel" stands: the one that the kernel's own log names, or its counters.
void PutLine(Json& expected, KernelLog& log, const Ext4Filesystem& filesystem) {
  if (!expected.contains("location") || !expected["location"].is_object()) return;
  Json& location = expected["location"];
  if (!location.contains("line") || location["line"] != "@kernel") return;
  const std::string function = location["function"];
  if (const auto line = log.LineOf(filesystem.device(), function)) {
    location["line"] = *line;
  } else if (filesystem.Attribute("last_error_func") == function) {
    location["line"] = std::stoul(filesystem.Attribute("last_error_line"));
  } else {
    Fail("the kernel names no line of " + function);
  }
}

// Whether the words that were told are the kernel's.
bool IsInLog(const Json& line, KernelLog& log, const Ext4Filesystem& filesystem) {
  if (!line.at("specific").is_object() || !line["specific"]["message"].is_string()) return true;
  const std::string message = line["specific"]["message"];
  const std::vector<std::string> said = log.Lines(filesystem.device());
  return std::ranges::any_of(said, [&](const std::string& text) { return text.find(message) != std::string::npos; });
}

std::string Log(KernelLog& log, const Ext4Filesystem& filesystem) {
  std::string text = "the kernel's log:\n";
  for (const std::string& line : log.Lines(filesystem.device())) text += "    " + line + "\n";
  return text;
}

class Image : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = WhyNoSandbox()) GTEST_SKIP() << *why;
    scenario_ = ReadScenario(GetParam());
  }

  void RunAll(Damage damage) {
    for (const std::string& mke2fs : scenario_.mke2fs) {
      for (const std::string& mount : scenario_.mounts) {
        SCOPED_TRACE("mke2fs " + mke2fs + ", mount -o " + mount);
        RunOne(mke2fs, mount, damage);
        if (IsSkipped()) return;
      }
    }
  }

 private:
  void RunOne(const std::string& mke2fs, const std::string& mount_options, Damage damage) {
    const std::string image = kSandbox + "/image";
    MakeImage(image, Words(mke2fs));
    const std::string untouched = kSandbox + "/untouched";
    if (damage == Damage::kNo)
      std::filesystem::copy_file(image, untouched, std::filesystem::copy_options::overwrite_existing);
    facts_ = DamageImage(scenario_, image);
    std::unique_ptr<FaultyDisk> disk;
    std::string file = damage == Damage::kYes ? image : untouched;
    if (facts_.contains("FAIL_READ") || facts_.contains("FAIL_WRITE")) {
      if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
      disk = std::make_unique<FaultyDisk>(file, kSandbox + "/faulty");
      file = disk->path();
    }
    Ext4Filesystem filesystem(file, "data", mount_options);
    Ext4Filesystem sentinel({.name = "sentinel"});
    Watch(filesystem, sentinel, mount_options, disk.get(), damage);
    if (disk) disk->Repair();
  }

  void Watch(Ext4Filesystem& filesystem, const Ext4Filesystem& sentinel, const std::string& mount_options,
             FaultyDisk* disk, Damage damage) {
    KernelLog log;
    const uint64_t errors_before = filesystem.ErrorsCount();
    Watcher watcher;
    DropCaches();
    if (disk != nullptr && damage == Damage::kYes) BreakDisk(*disk, facts_);
    Trip(filesystem, damage);
    watcher.WaitUntilToldUpToNow(sentinel);
    const size_t awaited = damage == Damage::kNo ? 0 : ExpectedEntries(mount_options);
    watcher.WaitUntil([&] { return watcher.About(filesystem).size() >= awaited; }, After(kPathDelay));
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

    const std::vector<Json> told = watcher.About(filesystem);
    const uint64_t counted = CountedErrors(told);
    const uint64_t growth =
        filesystem.ErrorsCountOnceAtLeast(errors_before + counted, After(kCounterDelay)) - errors_before;
    EXPECT_EQ(counted, growth) << "errors told, and errors that the kernel counted; " << Log(log, filesystem);
    if (damage == Damage::kNo) {
      EXPECT_EQ(growth, 0U);
    }
    const std::vector<Json> expected =
        damage == Damage::kNo ? std::vector<Json>() : Expected(filesystem, mount_options, growth, log);
    const std::string wrong = Compare(expected, told);
    EXPECT_TRUE(wrong.empty()) << wrong << Log(log, filesystem);
    for (const Json& line : told) EXPECT_TRUE(IsInLog(line, log, filesystem)) << line << "\n" << Log(log, filesystem);
  }

  // Of how many different errors the scenario speaks, at the least.
  size_t ExpectedEntries(const std::string& mount_options) const {
    return ExpectedOf(scenario_, mount_options, std::nullopt).size();
  }

  std::vector<Json> Expected(const Ext4Filesystem& filesystem, const std::string& mount_options, uint64_t growth,
                             KernelLog& log) {
    Facts facts = facts_;
    facts["PID"] = std::to_string(trip_pid_);
    facts["MNT"] = filesystem.directory();
    facts["DEVICE"] = filesystem.device();
    facts["GROWTH"] = std::to_string(growth);
    std::vector<Json> expected = ExpectedOf(scenario_, mount_options, facts);
    for (Json& entry : expected) PutLine(entry, log, filesystem);
    std::erase_if(expected, [&](Json& entry) { return !WasPrinted(entry, log, filesystem); });
    return expected;
  }

  // The block layer prints ten such lines in five seconds, of all disks of the machine together; where other tests have used
  // them up, the kernel prints fewer, or none, and so fewer are expected. All others are expected whatever is printed.
  static bool WasPrinted(Json& entry, KernelLog& log, const Ext4Filesystem& filesystem) {
    const std::string begins = "@begins I/O error";
    const Json message = entry.value("/specific/message"_json_pointer, Json());
    if (!message.is_string() || !message.get<std::string>().starts_with(begins)) return true;
    const std::string text = message.get<std::string>().substr(begins.find('I'));
    const auto printed = std::ranges::count_if(log.Lines(filesystem.device()),
                                               [&](const std::string& line) { return line.starts_with(text); });
    entry["times"] = std::min<int64_t>(entry.value("times", 1), printed);
    return printed > 0;
  }

  void Trip(const Ext4Filesystem& filesystem, Damage damage) {
    std::string script = scenario_.folder + "/trip";
    if (damage == Damage::kNo && std::filesystem::exists(script + ".twin")) script += ".twin";
    const Finished trip = RunToEnd({.arguments = {"bash", script},
                                    .environment = {{"MNT", filesystem.directory()}, {"DEVICE", filesystem.device()}},
                                    .directory = filesystem.directory()});
    trip_pid_ = trip.pid;
    if (damage == Damage::kNo) {
      EXPECT_EQ(trip.exit_code, 0) << trip.output;
    }
  }

  Scenario scenario_;
  Facts facts_;
  pid_t trip_pid_ = 0;
};

TEST_P(Image, IsToldAsItIs) { RunAll(Damage::kYes); }
TEST_P(Image, UndamagedYieldsNothing) { RunAll(Damage::kNo); }

INSTANTIATE_TEST_SUITE_P(Damaged, Image, testing::ValuesIn(ScenarioNames()),
                         [](const auto& folder) { return folder.param; });

}  // namespace
}  // namespace fsherald::system_test
