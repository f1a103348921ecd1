// SPDX-License-Identifier: MIT
// The daemon joins processes: `watch` subscribes to it, file systems in user space report to it, and each of the three may
// end at any moment.
#include <fsherald/fsherald.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "daemon.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

struct CloseReporter {
  void operator()(fsherald_reporter* reporter) const { fsherald_reporter_close(reporter); }
};
using Reporter = std::unique_ptr<fsherald_reporter, CloseReporter>;

Reporter OpenReporter(const char* type, const char* name) {
  fsherald_reporter_options options{};
  options.size = sizeof options;
  options.type = type;
  options.name = name;
  fsherald_reporter* reporter = nullptr;
  if (const int error = fsherald_reporter_open(&reporter, &options); error != 0) FailErrno("open a reporter", -error);
  return Reporter(reporter);
}

void Report(const Reporter& reporter, int error, uint32_t line) {
  fsherald_report report{};
  report.size = sizeof report;
  report.error = error;
  report.kind = FSHERALD_KIND_DATA_READ;
  report.function = "read_page";
  report.line = line;
  report.inode = 12;
  report.offset_bytes = 8192;
  report.length_bytes = 4096;
  report.flags = FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH;
  report.path = "tables/orders";
  report.message = "page 2: bad checksum";
  report.blob = "\x01\x02";
  report.blob_len = 2;
  if (fsherald_report_error(reporter.get(), &report) < 0) Fail("a report was refused");
}

bool IsAttached(const Reporter& reporter) {
  fsherald_reporter_state state{};
  state.size = sizeof state;
  return fsherald_reporter_get_state(reporter.get(), &state) == 0 && state.attached == 1;
}

// The daemon may have read the ring before the reporter has read the daemon's answer.
bool WaitUntilAttached(const Reporter& reporter) {
  const Deadline deadline = After(10s);
  while (!IsAttached(reporter)) {
    if (MillisecondsUntil(deadline) == 0) return false;
    usleep(1000);
  }
  return true;
}

// Of user-space file systems, by name.
std::vector<Json> AboutName(const Watcher& watcher, const std::string& name) {
  std::vector<Json> found;
  for (const Json& line : watcher.lines())
    if (line.at("filesystem").at("device") == name) found.push_back(line);
  return found;
}

bool WaitForLines(Watcher& watcher, const std::string& name, size_t count) {
  return watcher.WaitUntil([&] { return AboutName(watcher, name).size() >= count; }, After(10s));
}

using DaemonTest = SystemTest;

TEST_F(DaemonTest, TellsItsSubscribersWhatTheKernelReports) {
  const Ext4Filesystem filesystem({.name = "data"});
  Daemon daemon;
  Watcher first;
  Watcher second({filesystem.directory()});
  EXPECT_NE(first.talk().find("by the daemon"), std::string::npos) << first.talk();
  filesystem.Trigger("for both");
  for (Watcher* watcher : {&first, &second}) {
    EXPECT_TRUE(watcher->WaitUntil([&] { return !watcher->About(filesystem).empty(); }, After(10s)));
    EXPECT_EQ(watcher->Stop(), 0) << watcher->talk();
    ASSERT_EQ(watcher->About(filesystem).size(), 1U);
    const Json told = watcher->About(filesystem)[0];
    EXPECT_EQ(told["specific"]["message"], "for both");
    EXPECT_EQ(told["sources"], Json({"fanotify", "trace", "kmsg"}));
    EXPECT_EQ(told["origin"], "kernel");
    EXPECT_FALSE(told["location"]["stack"].empty());
    EXPECT_EQ(told["filesystem_seq"], 1);
  }
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

TEST_F(DaemonTest, GivesASubscriberOnlyTheFileSystemsThatItMarked) {
  const Ext4Filesystem wanted({.name = "wanted"});
  const Ext4Filesystem other({.name = "other"});
  Daemon daemon;
  Watcher watcher({wanted.directory() + "/letters/bob"});
  const Reporter reporter = OpenReporter("engine", "orders");
  Report(reporter, EIO, 1);
  other.Trigger("not wanted");
  wanted.Trigger("wanted");
  EXPECT_TRUE(watcher.WaitUntil([&] { return !watcher.About(wanted).empty(); }, After(10s)));
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(watcher.lines().size(), 1U);
}

TEST_F(DaemonTest, TellsWhatAFileSystemInUserSpaceReports) {
  Daemon daemon;
  Watcher watcher;
  const Reporter reporter = OpenReporter("engine", "orders");
  Report(reporter, EBADMSG, 99);
  ASSERT_TRUE(WaitForLines(watcher, "orders", 1)) << watcher.talk();
  const Json told = AboutName(watcher, "orders")[0];
  EXPECT_EQ(told["filesystem"]["type"], "engine");
  EXPECT_EQ(told["filesystem"]["mounts"], nullptr);
  EXPECT_EQ(told["error"], Json({{"errno", EBADMSG}, {"name", "EBADMSG"}, {"text", "Bad message"}, {"count", 1}}));
  EXPECT_EQ(told["kind"], "data_read");
  EXPECT_EQ(told["origin"], "user");
  EXPECT_EQ(told["sources"], Json({"producer"}));
  EXPECT_EQ(told["location"]["function"], "read_page");
  EXPECT_EQ(told["location"]["line"], 99);
  EXPECT_EQ(told["range"], Json({{"offset", 8192}, {"length", 4096}}));
  EXPECT_EQ(told["object"]["inode"], 12);
  EXPECT_EQ(told["object"]["path"], "tables/orders");
  EXPECT_EQ(told["object"]["path_source"], "producer");
  EXPECT_EQ(told["specific"]["message"], "page 2: bad checksum");
  EXPECT_EQ(told["specific"]["blob"], "0102");
  EXPECT_EQ(told["task"]["pid"], getpid());
  EXPECT_EQ(told["task"]["comm"], "system_test");
}

std::vector<int> LinesAbout(const Watcher& watcher, const std::string& name) {
  std::vector<int> lines;
  for (const Json& told : AboutName(watcher, name))
    if (told["location"].is_object()) lines.push_back(told["location"]["line"]);
  return lines;
}

TEST_F(DaemonTest, WhatWasReportedWhileNobodyListenedIsToldToTheFirstWhoDoes) {
  const Reporter reporter = OpenReporter("engine", "early");
  Report(reporter, EIO, 1);
  Daemon daemon({"--no-store"});  // a history wants all of them
  Report(reporter, EIO, 2);
  EXPECT_EQ(fsherald_reporter_flush(reporter.get(), 100), -ETIMEDOUT) << "a daemon without subscribers is nobody";
  Watcher watcher;
  Report(reporter, EIO, 3);
  ASSERT_TRUE(WaitForLines(watcher, "early", 3)) << watcher.talk();
  EXPECT_EQ(LinesAbout(watcher, "early"), (std::vector{1, 2, 3}));
  EXPECT_EQ(fsherald_reporter_flush(reporter.get(), 10000), 0);
}

TEST_F(DaemonTest, KilledAndStartedAgainItReadsOnWhereItWas) {
  const Reporter reporter = OpenReporter("engine", "orders");
  {
    Daemon daemon({"--no-store"});
    Watcher watcher;
    Report(reporter, EIO, 1);
    ASSERT_TRUE(WaitForLines(watcher, "orders", 1));
    ASSERT_EQ(fsherald_reporter_flush(reporter.get(), 10000), 0);
    daemon.Kill();
  }
  Report(reporter, EIO, 2);
  Report(reporter, EIO, 3);
  Daemon again({"--no-store"});
  Watcher watcher;
  ASSERT_TRUE(WaitForLines(watcher, "orders", 2)) << watcher.talk();
  EXPECT_TRUE(WaitUntilAttached(reporter));
  EXPECT_EQ(LinesAbout(watcher, "orders"), (std::vector{2, 3}));
}

TEST_F(DaemonTest, WhatFindsNoRoomWhileNobodyListensIsCountedExactly) {
  constexpr int kErrors = 5000;  // of some 300 bytes, into 64 KiB
  const Reporter reporter = OpenReporter("engine", "flood");
  for (int i = 1; i <= kErrors; ++i) Report(reporter, EIO, static_cast<uint32_t>(i));
  Daemon daemon({"--no-store"});  // a history wants all of them
  Watcher watcher;
  uint64_t errors = 0;
  const auto all_told = [&] {
    errors = 0;
    for (const Json& told : AboutName(watcher, "flood")) errors += told["error"]["count"].get<uint64_t>();
    return errors >= kErrors;
  };
  EXPECT_TRUE(watcher.WaitUntil(all_told, After(10s))) << errors;
  EXPECT_EQ(errors, kErrors);
  EXPECT_EQ(LinesAbout(watcher, "flood").front(), 1) << "the first is kept whole";
}

TEST_F(DaemonTest, AWatcherWhoseDaemonDiesSaysSoAndEnds) {
  Daemon daemon;
  Watcher watcher;
  daemon.Kill();
  EXPECT_FALSE(watcher.WaitUntil([] { return false; }, After(10s))) << "it ends by itself";
  EXPECT_EQ(watcher.Stop(), 3) << watcher.talk();
  EXPECT_NE(watcher.talk().find("the daemon has ended"), std::string::npos) << watcher.talk();
}

TEST_F(DaemonTest, WithoutItWatchSaysThatUserSpaceNeedsIt) {
  Watcher watcher;
  EXPECT_NE(watcher.talk().find("fsherald daemon"), std::string::npos) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0);
}

TEST_F(DaemonTest, ASecondOneIsRefusedWithASentence) {
  Daemon daemon;
  const Finished second = RunToEnd({.arguments = {Program(), "daemon"}, .environment = {}, .directory = {}});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.output.find("another fsherald daemon"), std::string::npos) << second.output;
  Watcher watcher;  // the first still serves
  EXPECT_NE(watcher.talk().find("by the daemon"), std::string::npos) << watcher.talk();
}

TEST_F(DaemonTest, AGroupThatIsNoneIsRefusedWithASentence) {
  const Finished daemon = RunToEnd(
      {.arguments = {Program(), "daemon", "--report-group=no-such-group"}, .environment = {}, .directory = {}});
  EXPECT_EQ(daemon.exit_code, 1);
  EXPECT_NE(daemon.output.find("no-such-group"), std::string::npos) << daemon.output;
}

// `fsherald watch` as another user, in that group.
Finished WatchAs(const std::string& user, const std::string& group) {
  return RunToEnd({.arguments = {"setpriv", "--reuid=" + user, "--regid=" + user, "--groups=" + group, Program(),
                                 "watch", "--timeout=0.2"},
                   .environment = {},
                   .directory = {}});
}

TEST_F(DaemonTest, OnlyRootAndTheGroupMaySubscribe) {
  Daemon daemon({"--subscribe-group=4242"});
  const Finished member = WatchAs("65534", "4242");
  EXPECT_EQ(member.exit_code, 0) << member.output;
  EXPECT_NE(member.output.find("by the daemon"), std::string::npos) << member.output;
  const Finished stranger = WatchAs("65534", "65534");
  EXPECT_EQ(stranger.exit_code, 4) << stranger.output;
}

// What a child process, as another user, learns of its reporter: its `attached`.
int AttachedAs(uid_t user, gid_t group, const char* type) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(group) != 0 || setuid(user) != 0) _exit(100);
    const Reporter reporter = OpenReporter(type, "orders");
    for (int i = 0; i < 1000; ++i) {
      fsherald_reporter_state state{};
      state.size = sizeof state;
      fsherald_reporter_get_state(reporter.get(), &state);
      if (state.attached != 0) _exit(state.attached == 1 ? 1 : -state.attached);
      usleep(10000);
    }
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST_F(DaemonTest, OnlyRootAndTheGroupMayReport) {
  Daemon daemon({"--report-group=4242"});
  EXPECT_EQ(AttachedAs(65534, 4242, "engine"), 1);
  EXPECT_EQ(AttachedAs(65534, 65534, "engine"), EPERM);
  EXPECT_EQ(AttachedAs(0, 0, "engine"), 1);
}

TEST_F(DaemonTest, ANameCannotSpeakForAKernelsFileSystem) {
  Daemon daemon;
  EXPECT_EQ(AttachedAs(0, 0, "ext4"), EINVAL);
}

TEST_F(DaemonTest, EndedItLeavesNothingButItsDirectory) {
  const std::string dir = std::getenv("FSHERALD_RUNTIME_DIR");
  {
    Daemon daemon({"--no-store"});
    EXPECT_TRUE(std::filesystem::exists(dir + "/report"));
    EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  }
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) left.push_back(entry.path().filename());
  EXPECT_EQ(left, (std::vector<std::string>{"journal", "lock"}));
}

}  // namespace
}  // namespace fsherald::system_test
