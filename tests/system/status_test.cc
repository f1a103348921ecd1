// SPDX-License-Identifier: MIT
// `fsherald status` on real file systems in each state; and that a state nobody else has told is told by watch.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "checked_mount.h"
#include "daemon.h"
#include "faulty_disk.h"
#include "follower.h"
#include "loop_device.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

// Without a history, but that of a test's own daemon.
class StatusTest : public SystemTest {
 protected:
  StatusTest() { std::filesystem::remove_all(Daemon::StoreDirectory()); }
};

struct Status {
  int exit_code = -1;
  std::string output;
  std::vector<Json> lines;
};

Status RunStatus(const std::vector<std::string>& arguments) {
  Command command{.arguments = {Program(), "status", "--json", "--store=" + Daemon::StoreDirectory()},
                  .environment = {},
                  .directory = {}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  const Finished finished = RunToEnd(command);
  return {.exit_code = finished.exit_code, .output = finished.output, .lines = JsonLines(finished.output)};
}

// The one line of a path, and the exit code that goes with its state.
Json StatusOf(const std::string& path) {
  const Status status = RunStatus({path});
  if (status.lines.size() != 1) Fail("not one line: " + status.output);
  const Json& state = status.lines[0]["state"];
  EXPECT_EQ(status.exit_code, state == "well" || state == "not_covered" ? 0 : 10) << status.output;
  return status.lines[0];
}

bool Has(const std::string& program) { return RunToEnd({{"which", program}, {}, {}}).exit_code == 0; }

// Any file system on a loop device, mounted below the sandbox for as long as it lives.
class AnyMount {
 public:
  AnyMount(const std::string& disk, const std::string& type, const std::string& name, unsigned long flags = 0)
      : loop_(disk), directory_(kSandbox + "/" + name) {
    std::filesystem::create_directories(directory_);
    if (mount(loop_.path().c_str(), directory_.c_str(), type.c_str(), flags, nullptr) != 0) FailErrno("mount " + disk);
  }
  ~AnyMount() { umount2(directory_.c_str(), MNT_DETACH); }
  AnyMount(const AnyMount&) = delete;
  AnyMount& operator=(const AnyMount&) = delete;
  const std::string& directory() const { return directory_; }
  std::string device() const { return loop_.name(); }

 private:
  LoopDevice loop_;
  std::string directory_;
};

std::string Sparse(const std::string& name, off_t size_bytes) {
  const std::string path = kSandbox + "/" + name;
  const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ftruncate(fd.get(), size_bytes) != 0) FailErrno("make " + path);
  return path;
}

// ext4's and XFS's: EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are one number, and 2 is "without writing the log" in both.
void ShutDown(const std::string& directory) {
  const Fd fd(open(directory.c_str(), O_RDONLY | O_CLOEXEC));
  uint32_t without_log = 2;
  if (ioctl(fd.get(), _IOR('X', 125, uint32_t), &without_log) != 0) FailErrno("shut down " + directory);
}

std::vector<Json> OfKind(const std::string& kind, const std::vector<Json>& lines) {
  std::vector<Json> found;
  for (const Json& line : lines)
    if (line["kind"] == kind) found.push_back(line);
  return found;
}

TEST_F(StatusTest, AFreshFilesystemIsWell) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Json status = StatusOf(filesystem.directory() + "/letters/alice");
  EXPECT_EQ(status["state"], "well");
  EXPECT_EQ(status["errors"], 0);
  EXPECT_EQ(status["first"], nullptr);
  EXPECT_EQ(status["mode"], "rw");
  EXPECT_EQ(status["filesystem"]["uuid"], filesystem.uuid());
  EXPECT_EQ(status["filesystem"]["mounts"], Json::array({filesystem.directory()}));
  EXPECT_EQ(status["next"], Json::array());
}

TEST_F(StatusTest, ErrorsInTheSuperblockAreOfThePast) {
  const std::string image = kSandbox + "/past.img";
  MakeImage(image, {}, 8 << 20);
  for (const char* set : {"error_count 2", "first_error_time @1000000000", "first_error_func ext4_lookup",
                          "first_error_line 1855", "first_error_ino 12", "last_error_time @1000086400",
                          "last_error_func ext4_find_entry", "last_error_line 9", "last_error_block 77"})
    RunOrFail({{"debugfs", "-w", "-R", std::string("set_super_value ") + set, image}, {}, {}});
  const Ext4Filesystem filesystem(image, "past", "errors=continue");
  const Json status = StatusOf(filesystem.directory());
  EXPECT_EQ(status["state"], "past_errors");
  EXPECT_EQ(status["errors"], 2);
  EXPECT_EQ(status["first"]["time"], "2001-09-09T01:46:40.000000000Z");
  EXPECT_EQ(status["first"]["function"], "ext4_lookup");
  EXPECT_EQ(status["first"]["line"], 1855);
  EXPECT_EQ(status["first"]["inode"], 12);
  EXPECT_EQ(status["last"]["time"], "2001-09-10T01:46:40.000000000Z");
  EXPECT_EQ(status["last"]["function"], "ext4_find_entry");
  EXPECT_EQ(status["last"]["block"], 77);
}

TEST_F(StatusTest, AnErrorOfThisBootIsNow) {
  const Ext4Filesystem filesystem({.name = "data"});
  filesystem.Trigger("now");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(1, After(2s)), 1U);
  const Json status = StatusOf(filesystem.directory());
  EXPECT_EQ(status["state"], "errors");
  EXPECT_EQ(status["errors"], 1);
  EXPECT_EQ(status["last"]["function"], "trigger_test_error");
  EXPECT_EQ(status["next"].back(), "e2fsck -f /dev/" + filesystem.device());
}

TEST_F(StatusTest, AFilesystemThatHasMadeItselfReadOnlyIsReadOnly) {
  const Ext4Filesystem filesystem({.name = "data", .mount = "errors=remount-ro"});
  filesystem.Trigger("the last");
  const Json status = StatusOf(filesystem.directory());
  if (status["state"] == "errors") GTEST_SKIP() << "this kernel's mount table does not show it (6.12 to 6.14)";
  EXPECT_EQ(status["state"], "read_only");
  EXPECT_EQ(status["mode"], "ro");
}

TEST_F(StatusTest, WhatTheAdministratorMountsReadOnlyIsWell) {
  const Ext4Filesystem filesystem({.name = "data"});
  ASSERT_EQ(mount(nullptr, filesystem.directory().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const Json status = StatusOf(filesystem.directory());
  EXPECT_EQ(status["state"], "well");
  EXPECT_EQ(status["mode"], "ro");
}

TEST_F(StatusTest, AnExt4ThatIsShutDownIsSo) {
  const Ext4Filesystem filesystem({.name = "data"});
  ShutDown(filesystem.directory());
  const Json status = StatusOf(filesystem.directory());
  if (status["state"] == "well") GTEST_SKIP() << "this kernel's mount table does not show it (before 6.15)";
  EXPECT_EQ(status["state"], "shut_down");
  EXPECT_EQ(status["errors"], 0);
}

TEST_F(StatusTest, AnXfsThatIsShutDownIsSo) {
  if (!Has("mkfs.xfs")) GTEST_SKIP() << "no mkfs.xfs";
  const std::string image = Sparse("x.img", 320 << 20);
  RunOrFail({{"mkfs.xfs", "-q", image}, {}, {}});
  const AnyMount filesystem(image, "xfs", "x");
  const Json before = StatusOf(filesystem.directory());
  EXPECT_EQ(before["state"], "well");
  EXPECT_EQ(before["errors"], nullptr);
  EXPECT_EQ(before["read"], Json::array({"mount options", "flags"}));
  ShutDown(filesystem.directory());
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "shut_down");
  EXPECT_EQ(StatusOf(filesystem.directory() + "/below")["filesystem"]["device"], filesystem.device());
}

TEST_F(StatusTest, ABtrfsThatCannotWriteMakesItselfReadOnly) {
  if (!Has("mkfs.btrfs")) GTEST_SKIP() << "no mkfs.btrfs";
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const std::string image = Sparse("b.img", 150 << 20);
  RunOrFail({{"mkfs.btrfs", "-q", image}, {}, {}});
  FaultyDisk disk(image, kSandbox + "/faulty");
  const AnyMount filesystem(disk.path(), "btrfs", "b");
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "well");
  disk.Break(FaultyDisk::Access::kWrite, 0, 150 << 20);
  WriteFile(filesystem.directory() + "/file", "lost\n");
  const Fd fd(open(filesystem.directory().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_NE(syncfs(fd.get()), 0);
  const Json status = StatusOf(filesystem.directory());
  EXPECT_EQ(status["state"], "read_only");
  EXPECT_GT(status["errors"], 0);
  EXPECT_EQ(status["details"][0]["name"], "device 1 write errors");
  disk.Repair();
}

TEST_F(StatusTest, WhatNothingCoversIsToldSo) {
  EXPECT_EQ(StatusOf("/proc/self")["state"], "not_covered");
  const Json tmpfs = StatusOf(kSandbox);
  EXPECT_EQ(tmpfs["state"], "not_covered");
  EXPECT_EQ(tmpfs["filesystem"]["type"], "tmpfs");
  if (!Has("mksquashfs")) return;
  const std::string image = kSandbox + "/s.img";
  WriteFile(kSandbox + "/in_squashfs", "x");
  RunOrFail({{"mksquashfs", kSandbox + "/in_squashfs", image, "-quiet"}, {}, {}});
  const AnyMount filesystem(image, "squashfs", "s", MS_RDONLY);
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "not_covered");
}

TEST_F(StatusTest, AFilesystemInUserSpaceIsNotAsked) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const CheckedMount filesystem;
  ASSERT_EQ(kill(filesystem.pid(), SIGSTOP), 0);  // whoever asks it anything now waits
  const Json status = StatusOf(filesystem.directory());
  const Status all = RunStatus({});
  EXPECT_EQ(kill(filesystem.pid(), SIGCONT), 0);
  EXPECT_EQ(status["state"], "not_covered");
  EXPECT_EQ(status["options"].get<std::string>().substr(0, 3), "rw,");
  EXPECT_EQ(all.lines.empty(), false) << all.output;
}

TEST_F(StatusTest, BesideWhatIsWellWhatNothingCanCoverIsNoFinding) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const CheckedMount served;
  const Ext4Filesystem well({.name = "well"});
  const Status both = RunStatus({well.directory(), served.directory()});
  EXPECT_EQ(both.exit_code, 0) << both.output;
  ASSERT_EQ(both.lines.size(), 2U);
  EXPECT_EQ(both.lines[1]["state"], "not_covered");
  well.Trigger("now");
  ASSERT_EQ(well.ErrorsCountOnceAtLeast(1, After(2s)), 1U);
  EXPECT_EQ(RunStatus({well.directory(), served.directory()}).exit_code, 10);
}

TEST_F(StatusTest, DoctorDoesNotAskAFilesystemInUserSpaceEither) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const CheckedMount filesystem;
  ASSERT_EQ(kill(filesystem.pid(), SIGSTOP), 0);  // whoever asks it anything now waits
  const Finished doctor = RunToEnd({{Program(), "doctor", filesystem.directory() + "/below"}, {}, {}});
  EXPECT_EQ(kill(filesystem.pid(), SIGCONT), 0);
  EXPECT_EQ(doctor.exit_code, 0) << doctor.output;
  EXPECT_NE(doctor.output.find("fuse.checksum_fs"), std::string::npos) << doctor.output;
}

TEST_F(StatusTest, WatchAndDoctorTellWhatNothingCoversToo) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const CheckedMount filesystem;
  const std::string not_seen = "its errors, but for the end of its server";
  const Finished doctor = RunToEnd({{Program(), "doctor", filesystem.directory()}, {}, {}});
  EXPECT_NE(doctor.output.find(not_seen), std::string::npos) << doctor.output;
  Watcher watch({filesystem.directory()});
  EXPECT_NE(watch.talk().find(filesystem.directory() + "  by its server's process"), std::string::npos) << watch.talk();
  EXPECT_NE(watch.talk().find("not seen: " + not_seen), std::string::npos) << watch.talk();
  EXPECT_EQ(watch.Stop(), 0);
}

TEST_F(StatusTest, OnlyIfAllAreWellTheExitCodeIsZero) {
  const Ext4Filesystem well({.name = "well"});
  const Ext4Filesystem damaged({.name = "damaged"});
  damaged.Trigger("now");
  ASSERT_EQ(damaged.ErrorsCountOnceAtLeast(1, After(2s)), 1U);
  EXPECT_EQ(RunStatus({well.directory(), well.directory() + "/letters"}).lines.size(), 1U);
  const Status both = RunStatus({well.directory(), damaged.directory()});
  EXPECT_EQ(both.exit_code, 10);
  ASSERT_EQ(both.lines.size(), 2U);
  EXPECT_EQ(both.lines[0]["state"], "well");
  EXPECT_EQ(both.lines[1]["state"], "errors");
}

Finished Clear(const std::string& name, const std::string& reason) {
  return RunToEnd({{Program(), "clear", name, "--reason", reason}, {}, {}});
}

TEST_F(StatusTest, WhatTheOperatorHasClearedIsWellUntilTheNextError) {
  Daemon daemon;
  Follower follower(Daemon::StoreDirectory());
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("first");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(1, After(10s)), 1U);
  follower.ReadChanges(uuid, 1);
  const Json before = StatusOf(filesystem.directory());
  EXPECT_EQ(before["state"], "errors");
  EXPECT_EQ(before["state_from"], "filesystem");
  EXPECT_EQ(before["history"]["daemon"]["state"], "errors");

  const Finished cleared = Clear(filesystem.directory(), "a test of ours");
  ASSERT_EQ(cleared.exit_code, 0) << cleared.output;
  const Json change = follower.ReadChanges(uuid, 2)[1];
  const Json well = StatusOf(filesystem.directory());
  EXPECT_EQ(well["state"], "well");
  EXPECT_EQ(well["state_from"], "daemon");
  EXPECT_EQ(well["errors"], 1) << "what it counts itself stays";
  EXPECT_EQ(well["history"]["daemon"]["rule"], "cleared");
  EXPECT_EQ(well["history"]["daemon"]["uid"], 0);
  EXPECT_EQ(well["history"]["daemon"]["reason"], "a test of ours");
  EXPECT_EQ(well["history"]["daemon"]["seq"], change["seq"]);
  const Finished text =
      RunToEnd({{Program(), "status", "--store", Daemon::StoreDirectory(), filesystem.directory()}, {}, {}});
  EXPECT_EQ(text.exit_code, 0) << text.output;
  EXPECT_NE(text.output.find("cleared by the operator (uid 0): a test of ours"), std::string::npos) << text.output;
  EXPECT_NE(text.output.find("by what the file system keeps itself it would be: errors now"), std::string::npos)
      << text.output;

  filesystem.Trigger("second");
  ASSERT_EQ(follower.ReadChanges(uuid, 3)[2]["health"]["to"], "errors");
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "errors");
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "errors") << "without a daemon";
  EXPECT_EQ(follower.Stop(), 0);
}

// It keeps no account of them: by what it keeps itself it is well.
TEST_F(StatusTest, AnXfsWhoseReadsHaveFailedHasErrorsByTheDaemonsWord) {
  if (!Has("mkfs.xfs")) GTEST_SKIP() << "no mkfs.xfs";
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  constexpr off_t kBytes = 320 << 20;
  const std::string image = Sparse("x.img", kBytes);
  RunOrFail({{"mkfs.xfs", "-q", image}, {}, {}});
  FaultyDisk disk(image, kSandbox + "/faulty");
  Daemon daemon;
  Follower follower(Daemon::StoreDirectory());
  const AnyMount filesystem(disk.path(), "xfs", "x");
  const std::string uuid = StatusOf(filesystem.directory())["filesystem"]["uuid"];
  WriteFile(filesystem.directory() + "/file", std::string(65536, 'x'));
  const Fd fd(open((filesystem.directory() + "/file").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(fsync(fd.get()), 0);
  ASSERT_EQ(posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED), 0);  // it is read from the disk
  disk.Break(FaultyDisk::Access::kRead, 0, kBytes);
  char byte = 0;
  ASSERT_EQ(read(fd.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EIO);
  disk.Repair();
  EXPECT_EQ(follower.ReadChanges(uuid, 1)[0]["health"]["to"], "errors");
  const Json status = StatusOf(filesystem.directory());
  EXPECT_EQ(status["state"], "errors");
  EXPECT_EQ(status["state_from"], "daemon");
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_EQ(StatusOf(filesystem.directory())["state"], "errors") << "without a daemon";
  EXPECT_EQ(follower.Stop(), 0);
}

TEST_F(StatusTest, WhatIsGoneIsListedUntilItIsCleared) {
  Daemon daemon;
  Follower follower(Daemon::StoreDirectory());
  Ext4Filesystem filesystem({.name = "data"});
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("first");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(1, After(10s)), 1U);
  follower.ReadChanges(uuid, 1);
  filesystem.Unmount();
  follower.ReadChanges(uuid, 2);
  const auto listed = [&] {
    std::vector<Json> of_it;
    for (const Json& line : RunStatus({}).lines)
      if (line["filesystem"]["uuid"] == uuid) of_it.push_back(line);
    return of_it;
  };
  const std::vector<Json> gone = listed();
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0]["state"], "gone");
  EXPECT_EQ(gone[0]["filesystem"]["mounts"], nullptr);
  EXPECT_EQ(gone[0]["next"].back(),
            "once it is known to be well, or given up: fsherald clear " + uuid + " --reason TEXT");
  EXPECT_EQ(RunStatus({}).exit_code, 10);
  const Finished cleared = Clear(uuid, "given up");
  ASSERT_EQ(cleared.exit_code, 0) << cleared.output;
  follower.ReadChanges(uuid, 3);
  EXPECT_EQ(listed().size(), 0U);
}

TEST_F(StatusTest, APathThatIsNotThereAndAnOptionThatIsNoneAreToldApart) {
  const Status unknown = RunStatus({kSandbox + "/nowhere"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.output.find("No such file or directory"), std::string::npos) << unknown.output;
  EXPECT_EQ(RunStatus({"--nonsense"}).exit_code, 2);
}

TEST_F(StatusTest, MostNeedsNoPrivilege) {
  const Ext4Filesystem filesystem({.name = "data"});
  Command command{.arguments = As({.user = 65534, .group = 65534}), .environment = {}, .directory = {}};
  for (const std::string& argument : {Program(), std::string("status"), filesystem.directory()})
    command.arguments.push_back(argument);
  const Finished finished = RunToEnd(command);
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_NE(finished.output.find(filesystem.device()), std::string::npos) << finished.output;
}

TEST_F(StatusTest, WatchTellsAStateThatNobodyElseTellsOnce) {
  const Ext4Filesystem filesystem({.name = "data", .mount = "errors=remount-ro"});
  Watcher watcher({"--without=kmsg"});
  filesystem.Trigger("the last");
  const auto is_told = [&] { return !OfKind("read_only", watcher.About(filesystem)).empty(); };
  if (!watcher.WaitUntil(is_told, After(5s)) && StatusOf(filesystem.directory())["state"] == "errors")
    GTEST_SKIP() << "this kernel's mount table does not show it (6.12 to 6.14)";
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  const std::vector<Json> told = OfKind("read_only", watcher.About(filesystem));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["sources"], Json::array({"mounts"}));
  EXPECT_EQ(told[0]["error"]["errno"], nullptr);
  EXPECT_EQ(told[0]["location"], nullptr);
  EXPECT_EQ(told[0]["filesystem"]["uuid"], filesystem.uuid());
}

TEST_F(StatusTest, WatchTellsAStateThatALineHasToldNotAgain) {
  const Ext4Filesystem filesystem({.name = "data", .mount = "errors=remount-ro"});
  Watcher watcher;
  filesystem.Trigger("the last");
  const auto is_told = [&] { return !OfKind("read_only", watcher.About(filesystem)).empty(); };
  ASSERT_TRUE(watcher.WaitUntil(is_told, After(5s))) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();  // which looks at the mount table once more
  for (const Json& line : OfKind("read_only", watcher.About(filesystem)))
    EXPECT_EQ(line["sources"], Json::array({"kmsg"})) << line;
}

TEST_F(StatusTest, WatchTellsNothingOfWhatTheAdministratorDoes) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  const char* directory = filesystem.directory().c_str();
  ASSERT_EQ(mount(nullptr, directory, nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  watcher.WaitUntilToldUpToNow(sentinel);
  ASSERT_EQ(mount(nullptr, directory, nullptr, MS_REMOUNT, nullptr), 0);
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(watcher.About(filesystem), std::vector<Json>());
}

}  // namespace
}  // namespace fsherald::system_test
