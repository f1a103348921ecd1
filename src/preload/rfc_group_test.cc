// SPDX-License-Identifier: MIT
#include "preload/rfc_group.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "protocol/packet.h"
#include "record/rfc.h"

namespace fsherald::preload {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr unsigned kPrealloc = 0x80;

// Lets anybody subscribe, to one connection, says yes to each mark, and remembers on which device it was.
class FakeDaemon {
 public:
  explicit FakeDaemon(const std::string& directory) : path_(directory + "/" + protocol::kSubscribeSocket) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeDaemon() { End(); }

  // As a daemon that is killed: its socket's name stays. What had been marked.
  std::vector<dev_t> End() {
    if (thread_.joinable()) {
      shutdown(listener_.get(), SHUT_RDWR);
      if (connection_) shutdown(connection_.get(), SHUT_RDWR);
      thread_.join();
      connection_.Reset();
      listener_.Reset();
      unlink(path_.c_str());
    }
    return marked_;
  }

 private:
  void Serve() {
    Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) return;
    connection_ = std::move(connection);
    pollfd readable{.fd = connection_.get(), .events = POLLIN, .revents = 0};
    while (poll(&readable, 1, -1) == 1) {
      const auto packet = protocol::Receive(connection_.get());
      if (!packet || packet->bytes.empty()) return;
      const auto mark = protocol::As<protocol::Mark>(*packet, protocol::kMark);
      struct stat stat {};
      if (mark && mark->op == protocol::kAdd && fstat(packet->descriptors.at(0).get(), &stat) == 0)
        marked_.push_back(stat.st_dev);
      const protocol::Answer yes{.head = {protocol::kAnswer, sizeof yes}, .error = 0, .reserved = 0};
      (void)protocol::Send(connection_.get(), std::as_bytes(std::span(&yes, 1)));
    }
  }

  const std::string path_;
  Fd listener_;
  Fd connection_;
  std::thread thread_;
  std::vector<dev_t> marked_;
};

dev_t DeviceOf(const std::string& path) {
  struct stat stat {};
  EXPECT_EQ(::stat(path.c_str(), &stat), 0);
  return stat.st_dev;
}

// A group of the RFC's, whose daemon listens in a directory of its own.
class RfcGroupTest : public testing::Test {
 protected:
  RfcGroupTest() {
    EXPECT_NE(mkdtemp(directory_), nullptr);
    setenv(protocol::kRuntimeDirVariable, directory_, 1);
  }
  ~RfcGroupTest() override {
    unsetenv(protocol::kRuntimeDirVariable);
    std::filesystem::remove_all(directory_);
  }

  int Add(const std::string& path) { return Mark(FAN_MARK_ADD, path); }
  int Mark(unsigned op, const std::string& path) {
    return group_.Mark(op | FAN_MARK_FILESYSTEM, op == FAN_MARK_FLUSH ? 0 : rfc::kFanError, AT_FDCWD, path.c_str());
  }
  // As the first mark does it.
  void MakeDescriptor() {
    descriptor_ = Fd(open("/dev/null", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    ASSERT_EQ(group_.TakePlaceOf(descriptor_.get()), 0);
  }
  // The masks of the events that wait.
  std::vector<uint64_t> Masks() {
    std::vector<uint64_t> masks;
    char event[4096];
    const iovec part{event, sizeof(fanotify_event_metadata)};
    while (group_.Read({&part, 1}) > 0) {
      uint64_t mask = 0;
      std::memcpy(&mask, event + offsetof(fanotify_event_metadata, mask), sizeof mask);
      masks.push_back(mask);
    }
    return masks;
  }

  char directory_[32] = "/tmp/rfc_group_test.XXXXXX";
  RfcGroup group_{kPrealloc};
  Fd descriptor_;
};

TEST_F(RfcGroupTest, AMarkAfterTheDaemonsEndBringsAllMarksToTheNextOneAndTellsTheLoss) {
  FakeDaemon first(directory_);
  ASSERT_EQ(Add("/proc"), 0);
  MakeDescriptor();
  EXPECT_THAT(first.End(), ElementsAre(DeviceOf("/proc")));
  FakeDaemon next(directory_);
  EXPECT_EQ(Add("/"), 0) << std::strerror(errno);
  EXPECT_THAT(Masks(), ElementsAre(FAN_Q_OVERFLOW));
  EXPECT_THAT(next.End(), UnorderedElementsAre(DeviceOf("/proc"), DeviceOf("/")));
}

TEST_F(RfcGroupTest, AMarkThatWasEndedAfterTheDaemonsEndIsNotTheNextOnes) {
  FakeDaemon first(directory_);
  ASSERT_EQ(Add("/proc"), 0);
  ASSERT_EQ(Add("/"), 0);
  MakeDescriptor();
  first.End();
  EXPECT_EQ(Mark(FAN_MARK_REMOVE, "/"), 0) << std::strerror(errno);
  EXPECT_EQ(Mark(FAN_MARK_REMOVE, "/"), -1);
  EXPECT_EQ(errno, ENOENT);
  FakeDaemon next(directory_);
  group_.Pump();
  EXPECT_THAT(next.End(), ElementsAre(DeviceOf("/proc")));
}

TEST_F(RfcGroupTest, AllMarksCanBeEndedAfterTheDaemonsEnd) {
  FakeDaemon first(directory_);
  ASSERT_EQ(Add("/proc"), 0);
  MakeDescriptor();
  first.End();
  EXPECT_EQ(Mark(FAN_MARK_FLUSH, "/"), 0) << std::strerror(errno);
  FakeDaemon next(directory_);
  group_.Pump();
  EXPECT_THAT(next.End(), ElementsAre());
}

}  // namespace
}  // namespace fsherald::preload
