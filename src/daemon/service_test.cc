// SPDX-License-Identifier: MIT
#include "daemon/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.h"

namespace fsherald {
namespace {

// A service manager's end of the protocol: an abstract socket.
class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = "fsherald-service-test." + std::to_string(getpid());
    socket_.Reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    memcpy(address.sun_path + 1, name.data(), name.size());
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    ASSERT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), bytes), 0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  // The next message; empty: there is none.
  std::string Heard() const {
    char message[4096];
    const ssize_t size = recv(socket_.get(), message, sizeof message, 0);
    return size < 0 ? std::string() : std::string(message, static_cast<size_t>(size));
  }

  Fd socket_;
};

TEST_F(ServiceTest, TellsHowItStands) {
  const ServiceManager manager = ServiceManager::FromEnvironment();
  manager.Ready("serving /run/fsherald");
  EXPECT_EQ(Heard(), "READY=1\nSTATUS=serving /run/fsherald");
  manager.Reloading();
  EXPECT_THAT(Heard(), testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  manager.Stopping();
  EXPECT_EQ(Heard(), "STOPPING=1");
}

TEST_F(ServiceTest, AStatusIsOneLineWhateverIsInIt) {
  ServiceManager::FromEnvironment().Ready("f\nSTOPPING=1");
  EXPECT_EQ(Heard(), "READY=1\nSTATUS=f\\nSTOPPING=1");
}

TEST_F(ServiceTest, WithoutAWatchdogNobodyIsWokenAndNothingTold) {
  ServiceManager manager = ServiceManager::FromEnvironment();
  EXPECT_EQ(manager.PatienceMs(5), -1);
  manager.Turned(5);
  EXPECT_EQ(Heard(), "");
}

TEST_F(ServiceTest, TheWatchdogIsToldTwiceInItsTimeAndNotMoreOften) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  constexpr uint64_t kSecond = 1'000'000'000;
  ServiceManager manager = ServiceManager::FromEnvironment();
  EXPECT_EQ(manager.PatienceMs(kSecond), 0);
  manager.Turned(kSecond);
  EXPECT_EQ(Heard(), "WATCHDOG=1");
  EXPECT_EQ(manager.PatienceMs(kSecond), 15'000);
  EXPECT_EQ(manager.PatienceMs(10 * kSecond), 6'000);
  manager.Turned(10 * kSecond);
  EXPECT_EQ(Heard(), "") << "errors make the loop turn often";
  manager.Turned(16 * kSecond);
  EXPECT_EQ(Heard(), "WATCHDOG=1");
}

TEST_F(ServiceTest, AWatchdogOfAnotherProcessIsNotOurs) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::FromEnvironment().PatienceMs(5), -1);
}

TEST_F(ServiceTest, WhereNobodyListensNothingHappens) {
  setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
  ServiceManager::FromEnvironment().Ready("alone");
  unsetenv("NOTIFY_SOCKET");
  ServiceManager::FromEnvironment().Stopping();
  EXPECT_EQ(Heard(), "");
}

}  // namespace
}  // namespace fsherald
