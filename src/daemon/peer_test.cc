// SPDX-License-Identifier: MIT
#include "daemon/peer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "protocol/packet.h"

namespace fsherald {
namespace {

class PeerTest : public testing::Test {
 protected:
  PeerTest() {
    std::string pattern = testing::TempDir() + "fsherald.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~PeerTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(PeerTest, IsWhoConnected) {
  auto listener = Listen(dir_, "report");
  ASSERT_TRUE(listener) << listener.error().ToString();
  auto client = protocol::Connect(dir_, "report");
  ASSERT_TRUE(client) << client.error().ToString();
  Fd server(::accept(listener->get(), nullptr, nullptr));
  auto peer = PeerOf(server.get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::getuid());
  EXPECT_NE(std::ranges::find(peer->groups, ::getgid()), peer->groups.end());
}

TEST_F(PeerTest, EverybodyMayConnectToASocketAndAStaleOneIsReplaced) {
  { ASSERT_TRUE(Listen(dir_, "report")); }
  EXPECT_EQ(protocol::Connect(dir_, "report").error().code, ECONNREFUSED) << "what a killed daemon left";
  auto listener = Listen(dir_, "report");
  ASSERT_TRUE(listener);
  EXPECT_TRUE(protocol::Connect(dir_, "report"));
  struct stat status {};
  ASSERT_EQ(::stat((dir_ + "/report").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666U);
}

TEST_F(PeerTest, ADirectoryThatIsNotThereIsAnError) {
  auto listener = Listen(dir_ + "/none", "report");
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ENOENT);
}

TEST(IsAllowedTest, RootAlwaysIs) { EXPECT_TRUE(IsAllowed({.uid = 0}, std::nullopt)); }

TEST(IsAllowedTest, OthersAreByTheGroup) {
  const Peer member{.uid = 1000, .groups = {100, 42}};
  EXPECT_TRUE(IsAllowed(member, 42));
  EXPECT_FALSE(IsAllowed(member, 43));
  EXPECT_FALSE(IsAllowed(member, std::nullopt));
}

}  // namespace
}  // namespace fsherald
