// SPDX-License-Identifier: MIT
#include "source/kmsg.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "source/fanotify_record.h"
#include "source/test_filesystem.h"

namespace fsherald {
namespace {

// A log of the test's own: as with /dev/kmsg, each read gives one record.
struct FakeLog {
  FakeLog() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) return;
    writer = Fd(fds[0]);
    reader = Fd(fds[1]);
  }
  void Write(const std::string& record) const {
    ASSERT_EQ(::write(writer.get(), record.data(), record.size()), static_cast<ssize_t>(record.size()));
  }
  Fd writer;
  Fd reader;
};

const std::string kLine = "EXT4-fs error (device loop0): trigger_test_error:129: comm sh: words\n";

TEST(KmsgSource, ALineIsASignal) {
  FakeLog log;
  KmsgSource source(std::move(log.reader));
  log.Write("2,365,1000000,-;" + kLine);
  KmsgEvents events = source.Read(5'000'000'000);
  ASSERT_EQ(events.events.size(), 1);
  EXPECT_FALSE(events.events[0].past);
  EXPECT_EQ(events.events[0].module, FindFilesystemModule("ext4"));
  EXPECT_EQ(events.events[0].signal.report.function, "trigger_test_error");
  EXPECT_EQ(events.events[0].signal.task, std::nullopt);
  EXPECT_TRUE(source.Read(5'000'000'000).events.empty());
}

TEST(KmsgSource, LinesBeforeTheStartArePast) {
  FakeLog past;
  FakeLog live;
  past.Write("2,1,1000,-;" + kLine);
  past.Write("2,2,2000,-;" + kLine);  // written after Open: both see it
  live.Write("2,2,2000,-;" + kLine);
  KmsgSource source(std::move(live.reader), std::move(past.reader));
  KmsgEvents before = source.Start();
  ASSERT_EQ(before.events.size(), 1);
  EXPECT_TRUE(before.events[0].past);
  KmsgEvents after = source.Read(5'000'000'000);
  ASSERT_EQ(after.events.size(), 1);
  EXPECT_FALSE(after.events[0].past);
  EXPECT_TRUE(after.gaps.empty());
}

TEST(KmsgSource, AHoleInTheSequenceIsAGap) {
  FakeLog log;
  KmsgSource source(std::move(log.reader));
  log.Write("6,10,1000,-;something\n");
  source.Read(1'000'000'000);
  log.Write("6,15,2000,-;something\n");
  KmsgEvents events = source.Read(2'000'000'000);
  ASSERT_EQ(events.gaps.size(), 1);
  EXPECT_EQ(events.gaps[0].source, SourceId::kKmsg);
  EXPECT_EQ(events.gaps[0].count, 4);
  EXPECT_TRUE(events.gaps[0].exact);
  EXPECT_EQ(events.gaps[0].from_boottime_ns, 1'000'000'000);
  EXPECT_EQ(events.gaps[0].to_boottime_ns, 2'000'000'000);
}

TEST(KmsgSource, AHoleJustAfterTheLookBackIsAGap) {
  FakeLog past;
  FakeLog live;
  past.Write("6,1,1000,-;something\n");
  KmsgSource source(std::move(live.reader), std::move(past.reader));
  source.Start();
  live.Write("6,4,2000,-;something\n");
  KmsgEvents events = source.Read(5'000'000'000);
  ASSERT_EQ(events.gaps.size(), 1);
  EXPECT_EQ(events.gaps[0].count, 2);
}

TEST(KmsgSource, WhatUserSpaceWroteIsMarkedAsUntrusted) {
  FakeLog log;
  KmsgSource source(std::move(log.reader));
  log.Write("10,1,1000,-;" + kLine);
  log.Write("14,2,1000,-;a daemon says hello\n");
  const KmsgEvents events = source.Read(5'000'000'000);
  ASSERT_EQ(events.events.size(), 1);
  EXPECT_FALSE(events.events[0].signal.trusted);
  EXPECT_EQ(source.counts().untrusted, 1);
}

TEST(KmsgSource, WhatIsTornIsCountedAndTheNextTaken) {
  FakeLog log;
  KmsgSource source(std::move(log.reader));
  log.Write("2,1,10");
  log.Write("2,2,1000,-;" + kLine);
  EXPECT_EQ(source.Read(5'000'000'000).events.size(), 1);
  EXPECT_EQ(source.counts().refused, 1);
  EXPECT_EQ(source.counts().records, 2);
}

TEST(KmsgSource, OneReadIsBounded) {
  FakeLog log;
  KmsgSource source(std::move(log.reader));
  for (int i = 1; i <= 3; ++i) log.Write("2," + std::to_string(i) + ",1000,-;" + kLine);
  EXPECT_EQ(source.Read(5'000'000'000, 2).events.size(), 2);
  EXPECT_EQ(source.Read(5'000'000'000, 2).events.size(), 1);
}

TEST(KmsgSource, AMissingLogIsAnError) {
  Result<KmsgSource> source = KmsgSource::Open("/nonexistent/kmsg");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().ToString(), "open /nonexistent/kmsg: No such file or directory");
}

TEST(KmsgSource, TheRealLogTellsANewErrorAtItsTime) {
  std::string reason = TestFilesystem::EnterOwnNamespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  filesystem.TriggerError("an old one");
  Result<KmsgSource> source = KmsgSource::Open();
  ASSERT_TRUE(source) << source.error().ToString();
  KmsgEvents past = source->Start();
  EXPECT_FALSE(past.events.empty());
  for (const KmsgEvent& event : past.events) EXPECT_TRUE(event.past);

  uint64_t before_ns = BoottimeNowNs();
  filesystem.TriggerError("a new one");
  std::vector<LogSignal> mine;
  for (int tries = 0; mine.empty() && tries < 100; ++tries) {
    struct pollfd waiting = {.fd = source->fd(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 100);
    for (const KmsgEvent& event : source->Read(BoottimeNowNs()).events) {
      if (event.signal.report.device == filesystem.device() && event.signal.report.message != "an old one") {
        mine.push_back(event.signal);
      }
    }
  }
  ASSERT_EQ(mine.size(), 1);
  EXPECT_EQ(mine[0].report.message, "a new one");
  EXPECT_GE(mine[0].boottime_ns, before_ns);
  EXPECT_LE(mine[0].boottime_ns, BoottimeNowNs());
}

// The lines of a captured log that fanotify tells as well.
std::vector<ErrorReport> LinesForFanotify(const std::filesystem::path& path) {
  std::vector<ErrorReport> messages;
  std::ifstream log(path);
  for (std::string line; std::getline(log, line);) {
    line += '\n';
    auto record = ParseKmsgRecord(std::as_bytes(std::span(line)));
    EXPECT_TRUE(record) << line;
    auto parsed = record ? ParseLog(record->text) : std::nullopt;
    if (parsed && parsed->report.told_by_fanotify) messages.push_back(parsed->report);
  }
  return messages;
}

std::vector<FanotifyRecord> FanotifyRecords(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return ParseFanotify(std::as_bytes(std::span(bytes)), 0).records;
}

TEST(CapturedLog, AgreesWithFanotify) {
  size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FSHERALD_FIXTURES "/linux-6.18.44")) {
    if (entry.path().extension() != ".kmsg") continue;
    SCOPED_TRACE(entry.path());
    std::vector<ErrorReport> lines = LinesForFanotify(entry.path());
    auto records = FanotifyRecords(std::filesystem::path(entry.path()).replace_extension(".fanotify"));
    uint64_t told = 0;
    for (const FanotifyRecord& record : records) told += record.signal.count;
    EXPECT_EQ(lines.size(), std::min<uint64_t>(told, 10));  // the kernel prints at most ten in five seconds
    if (lines.empty() || records.empty()) continue;
    EXPECT_EQ(lines[0].inode, records[0].signal.inode);
    EXPECT_EQ(lines[0].code.value_or(records[0].signal.code), records[0].signal.code);
    ++compared;
  }
  EXPECT_GT(compared, 15);
}

}  // namespace
}  // namespace fsherald
