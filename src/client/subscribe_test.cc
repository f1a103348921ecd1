// SPDX-License-Identifier: MIT
// The C functions to subscribe: what they refuse, and a group in this process. With a daemon: daemon/subscription_test.cc.
#include <fcntl.h>
#include <fsherald/fsherald.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/fd.h"
#include "source/test_filesystem.h"

namespace fsherald {
namespace {

const std::string kNoDaemonHere = "/nonexistent/fsherald";

fsherald_monitor_options Options(uint32_t flags = FSHERALD_MONITOR_ONLY_DAEMON) {
  return {.size = sizeof(fsherald_monitor_options),
          .flags = flags,
          .reserved = 0,
          .name = nullptr,
          .runtime_dir = kNoDaemonHere.c_str()};
}

int Open(const fsherald_monitor_options& options) {
  fsherald_monitor* monitor = nullptr;
  const int result = fsherald_monitor_open(&monitor, &options);
  EXPECT_EQ(monitor, nullptr);
  return result;
}

TEST(SubscribeTest, WhereNoDaemonIsWhoAsksForOneIsRefusedAndErrnoIsKept) {
  errno = 4711;
  EXPECT_EQ(Open(Options()), -ECONNREFUSED);
  EXPECT_EQ(errno, 4711);
  fsherald_monitor_options named = Options(0);
  named.name = "store";
  EXPECT_EQ(Open(named), -ECONNREFUSED);
}

TEST(SubscribeTest, OptionsThatContradictOrAreUnknownAreRefused) {
  EXPECT_EQ(Open(Options(FSHERALD_MONITOR_ONLY_DAEMON | FSHERALD_MONITOR_NO_DAEMON)), -EINVAL);
  EXPECT_EQ(Open(Options(0x80)), -EINVAL);
  fsherald_monitor_options options = Options();
  options.reserved = 1;
  EXPECT_EQ(Open(options), -EINVAL);
  options = Options(FSHERALD_MONITOR_NO_DAEMON);
  options.name = "store";
  EXPECT_EQ(Open(options), -EINVAL);
  options = Options();
  options.name = "";
  EXPECT_EQ(Open(options), -EINVAL);
  const std::string long_name(64, 'n');
  options.name = long_name.c_str();
  EXPECT_EQ(Open(options), -EINVAL);
  EXPECT_EQ(fsherald_monitor_open(nullptr, nullptr), -EINVAL);
}

TEST(SubscribeTest, OptionsOfOtherVersionsAreTakenAsFarAsTheyAreUnderstood) {
  struct Later {
    fsherald_monitor_options known;
    uint64_t added;
  };
  Later later{.known = Options(), .added = 0};
  later.known.size = sizeof later;
  EXPECT_EQ(Open(later.known), -ECONNREFUSED);
  later.added = 1;
  EXPECT_EQ(Open(later.known), -EINVAL);

  fsherald_monitor_options earlier = Options();
  earlier.size = offsetof(fsherald_monitor_options, runtime_dir);
  ASSERT_EQ(::setenv("FSHERALD_RUNTIME_DIR", kNoDaemonHere.c_str(), 1), 0);  // runtime_dir counts as NULL
  earlier.runtime_dir = "/not/looked/at";
  EXPECT_EQ(Open(earlier), -ECONNREFUSED);
  earlier.size = 4;
  EXPECT_EQ(Open(earlier), -EINVAL);
  earlier.size = SIZE_MAX;
  EXPECT_EQ(Open(earlier), -EINVAL);
}

TEST(SubscribeTest, NullIsRefusedAndClosedWithoutHarm) {
  fsherald_monitor_close(nullptr);
  EXPECT_EQ(fsherald_monitor_has_daemon(nullptr), 0);
  EXPECT_EQ(fsherald_monitor_fd(nullptr), -EINVAL);
  EXPECT_EQ(fsherald_monitor_read(nullptr, nullptr, 0), -EINVAL);
  EXPECT_EQ(fsherald_monitor_next(nullptr, nullptr), -EINVAL);
  EXPECT_EQ(fsherald_monitor_acknowledge(nullptr, 1), -EINVAL);
  EXPECT_EQ(fsherald_mark_all(nullptr, FSHERALD_MARK_ADD), -EINVAL);
  EXPECT_EQ(fsherald_mark_flush(nullptr), -EINVAL);
}

class LocalMonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason = TestFilesystem::EnterOwnNamespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
    const fsherald_monitor_options options = Options(FSHERALD_MONITOR_NO_DAEMON);
    const int opened = fsherald_monitor_open(&monitor_, &options);
    if (opened == -EPERM) GTEST_SKIP() << "the kernel's sources need more privileges";
    ASSERT_EQ(opened, 0);
  }
  void TearDown() override { fsherald_monitor_close(monitor_); }

  // The next, or null after ten seconds.
  const fsherald_notification* Next() {
    const fsherald_notification* notification = nullptr;
    for (;;) {
      const int result = fsherald_monitor_next(monitor_, &notification);
      if (result == 1) return notification;
      EXPECT_EQ(result, 0);
      pollfd waiting{.fd = fsherald_monitor_fd(monitor_), .events = POLLIN, .revents = 0};
      if (result != 0 || ::poll(&waiting, 1, 10'000) != 1) return nullptr;
    }
  }

  fsherald_monitor* monitor_ = nullptr;
};

TEST_F(LocalMonitorTest, TheErrorsOfAMarkedFilesystemAreToldAndNoOthers) {
  TestFilesystem marked(1);
  TestFilesystem other(2);
  ASSERT_TRUE(marked.ok() && other.ok());
  EXPECT_EQ(fsherald_monitor_has_daemon(monitor_), 0);
  marked.TriggerError("before the mark");
  ASSERT_EQ(fsherald_mark_path(monitor_, FSHERALD_MARK_ADD, marked.root().c_str()), 0);
  other.TriggerError("of another");
  marked.TriggerError("the first");
  const fsherald_notification* first = Next();
  ASSERT_NE(first, nullptr);
  EXPECT_STREQ(first->type, "ext4");
  EXPECT_EQ(first->device, marked.device());
  EXPECT_EQ(first->error, EUCLEAN);
  EXPECT_EQ(first->count, 1);
  EXPECT_EQ(first->bytes_len % 8, 0);
  EXPECT_EQ(fsherald_monitor_acknowledge(monitor_, first->seq), 0);

  ASSERT_EQ(fsherald_mark_flush(monitor_), 0);
  marked.TriggerError("after the mark");
  const Fd fd(::open(other.root().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(fsherald_mark_fd(monitor_, FSHERALD_MARK_ADD, fd.get()), 0);
  other.TriggerError("the second");
  const fsherald_notification* second = Next();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->device, other.device());
  char buffer[FSHERALD_MAX_NOTIFICATION_BYTES];
  EXPECT_EQ(fsherald_monitor_read(monitor_, buffer, sizeof buffer), -EAGAIN);
}

TEST_F(LocalMonitorTest, WhatCannotBeMarkedIsRefused) {
  EXPECT_EQ(fsherald_mark_path(monitor_, FSHERALD_MARK_ADD, "/nonexistent/path"), -ENOENT);
  EXPECT_EQ(fsherald_mark_path(monitor_, FSHERALD_MARK_ADD, "/proc"), -EOPNOTSUPP);
  EXPECT_EQ(fsherald_mark_fd(monitor_, FSHERALD_MARK_ADD, -1), -EBADF);
  EXPECT_EQ(fsherald_mark_name(monitor_, FSHERALD_MARK_ADD, "mydb", "orders", static_cast<uid_t>(-1)), -EOPNOTSUPP);
  EXPECT_EQ(fsherald_mark_name(monitor_, FSHERALD_MARK_ADD, "mydb", "", 0), -EINVAL);
  EXPECT_EQ(fsherald_mark_all(monitor_, static_cast<fsherald_mark_op>(3)), -EINVAL);
  EXPECT_EQ(fsherald_mark_all(monitor_, FSHERALD_MARK_REMOVE), -ENOENT);
}

TEST_F(LocalMonitorTest, InAChildItStaysTheParents) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_EQ(fsherald_mark_all(monitor_, FSHERALD_MARK_ADD), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const fsherald_notification* none = nullptr;
    char buffer[FSHERALD_MAX_NOTIFICATION_BYTES];
    const bool refused = fsherald_monitor_next(monitor_, &none) == -ESTALE &&
                         fsherald_monitor_read(monitor_, buffer, sizeof buffer) == -ESTALE &&
                         fsherald_monitor_acknowledge(monitor_, 1) == -ESTALE &&
                         fsherald_mark_all(monitor_, FSHERALD_MARK_REMOVE) == -ESTALE &&
                         fsherald_mark_path(monitor_, FSHERALD_MARK_REMOVE, "/") == -ESTALE &&
                         fsherald_mark_flush(monitor_) == -ESTALE;
    fsherald_monitor_close(monitor_);
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  filesystem.TriggerError("after the child has ended");
  const fsherald_notification* told = Next();
  while (told != nullptr && told->device != filesystem.device()) told = Next();  // others' errors
  EXPECT_NE(told, nullptr);
}

TEST_F(LocalMonitorTest, ABufferWithoutRoomIsRefusedAndTheDescriptorStaysReadable) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_EQ(fsherald_mark_all(monitor_, FSHERALD_MARK_ADD), 0);
  filesystem.TriggerError("an error");
  std::vector<char> buffer(FSHERALD_MAX_NOTIFICATION_BYTES);
  pollfd waiting{.fd = fsherald_monitor_fd(monitor_), .events = POLLIN, .revents = 0};
  ssize_t bytes = -EAGAIN;
  while (bytes == -EAGAIN) {
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    bytes = fsherald_monitor_read(monitor_, buffer.data(), 16);
  }
  EXPECT_EQ(bytes, -EINVAL);
  EXPECT_EQ(::poll(&waiting, 1, 0), 1);
  EXPECT_GT(fsherald_monitor_read(monitor_, buffer.data(), buffer.size()), 0);
}

}  // namespace
}  // namespace fsherald
