// SPDX-License-Identifier: MIT
// The daemon as packaging/fsherald.service runs it: under exactly its limits (programs/confine.c), told and asked by a service
// manager, which the test is.
#include <fsherald/fsherald.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <regex>

#include "daemon.h"
#include "stored_errors.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

constexpr char kGroup[] = "4242";
constexpr char kOtherGroup[] = "4343";  // not the unit's

// The socket that $NOTIFY_SOCKET names.
class Manager {
 public:
  Manager() : path_(kSandbox + "/notify"), socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(path_.c_str());
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      FailErrno("bind " + path_);
  }
  const std::string& path() const { return path_; }

  // The next message that is none of the watchdog's; "" where none comes by the deadline.
  std::string Next() {
    for (;;) {
      std::string message = NextOfAny();
      if (message != "WATCHDOG=1") return message;
      ++alive_;
    }
  }
  int kept() const { return kept_; }
  bool WaitUntilAlive(int times) {
    while (alive_ < times) {
      if (NextOfAny() != "WATCHDOG=1") return false;
      ++alive_;
    }
    return true;
  }

 private:
  std::string NextOfAny() {
    for (;;) {
      pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      char message[4096];
      if (poll(&readable, 1, 10'000) != 1) return {};
      const ssize_t size = recv(socket_.get(), message, sizeof message, 0);
      std::string text(message, static_cast<size_t>(std::max<ssize_t>(size, 0)));
      if (!text.starts_with("FDSTORE=1\n")) return text;
      ++kept_;
    }
  }

  std::string path_;
  Fd socket_;
  int alive_ = 0;
  int kept_ = 0;  // descriptors that the daemon has had kept
};

std::string RuntimeDirectory() { return std::getenv("FSHERALD_RUNTIME_DIR"); }

std::string WriteConfig(const std::string& text) {
  const std::string path = kSandbox + "/fsherald.toml";
  WriteFile(path, text);
  return path;
}

class ServiceTest : public SystemTest {
 protected:
  // As of the machine's first process: what is mounted here from now on is mounted in the daemon's namespace too.
  void SetUp() override {
    SystemTest::SetUp();
    if (IsSkipped()) return;
    if (RunToEnd({.arguments = {"systemd-analyze", "--version"}, .environment = {}, .directory = {}}).exit_code != 0)
      GTEST_SKIP() << "no systemd-analyze (package systemd): the unit's system calls are sets that it knows";
    if (mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0) FailErrno("make all mounts shared");
    std::filesystem::create_directories(RuntimeDirectory());
    calls_ = kSandbox + "/calls";
    const std::string tools = FSHERALD_TOOLS;
    WriteFile(calls_,
              RunOrFail({.arguments = {"bash", "-c", ". " + tools + "/unit_syscalls.sh; unit_syscalls " FSHERALD_UNIT},
                         .environment = {},
                         .directory = {}}));
  }

  // `fsherald daemon ARGUMENTS`, confined.
  Command Confined(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment = {}, const std::string& groups = kGroup) {
    Command command{.arguments = {std::string(FSHERALD_PROGRAMS) + "/confine", FSHERALD_UNIT, calls_, groups,
                                  RuntimeDirectory(), Program(), "daemon", "--mounts-of=" + std::to_string(getpid()),
                                  "--store=" + RuntimeDirectory() + "/store"},
                    .environment = environment,
                    .directory = {}};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return command;
  }

  std::string calls_;
};

const std::vector<std::string> kAsMember = {"setpriv", "--reuid=65534", "--regid=65534",
                                            "--groups=" + std::string(kGroup)};

// "CapEff:\t0000..." of /proc/PID/status.
std::string StatusLine(pid_t pid, const std::string& key) {
  const std::string status = ReadFile("/proc/" + std::to_string(pid) + "/status");
  std::smatch found;
  if (!std::regex_search(status, found, std::regex("(^|\n)" + key + ":\t([^\n]*)"))) return {};
  return found[2];
}

TEST_F(ServiceTest, HasTheFiveCapabilitiesAndNoNetwork) {
  Daemon daemon(Confined({}));
  constexpr uint64_t kFive = 1ULL << 2 | 1ULL << 21 | 1ULL << 34 | 1ULL << 38 | 1ULL << 39;
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"})
    EXPECT_EQ(std::stoull(StatusLine(daemon.pid(), set), nullptr, 16), kFive) << set;
  EXPECT_EQ(std::stoull(StatusLine(daemon.pid(), "CapAmb"), nullptr, 16), 0U);
  EXPECT_EQ(StatusLine(daemon.pid(), "NoNewPrivs"), "1");
  EXPECT_EQ(StatusLine(daemon.pid(), "Seccomp"), "2");
  const std::string network = ReadFile("/proc/" + std::to_string(daemon.pid()) + "/net/dev");
  EXPECT_EQ(std::ranges::count(network, ':'), 1) << "lo, which is down: " << network;
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

// An image whose directory `letters` has an entry that names a reserved inode.
std::string DamagedImage(const std::string& name) {
  const std::string image = kSandbox + "/" + name + ".img";
  MakeImage(image, {"-O", "^metadata_csum"}, 8 << 20);
  RunOrFail({.arguments = {"debugfs", "-w", "-R", "ln <1> letters/nobody", image}, .environment = {}, .directory = {}});
  return image;
}

void ExpectToldInFull(Watcher& watcher, const Ext4Filesystem& filesystem) {
  const std::string damaged = filesystem.directory() + "/letters/nobody";
  ASSERT_NE(RunToEnd({.arguments = {"stat", damaged}, .environment = {}, .directory = {}}).exit_code, 0);
  ASSERT_TRUE(watcher.WaitUntil([&] { return !watcher.About(filesystem).empty(); }, After(10s))) << watcher.talk();
  const Json told = watcher.About(filesystem)[0];
  EXPECT_EQ(told["sources"], Json({"fanotify", "trace", "kmsg"}));
  EXPECT_EQ(told["error"]["name"], "EUCLEAN");
  EXPECT_EQ(told["location"]["function"], "ext4_lookup");
  EXPECT_FALSE(told["location"]["stack"].empty());
  EXPECT_EQ(told["object"]["path"], filesystem.directory() + "/letters");
  EXPECT_EQ(told["object"]["path_source"], "handle");
  EXPECT_EQ(told["task"]["comm"], "stat");
  EXPECT_EQ(told["filesystem"]["mounts"], Json({filesystem.directory()}));
}

TEST_F(ServiceTest, TellsAMemberOfItsGroupAllThatItTellsRoot) {
  const Ext4Filesystem before(DamagedImage("before"), "before", "errors=continue");
  Daemon daemon(Confined({"--subscribe-group", kGroup}));
  Watcher member({}, kAsMember);
  Watcher of_path({before.directory()},
                  kAsMember);  // the mount that he opened is one of his namespace, not of the daemon's
  EXPECT_NE(member.talk().find("by the daemon"), std::string::npos) << member.talk();
  ExpectToldInFull(member, before);
  EXPECT_TRUE(of_path.WaitUntil([&] { return !of_path.About(before).empty(); }, After(10s))) << of_path.talk();
  const Ext4Filesystem later(DamagedImage("later"), "later",
                             "errors=continue");     // it comes through to the daemon's mounts
  Watcher of_later({later.directory()}, kAsMember);  // when it is ready, the daemon has seen the mount
  ExpectToldInFull(of_later, later);
  EXPECT_EQ(of_later.Stop(), 0) << of_later.talk();
  EXPECT_EQ(member.Stop(), 0) << member.talk();
  EXPECT_EQ(of_path.Stop(), 0) << of_path.talk();
  EXPECT_EQ(of_path.lines().size(), 1U);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

TEST_F(ServiceTest, TellsWhatAFileSystemInUserSpaceReports) {
  Daemon daemon(Confined({"--subscribe-group", kGroup}));
  Watcher member({}, kAsMember);
  fsherald_reporter_options options{};
  options.size = sizeof options;
  options.type = "engine";
  options.name = "orders";
  fsherald_reporter* reporter = nullptr;
  ASSERT_EQ(fsherald_reporter_open(&reporter, &options), 0);
  const std::unique_ptr<fsherald_reporter, void (*)(fsherald_reporter*)> owner(reporter, fsherald_reporter_close);
  fsherald_report report{};
  report.size = sizeof report;
  report.error = EBADMSG;
  report.kind = FSHERALD_KIND_DATA_READ;
  report.message = "page 2: bad checksum";
  ASSERT_GE(fsherald_report_error(reporter, &report), 0);
  Json told;  // the machine has other errors too
  const auto find = [&] {
    for (const Json& line : member.lines())
      if (line["filesystem"]["device"] == "orders") told = line;
    return !told.is_null();
  };
  ASSERT_TRUE(member.WaitUntil(find, After(10s))) << member.talk();
  EXPECT_EQ(told["specific"]["message"], "page 2: bad checksum");
  EXPECT_EQ(told["task"]["pid"], getpid());
}

TEST_F(ServiceTest, ARemountByTheAdministratorIsNoError) {
  const Ext4Filesystem filesystem({.name = "data"});
  Daemon daemon(Confined({}));
  Watcher watcher;
  if (mount(nullptr, filesystem.directory().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "errors=continue") != 0)
    FailErrno("remount " + filesystem.directory());
  // What a file system does to itself is held for 0.3 s, and then told.
  EXPECT_FALSE(watcher.WaitUntil([&] { return !watcher.About(filesystem).empty(); }, After(1s)))
      << watcher.About(filesystem)[0];
}

TEST_F(ServiceTest, TellsTheServiceManagerHowItStands) {
  Manager manager;
  const std::string config = WriteConfig("");
  Daemon daemon(Confined({"--config", config}, {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", "200000"}}));
  const std::string serving = "serving " + RuntimeDirectory();
  EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=" + serving);
  EXPECT_GT(manager.kept(), 0) << "what the next process takes over";
  EXPECT_TRUE(manager.WaitUntilAlive(3)) << "though nothing happens";

  WriteConfig(std::string("[access]\nsubscribe_group = \"") + kGroup + "\"\n");
  daemon.Signal(SIGHUP);
  EXPECT_TRUE(std::regex_match(manager.Next(), std::regex("RELOADING=1\nMONOTONIC_USEC=[0-9]+")));
  EXPECT_EQ(manager.Next(),
            "READY=1\nSTATUS=" + serving + "; configuration read again: access.subscribe_group changed");
  Watcher member({}, kAsMember);
  EXPECT_NE(member.talk().find("by the daemon"), std::string::npos) << member.talk();

  WriteConfig("[acces]\n");
  daemon.Signal(SIGHUP);
  EXPECT_TRUE(manager.Next().starts_with("RELOADING=1\n"));
  EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=" + serving + "; the configuration has a fault, all stays as it was");
  EXPECT_TRUE(daemon.WaitUntilItSays(config + ":1:2: unknown section [acces]: did you mean [access]?\n", After(10s)))
      << daemon.talk();
  Watcher still({}, kAsMember);

  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_EQ(manager.Next(), "STOPPING=1");
}

gid_t GroupOf(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) FailErrno("stat " + path);
  return file.st_gid;
}

// Raised and told, so it is in the journal; stored when the daemon has ended.
void RaiseOne(const Ext4Filesystem& filesystem) {
  Watcher watcher({filesystem.directory()});
  filesystem.Trigger("of a group");
  ASSERT_TRUE(watcher.WaitUntil([&] { return !watcher.About(filesystem).empty(); }, After(10s))) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
}

TEST_F(ServiceTest, StoresForAGroupThatItIsNotInAndSaysOnceWhatToDo) {
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string store = RuntimeDirectory() + "/store";
  const std::string config = WriteConfig(std::string("[access]\nsubscribe_group = \"") + kOtherGroup + "\"\n");
  Daemon daemon(Confined({"--config", config}));
  const std::string words = std::string("the members of the group ") + kOtherGroup +
                            " cannot read the files of the history in " + store +
                            ": the daemon is not in that group, so it may not give the files to it, and they stay in "
                            "the group " +
                            kGroup;
  EXPECT_TRUE(daemon.WaitUntilItSays(words, After(10s))) << daemon.talk();
  RaiseOne(filesystem);
  // It opens the store anew.
  WriteConfig(std::string("[access]\nsubscribe_group = \"") + kOtherGroup + "\"\n[store]\nmax_size = \"32MiB\"\n");
  daemon.Signal(SIGHUP);
  EXPECT_TRUE(daemon.WaitUntilItSays("store.max_size changed", After(10s))) << daemon.talk();
  RaiseOne(filesystem);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_EQ(daemon.talk().find(words), daemon.talk().rfind(words)) << daemon.talk();
  EXPECT_EQ(daemon.talk().find("nothing can be stored"), std::string::npos) << daemon.talk();
  EXPECT_EQ(ErrorsByUuid(StoredNotifications(store))[filesystem.uuid()], 2U);
  EXPECT_EQ(std::to_string(GroupOf(store + "/history.db")), kGroup);
}

// SupplementaryGroups= in a drop-in, as the daemon says.
TEST_F(ServiceTest, GivesTheHistoryToASupplementaryGroupAtOnceWhenItIsReloaded) {
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string store = RuntimeDirectory() + "/store";
  const std::string config = WriteConfig("");
  Daemon daemon(Confined({"--config", config}, {}, std::string(kGroup) + "," + kOtherGroup));
  RaiseOne(filesystem);
  EXPECT_EQ(std::to_string(GroupOf(store + "/history.db")), kGroup);
  WriteConfig(std::string("[access]\nsubscribe_group = \"") + kOtherGroup + "\"\n");
  daemon.Signal(SIGHUP);
  const auto is_given = [&] { return std::to_string(GroupOf(store + "/history.db-wal")) == kOtherGroup; };
  for (const Deadline deadline = After(10s); !is_given() && MillisecondsUntil(deadline) > 0;) usleep(1000);
  EXPECT_TRUE(is_given()) << daemon.talk();
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  std::vector<std::string> as_member = {"setpriv", "--reuid=65534", "--regid=65534",
                                        "--groups=" + std::string(kOtherGroup)};
  as_member.insert(as_member.end(), {Program(), "history", "--store=" + store, "--json"});
  const Finished read = RunToEnd({.arguments = as_member, .environment = {}, .directory = {}});
  EXPECT_EQ(read.exit_code, 0) << read.output;
  EXPECT_NE(read.output.find(filesystem.uuid()), std::string::npos) << read.output;
}

// What a reload lets report that was refused before: it need not be started again.
TEST_F(ServiceTest, AReporterThatWasRefusedIsAttachedWhenItsGroupMayReport) {
  const std::string config = WriteConfig("");
  Daemon daemon(Confined({"--config", config}));
  const Pipe told = MakePipe();
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(4242) != 0 || setuid(65534) != 0) _exit(100);
    fsherald_reporter_options options{};
    options.size = sizeof options;
    options.type = "engine";
    options.name = "orders";
    fsherald_reporter* reporter = nullptr;
    if (fsherald_reporter_open(&reporter, &options) != 0) _exit(101);
    for (bool was_refused = false;; usleep(1000)) {
      fsherald_reporter_state state{};
      state.size = sizeof state;
      fsherald_reporter_get_state(reporter, &state);
      if (state.attached == 1) _exit(was_refused ? 0 : 102);
      if (state.attached == -EPERM && !was_refused) was_refused = write(told.write.get(), "r", 1) == 1;
    }
  }
  pollfd refused{.fd = told.read.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&refused, 1, 10'000), 1);
  WriteConfig(std::string("[access]\nreport_group = \"") + kGroup + "\"\n");
  daemon.Signal(SIGHUP);
  const Deadline deadline = After(10s);
  int status = -1;
  while (waitpid(child, &status, WNOHANG) == 0 && MillisecondsUntil(deadline) > 0) usleep(1000);
  if (status == -1) kill(child, SIGKILL);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace fsherald::system_test
