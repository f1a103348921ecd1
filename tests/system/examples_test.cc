// SPDX-License-Identifier: MIT
// The programs of examples/, as their readers would run them.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fsherald/fsherald.hpp>

#include <algorithm>
#include <functional>
#include <random>

#include "checked_mount.h"
#include "daemon.h"
#include "kernel_log.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

constexpr Account kNobody{.user = 65534, .group = 4242};
constexpr char kReportGroup[] = "--report-group=4242";
constexpr uint64_t kBlock = 4096;

using ExamplesTest = SystemTest;

std::string Example(const std::string& name) { return std::string(FSHERALD_EXAMPLES) + "/" + name; }

// Whether `line` lies in the FSHERALD_REPORT of that source: which of a macro's lines __LINE__ is, is the compiler's
// choice.
bool IsLineOfReport(const std::string& source, uint32_t line) {
  const std::string text = ReadFile(std::string(FSHERALD_EXAMPLE_SOURCES) + "/" + source);
  const size_t begin = text.find("FSHERALD_REPORT(");
  const auto line_of = [&](size_t at) {
    return 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n');
  };
  return line >= line_of(begin) && line <= line_of(text.find(';', begin));
}

// A monitor that runs, and what it has printed.
class RunningMonitor {
 public:
  explicit RunningMonitor(const std::vector<std::string>& command)
      : out_(MakePipe()),
        err_(MakePipe()),
        process_(Process::Start({.arguments = command, .environment = {}, .directory = {}},
                                {{1, out_.write.get()}, {2, err_.write.get()}})) {
    out_.write.Reset();
    err_.write.Reset();
    std::string talk;
    if (!ReadUntil(err_.read.get(), talk, "ready\n")) Fail("the monitor is not ready: " + talk);
  }
  // Whether it has printed this, or does so soon.
  bool Prints(const std::string& text) { return ReadUntil(out_.read.get(), printed_, text); }
  const std::string& printed() const { return printed_; }

 private:
  static bool ReadUntil(int fd, std::string& all, const std::string& text) {
    const Deadline deadline = After(10s);
    while (all.find(text) == std::string::npos) {
      pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, MillisecondsUntil(deadline)) != 1 || !ReadSome(fd, all)) return false;
    }
    return true;
  }
  Pipe out_;
  Pipe err_;
  Process process_;
  std::string printed_;
};

// What file systems in user space reported: without what the kernel may have to tell of others meanwhile.
std::vector<Json> Reported(const Watcher& watcher) {
  std::vector<Json> found;
  std::ranges::copy_if(watcher.lines(), std::back_inserter(found),
                       [](const Json& told) { return told["origin"] == "user"; });
  return found;
}

// Runs the engine on a file of that name in the sandbox, with `lines` to append.
Finished RunEngine(const std::string& name, const std::string& lines = {}) {
  const std::string input = kSandbox + "/" + name + ".lines";
  WriteFile(input, lines);
  return RunToEnd({.arguments = {"sh", "-c", "exec \"$0\" \"$1\" \"$2\" <\"$3\"", Example("engine"),
                                 kSandbox + "/" + name, name, input},
                   .environment = {},
                   .directory = {}});
}

// Reports once more and waits until that is told: what was reported before, now is.
void WaitUntilToldUpToNow(Watcher& watcher) {
  const auto reporter = Reporter::OfName("sentinel", "sentinel");
  reporter.Report({});
  const auto told = [&] {
    return std::ranges::any_of(watcher.lines(),
                               [](const Json& line) { return line["filesystem"]["device"] == "sentinel"; });
  };
  if (!watcher.WaitUntil(told, After(10s))) Fail("nothing is told: " + watcher.talk());
}

TEST_F(ExamplesTest, TheMonitorInCPrintsWhatTheKernelReports) {
  const Ext4Filesystem filesystem({.name = "data"});
  KernelLog log;
  RunningMonitor monitor({Example("monitor"), filesystem.directory()});
  filesystem.Trigger("an alarm");
  ASSERT_TRUE(monitor.Prints("\n"));
  const auto line = log.LineOf(filesystem.device(), "trigger_test_error");
  ASSERT_TRUE(line);
  EXPECT_EQ(monitor.printed(), "ext4 " + filesystem.directory() + ": Structure needs cleaning in trigger_test_error:" +
                                   std::to_string(*line) + ", file ?, 1 times\n");
}

TEST_F(ExamplesTest, TheMonitorInCPrintsWhatAFileSystemInUserSpaceReports) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  Daemon daemon;
  const CheckedMount mount;
  WriteFile(mount.directory() + "/notes", std::string(10'000, 'n'));
  Damage(mount.Backing("notes"), 5000);
  RunningMonitor monitor({Example("monitor"), mount.directory()});
  EXPECT_EQ(ReadFile(mount.directory() + "/notes"), std::string(kBlock, 'n'));
  const std::string changed = "fuse.checksum_fs " + mount.directory() + ": its state has changed\n";
  ASSERT_TRUE(monitor.Prints(changed)) << monitor.printed();
  EXPECT_TRUE(
      monitor.printed().starts_with("fuse.checksum_fs " + mount.directory() + ": Input/output error in verify_block:"))
      << monitor.printed();
  EXPECT_TRUE(monitor.printed().ends_with(", file " + mount.directory() + "/notes, 1 times\n" + changed))
      << monitor.printed();
}

TEST_F(ExamplesTest, TheMonitorInCxxPrintsAllThatIsReported) {
  Daemon daemon;
  RunningMonitor monitor({Example("monitor_cc")});
  ASSERT_EQ(RunEngine("letters", "one\ntwo\n").exit_code, 0);
  Damage(kSandbox + "/letters", kBlock + 100);
  EXPECT_EQ(RunEngine("letters").exit_code, 1);
  EXPECT_TRUE(monitor.Prints("checksum of page 1: expected ")) << monitor.printed();
  EXPECT_TRUE(monitor.Prints("verify_page:")) << monitor.printed();
}

TEST_F(ExamplesTest, InCxxTheBytesThatAreReadAreThoseThatTheDecodedNotificationHas) {
  Daemon daemon;
  Monitor monitor, other;
  for (Monitor* each : {&monitor, &other}) each->MarkName("engine", "pages");
  char bytes[FSHERALD_MAX_NOTIFICATION_BYTES];
  EXPECT_EQ(monitor.Read(bytes, sizeof bytes), 0U);
  const auto reporter = Reporter::OfName("engine", "pages");
  reporter.Report({});
  for (Monitor* each : {&monitor, &other}) ASSERT_TRUE(each->Wait(10s));
  EXPECT_THROW(monitor.Read(bytes, 16), std::system_error);
  const size_t size = monitor.Read(bytes, sizeof bytes);
  const fsherald_notification* told = other.Next();
  ASSERT_NE(told, nullptr);
  // Behind it the change of health may have come.
  EXPECT_TRUE(std::string_view(bytes, size).starts_with({static_cast<const char*>(told->bytes), told->bytes_len}));
  EXPECT_GT(told->bytes_len, 0U);
}

TEST_F(ExamplesTest, TheChecksummingFileSystemTellsWhichBytesOfWhichFileAreDamaged) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  Daemon daemon;
  Watcher watcher;
  const CheckedMount mount;
  const std::string file = mount.directory() + "/notes";
  WriteFile(file, std::string(4 * kBlock, 'n'));
  EXPECT_EQ(ReadFile(file), std::string(4 * kBlock, 'n'));
  Damage(mount.Backing("notes"), 2 * kBlock + 5);

  const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  char bytes[4 * kBlock];
  EXPECT_EQ(read(fd.get(), bytes, sizeof bytes), static_cast<ssize_t>(2 * kBlock)) << "up to the damage";
  EXPECT_EQ(read(fd.get(), bytes, sizeof bytes), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(pread(fd.get(), bytes, sizeof bytes, 3 * kBlock), static_cast<ssize_t>(kBlock)) << "and behind it";
  struct stat status {};
  ASSERT_EQ(fstat(fd.get(), &status), 0);
  // Its reporter attaches in its own time, the sentinel's may be earlier.
  const auto is_of_mount = [](const Json& told) { return told["filesystem"]["type"] == "fuse.checksum_fs"; };
  watcher.WaitUntil([&] { return std::ranges::any_of(Reported(watcher), is_of_mount); }, After(10s));
  WaitUntilToldUpToNow(watcher);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  std::vector<Json> lines = Reported(watcher);
  std::erase_if(lines, [](const Json& told) { return told["filesystem"]["device"] == "sentinel"; });
  ASSERT_EQ(lines.size(), 1U) << "one read failed: " << Json(lines);
  const Json told = lines[0];
  EXPECT_EQ(told["filesystem"]["type"], "fuse.checksum_fs");
  EXPECT_EQ(told["filesystem"]["mounts"], Json({mount.directory()}));
  EXPECT_EQ(told["kind"], "data_read");
  EXPECT_EQ(told["origin"], "user");
  EXPECT_EQ(told["sources"], Json({"producer"}));
  EXPECT_EQ(told["error"]["name"], "EIO");
  EXPECT_EQ(told["error"]["count"], 1);
  EXPECT_EQ(told["object"]["path"], file);
  EXPECT_EQ(told["object"]["inode"], status.st_ino) << "the one that stat(2) shows";
  EXPECT_EQ(told["range"], Json({{"offset", 8192}, {"length", 4096}}));
  EXPECT_EQ(told["location"]["function"], "verify_block");
  EXPECT_TRUE(IsLineOfReport("fuse/blocks.c", told["location"]["line"])) << told["location"];
  EXPECT_EQ(told["task"]["pid"], mount.pid());
  EXPECT_EQ(told["task"]["comm"], "checksum_fs");
  const std::string message = told["specific"]["message"];
  EXPECT_TRUE(message.starts_with("checksum of block 2: expected ")) << message;
  EXPECT_EQ(told["specific"]["blob"].get<std::string>().size(), 16U) << "two sums of four bytes, as hex";
}

// Writes, cuts and lengthens a file at places that know nothing of blocks.
void Scribble(int fd, std::mt19937& random) {
  std::string bytes(random() % 9000, static_cast<char>('a' + random() % 26));
  const off_t offset = static_cast<off_t>(random() % 40'000);
  if (random() % 4 == 0) {
    if (ftruncate(fd, offset) != 0) FailErrno("ftruncate");
  } else if (pwrite(fd, bytes.data(), bytes.size(), offset) != static_cast<ssize_t>(bytes.size())) {
    FailErrno("pwrite");
  }
}

TEST_F(ExamplesTest, TheChecksummingFileSystemTellsNothingOfWhatIsNotDamaged) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  Daemon daemon;
  Watcher watcher;
  const CheckedMount mount("scribbled");
  const std::string checked = mount.directory() + "/scratch";
  const std::string plain = kSandbox + "/plain";
  for (const std::string& path : {checked, plain}) {
    const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    std::mt19937 random(17);
    for (int i = 0; i < 500; ++i) Scribble(fd.get(), random);
  }
  ASSERT_EQ(rename(checked.c_str(), (checked + ".new").c_str()), 0);
  EXPECT_TRUE(ReadFile(checked + ".new") == ReadFile(plain));
  EXPECT_EQ(RunOrFail({.arguments = {"ls", "-A", mount.directory()}, .environment = {}, .directory = {}}),
            "scratch.new\n");
  ASSERT_EQ(unlink((checked + ".new").c_str()), 0);
  EXPECT_EQ(access(mount.Backing("scratch.new.crc32c").c_str(), F_OK), -1) << "the checksums go with their file";
  WaitUntilToldUpToNow(watcher);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(Reported(watcher).size(), 1U) << "the sentinel's: " << Json(Reported(watcher));
}

TEST_F(ExamplesTest, APartOfADamagedBlockCannotBeWrittenOver) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  const CheckedMount mount;
  WriteFile(mount.directory() + "/notes", std::string(2 * kBlock, 'n'));
  Damage(mount.Backing("notes"), kBlock + 5);
  const Fd fd(open((mount.directory() + "/notes").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(pwrite(fd.get(), "x", 1, kBlock + 100), -1) << "it would get a good checksum";
  EXPECT_EQ(errno, EIO);
  const std::string whole(kBlock, 'w');
  EXPECT_EQ(pwrite(fd.get(), whole.data(), whole.size(), kBlock), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(ReadFile(mount.directory() + "/notes"), std::string(kBlock, 'n') + whole);
}

TEST_F(ExamplesTest, TheEnginesThreadsTellEachDamagedPageOnce) {
  constexpr uint64_t kPages = 400;
  Daemon daemon;
  Watcher watcher;
  std::string lines;
  for (uint64_t page = 0; page < kPages; ++page) lines += "order " + std::to_string(page) + "\n";
  const Finished undamaged = RunEngine("orders", lines);
  EXPECT_EQ(undamaged.output, "400 pages, 0 damaged\n");
  EXPECT_EQ(undamaged.exit_code, 0);
  std::vector<uint64_t> damaged;
  for (uint64_t page = 1; page < kPages; page += 4) {
    Damage(kSandbox + "/orders", page * kBlock + 50);
    damaged.push_back(page);
  }
  const Finished engine = RunEngine("orders");
  EXPECT_EQ(engine.output, "400 pages, 100 damaged\n");
  EXPECT_EQ(engine.exit_code, 1);
  WaitUntilToldUpToNow(watcher);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  std::vector<uint64_t> told;
  for (const Json& line : Reported(watcher)) {
    if (line["filesystem"]["device"] == "sentinel") continue;
    EXPECT_EQ(line["filesystem"]["type"], "engine");
    EXPECT_EQ(line["filesystem"]["device"], "orders");
    EXPECT_EQ(line["filesystem"]["mounts"], nullptr);
    EXPECT_EQ(line["error"]["count"], 1);
    EXPECT_EQ(line["object"]["path"], "orders");
    EXPECT_EQ(line["location"]["function"], "verify_page");
    EXPECT_TRUE(IsLineOfReport("engine.c", line["location"]["line"])) << line["location"];
    EXPECT_EQ(line["range"]["length"], kBlock);
    told.push_back(line["range"]["offset"].get<uint64_t>() / kBlock);
  }
  std::ranges::sort(told);  // the threads' order is theirs
  EXPECT_EQ(told, damaged);
}

// A /dev/fuse for everybody, as most machines have it; in our mount namespace alone.
class FuseForEverybody {
 public:
  FuseForEverybody() {
    const std::string node = kSandbox + "/dev_fuse";
    mknod(node.c_str(), S_IFCHR, makedev(10, 229));  // MISC_MAJOR, FUSE_MINOR
    if (chmod(node.c_str(), 0666) != 0) FailErrno("chmod " + node);
    if (mount(node.c_str(), "/dev/fuse", nullptr, MS_BIND, nullptr) != 0) FailErrno("bind " + node);
  }
  ~FuseForEverybody() { umount2("/dev/fuse", MNT_DETACH); }
  FuseForEverybody(const FuseForEverybody&) = delete;
  FuseForEverybody& operator=(const FuseForEverybody&) = delete;
};

// Who is not root mounts by fusermount3.
std::optional<std::string> WhyNoUserMounts() {
  struct stat status {};
  if (stat("/usr/bin/fusermount3", &status) != 0) return "no fusermount3";
  if ((status.st_mode & S_ISUID) == 0) return "fusermount3 is not setuid root";
  return std::nullopt;
}

TEST_F(ExamplesTest, AUserMayReportForTheMountThatIsTheirs) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  if (const auto why = WhyNoUserMounts()) GTEST_SKIP() << *why;
  const FuseForEverybody device;
  Daemon daemon({kReportGroup});
  Watcher watcher;
  const CheckedMount mount("home", kNobody);
  const std::string file = mount.directory() + "/notes";
  const auto as_user = [](const std::string& script) {
    Command command{.arguments = As(kNobody), .environment = {}, .directory = {}};
    for (const std::string& word : {std::string("sh"), std::string("-c"), script}) command.arguments.push_back(word);
    return RunToEnd(command);
  };
  ASSERT_EQ(as_user("head -c 10000 /dev/zero >" + file).exit_code, 0);
  Damage(mount.Backing("notes"), 5000);
  const Finished reader = as_user("dd bs=4096 skip=1 count=1 if=" + file);
  EXPECT_NE(reader.output.find("Input/output error"), std::string::npos) << reader.output;
  ASSERT_TRUE(watcher.WaitUntil([&] { return !Reported(watcher).empty(); }, After(10s))) << watcher.talk();
  const Json told = Reported(watcher)[0];
  EXPECT_EQ(told["filesystem"]["mounts"], Json({mount.directory()}));
  EXPECT_EQ(told["object"]["path"], file);
  EXPECT_EQ(told["range"], Json({{"offset", 4096}, {"length", 4096}}));
  EXPECT_EQ(told["task"]["pid"], mount.pid());
}

// What another user learns of a reporter for that mount: `attached` of its state, negated; 0 after ten seconds.
int RefusedFor(const std::string& mount, const Account& account) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(account.group) != 0 || setuid(account.user) != 0) _exit(200);
    prctl(PR_SET_DUMPABLE, 1);  // as a program that this user started: /proc/self is theirs
    const auto reporter = Reporter::OfMount(mount);
    for (int i = 0; i < 1000 && reporter.GetState().attached == 0; ++i) usleep(10'000);
    _exit(-reporter.GetState().attached);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST_F(ExamplesTest, NobodyMayReportForTheMountOfAnother) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  Daemon daemon({kReportGroup});
  const CheckedMount mount;
  EXPECT_EQ(RefusedFor(mount.directory(), kNobody), EPERM);
  EXPECT_EQ(RefusedFor("/", kNobody), EPERM);
}

}  // namespace
}  // namespace fsherald::system_test
