// SPDX-License-Identifier: MIT
#include "base/poller.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"

namespace fsherald {
namespace {

bool Wakes(const Poller& poller, int timeout_ms) {
  pollfd fd{.fd = poller.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&fd, 1, timeout_ms) == 1;
}

TEST(PollerTest, SaysWhichDescriptorIsReady) {
  auto poller = Poller::Open();
  ASSERT_TRUE(poller);
  Fd quiet(::eventfd(0, EFD_CLOEXEC)), ready(::eventfd(1, EFD_CLOEXEC));
  ASSERT_TRUE(poller->Add(quiet.get(), EPOLLIN));
  EXPECT_FALSE(Wakes(*poller, 0));
  ASSERT_TRUE(poller->Add(ready.get(), EPOLLIN));
  ASSERT_TRUE(poller->Add(ready.get(), EPOLLIN)) << "again";
  EXPECT_TRUE(Wakes(*poller, 0));
  EXPECT_EQ(poller->Ready(), std::vector<int>{ready.get()});
  poller->Remove(ready.get());
  EXPECT_FALSE(Wakes(*poller, 0));
}

TEST(PollerTest, TheAlarmWakesOnceAndIsOver) {
  auto poller = Poller::Open();
  ASSERT_TRUE(poller);
  poller->SetAlarm(BoottimeNowNs() + 1'000'000);
  EXPECT_TRUE(Wakes(*poller, 10'000));
  EXPECT_TRUE(poller->Ready().empty());
  EXPECT_FALSE(Wakes(*poller, 0));
}

TEST(PollerTest, AnAlarmInThePastWakesAtOnceAndAnEmptyOneNever) {
  auto poller = Poller::Open();
  ASSERT_TRUE(poller);
  poller->SetAlarm(0);
  EXPECT_TRUE(Wakes(*poller, 10'000));
  poller->Ready();
  poller->SetAlarm(BoottimeNowNs() + 3'600'000'000'000);
  poller->SetAlarm(std::nullopt);
  EXPECT_FALSE(Wakes(*poller, 0));
}

TEST(PollerTest, AClosedDescriptorIsAnError) {
  auto poller = Poller::Open();
  ASSERT_TRUE(poller);
  EXPECT_EQ(poller->Add(-1, EPOLLIN).error().code, EBADF);
}

}  // namespace
}  // namespace fsherald
