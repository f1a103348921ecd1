// SPDX-License-Identifier: MIT
// File systems come and go on eight devices that they share, and fail at any moment of it, also right after they were mounted and
// right before they are unmounted: every error is told, and none of another one. FSHERALD_LONG=1: ten thousand times.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <random>
#include <set>
#include <thread>

#include "daemon.h"
#include "record/json.h"
#include "stored_errors.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using MountCyclesTest = SystemTest;

constexpr int kDevices = 8;
constexpr int kImages = 2 * kDevices;

// s_error_count of the superblock (Documentation/filesystems/ext4/super.rst), of a file system that is not mounted.
uint64_t ErrorsOnDisk(const std::string& image) {
  const Fd fd(open(image.c_str(), O_RDONLY | O_CLOEXEC));
  uint8_t bytes[4] = {};
  constexpr off_t kOffset = 1024 + 0x194;
  if (!fd || pread(fd.get(), bytes, sizeof bytes, kOffset) != sizeof bytes) FailErrno("read " + image);
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint64_t>(bytes[3]) << 24;
}

// The trace and the log are of the whole machine, where other tests have file systems of their own, and those are in no mount table
// of ours. (What is of ours is ext4, and met by this process.)
bool IsAnothers(const Notification& n) {
  if (n.filesystem.uuid) return false;
  const bool is_another_task = n.task && n.task->pid && *n.task->pid != static_cast<uint32_t>(::getpid());
  return n.filesystem.type != "ext4" || is_another_task;
}

// A line each.
std::string ToldOf(const std::vector<Notification>& notifications, const std::string& uuid) {
  std::string told;
  for (const Notification& n : notifications) {
    if (n.kind == Kind::kGap || (n.filesystem.uuid ? ToString(*n.filesystem.uuid) : "") != uuid) continue;
    told += "\n";
    AppendJson(n, {}, told);
  }
  return told;
}

std::string Image(int number) { return kSandbox + "/cycle" + std::to_string(number) + ".img"; }

// Mounts the two images in turn, each time on whichever loop device is free.
void Cycle(int thread, int cycles, std::vector<uint64_t>& raised, std::map<std::string, int>& images) {
  std::mt19937_64 random(20261126 + static_cast<uint64_t>(thread));
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const int number = 2 * thread + cycle % 2;
    Ext4Filesystem filesystem(Image(number), "cycle" + std::to_string(number), "errors=continue");
    images[filesystem.uuid()] = number;
    const auto raise = [&] {
      filesystem.Trigger("of " + filesystem.uuid());
      ++raised[static_cast<size_t>(number)];
    };
    const uint64_t when = random();
    if (when & 1) raise();
    if (when & 2) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
      raise();
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    }
    if (when & 4) raise();
    filesystem.Unmount();
  }
}

TEST_F(MountCyclesTest, NoErrorIsLostOrToldOfAnotherFileSystem) {
  const int cycles = LongRuns() ? 10'000 : 64;
  for (int number = 0; number < kImages; ++number) MakeImage(Image(number), {}, 8ULL << 20);
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Daemon daemon;
  Watcher watcher({sentinel.directory()});
  std::vector<uint64_t> raised(kImages);
  std::vector<std::map<std::string, int>> images(kDevices);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kDevices; ++thread)
      threads.emplace_back(
          [&, thread] { Cycle(thread, cycles / kDevices, raised, images[static_cast<size_t>(thread)]); });
  }
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();

  auto stored = StoredNotifications(Daemon::StoreDirectory());
  std::erase_if(stored, IsAnothers);
  auto told = ErrorsByUuid(stored);
  uint64_t all = 0;
  uint64_t attributed = 0;
  std::set<std::string> uuids;
  for (const auto& of_thread : images)
    for (const auto& [uuid, number] : of_thread) {
      const uint64_t counted = ErrorsOnDisk(Image(number));
      EXPECT_EQ(counted, raised[static_cast<size_t>(number)]) << "the kernel's own count";
      EXPECT_LE(told[uuid], counted) << uuid << ToldOf(stored, uuid);
      if (told[""] == 0) {
        EXPECT_EQ(told[uuid], counted) << uuid << ToldOf(stored, uuid);
      }
      attributed += told[uuid];
      all += counted;
      uuids.insert(uuid);
    }
  // Where a file system is gone before anybody can ask whose the error was, and the trace has not said it, that is not guessed:
  // then its uuid is not told. But it is told, once.
  EXPECT_EQ(attributed + told[""], all) << ToldOf(stored, "");
  EXPECT_EQ(Losses(stored), "");
  for (const Notification& n : stored) {
    const std::string uuid = n.filesystem.uuid ? ToString(*n.filesystem.uuid) : "";
    if (!uuids.contains(uuid) || !n.specific || !n.specific->message) continue;
    EXPECT_EQ(*n.specific->message, "of " + uuid) << "the words of another";
  }
  std::printf("%llu errors in %d mountings; of %llu it is not known whose they are\n",
              static_cast<unsigned long long>(all), cycles, static_cast<unsigned long long>(told[""]));
}

}  // namespace
}  // namespace fsherald::system_test
