// SPDX-License-Identifier: MIT
#include "sink/sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/fd.h"
#include "record/json.h"
#include "sink/write_buffer.h"

namespace fsherald {
namespace {

const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};

struct Pipe {
  Fd reader;
  Fd writer;
};

Pipe MakePipe(int flags = 0) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC | flags), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

bool HasInput(const Fd& reader) {
  pollfd wait{.fd = reader.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 0) == 1;
}

// What stands in a pipe that holds something.
std::string ReadSome(const Fd& reader) {
  std::string text(1 << 16, '\0');
  const ssize_t size = ::read(reader.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

// Everything up to the end of the file. Waits for input by poll, as the reading end may be non-blocking.
std::string ReadAll(const Fd& reader) {
  std::string all;
  for (;;) {
    pollfd wait{.fd = reader.get(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, -1);
    const std::string some = ReadSome(reader);
    if (some.empty()) return all;
    all += some;
  }
}

Notification Numbered(uint64_t seq, const std::string& message = "words") {
  Notification n;
  n.seq = seq;
  n.specific = Specific{"ext4", {}, message};
  return n;
}

class SinkTest : public testing::Test {
 protected:
  void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }
};

TEST_F(SinkTest, NothingIsWrittenBeforeFlush) {
  Pipe pipe = MakePipe();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  sink->Add(Numbered(1));
  EXPECT_FALSE(HasInput(pipe.reader));
  ASSERT_TRUE(sink->Flush());
  EXPECT_TRUE(HasInput(pipe.reader));
}

TEST_F(SinkTest, FlushWritesEveryNotificationOnceAndInOrder) {
  Pipe pipe = MakePipe();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  sink->Add(Numbered(1));
  sink->Add(Numbered(2));
  ASSERT_TRUE(sink->Flush());
  sink->Add(Numbered(3));
  ASSERT_TRUE(sink->Flush());
  ASSERT_TRUE(sink->Flush());
  pipe.writer.Reset();
  std::string expected;
  for (uint64_t seq : {1, 2, 3}) AppendJson(Numbered(seq), kHost, expected);
  EXPECT_EQ(ReadAll(pipe.reader), expected);
}

TEST_F(SinkTest, AFlushOfNothingWritesNothing) {
  Pipe pipe = MakePipe();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  ASSERT_TRUE(sink->Flush());
  EXPECT_FALSE(HasInput(pipe.reader));
}

TEST_F(SinkTest, TheTerminalSinkWritesTheBlockForPeople) {
  Pipe pipe = MakePipe();
  auto sink = MakeTerminalSink(pipe.writer.get(), kHost, {.color = true, .stack = false});
  sink->Add(Numbered(1));
  ASSERT_TRUE(sink->Flush());
  std::string expected;
  AppendText(Numbered(1), kHost, {.color = true, .stack = false}, expected);
  EXPECT_EQ(ReadSome(pipe.reader), expected);
}

TEST_F(SinkTest, AGapIsWrittenLikeEveryNotification) {
  Pipe pipe = MakePipe();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  Notification n;
  n.kind = Kind::kGap;
  n.gap = Gap{SourceId::kTrace, 5, true, 0, 0};
  sink->Add(n);
  ASSERT_TRUE(sink->Flush());
  EXPECT_EQ(nlohmann::json::parse(ReadSome(pipe.reader))["gap"]["count"], 5);
}

TEST_F(SinkTest, AReaderThatIsGoneIsAnErrorAndNoSignal) {
  Pipe pipe = MakePipe();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  sink->Add(Numbered(1));
  pipe.reader.Reset();
  EXPECT_EQ(sink->Flush().error(), (Error{"write output", EPIPE}));
}

TEST_F(SinkTest, AnErrorIsFinal) {
  WriteBuffer buffer(-1);
  buffer.text() += "a";
  buffer.End();
  EXPECT_EQ(buffer.Flush().error().code, EBADF);
  buffer.text() += "b";
  buffer.End();
  EXPECT_EQ(buffer.text(), "");
  EXPECT_EQ(buffer.Flush().error().code, EBADF);
}

TEST_F(SinkTest, ADescriptorThatIsClosedIsAnError) {
  auto sink = MakeTerminalSink(-1, kHost, {});
  sink->Add(Numbered(1));
  EXPECT_EQ(sink->Flush().error().code, EBADF);
}

TEST_F(SinkTest, AFullDiskIsAnError) {
  Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  auto sink = MakeJsonSink(full.get(), kHost);
  sink->Add(Numbered(1));
  EXPECT_EQ(sink->Flush().error().code, ENOSPC);
}

// More than the pipe holds: the write comes back short or with EAGAIN until the reader has taken some.
TEST_F(SinkTest, ANonBlockingPipeThatIsFullIsWaitedFor) {
  Pipe pipe = MakePipe(O_NONBLOCK);
  WriteBuffer buffer(pipe.writer.get());
  std::string read;
  std::thread reader([&] { read = ReadAll(pipe.reader); });
  buffer.text() = std::string(500'000, 'x') + "end";
  const Status status = buffer.Flush();
  pipe.writer.Reset();
  reader.join();
  EXPECT_TRUE(status);
  EXPECT_EQ(read, std::string(500'000, 'x') + "end");
}

TEST_F(SinkTest, AReaderThatLeavesAFullNonBlockingPipeIsAnError) {
  Pipe pipe = MakePipe(O_NONBLOCK);
  WriteBuffer buffer(pipe.writer.get());
  std::thread reader([&] {
    pollfd wait{.fd = pipe.reader.get(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, -1);
    pipe.reader.Reset();
  });
  buffer.text() = std::string(500'000, 'x');
  EXPECT_EQ(buffer.Flush().error().code, EPIPE);
  reader.join();
}

// The reader takes a piece only after a signal has hit the writer, so that write(2) ends early again and again.
TEST_F(SinkTest, ASignalInTheMiddleOfAWriteLosesAndRepeatsNothing) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
  Pipe pipe = MakePipe();
  WriteBuffer buffer(pipe.writer.get());
  std::string expected;
  while (expected.size() < 300'000) expected += std::to_string(expected.size()) + "\n";
  buffer.text() = expected;

  const pthread_t writer = ::pthread_self();
  std::string read;
  std::thread reader([&] {
    while (read.size() < expected.size()) {
      ::pthread_kill(writer, SIGUSR1);
      read += ReadSome(pipe.reader);
    }
  });
  const Status status = buffer.Flush();
  reader.join();
  EXPECT_TRUE(status);
  EXPECT_EQ(read, expected);
}

TEST_F(SinkTest, MuchThatWasAddedIsWrittenWithoutWaitingForFlush) {
  Fd file(::memfd_create("output", MFD_CLOEXEC));
  ASSERT_TRUE(file);
  auto sink = MakeJsonSink(file.get(), kHost);
  const std::string message(WriteBuffer::kMaxKeptBytes / 2, 'm');
  sink->Add(Numbered(1, message));
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 0);
  sink->Add(Numbered(2, message));
  EXPECT_GT(::lseek(file.get(), 0, SEEK_END), static_cast<off_t>(WriteBuffer::kMaxKeptBytes));
}

TEST_F(SinkTest, AnErrorOfAWriteBeforeFlushIsToldByFlush) {
  Pipe pipe = MakePipe();
  pipe.reader.Reset();
  auto sink = MakeJsonSink(pipe.writer.get(), kHost);
  sink->Add(Numbered(1, std::string(WriteBuffer::kMaxKeptBytes, 'm')));
  sink->Add(Numbered(2));
  EXPECT_EQ(sink->Flush().error().code, EPIPE);
}

TEST_F(SinkTest, ASlowReaderDoesNotKeepAWriterThatIsToldToStop) {
  Pipe pipe = MakePipe();
  Fd stop(::eventfd(1, EFD_CLOEXEC));
  WriteBuffer buffer(pipe.writer.get(), stop.get());
  buffer.text().assign(1'000'000, 'x');
  EXPECT_EQ(buffer.Flush().error().code, ECANCELED) << "the pipe holds 64 KiB, and nobody reads";
}

TEST_F(SinkTest, AReaderThatReadsGetsAllThoughTheWriterIsToldToStop) {
  Fd file(::memfd_create("output", MFD_CLOEXEC));
  Fd stop(::eventfd(1, EFD_CLOEXEC));
  WriteBuffer buffer(file.get(), stop.get());
  buffer.text().assign(100'000, 'x');
  EXPECT_TRUE(buffer.Flush());
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 100'000);
}

}  // namespace
}  // namespace fsherald
