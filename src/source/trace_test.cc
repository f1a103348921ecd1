// SPDX-License-Identifier: MIT
// The programs and their ring in this kernel. Lines that we write to its log ourselves come by printk's tracepoint.
#include "source/trace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "filesystem/filesystem.h"

namespace fsherald {
namespace {

constexpr size_t kLines = 4;  // twice that is less than the log takes of one writer at once

class TraceSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    log_.Reset(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
    if (!log_) GTEST_SKIP() << ErrnoError("open", "/dev/kmsg").ToString();
    auto opened = TraceSource::Open({.log_prefixes = LogPrefixes()});
    if (!opened) GTEST_SKIP() << opened.error().ToString();
    trace_ = std::move(*opened);
  }

  std::string Line(size_t number) const {
    return "EXT4-fs error (device nosuch" + std::to_string(::getpid()) +
           "): trace_test:1: comm x: " + std::to_string(number);
  }
  void Write(size_t first, size_t count) {
    for (size_t number = first; number < first + count; ++number) {
      const std::string line = Line(number);
      ASSERT_EQ(::write(log_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
  }
  // Of the lines from `first` on, the numbers of those that came, until the last is there.
  std::vector<size_t> Read(TraceSource& trace, size_t first, size_t count) const {
    std::vector<size_t> came;
    const uint64_t deadline_ns = BoottimeNowNs() + 10'000'000'000;
    const auto take = [&](TraceRecord&& record) {
      const auto* line = std::get_if<TraceLineRecord>(&record);
      for (size_t number = first; line != nullptr && number < first + count; ++number)
        if (line->text.find(Line(number)) != std::string::npos) came.push_back(number);
    };
    while ((came.empty() || came.back() + 1 < first + count) && BoottimeNowNs() < deadline_ns) {
      (void)trace.Drain(take);
      pollfd more{.fd = trace.fd(), .events = POLLIN, .revents = 0};
      (void)::poll(&more, 1, 10);
    }
    return came;
  }
  static std::vector<size_t> Numbers(size_t first, size_t count) {
    std::vector<size_t> numbers(count);
    std::ranges::generate(numbers, [&] { return first++; });
    return numbers;
  }

  Fd log_;
  std::unique_ptr<TraceSource> trace_;
};

TEST_F(TraceSourceTest, WhoTakesTheProgramsOverGoesOnWhereTheOneBeforeHadCome) {
  Write(0, kLines);
  ASSERT_EQ(Read(*trace_, 0, kLines), Numbers(0, kLines));
  const TraceSource::Position position = trace_->position();
  KeptFds kept;
  for (const FdToKeep& one : trace_->descriptors()) kept.Add(one.name, Fd(::fcntl(one.fd, F_DUPFD_CLOEXEC, 0)));
  trace_.reset();
  Write(kLines, kLines);
  auto next = TraceSource::Open({.log_prefixes = LogPrefixes()}, &kept);
  ASSERT_TRUE(next) << next.error().ToString();

  EXPECT_TRUE((*next)->is_taken_over());
  EXPECT_TRUE((*next)->Resume(position));
  EXPECT_EQ(Read(**next, 0, 2 * kLines), Numbers(kLines, kLines)) << "the first were not released, but read";
}

// systemd takes the second for a duplicate, and drops it with its name.
TEST_F(TraceSourceTest, NoDescriptorIsKeptUnderTwoNames) {
  std::map<int, std::string> names;
  for (const FdToKeep& one : trace_->descriptors()) {
    const auto [before, is_new] = names.emplace(one.fd, one.name);
    EXPECT_TRUE(is_new) << before->second << " and " << one.name;
  }
  EXPECT_FALSE(names.empty());
}

TEST_F(TraceSourceTest, APositionOfOtherProgramsIsNone) {
  Write(0, 1);
  ASSERT_EQ(Read(*trace_, 0, 1), Numbers(0, 1));
  TraceSource::Position position = trace_->position();
  position.ring += 8;  // amid a record of any ring
  trace_.reset();
  auto next = TraceSource::Open({.log_prefixes = LogPrefixes()});
  ASSERT_TRUE(next) << next.error().ToString();
  Write(1, kLines);

  EXPECT_FALSE((*next)->is_taken_over());
  EXPECT_FALSE((*next)->Resume(position));
  EXPECT_EQ(Read(**next, 1, kLines), Numbers(1, kLines));
}

}  // namespace
}  // namespace fsherald
