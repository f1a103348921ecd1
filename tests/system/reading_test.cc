// SPDX-License-Identifier: MIT
// The commands that read the history, while a daemon writes to it and after it has ended, on the errors of a real ext4.
#include <algorithm>
#include <filesystem>

#include "daemon.h"
#include "ext4_filesystem.h"
#include "follower.h"
#include "system_fixture.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

class ReadingTest : public SystemTest {
 protected:
  ReadingTest() { std::filesystem::remove_all(Daemon::StoreDirectory()); }

  static Finished Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program());
    arguments.insert(arguments.end(), {"--store", Daemon::StoreDirectory()});
    return RunToEnd({arguments, {{"TZ", "UTC"}}, {}});
  }

  // The errors of the file system that are among these lines, by their numbers.
  static std::vector<uint64_t> Errors(const std::vector<Json>& lines, const std::string& uuid) {
    std::vector<uint64_t> errors;
    for (const Json& line : lines)
      if (line["kind"] == "metadata" && line["filesystem"]["uuid"] == uuid) errors.push_back(line["seq"]);
    return errors;
  }

  // Each of the commands on what has been told by now: `errors` of the file system, each a notification.
  static void ExpectAllRead(const Ext4Filesystem& filesystem, const std::vector<uint64_t>& errors) {
    const std::string& uuid = filesystem.uuid();
    const Finished history = Run({"history", "--json", "--filesystem", uuid});
    EXPECT_EQ(history.exit_code, 0) << history.output;
    EXPECT_EQ(Errors(JsonLines(history.output), uuid), errors);

    const std::string id = std::to_string(errors.back());
    const Finished show = Run({"show", id, "--json"});
    EXPECT_EQ(show.exit_code, 0) << show.output;
    const std::vector<Json> shown = JsonLines(show.output);
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(shown[0]["seq"], errors.back());
    EXPECT_EQ(shown[0]["filesystem"]["uuid"], uuid);
    EXPECT_EQ(shown[0]["location"]["function"], "trigger_test_error");

    const Finished explain = Run({"explain", "--id", id});
    EXPECT_EQ(explain.exit_code, 0) << explain.output;
    EXPECT_NE(explain.output.find("notification " + id + ": metadata on ext4 " + filesystem.device()),
              std::string::npos)
        << explain.output;

    const Finished hotspots = Run({"hotspots", "--by", "filesystem", "--json"});
    EXPECT_EQ(hotspots.exit_code, 0) << hotspots.output;
    const std::vector<Json> spots = JsonLines(hotspots.output);
    const auto spot = std::ranges::find_if(spots, [&](const Json& each) { return each["uuid"] == uuid; });
    ASSERT_NE(spot, spots.end()) << hotspots.output;
    EXPECT_EQ((*spot)["errors"], errors.size());
    EXPECT_EQ((*spot)["last_seq"], errors.back());

    const Finished status = Run({"status", "--json", filesystem.directory()});
    EXPECT_EQ(status.exit_code, 10) << status.output;
    const std::vector<Json> states = JsonLines(status.output);
    ASSERT_EQ(states.size(), 1U);
    EXPECT_EQ(states[0]["state"], "errors");
    EXPECT_EQ(states[0]["history"]["notifications"], errors.size());
    EXPECT_EQ(states[0]["history"]["last"]["seq"], errors.back());
    EXPECT_EQ(states[0]["history"]["daemon"]["state"], "errors");
  }
};

TEST_F(ReadingTest, AllReadWhileADaemonWritesAndAfterItHasEnded) {
  Daemon daemon;
  Follower follower(Daemon::StoreDirectory());
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string uuid = filesystem.uuid();
  std::vector<uint64_t> errors;
  for (size_t count = 1; count <= 3; ++count) {
    filesystem.Trigger("number " + std::to_string(count));
    ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(count, After(10s)), count);
    follower.ReadUntil([&] { return Errors(follower.lines(), uuid).size() >= count; });
    follower.ReadChanges(uuid, 1);
    errors = Errors(follower.lines(), uuid);
    ASSERT_EQ(errors.size(), count);
    ExpectAllRead(filesystem, errors);
  }
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllRead(filesystem, errors);
  EXPECT_EQ(follower.Stop(), 0) << "the daemon's end is not the history's";
  EXPECT_EQ(Errors(follower.lines(), uuid), errors);
  Follower late(Daemon::StoreDirectory(), {"--filesystem", uuid});
  late.ReadUntil([&] { return Errors(late.lines(), uuid).size() >= 3; });
  EXPECT_EQ(late.Stop(), 0);
  EXPECT_EQ(Errors(late.lines(), uuid), errors);
}

TEST_F(ReadingTest, TheDaemonSaysAtItsEndHowManyItHasTold) {
  const auto stored = [] { return JsonLines(Run({"history", "--json"}).output).size(); };
  const auto told = [](uint64_t count) {
    return "\ntold " + std::to_string(count) + " notification" + (count == 1 ? "" : "s");
  };
  Daemon first;
  const Ext4Filesystem filesystem({.name = "data"});
  Follower follower(Daemon::StoreDirectory());
  filesystem.Trigger("one");
  follower.ReadChanges(filesystem.uuid(), 1);
  EXPECT_EQ(first.Stop(), 0);
  const size_t by_first = stored();
  EXPECT_GE(by_first, 2U);
  EXPECT_NE(first.talk().find(told(by_first)), std::string::npos) << first.talk();
  Daemon second;
  EXPECT_EQ(second.Stop(), 0);
  EXPECT_NE(second.talk().find(told(stored() - by_first)), std::string::npos) << second.talk();
  EXPECT_EQ(follower.Stop(), 0);
}

}  // namespace
}  // namespace fsherald::system_test
