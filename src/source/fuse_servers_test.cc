// SPDX-License-Identifier: MIT
// Processes are real, what /proc says of them is not.
#include "source/fuse_servers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

namespace fs = std::filesystem;

constexpr FilesystemKey kKey{1};
constexpr FilesystemKey kOther{2};

// A child that waits until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~Sleeper() { Kill(); }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

class FuseServersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "fsherald_fuse.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ + "/proc");
    Connect(41);
    auto servers = FuseServers::Open(root_ + "/proc", root_ + "/sys");
    ASSERT_TRUE(servers) << servers.error().ToString();
    servers_ = std::make_unique<FuseServers>(std::move(*servers));
  }
  void TearDown() override { fs::remove_all(root_); }

  void Connect(int connection) {
    fs::create_directories(root_ + "/sys/fs/fuse/connections/" + std::to_string(connection));
  }
  std::string Process(pid_t pid) const { return root_ + "/proc/" + std::to_string(pid); }
  void Hold(pid_t pid, int connection) {
    fs::create_directories(Process(pid) + "/fd");
    fs::create_directories(Process(pid) + "/fdinfo");
    fs::create_symlink("/dev/null", Process(pid) + "/fd/0");
    fs::create_symlink("/dev/fuse", Process(pid) + "/fd/3");
    std::ofstream(Process(pid) + "/fdinfo/3") << "pos:\t0\nflags:\t02\nfuse_connection:\t" << connection << "\n";
    std::ofstream(Process(pid) + "/comm") << "sshfs\n";
  }
  void Die(Sleeper& process) {
    fs::remove_all(Process(process.pid()));
    process.Kill();
  }
  void Watch(FilesystemKey key, uint32_t minor) {
    servers_->Add(key, {0, minor});
    servers_->Look();
  }
  bool IsReady() const {
    pollfd event{.fd = servers_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&event, 1, 0) == 1;
  }

  std::string root_;
  std::unique_ptr<FuseServers> servers_;
};

TEST_F(FuseServersTest, AServersDeathIsToldOnceWithWhoItWas) {
  Sleeper server;
  Hold(server.pid(), 41);
  Watch(kKey, 41);
  EXPECT_TRUE(servers_->Covers(kKey));
  EXPECT_FALSE(IsReady());
  const auto pid = static_cast<uint32_t>(server.pid());
  Die(server);
  EXPECT_TRUE(IsReady());
  const std::vector<Signal> dead = servers_->Read(5);
  ASSERT_EQ(dead.size(), 1);
  EXPECT_EQ(dead[0].filesystem, kKey);
  const auto& event = std::get<EventSignal>(dead[0].what);
  EXPECT_EQ(event.report.kind, Kind::kShutdown);
  EXPECT_EQ(event.report.code, ENOTCONN);
  EXPECT_EQ(event.task, (Task{.pid = pid, .comm = "sshfs"}));
  EXPECT_TRUE(event.sources.empty());
  EXPECT_FALSE(IsReady());
  EXPECT_TRUE(servers_->Read(6).empty());
}

TEST_F(FuseServersTest, AFileSystemThatWasUnmountedBeforeIsNoDeath) {
  Sleeper server;
  Hold(server.pid(), 41);
  Watch(kKey, 41);
  Die(server);
  servers_->Forget(kKey);
  EXPECT_TRUE(servers_->Read(5).empty());
  EXPECT_FALSE(IsReady());
}

TEST_F(FuseServersTest, AConnectionThatIsGoneIsNoDeath) {
  Sleeper server;
  Hold(server.pid(), 41);
  Connect(42);
  Watch(kKey, 41);
  fs::remove_all(root_ + "/sys/fs/fuse/connections/41");
  Die(server);
  EXPECT_TRUE(servers_->Read(5).empty());
}

TEST_F(FuseServersTest, WithoutSysfsTheMountHasToDo) {
  Sleeper server;
  Hold(server.pid(), 41);
  Watch(kKey, 41);
  fs::remove_all(root_ + "/sys");
  Die(server);
  EXPECT_EQ(servers_->Read(5).size(), 1);
}

TEST_F(FuseServersTest, WhileAnotherProcessHoldsTheConnectionItLives) {
  Sleeper parent;
  Sleeper child;
  Hold(parent.pid(), 41);
  Hold(child.pid(), 41);
  Watch(kKey, 41);
  Die(parent);
  EXPECT_TRUE(servers_->Read(5).empty());
  Die(child);
  EXPECT_EQ(servers_->Read(6).size(), 1);
}

TEST_F(FuseServersTest, AProcessThatWasGivenTheConnectionLaterIsFoundWhenTheFirstEnds) {
  Sleeper parent;
  Hold(parent.pid(), 41);
  Watch(kKey, 41);
  Sleeper child;
  Hold(child.pid(), 41);
  Die(parent);
  EXPECT_TRUE(servers_->Read(5).empty());
  EXPECT_TRUE(servers_->Covers(kKey));
  Die(child);
  EXPECT_EQ(servers_->Read(6).size(), 1);
}

TEST_F(FuseServersTest, EachConnectionHasItsOwnServer) {
  Sleeper one;
  Sleeper two;
  Hold(one.pid(), 41);
  Hold(two.pid(), 42);
  Connect(42);
  Watch(kKey, 41);
  Watch(kOther, 42);
  Die(two);
  const std::vector<Signal> dead = servers_->Read(5);
  ASSERT_EQ(dead.size(), 1);
  EXPECT_EQ(dead[0].filesystem, kOther);
  EXPECT_TRUE(servers_->Covers(kKey));
}

TEST_F(FuseServersTest, WithoutTheConnectionsNumberNothingIsCovered) {
  Sleeper server;
  Hold(server.pid(), 41);
  std::ofstream(Process(server.pid()) + "/fdinfo/3") << "pos:\t0\nflags:\t02\n";  // before the kernel tells it
  Watch(kKey, 41);
  EXPECT_FALSE(servers_->Covers(kKey));
}

TEST_F(FuseServersTest, ANumberThatAnotherProcessHasByNowIsNoHolder) {
  Hold(999'999'999, 41);  // no such process
  Watch(kKey, 41);
  EXPECT_FALSE(servers_->Covers(kKey));
}

TEST_F(FuseServersTest, AFileSystemOnADeviceHasTheDevicesNumber) {
  Sleeper server;
  Hold(server.pid(), (7 << 20) + 3);
  servers_->Add(kKey, {7, 3});  // fuseblk
  servers_->Look();
  EXPECT_TRUE(servers_->Covers(kKey));
}

TEST(FuseServers, ServeTheTypesOfFuse) {
  EXPECT_TRUE(FuseServers::IsServed("fuse"));
  EXPECT_TRUE(FuseServers::IsServed("fuse.sshfs"));
  EXPECT_TRUE(FuseServers::IsServed("fuseblk"));
  EXPECT_FALSE(FuseServers::IsServed("fusectl"));
  EXPECT_FALSE(FuseServers::IsServed("nfs"));
}

}  // namespace
}  // namespace fsherald
