// SPDX-License-Identifier: MIT
// The file system that the history is on has trouble of its own: it hangs, is full, is read-only, or is the very one that fails.
// Errors are told all the same, and nothing of them is missing in the history once it works again. FSHERALD_LONG=1: it hangs for
// a minute.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "daemon.h"
#include "store/sqlite.h"
#include "stored_errors.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kDiskBytes = 64ULL << 20;

class StoreTroubleTest : public SystemTest {
 protected:
  // As after a boot: nothing of earlier daemons is in memory.
  void SetUp() override {
    SystemTest::SetUp();
    if (!IsSkipped()) std::filesystem::remove_all(std::getenv("FSHERALD_RUNTIME_DIR"));
  }
};

std::string StoreOn(const Ext4Filesystem& disk) { return disk.directory() + "/store"; }

std::string SecondStore() { return std::string(std::getenv("FSHERALD_RUNTIME_DIR")) + "/history"; }

// An error after the other, each of them told before the next.
class Raising {
 public:
  Raising(const Ext4Filesystem& filesystem, Watcher& watcher) : filesystem_(filesystem), watcher_(watcher) {}
  void One() {
    filesystem_.Trigger("the store has trouble");
    ++raised_;
    const auto is_told = [this] {
      std::vector<Json> lines(watcher_.lines().begin() + static_cast<ptrdiff_t>(seen_), watcher_.lines().end());
      seen_ = watcher_.lines().size();
      told_ += CountedErrors(lines);
      return told_ >= raised_;
    };
    if (!watcher_.WaitUntil(is_told, After(20s))) Fail("an error was not told: " + watcher_.talk());
  }
  // Until the daemon has said so, which it does at the next error.
  void UntilItSays(Daemon& daemon, const std::string& words, std::chrono::seconds patience = 60s) {
    const Deadline deadline = After(patience);
    do One();
    while (!daemon.WaitUntilItSays(words, After(100ms)) && MillisecondsUntil(deadline) > 0);
    EXPECT_NE(daemon.talk().find(words), std::string::npos) << daemon.talk();
  }
  void For(std::chrono::milliseconds time) {
    for (const Deadline deadline = After(time); MillisecondsUntil(deadline) > 0;) One();
  }
  uint64_t raised() const { return raised_; }

 private:
  const Ext4Filesystem& filesystem_;
  Watcher& watcher_;
  uint64_t raised_ = 0;
  uint64_t told_ = 0;
  size_t seen_ = 0;  // of the watcher's lines
};

// The history has all that was raised, once each and in order, and nothing in memory is left.
void ExpectAllStored(const std::string& store, const Ext4Filesystem& filesystem, uint64_t raised) {
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(raised, After(10s)), raised);
  const auto stored = StoredNotifications(store);
  EXPECT_EQ(ErrorsByUuid(stored)[filesystem.uuid()], raised) << WithoutTrace(stored);
  EXPECT_EQ(Losses(stored), "");
  for (size_t i = 1; i < stored.size(); ++i) EXPECT_LT(stored[i - 1].seq, stored[i].seq);
  EXPECT_FALSE(std::filesystem::exists(SecondStore()));
}

// A frozen file system; thawed in any case.
class Frozen {
 public:
  explicit Frozen(const std::string& directory) : fd_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!fd_ || ioctl(fd_.get(), FIFREEZE, 0) != 0) FailErrno("freeze " + directory);
  }
  ~Frozen() { EXPECT_EQ(ioctl(fd_.get(), FITHAW, 0), 0); }

 private:
  Fd fd_;
};

TEST_F(StoreTroubleTest, WhileItHangsErrorsAreToldAtOnceAndAfterwardsNothingIsMissing) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  Daemon daemon({"--store=" + StoreOn(disk)});
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  raising.For(100ms);
  {
    const Frozen frozen(disk.directory());
    raising.UntilItSays(daemon, "has not answered for 2 s: what comes is kept in memory");
    raising.For(LongRuns() ? 60s : 1s);
  }
  raising.UntilItSays(daemon, "can be written to again");
  raising.One();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(StoreOn(disk), filesystem, raising.raised());
}

TEST_F(StoreTroubleTest, WhereItHangsAtTheStartTheDaemonStartsAllTheSame) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  std::optional<Frozen> frozen(disk.directory());
  Daemon daemon({"--store=" + StoreOn(disk)});
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  raising.UntilItSays(daemon, "does not answer: what comes is kept in memory");
  frozen.reset();
  raising.UntilItSays(daemon, "can be written to again");
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(StoreOn(disk), filesystem, raising.raised());
}

// Takes all room of a file system; gives it back.
class Filler {
 public:
  explicit Filler(const std::string& directory) : path_(directory + "/filler") { Fill(); }
  void Fill() {
    const Fd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!fd) FailErrno("open " + path_);
    for (size_t size = 1 << 20; size > 0;) {
      const std::string bytes(size, 'f');
      if (write(fd.get(), bytes.data(), size) < 0) size /= 2;
    }
    if (errno != ENOSPC) FailErrno("fill " + path_);
  }
  void GiveBack() { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

size_t Count(const std::string& text, const std::string& words) {
  size_t count = 0;
  for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST_F(StoreTroubleTest, WhileItIsFullTheDaemonSaysSoOnceAndAfterwardsNothingIsMissing) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  Daemon daemon({"--store=" + StoreOn(disk)});
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  raising.One();
  Filler filler(disk.directory());
  raising.UntilItSays(daemon, "nothing can be stored in " + StoreOn(disk) + ": ");
  EXPECT_NE(daemon.talk().find("No space left on device"), std::string::npos) << daemon.talk();
  raising.For(LongRuns() ? 60s : 3s);  // it tries again meanwhile
  EXPECT_EQ(Count(daemon.talk(), "nothing can be stored"), 1U) << daemon.talk();
  filler.GiveBack();
  raising.UntilItSays(daemon, "can be written to again", 120s);
  raising.One();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(StoreOn(disk), filesystem, raising.raised());
}

// A daemon that ends while its store does not work leaves the second one to the next.
TEST_F(StoreTroubleTest, WhatWasKeptInMemoryOutlivesTheDaemon) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  uint64_t raised = 0;
  Filler filler(disk.directory());
  for (int life = 0; life < 2; ++life) {
    Daemon daemon({"--store=" + StoreOn(disk)});
    Watcher watcher({filesystem.directory()});
    Raising raising(filesystem, watcher);
    raising.UntilItSays(daemon, "nothing can be stored");
    raised += raising.raised();
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
    if (life == 0) daemon.Kill();
    else EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  }
  EXPECT_TRUE(std::filesystem::exists(SecondStore()));
  filler.GiveBack();
  Daemon daemon({"--store=" + StoreOn(disk)});
  EXPECT_TRUE(daemon.WaitUntilItSays("can be written to again", After(10s))) << daemon.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(StoreOn(disk), filesystem, raised);
}

// The page with its state is zeros: what reads it first finds the file damaged.
void RuinState(const std::string& store) {
  const std::string file = store + "/history.db";
  auto database = Database::Open(file, Database::Access::kWrite);
  if (!database) Fail(database.error().ToString());
  const auto page = database->Number("SELECT rootpage FROM sqlite_schema WHERE name='state'");
  const auto page_bytes = database->Number("PRAGMA page_size");
  if (!page || !page_bytes || *page < 2 || !database->Checkpoint(true)) Fail("no state in " + file);
  const Fd fd(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string zeros(static_cast<size_t>(*page_bytes), '\0');
  if (!fd || pwrite(fd.get(), zeros.data(), zeros.size(), (*page - 1) * *page_bytes) != *page_bytes)
    FailErrno("ruin " + file);
}

// A daemon's life with so many errors, whose history is damaged then. How many notifications it has.
size_t LeaveADamagedHistory(const std::string& store, const Ext4Filesystem& filesystem, int errors) {
  {
    Daemon daemon({"--store=" + store});
    Watcher watcher({filesystem.directory()});
    Raising raising(filesystem, watcher);
    for (int i = 0; i < errors; ++i) raising.One();
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
    EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  }
  const size_t stored = StoredNotifications(store).size();
  RuinState(store);
  // As after a boot: the journal knows nothing of it.
  std::filesystem::remove_all(std::getenv("FSHERALD_RUNTIME_DIR"));
  return stored;
}

// As a user sees it.
void ExpectShown(const std::string& store, const Ext4Filesystem& filesystem, uint64_t errors) {
  std::istringstream lines(
      RunOrFail({.arguments = {Program(), "history", "--json", "--store=" + store, "--filesystem=" + filesystem.uuid()},
                 .environment = {},
                 .directory = {}}));
  std::vector<Json> shown;
  for (std::string line; std::getline(lines, line);) shown.push_back(Json::parse(line));
  EXPECT_EQ(CountedErrors(shown), errors);
}

TEST_F(StoreTroubleTest, ADamagedHistoryIsSalvagedAtTheStartAndTheDaemonSaysSo) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string store = StoreOn(disk);
  const size_t before = LeaveADamagedHistory(store, filesystem, 50);
  Daemon daemon({"--store=" + store});
  EXPECT_TRUE(daemon.WaitUntilItSays("the history in " + store + " was damaged (", After(10s))) << daemon.talk();
  EXPECT_TRUE(
      daemon.WaitUntilItSays(" now, and " + std::to_string(before) + " notifications of it were saved", After(10s)))
      << daemon.talk();
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  for (int i = 0; i < 5; ++i) raising.One();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_EQ(Count(daemon.talk(), "was damaged"), 1U) << daemon.talk();
  EXPECT_EQ(Count(daemon.talk(), "nothing can be stored"), 0U) << daemon.talk();
  ExpectAllStored(store, filesystem, 55);
  ExpectShown(store, filesystem, 55);
}

TEST_F(StoreTroubleTest, ADamagedHistoryThatThereIsNoRoomToSalvageIsSalvagedOnceThereIs) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string store = StoreOn(disk);
  const size_t before = LeaveADamagedHistory(store, filesystem, 50);
  Filler filler(disk.directory());
  Daemon daemon({"--store=" + store});
  EXPECT_TRUE(daemon.WaitUntilItSays("the history in " + store + " is damaged (", After(10s))) << daemon.talk();
  EXPECT_TRUE(daemon.WaitUntilItSays("No space left on device; the file stays as it is", After(10s))) << daemon.talk();
  EXPECT_TRUE(daemon.WaitUntilItSays("nothing can be stored in " + store + ": salvage ", After(10s))) << daemon.talk();
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  raising.For(4s);  // it tries again meanwhile, after 1 and 3 s
  EXPECT_EQ(Count(daemon.talk(), "is damaged ("), 2U)
      << "as what was found, and why nothing is stored: " << daemon.talk();
  filler.GiveBack();
  raising.UntilItSays(daemon, " now, and " + std::to_string(before) + " notifications of it were saved", 120s);
  raising.UntilItSays(daemon, "can be written to again", 120s);
  raising.One();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(store, filesystem, 50 + raising.raised());
  ExpectShown(store, filesystem, 50 + raising.raised());
}

constexpr unsigned long kShutdown = _IOR('X', 125, uint32_t);  // FS_IOC_SHUTDOWN, EXT4_IOC_SHUTDOWN: include/linux/fs.h
constexpr uint32_t kWithoutFlushingTheLog = 2;                 // EXT4_GOING_FLAGS_NOLOGFLUSH

void ShutDown(const std::string& directory) {
  const Fd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  uint32_t how = kWithoutFlushingTheLog;
  if (!fd || ioctl(fd.get(), kShutdown, &how) != 0) FailErrno("shut down " + directory);
}

TEST_F(StoreTroubleTest, WhereItIsOnTheFileSystemThatFailsItIsCaughtUpOnceThatIsMountedAnew) {
  const std::string image = kSandbox + "/disk.img";
  MakeImage(image, {}, kDiskBytes);
  std::optional<Ext4Filesystem> disk(std::in_place, image, "disk", "errors=continue");
  const std::string store = StoreOn(*disk);
  const std::string uuid = disk->uuid();
  const Ext4Filesystem filesystem({.name = "data"});
  Daemon daemon({"--store=" + store});
  Watcher watcher({filesystem.directory()});
  Watcher all;
  Raising raising(filesystem, watcher);
  raising.One();
  ShutDown(disk->directory());
  raising.UntilItSays(daemon, "nothing can be stored in " + store + ": ");
  EXPECT_TRUE(all.WaitUntil([&] { return !all.About(*disk).empty(); }, After(10s))) << "the shutdown itself is told";
  EXPECT_EQ(all.Stop(), 0) << all.talk();
  disk->Unmount();  // the daemon keeps nothing of it open
  disk.reset();
  raising.For(LongRuns() ? 20s : 3s);  // its tries find the empty directory
  EXPECT_FALSE(std::filesystem::exists(store)) << "it begins no second history below the mount point";
  disk.emplace(image, "disk", "errors=continue");
  raising.UntilItSays(daemon, "can be written to again", 120s);
  raising.One();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(store, filesystem, raising.raised());
  uint64_t shutdowns = 0;
  for (const Notification& n : StoredNotifications(store))
    shutdowns += n.kind == Kind::kShutdown && n.filesystem.uuid && ToString(*n.filesystem.uuid) == uuid ? 1 : 0;
  EXPECT_EQ(shutdowns, 1U);
}

void Remount(const std::string& directory, unsigned long flags) {
  if (mount(nullptr, directory.c_str(), nullptr, MS_REMOUNT | flags, nullptr) != 0) FailErrno("remount " + directory);
}

// A machine boots, and finds the history of earlier boots on a file system that is read-only for the time being.
TEST_F(StoreTroubleTest, WhereItIsReadOnlyAtTheStartNumbersGoOnAndNothingIsMissing) {
  const Ext4Filesystem disk({.name = "disk", .size_bytes = kDiskBytes});
  const Ext4Filesystem filesystem({.name = "data"});
  uint64_t raised = 0;
  {
    Daemon daemon({"--store=" + StoreOn(disk)});
    Watcher watcher({filesystem.directory()});
    Raising raising(filesystem, watcher);
    for (int i = 0; i < 50; ++i) raising.One();
    raised = raising.raised();
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
    ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  }
  const uint64_t last_seq = StoredNotifications(StoreOn(disk)).back().seq;
  std::filesystem::remove_all(std::getenv("FSHERALD_RUNTIME_DIR"));
  Remount(disk.directory(), MS_RDONLY);
  Daemon daemon({"--store=" + StoreOn(disk)});
  EXPECT_TRUE(daemon.WaitUntilItSays("nothing can be stored in " + StoreOn(disk), After(10s))) << daemon.talk();
  Watcher watcher({filesystem.directory()});
  Raising raising(filesystem, watcher);
  for (int i = 0; i < 5; ++i) raising.One();
  for (const Json& line : watcher.lines()) EXPECT_GT(line.at("seq"), last_seq);
  Remount(disk.directory(), 0);
  raising.UntilItSays(daemon, "can be written to again", 120s);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();
  ExpectAllStored(StoreOn(disk), filesystem, raised + raising.raised());
}

}  // namespace
}  // namespace fsherald::system_test
