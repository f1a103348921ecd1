// SPDX-License-Identifier: MIT
// Each source can be turned off: what the others know is still told, every error is still counted, and what is
// lacking is said.
#include <algorithm>

#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using WithoutTest = SystemTest;

const std::vector<std::string> kSources = {"fanotify", "trace", "kmsg", "counters"};

// An image whose directory `letters` has an entry that names a reserved inode.
std::string DamagedImage() {
  const std::string image = kSandbox + "/damaged.img";
  MakeImage(image, {"-O", "^metadata_csum"}, 8 << 20);
  RunOrFail({.arguments = {"debugfs", "-w", "-R", "ln <1> letters/nobody", image}, .environment = {}, .directory = {}});
  return image;
}

void WatchWithout(unsigned turned_off) {
  std::vector<std::string> arguments;
  std::vector<std::string> off;
  const auto on = [&](const std::string& source) { return std::ranges::find(off, source) == off.end(); };
  for (size_t i = 0; i < kSources.size(); ++i) {
    if ((turned_off >> i & 1) != 0) off.push_back(kSources[i]);
  }
  std::string list;
  for (const std::string& source : off) list += (list.empty() ? "" : ",") + source;
  for (const std::string& source : off) arguments.push_back("--without=" + source);
  SCOPED_TRACE(list);

  const Ext4Filesystem filesystem(DamagedImage(), "data", "errors=continue");
  // Only this one: without the log, it may have to try an inode to learn that it is damaged, and so disturb others.
  arguments.push_back(filesystem.directory());
  Watcher watcher(arguments);
  for (const std::string& source : off) {
    EXPECT_NE(watcher.talk().find("without " + source), std::string::npos) << watcher.talk();
  }
  const Finished stat =
      RunToEnd({.arguments = {"stat", filesystem.directory() + "/letters/nobody"}, .environment = {}, .directory = {}});
  ASSERT_NE(stat.exit_code, 0);
  const auto told_once = [&] { return CountedErrors(watcher.About(filesystem)) >= 1; };
  EXPECT_TRUE(watcher.WaitUntil(told_once, After(std::chrono::seconds(5)))) << watcher.talk();
  filesystem.Trigger("a test of the alarm");
  const auto told_twice = [&] { return CountedErrors(watcher.About(filesystem)) >= 2; };
  EXPECT_TRUE(watcher.WaitUntil(told_twice, After(std::chrono::seconds(5)))) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  const std::vector<Json> told = watcher.About(filesystem);
  EXPECT_EQ(CountedErrors(told), filesystem.ErrorsCountOnceAtLeast(2, After(std::chrono::seconds(2))));
  ASSERT_EQ(told.size(), 2U);
  for (const Json& line : told) {
    for (const Json& source : line["sources"]) EXPECT_TRUE(on(source.get<std::string>())) << line;
    const bool counters_only = off.size() == 3 && on("counters");
    // The tracepoint lacks the errno and the inode, fanotify the place in the code; the counters name them all.
    if (on("fanotify") || on("kmsg") || counters_only) {
      EXPECT_EQ(line["error"]["name"], "EUCLEAN") << line;
    }
    if (on("trace") || on("kmsg") || counters_only) {
      EXPECT_TRUE(line["location"].is_object()) << line;
    }
    if (on("kmsg")) {
      EXPECT_TRUE(line["specific"]["message"].is_string()) << line;
    }
  }
  if (on("fanotify") || on("kmsg")) {
    EXPECT_EQ(told[0]["object"]["path"], filesystem.directory() + "/letters") << told[0];
  }
}

TEST_F(WithoutTest, EveryCombinationOfSourcesCountsEveryError) {
  constexpr unsigned kAll = 15;
  for (unsigned turned_off = 0; turned_off < kAll; ++turned_off) WatchWithout(turned_off);
}

TEST_F(WithoutTest, WithoutAnySourceItRefusesToWatch) {
  const Finished watch = RunToEnd({.arguments = {Program(), "watch", "--without=fanotify", "--without=trace",
                                                 "--without=kmsg", "--without=counters"},
                                   .environment = {},
                                   .directory = {}});
  EXPECT_NE(watch.exit_code, 0) << watch.output;
  EXPECT_NE(watch.output, "");
}

}  // namespace
}  // namespace fsherald::system_test
