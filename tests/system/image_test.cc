// SPDX-License-Identifier: MIT
// Runs each folder of tests/images, and its undamaged twin: what is damaged is told exactly so, what is not is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/test_kernel_log.h"
#include "checked_mount.h"
#include "coverage_record.h"
#include "expectation.h"
#include "ext4_filesystem.h"
#include "faulty_disk.h"
#include "image_filesystem.h"
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

// Has the scenario's own script damage the images (of what a process serves there are none); what it prints are facts.
Facts DamageImages(const Scenario& scenario, const std::vector<std::string>& images) {
  Facts facts;
  const std::string lib = scenario.type == "ext4" ? "lib.sh" : "lib_" + scenario.type + ".sh";
  std::map<std::string, std::string> environment{{"LIB", std::string(FSHERALD_IMAGES) + "/" + lib}};
  if (!images.empty()) environment["IMG"] = images[0];
  if (images.size() > 1) environment["IMG2"] = images[1];
  std::istringstream said(
      RunOrFail({.arguments = {"bash", "-e", scenario.folder + "/make"}, .environment = environment, .directory = {}}));
  for (std::string line; std::getline(said, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) Fail("make says what is no fact: " + line);
    facts[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return facts;
}

// The scenario's disks: files, or files with bad sectors.
class Disks {
 public:
  Disks(const std::vector<std::string>& files, const Facts& facts) : files_(files), facts_(facts) {
    for (size_t i = 0; i < files.size(); ++i) {
      faulty_.push_back(nullptr);
      const bool fails =
          std::ranges::any_of(kFaults, [&](const char* fault) { return facts.contains(fault + Number(i)); });
      if (!fails) continue;
      faulty_[i] = std::make_unique<FaultyDisk>(files[i], kSandbox + "/faulty" + Number(i));
      files_[i] = faulty_[i]->path();
    }
  }

  const std::vector<std::string>& files() const { return files_; }
  static bool AreFaulty(const Facts& facts) {
    return std::ranges::any_of(facts, [](const auto& fact) {
      return std::ranges::any_of(kFaults, [&](const char* fault) { return fact.first.starts_with(fault); });
    });
  }

  void Break() {
    for (size_t i = 0; i < faulty_.size(); ++i) {
      BreakRanges(i, "FAIL_READ", FaultyDisk::Access::kRead);
      BreakRanges(i, "FAIL_WRITE", FaultyDisk::Access::kWrite);
      if (facts_.contains("GONE" + Number(i))) faulty_[i]->Vanish();
    }
  }
  void Repair() {
    for (const auto& disk : faulty_)
      if (disk) disk->Repair();
  }

 private:
  static constexpr const char* kFaults[] = {"FAIL_READ", "FAIL_WRITE", "GONE"};

  // "" is the first disk's, "2" the second's.
  static std::string Number(size_t index) { return index == 0 ? "" : std::to_string(index + 1); }

  void BreakRanges(size_t index, const std::string& name, FaultyDisk::Access access) {
    const auto found = facts_.find(name + Number(index));
    if (found == facts_.end()) return;
    const std::vector<std::string> numbers = Words(found->second);
    for (size_t i = 0; i + 1 < numbers.size(); i += 2)
      faulty_[index]->Break(access, std::stoull(numbers[i]), std::stoull(numbers[i + 1]));
  }

  std::vector<std::string> files_;
  const Facts& facts_;
  std::vector<std::unique_ptr<FaultyDisk>> faulty_;
};

// How many of the errors told are such that btrfs counts in its device stats.
uint64_t CountedByDevice(const std::vector<Json>& told) {
  uint64_t count = 0;
  for (const Json& line : told)
    if (!line.value("/specific/counter"_json_pointer, Json()).is_null())
      count += line.at("error").at("count").get<uint64_t>();
  return count;
}

std::string Log(KernelLog& log, const ImageFilesystem& filesystem) {
  std::string text = "the kernel's log:\n";
  for (const std::string& line : log.Lines(filesystem.device())) text += "    " + line + "\n";
  return text;
}

// Without what others on this machine may have caused meanwhile.
std::vector<Json> WithoutOthers(const std::vector<Json>& expected, std::vector<Json> told) {
  for (Json one : expected) {
    if (one.value("times", Json(1)) != "@maybe") continue;
    one.erase("times");
    one.erase("note");
    std::erase_if(told, [&](const Json& line) { return Differences(one, line).empty(); });
  }
  return told;
}

// Puts in the line number where "@kernel" stands: the one that the kernel's own log names, or its counters.
void PutLine(Json& expected, KernelLog& log, const ImageFilesystem& filesystem) {
  if (!expected.contains("location") || !expected["location"].is_object()) return;
  Json& location = expected["location"];
  if (!location.contains("line") || location["line"] != "@kernel") return;
  const std::string function = location["function"];
  if (const auto line = log.LineOf(filesystem.device(), function)) {
    location["line"] = *line;
  } else if (filesystem.Attribute("last_error_func") == function) {
    location["line"] = std::stoul(filesystem.Attribute("last_error_line"));
  } else {
    Fail("the kernel names no line of " + function + "; " + Log(log, filesystem));
  }
}

// Whether the words that were told are the kernel's.
bool IsInLog(const Json& line, KernelLog& log, const ImageFilesystem& filesystem) {
  if (!line.at("specific").is_object() || !line["specific"]["message"].is_string()) return true;
  const std::string message = line["specific"]["message"];
  // Not every line names its device.
  const std::vector<std::string> said = log.Lines(filesystem.type() == "ext4" ? filesystem.device() : std::string());
  return std::ranges::any_of(said, [&](const std::string& text) { return text.find(message) != std::string::npos; });
}

// Which are told of what a process serves. Not by its mount: of what is unmounted none would be known.
std::vector<Json> OfServed(const Watcher& watcher) {
  std::vector<Json> lines;
  for (const Json& line : watcher.lines())
    if (line["filesystem"]["type"] == "fuse.checksum_fs") lines.push_back(line);
  return lines;
}

// Under emulation a run takes seconds: there, each damage is made with the first of its options only, unless there is time.
bool OnlyFirstVariant() { return std::getenv("FSHERALD_FIRST_VARIANT") != nullptr; }

class Image : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = WhyNoSandbox()) GTEST_SKIP() << *why;
    scenario_ = ReadScenario(GetParam());
    if (const auto why = IsServed() ? WhyNoFuse() : WhyNoImages(scenario_.type)) GTEST_SKIP() << *why;
  }
  bool IsServed() const { return scenario_.type == "fuse"; }

  void RunAll(Damage damage) {
    for (const std::string& mkfs : scenario_.mkfs) {
      for (const std::string& mount : scenario_.mounts) {
        SCOPED_TRACE("mkfs " + mkfs + ", mount -o " + mount);
        if (IsServed()) RunServed(damage);
        else RunOne(mkfs, mount, damage);
        if (IsSkipped() || OnlyFirstVariant()) return;
      }
    }
  }

 private:
  void RunOne(const std::string& mkfs, const std::string& mount_options, Damage damage) {
    std::vector<std::string> images;
    std::vector<std::string> untouched;
    for (size_t i = 0; i < scenario_.disks; ++i) images.push_back(kSandbox + "/image" + std::to_string(i));
    MakeImages(scenario_.type, images, Words(mkfs));
    for (const std::string& image : images) {
      untouched.push_back(image + ".untouched");
      // cp: the holes, most of it, stay holes.
      if (damage == Damage::kNo)
        RunOrFail({.arguments = {"cp", image, untouched.back()}, .environment = {}, .directory = {}});
    }
    facts_ = DamageImages(scenario_, images);
    if (Disks::AreFaulty(facts_))
      if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
    Disks disks(damage == Damage::kYes ? images : untouched, facts_);
    ImageFilesystem filesystem(scenario_.type, disks.files(), "data", facts_.contains("READ_ONLY"));
    const bool is_refused = facts_.contains("REFUSED");
    if (!is_refused) filesystem.MountWith(mount_options);
    Ext4Filesystem sentinel({.name = "sentinel"});
    Watch(filesystem, sentinel, mount_options, disks, damage);
    disks.Repair();
  }

  void Watch(const ImageFilesystem& filesystem, const Ext4Filesystem& sentinel, const std::string& mount_options,
             Disks& disks, Damage damage) {
    KernelLog log;
    facts_["MNT"] = filesystem.directory();
    facts_["DEVICE"] = filesystem.device();
    const bool is_refused = facts_.contains("REFUSED");
    const uint64_t errors_before = is_refused ? 0 : filesystem.ErrorsCount().value_or(0);
    Watcher watcher;
    watcher.WaitUntilToldUpToNow(sentinel);  // and so reads nothing more of the disk, which would be cached then
    DropCaches("/dev/" + filesystem.device());
    if (scenario_.type == "btrfs") WaitUntilBtrfsMayPrint();
    if (damage == Damage::kYes) WaitUntilDisksMayPrint();
    RunBefore(filesystem);
    if (damage == Damage::kYes) disks.Break();
    if (is_refused) TryToMount(filesystem, mount_options, damage);
    else Trip(filesystem.directory(), damage);
    watcher.WaitUntilToldUpToNow(sentinel);
    const auto about = [&] { return watcher.About(filesystem.uuid(), filesystem.device()); };
    const size_t awaited = damage == Damage::kNo ? 0 : ExpectedEntries(mount_options);
    watcher.WaitUntil([&] { return about().size() >= awaited; }, After(kPathDelay));
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

    const std::vector<Json> told = about();
    uint64_t growth = 0;
    if (!is_refused && filesystem.ErrorsCount()) {
      const uint64_t counted = scenario_.type == "ext4"    ? CountedErrors(told)
                               : scenario_.type == "btrfs" ? CountedByDevice(told)
                                                           : 0;
      growth = *filesystem.ErrorsCountOnceAtLeast(errors_before + counted, After(kCounterDelay)) - errors_before;
      if (scenario_.type == "ext4" || scenario_.type == "btrfs") {
        EXPECT_EQ(counted, growth) << "errors told, and errors that the kernel counted; " << Log(log, filesystem);
      }
    }
    if (damage == Damage::kNo) {
      EXPECT_EQ(growth, 0U);
    }
    const std::vector<Json> expected =
        damage == Damage::kNo ? std::vector<Json>() : Expected(filesystem, mount_options, growth, log);
    if (damage == Damage::kYes) RecordCoverage(scenario_, watcher, WithoutOthers(expected, told));
    const std::string wrong = Compare(expected, told);
    EXPECT_TRUE(wrong.empty()) << wrong << Log(log, filesystem);
    for (const Json& line : told) EXPECT_TRUE(IsInLog(line, log, filesystem)) << line << "\n" << Log(log, filesystem);
  }

  void TryToMount(const ImageFilesystem& filesystem, const std::string& mount_options, Damage damage) {
    const Finished mount = filesystem.TryToMount(mount_options);
    trip_pid_ = mount.pid;
    EXPECT_EQ(mount.exit_code == 0, damage == Damage::kNo) << mount.output;
    if (mount.exit_code == 0) filesystem.UnmountTried();
  }

  // Of how many different errors the scenario speaks, at the least.
  size_t ExpectedEntries(const std::string& mount_options) const {
    return ExpectedOf(scenario_, mount_options, std::nullopt).size();
  }

  std::vector<Json> Expected(const ImageFilesystem& filesystem, const std::string& mount_options, uint64_t growth,
                             KernelLog& log) {
    Facts facts = facts_;
    facts["PID"] = std::to_string(trip_pid_);
    facts["GROWTH"] = std::to_string(growth);
    std::vector<Json> expected = ExpectedOf(scenario_, mount_options, facts);
    for (Json& entry : expected) PutLine(entry, log, filesystem);
    std::erase_if(expected, [&](Json& entry) { return !WasPrinted(entry, log, filesystem); });
    return expected;
  }

  // The block layer prints ten such lines in five seconds, of all disks of the machine together; where other tests have used
  // them up, the kernel prints fewer, or none, and so fewer are expected. All others are expected whatever is printed.
  static bool WasPrinted(Json& entry, KernelLog& log, const ImageFilesystem& filesystem) {
    const std::string begins = "@begins I/O error";
    const Json message = entry.value("/specific/message"_json_pointer, Json());
    if (!message.is_string() || !message.get<std::string>().starts_with(begins)) return true;
    const std::string text = message.get<std::string>().substr(begins.find('I'));
    const auto printed = std::ranges::count_if(log.Lines(filesystem.device()),
                                               [&](const std::string& line) { return line.starts_with(text); });
    entry["times"] = std::min<int64_t>(entry.value("times", 1), printed);
    return printed > 0;
  }

  // A file system of a process, which is the example's own; the scripts know the process as $SERVER.
  void RunServed(Damage damage) {
    facts_ = DamageImages(scenario_, {});
    const CheckedMount served("data");
    facts_["SERVER"] = std::to_string(served.pid());
    facts_["MNT"] = served.directory();
    const Ext4Filesystem sentinel({.name = "sentinel"});
    Watcher watcher;
    watcher.WaitUntilToldUpToNow(sentinel);
    Trip(served.directory(), damage);
    const auto expected = damage == Damage::kNo ? std::vector<Json>() : ExpectedOf(scenario_, "", facts_);
    watcher.WaitUntil([&] { return OfServed(watcher).size() >= expected.size(); }, After(kPathDelay));
    watcher.WaitUntilToldUpToNow(sentinel);
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
    const std::vector<Json> told = OfServed(watcher);
    if (damage == Damage::kYes) RecordCoverage(scenario_, watcher, told);
    EXPECT_EQ(Compare(expected, told), "");
  }

  Finished Run(const std::string& script, const std::string& directory) const {
    return RunToEnd({.arguments = {"bash", script}, .environment = facts_, .directory = directory});
  }

  void RunBefore(const ImageFilesystem& filesystem) {
    const std::string script = scenario_.folder + "/before";
    if (!std::filesystem::exists(script)) return;
    const Finished before = Run(script, filesystem.directory());
    EXPECT_EQ(before.exit_code, 0) << before.output;
  }

  void Trip(const std::string& directory, Damage damage) {
    std::string script = scenario_.folder + "/trip";
    if (damage == Damage::kNo && std::filesystem::exists(script + ".twin")) script += ".twin";
    const Finished trip = Run(script, directory);
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
