// SPDX-License-Identifier: MIT
// The daemon's wall clock jumps: a day back, ten years on, to 1970, and right again. Order is that of the numbers, each time is what
// the clock said, and nothing is lost, also not to the retention by age.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "daemon.h"
#include "store/test_history.h"
#include "stored_errors.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using ClockTest = SystemTest;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 24 * 3600 * kSecondNs;
constexpr int64_t kTenYearsNs = 3652 * kDayNs;

int64_t NowNs() { return static_cast<int64_t>(std::time(nullptr)) * kSecondNs; }

// The wall clock of the daemon alone (preload/clock_offset.c).
class WrongClock {
 public:
  WrongClock() { Set(0); }
  static void Set(int64_t offset_ns) {
    std::string bytes(sizeof offset_ns, '\0');
    std::memcpy(bytes.data(), &offset_ns, sizeof offset_ns);
    // In place: it is mapped.
    const Fd fd(open(Path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (pwrite(fd.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) FailErrno("set a clock");
  }
  static Command DaemonCommand() {
    return {.arguments = {Program(), "daemon", "--store=" + Daemon::StoreDirectory()},
            .environment = {{"LD_PRELOAD", FSHERALD_CLOCK_OFFSET}, {"CLOCK_OFFSET", Path()}},
            .directory = {}};
  }

 private:
  static std::string Path() { return kSandbox + "/clock"; }
};

// How many errors `history` tells of, with these options.
uint64_t ErrorsTold(const Ext4Filesystem& filesystem, const std::vector<std::string>& options) {
  Command command{.arguments = {Program(), "history", "--json", "--store", Daemon::StoreDirectory()},
                  .environment = {},
                  .directory = {}};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  const std::string output = RunOrFail(command);
  uint64_t errors = 0;
  for (size_t begin = 0, end; (end = output.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (output[begin] != '{') continue;
    const Json line = Json::parse(output.substr(begin, end - begin));
    const std::string kind = line["kind"];
    if (kind != "health" && kind != "gap" && line["filesystem"]["uuid"] == filesystem.uuid())
      errors += line["error"]["count"].get<uint64_t>();
  }
  return errors;
}

std::string At(int64_t utc_ns) { return "@" + std::to_string(utc_ns / kSecondNs); }

// A history of the last hour, of more rows than are removed at once.
void WriteHistory(uint64_t rows) {
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= rows; ++seq) {
    notifications.push_back(TestError(seq));
    notifications.back().utc_ns = NowNs() - 3600 * kSecondNs;
  }
  auto store = OpenStore(Daemon::StoreDirectory());
  if (!store || !store->Append(notifications, kTestHost, "")) Fail("cannot write a store");
}

TEST_F(ClockTest, JumpsLoseNothingAndOrderIsThatOfTheNumbers) {
  const WrongClock clock;
  const Ext4Filesystem filesystem({.name = "data"});
  constexpr uint64_t kRows = 3000;
  WriteHistory(kRows);
  uint64_t raised = 0;
  const int64_t now_ns = NowNs();
  const auto live = [&](const std::vector<int64_t>& offsets_ns) {
    clock.Set(offsets_ns.front());
    Daemon daemon(WrongClock::DaemonCommand());
    Watcher watcher({filesystem.directory()});
    const uint64_t before = raised;
    for (const int64_t offset_ns : offsets_ns) {
      clock.Set(offset_ns);
      for (int i = 0; i < 2; ++i) {
        filesystem.Trigger("at some time");
        ++raised;
        EXPECT_TRUE(
            watcher.WaitUntil([&] { return CountedErrors(watcher.About(filesystem)) >= raised - before; }, After(20s)));
      }
    }
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
    EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  };
  live({0, -kDayNs, kTenYearsNs, 1000 * kSecondNs - now_ns, 0});
  EXPECT_EQ(ErrorsTold(filesystem, {}), raised);
  EXPECT_EQ(ErrorsTold(filesystem, {"--since", At(now_ns + kTenYearsNs - kDayNs)}), 2U);
  EXPECT_EQ(ErrorsTold(filesystem, {"--until", At(kDayNs)}), 2U);
  EXPECT_EQ(ErrorsTold(filesystem, {"--since", At(kDayNs), "--until", At(now_ns - kDayNs / 2)}), 2U);
  EXPECT_EQ(ErrorsTold(filesystem, {"--since", At(now_ns - kDayNs / 2), "--until", At(now_ns + kDayNs)}), 4U);
  // A daemon that starts with a clock that is ten years ahead, and the next one with the right one: each looks first for what is
  // too old.
  live({kTenYearsNs});
  live({0});
  EXPECT_EQ(ErrorsTold(filesystem, {}), raised);
  EXPECT_EQ(filesystem.ErrorsCountOnceAtLeast(raised, After(5s)), raised);
  const auto stored = StoredNotifications(Daemon::StoreDirectory());
  for (size_t i = 1; i < stored.size(); ++i) EXPECT_LT(stored[i - 1].seq, stored[i].seq);
  EXPECT_EQ(Losses(stored), "");
  EXPECT_EQ(ErrorsByUuid(stored)[ToString(*TestError(1).filesystem.uuid)], kRows);
}

}  // namespace
}  // namespace fsherald::system_test
