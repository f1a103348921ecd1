// SPDX-License-Identifier: MIT
// A reporter against a daemon of the test's own: a listening socket, and a ring reader on the memory that is offered.
#include "client/reporter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "base/clock.h"
#include "protocol/packet.h"
#include "ring/ring_reader.h"
#include "source/producer_record.h"

#if defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_TSAN() GTEST_SKIP() << "ThreadSanitizer cannot make threads in a child of fork"
#else
#define SKIP_UNDER_TSAN()
#endif

namespace fsherald {
namespace {

constexpr int kDeadlineMs = 10'000;

bool WaitFor(const std::function<bool()>& condition) {
  const uint64_t deadline_ns = BoottimeNowNs() + uint64_t{kDeadlineMs} * 1'000'000;
  while (!condition()) {
    if (BoottimeNowNs() > deadline_ns) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

// One reporter, as a daemon has it.
struct Attached {
  std::vector<Notification> ReadAll() {
    std::vector<Notification> all;
    while (auto record = reader->Next()) {
      auto notification = ParseProducerRecord(record->payload);
      EXPECT_TRUE(notification);
      if (notification) all.push_back(std::move(*notification));
    }
    counted += reader->counted();
    reader->Release();
    return all;
  }
  // Every error that is told, whole or counted, until there are `wanted`.
  std::vector<Notification> ReadUntil(uint64_t wanted) {
    std::vector<Notification> all;
    EXPECT_TRUE(WaitFor([&] {
      for (Notification& notification : ReadAll()) all.push_back(std::move(notification));
      return all.size() + counted >= wanted;
    }));
    return all;
  }

  protocol::Offer offer{};
  std::vector<Fd> descriptors;
  Fd socket;
  std::shared_ptr<std::byte> mapping;
  size_t bytes = 0;
  std::optional<ring::RingReader> reader;
  uint64_t counted = 0;
};

class FakeDaemon {
 public:
  explicit FakeDaemon(const std::string& dir) {
    const std::string path = dir + "/report";
    ::unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    listener_.Reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
  }

  // The next offer, answered by `error`.
  Attached Answer(int error = 0) {
    Attached attached;
    attached.socket = Accept();
    WaitReadable(attached.socket.get());
    auto packet = protocol::Receive(attached.socket.get());
    EXPECT_TRUE(packet);
    if (!packet) return attached;
    const auto offer = protocol::As<protocol::Offer>(*packet, protocol::kOffer);
    EXPECT_TRUE(offer);
    if (offer) attached.offer = *offer;
    attached.descriptors = std::move(packet->descriptors);
    if (error == 0) Map(attached);
    const protocol::Answer answer{
        .head = {.type = protocol::kAnswer, .bytes = sizeof answer}, .error = error, .reserved = 0};
    EXPECT_TRUE(protocol::Send(attached.socket.get(), std::as_bytes(std::span(&answer, 1))));
    return attached;
  }
  bool HasOffer() const {
    pollfd fd{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&fd, 1, 0) == 1;
  }

 private:
  static void WaitReadable(int fd) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&wait, 1, kDeadlineMs), 1);
  }
  Fd Accept() {
    WaitReadable(listener_.get());
    return Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  static void Map(Attached& attached) {
    ASSERT_GE(attached.descriptors.size(), 2U);
    struct stat status {};
    ASSERT_EQ(::fstat(attached.descriptors[0].get(), &status), 0);
    const auto bytes = static_cast<size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, attached.descriptors[0].get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    attached.bytes = bytes;
    attached.mapping.reset(static_cast<std::byte*>(mapped), [bytes](std::byte* at) { ::munmap(at, bytes); });
    auto reader = ring::RingReader::Open({attached.mapping.get(), bytes});
    ASSERT_TRUE(reader) << reader.error().ToString();
    attached.reader.emplace(std::move(*reader));
  }

  Fd listener_;
};

class ReporterTest : public testing::Test {
 protected:
  ReporterTest() {
    std::string pattern = testing::TempDir() + "fsherald.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~ReporterTest() override {
    fsherald_reporter_close(reporter_);
    std::filesystem::remove_all(dir_);
  }

  fsherald_reporter_options Options() {
    fsherald_reporter_options options{};
    options.size = sizeof options;
    options.type = "mydb";
    options.name = "orders";
    options.runtime_dir = dir_.c_str();
    return options;
  }
  void Open() {
    const auto options = Options();
    ASSERT_EQ(fsherald_reporter_open(&reporter_, &options), 0);
  }
  static fsherald_report Error(int code = EIO) {
    fsherald_report report{};
    report.size = sizeof report;
    report.error = code;
    return report;
  }
  int Report(int code = EIO) {
    const fsherald_report report = Error(code);
    return fsherald_report_error(reporter_, &report);
  }
  fsherald_reporter_state State() {
    fsherald_reporter_state state{};
    state.size = sizeof state;
    EXPECT_EQ(fsherald_reporter_get_state(reporter_, &state), 0);
    return state;
  }
  bool IsAttached() {
    return WaitFor([this] { return State().attached == 1; });
  }

  std::string dir_;
  fsherald_reporter* reporter_ = nullptr;
};

TEST_F(ReporterTest, WhatIsReportedBeforeADaemonIsThereWaitsForIt) {
  Open();
  EXPECT_EQ(Report(EIO), 0);
  EXPECT_EQ(State().attached, 0);
  EXPECT_EQ(State().waiting_bytes, 64U);
  FakeDaemon daemon(dir_);
  Attached attached = daemon.Answer();
  EXPECT_EQ(attached.ReadAll().size(), 1U);
  EXPECT_TRUE(IsAttached());
  EXPECT_EQ(State().waiting_bytes, 0U);
}

TEST_F(ReporterTest, OffersTypeAndNameAndMemoryThatCannotShrink) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  EXPECT_STREQ(attached.offer.type, "mydb");
  EXPECT_STREQ(attached.offer.name, "orders");
  EXPECT_EQ(attached.offer.flags, 0U);
  ASSERT_EQ(attached.descriptors.size(), 2U);
  const int seals = ::fcntl(attached.descriptors[0].get(), F_GET_SEALS);
  EXPECT_EQ(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_EQ(attached.bytes, ring::SegmentBytes(16, 65536));
}

TEST_F(ReporterTest, EverythingThatIsSaidArrives) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  fsherald_report report = Error(EIO);
  report.kind = FSHERALD_KIND_DATA_READ;
  report.flags = FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_GENERATION | FSHERALD_REPORT_HAS_RANGE |
                 FSHERALD_REPORT_HAS_LENGTH;
  report.inode = 12;
  report.generation = 7;
  report.offset_bytes = 4096;
  report.length_bytes = 512;
  report.function = "read_block";
  report.line = 81;
  report.path = "/a/b";
  report.message = "checksum is wrong";
  report.blob = "\0\1\2";
  report.blob_len = 3;
  ASSERT_EQ(fsherald_report_error(reporter_, &report), 0);
  const auto told = attached.ReadAll();
  ASSERT_EQ(told.size(), 1U);
  Notification expected;
  expected.error.code = EIO;
  expected.kind = Kind::kDataRead;
  expected.origin = Origin::kUser;
  expected.sources = SourceId::kProducer;
  expected.location = Location{.function = "read_block", .line = 81, .stack = {}};
  expected.specific =
      Specific{.type = "", .fields = {}, .message = "checksum is wrong", .blob = std::string("\0\1\2", 3)};
  expected.object = ObjectInfo{.inode = 12, .generation = 7, .path = "a/b", .path_source = PathSource::kProducer};
  expected.range = Range{.offset_bytes = 4096, .length_bytes = 512};
  EXPECT_EQ(told[0], expected);
}

TEST_F(ReporterTest, LongTextsAreCutAndALongPathIsLeftOut) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  const std::string longest(1024, 'x');
  const std::string blob(FSHERALD_MAX_BLOB_BYTES, 'b');
  fsherald_report report = Error();
  report.function = report.message = report.path = longest.c_str();
  report.blob = blob.data();
  report.blob_len = FSHERALD_MAX_BLOB_BYTES;
  ASSERT_EQ(fsherald_report_error(reporter_, &report), 0);
  report.path = longest.c_str() + 1;
  ASSERT_EQ(fsherald_report_error(reporter_, &report), 0);
  const auto told = attached.ReadAll();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].location->function, std::string(127, 'x'));
  EXPECT_EQ(told[0].specific->message, std::string(255, 'x'));
  EXPECT_EQ(told[0].specific->blob, blob);
  EXPECT_FALSE(told[0].object);
  EXPECT_EQ(told[1].object->path, std::string(1023, 'x'));
}

TEST_F(ReporterTest, WhatIsNotValidIsRefusedAndNotCounted) {
  Open();
  const auto refused = [this](auto change) {
    fsherald_report report = Error();
    change(report);
    return fsherald_report_error(reporter_, &report) == -EINVAL;
  };
  EXPECT_TRUE(refused([](auto& report) { report.error = 0; }));
  EXPECT_TRUE(refused([](auto& report) { report.error = -EIO; }));
  EXPECT_TRUE(refused([](auto& report) { report.error = 4096; }));
  EXPECT_TRUE(refused([](auto& report) { report.kind = FSHERALD_KIND_COUNTER; }));
  EXPECT_TRUE(refused([](auto& report) { report.flags = 0x10; }));
  EXPECT_TRUE(refused([](auto& report) { report.flags = FSHERALD_REPORT_HAS_LENGTH; }));
  EXPECT_TRUE(refused([](auto& report) { report.blob = "", report.blob_len = FSHERALD_MAX_BLOB_BYTES + 1; }));
  EXPECT_TRUE(refused([](auto& report) { report.blob_len = 1; }));
  EXPECT_TRUE(refused([](auto& report) { report.size = 0; }));
  EXPECT_EQ(fsherald_report_error(reporter_, nullptr), -EINVAL);
  const fsherald_report report = Error();
  EXPECT_EQ(fsherald_report_error(nullptr, &report), -EINVAL);
  EXPECT_EQ(State().waiting_bytes, 0U);
  EXPECT_EQ(State().counted, 0U);
}

TEST_F(ReporterTest, OptionsThatContradictOrAreOutOfBoundsAreRefused) {
  const auto refused = [this](auto change) {
    fsherald_reporter_options options = Options();
    change(options);
    return fsherald_reporter_open(&reporter_, &options) == -EINVAL && reporter_ == nullptr;
  };
  const std::string long_name(32, 'n');
  EXPECT_TRUE(refused([](auto& options) { options.size = 0; }));
  EXPECT_TRUE(refused([](auto& options) { options.type = nullptr; }));
  EXPECT_TRUE(refused([](auto& options) { options.name = nullptr; }));
  EXPECT_TRUE(refused([](auto& options) { options.name = ""; }));
  EXPECT_TRUE(refused([&](auto& options) { options.name = long_name.c_str(); }));
  EXPECT_TRUE(refused([](auto& options) { options.thread_bytes = 8192; }));
  EXPECT_TRUE(refused([](auto& options) { options.thread_bytes = 65537; }));
  EXPECT_TRUE(refused([](auto& options) { options.thread_bytes = 1U << 25; }));
  EXPECT_TRUE(refused([](auto& options) { options.threads = 256; }));
  EXPECT_EQ(fsherald_reporter_open(nullptr, nullptr), -EINVAL);
  fsherald_reporter_options options = Options();
  options.mount = "/does/not/exist";
  EXPECT_EQ(fsherald_reporter_open(&reporter_, &options), -ENOENT);
}

TEST_F(ReporterTest, OptionsOfALaterVersionAreTakenOnlyIfWhatIsNotKnownIsZero) {
  struct {
    fsherald_reporter_options known;
    uint64_t added;
  } later{.known = Options(), .added = 1};
  later.known.size = sizeof later;
  EXPECT_EQ(fsherald_reporter_open(&reporter_, &later.known), -EINVAL);
  later.added = 0;
  EXPECT_EQ(fsherald_reporter_open(&reporter_, &later.known), 0);
  later.known.size = SIZE_MAX;
  fsherald_reporter* other = nullptr;
  EXPECT_EQ(fsherald_reporter_open(&other, &later.known), -EINVAL);
}

TEST_F(ReporterTest, ACallerOfALaterVersionIsServedByWhatIsKnown) {
  struct {
    fsherald_report report;
    uint64_t later = 1;
  } longer{.report = Error()};
  longer.report.size = sizeof longer;
  Open();
  EXPECT_EQ(fsherald_report_error(reporter_, &longer.report), 0);
  fsherald_report shorter = Error();
  shorter.size = offsetof(fsherald_report, function);
  shorter.function = reinterpret_cast<const char*>(1);  // beyond its size
  EXPECT_EQ(fsherald_report_error(reporter_, &shorter), 0);
}

TEST_F(ReporterTest, TheDescriptorOfAMountComesAlong) {
  FakeDaemon daemon(dir_);
  auto options = Options();
  options.mount = "/proc/self";
  ASSERT_EQ(fsherald_reporter_open(&reporter_, &options), 0);
  Attached attached = daemon.Answer();
  EXPECT_EQ(attached.offer.flags, protocol::kOfMount);
  EXPECT_STREQ(attached.offer.type, "");
  ASSERT_EQ(attached.descriptors.size(), 3U);
  EXPECT_EQ(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(attached.descriptors[2].get())), "/proc");
}

TEST_F(ReporterTest, WhatTheDaemonHadNotReleasedTheNextOneGets) {
  Open();
  auto daemon = std::make_unique<FakeDaemon>(dir_);
  {
    Attached first = daemon->Answer();
    Report(1);
    Report(2);
    EXPECT_EQ(first.ReadAll().size(), 2U);
    Report(3);
    ASSERT_TRUE(first.reader->Next());  // read, and not released
    daemon.reset();
  }
  ASSERT_TRUE(WaitFor([this] { return State().attached == 0; }));
  Report(4);
  daemon = std::make_unique<FakeDaemon>(dir_);
  Attached second = daemon->Answer();
  const auto told = second.ReadAll();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].error.code, 3);
  EXPECT_EQ(told[1].error.code, 4);
}

TEST_F(ReporterTest, ADaemonWhoseDirectoryDoesNotExistYetIsWaitedFor) {
  const std::string deeper = dir_ + "/run/fsherald";
  auto options = Options();
  options.runtime_dir = deeper.c_str();
  ASSERT_EQ(fsherald_reporter_open(&reporter_, &options), 0);
  Report();
  ASSERT_EQ(::mkdir((dir_ + "/run").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(deeper.c_str(), 0755), 0);
  FakeDaemon daemon(deeper);
  Attached attached = daemon.Answer();
  EXPECT_EQ(attached.ReadUntil(1).size(), 1U);
}

TEST_F(ReporterTest, ARefusalIsToldAndTriedAgainOnlyWithANewDaemon) {
  Open();
  auto daemon = std::make_unique<FakeDaemon>(dir_);
  daemon->Answer(EPERM);
  ASSERT_TRUE(WaitFor([this] { return State().attached == -EPERM; }));
  EXPECT_EQ(Report(), 0) << "it is kept all the same";
  std::ofstream(dir_ + "/something");
  EXPECT_FALSE(daemon->HasOffer());
  daemon.reset();
  daemon = std::make_unique<FakeDaemon>(dir_);
  Attached attached = daemon->Answer();
  EXPECT_TRUE(IsAttached());
  EXPECT_EQ(attached.ReadAll().size(), 1U);
}

TEST_F(ReporterTest, AQuotaThatIsUsedUpIsTriedAgain) {
  Open();
  FakeDaemon daemon(dir_);
  daemon.Answer(EDQUOT);
  ASSERT_TRUE(WaitFor([this] { return State().attached == -EDQUOT; }));
  const Attached attached = daemon.Answer();
  EXPECT_TRUE(IsAttached());
}

TEST_F(ReporterTest, AFullRingKeepsTheFirstMoreAndCountsTheRest) {
  auto options = Options();
  options.thread_bytes = 16384;
  options.threads = 1;
  ASSERT_EQ(fsherald_reporter_open(&reporter_, &options), 0);
  int whole = 0;
  int counted = 0;
  for (int i = 0; i < 1000; ++i) (Report(1 + i) == 0 ? whole : counted)++;
  EXPECT_EQ(whole, 16384 / 64 + 1);
  EXPECT_EQ(State().counted, static_cast<uint64_t>(counted));
  FakeDaemon daemon(dir_);
  Attached attached = daemon.Answer();
  const auto told = attached.ReadAll();
  ASSERT_EQ(told.size(), static_cast<size_t>(whole));
  for (size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i].error.code, static_cast<int>(1 + i));
  EXPECT_EQ(attached.counted, static_cast<uint64_t>(counted));
}

TEST_F(ReporterTest, FlushReturnsWhenAllHasBeenRead) {
  FakeDaemon daemon(dir_);
  Open();
  EXPECT_EQ(fsherald_reporter_flush(reporter_, 0), 0) << "there was nothing to read";
  Report();
  EXPECT_EQ(fsherald_reporter_flush(reporter_, 0), -ETIMEDOUT);
  EXPECT_EQ(fsherald_reporter_flush(reporter_, 20), -ETIMEDOUT);
  Attached attached = daemon.Answer();
  std::jthread reader([&] { attached.ReadUntil(1); });
  EXPECT_EQ(fsherald_reporter_flush(reporter_, kDeadlineMs), 0);
  EXPECT_EQ(State().waiting_bytes, 0U);
}

TEST_F(ReporterTest, FlushWaitsAlsoForWhatFoundNoRoom) {
  auto options = Options();
  options.thread_bytes = 16384;
  options.threads = 1;
  ASSERT_EQ(fsherald_reporter_open(&reporter_, &options), 0);
  for (int i = 0; i < 1000; ++i) Report();
  FakeDaemon daemon(dir_);
  Attached attached = daemon.Answer();
  while (attached.reader->Next()) {
  }
  attached.reader->Release();  // all but the counted
  EXPECT_EQ(fsherald_reporter_flush(reporter_, 0), -ETIMEDOUT);
  attached.ReadAll();
  EXPECT_EQ(fsherald_reporter_flush(reporter_, 0), 0);
}

TEST_F(ReporterTest, ASleepingDaemonIsWokenOnce) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  ASSERT_TRUE(attached.reader->Sleep());
  Report();
  Report();
  uint64_t wakes = 0;
  EXPECT_EQ(::read(attached.descriptors[1].get(), &wakes, sizeof wakes), static_cast<ssize_t>(sizeof wakes));
  EXPECT_EQ(wakes, 1U);
}

TEST_F(ReporterTest, TwentyThreadsReportAndAllAreTold) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  constexpr int kThreads = 20;
  constexpr int kEach = 5000;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) EXPECT_GE(Report(1 + thread), 0);
    });
  std::map<int, int> told;
  for (const Notification& notification : attached.ReadUntil(kThreads * kEach)) ++told[*notification.error.code];
  threads.clear();
  attached.ReadAll();
  uint64_t sum = attached.counted;
  for (const auto& [code, count] : told) sum += static_cast<uint64_t>(count);
  EXPECT_EQ(sum, uint64_t{kThreads} * kEach);
}

fsherald_reporter* handler_reporter = nullptr;

TEST_F(ReporterTest, ReportsFromASignalHandlerAndKeepsErrno) {
  FakeDaemon daemon(dir_);
  Open();
  Attached attached = daemon.Answer();
  handler_reporter = reporter_;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {
    const fsherald_report report = Error(2);
    fsherald_report_error(handler_reporter, &report);
  };
  ::sigaction(SIGUSR1, &action, &before);
  ASSERT_TRUE(attached.reader->Sleep());
  errno = E2BIG;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, E2BIG);
  constexpr int kSignals = 2000;
  std::jthread sender([thread = ::pthread_self()] {
    for (int i = 0; i < kSignals; ++i) ::pthread_kill(thread, SIGUSR1);
  });
  for (int i = 0; i < 20'000; ++i) EXPECT_GE(Report(1), 0);
  sender.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  const auto told = attached.ReadUntil(20'000);
  attached.ReadAll();
  EXPECT_GE(told.size() + attached.counted, 20'001U);
}

// Runs in a child: what `test` returns is its exit code.
int InChild(const std::function<int()>& test) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(test());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(ReporterTest, AfterForkTheChildIsAReporterOfItsOwn) {
  SKIP_UNDER_TSAN();
  Open();
  Report(1);
  FakeDaemon daemon(dir_);
  Attached parent = daemon.Answer();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool empty = State().waiting_bytes == 0;
    Report(2);
    ::_exit(empty && fsherald_reporter_flush(reporter_, kDeadlineMs) == 0 ? 0 : 1);
  }
  Attached of_child = daemon.Answer();
  const auto told = of_child.ReadUntil(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].error.code, 2);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto parents = parent.ReadAll();
  ASSERT_EQ(parents.size(), 1U) << "what the parent had waiting stays the parent's";
  EXPECT_EQ(parents[0].error.code, 1);
  EXPECT_EQ(Report(3), 0);
  EXPECT_EQ(parent.ReadAll().size(), 1U);
}

TEST_F(ReporterTest, TheDaemonSeesTheParentEndWhileTheChildLives) {
  SKIP_UNDER_TSAN();
  FakeDaemon daemon(dir_);
  Open();
  Attached parent = daemon.Answer();
  int hold[2];
  ASSERT_EQ(::pipe2(hold, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(hold[1]);
    char byte = 0;
    ::_exit(::read(hold[0], &byte, 1) == 0 ? 0 : 1);
  }
  fsherald_reporter_close(reporter_);
  reporter_ = nullptr;
  pollfd hung_up{.fd = parent.socket.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&hung_up, 1, kDeadlineMs), 1);
  ::close(hold[1]);
  ::close(hold[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ReporterTest, AChildMadeBehindTheLibrarysBackMayNotReport) {
  SKIP_UNDER_TSAN();
  Open();
  const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    fsherald_reporter_state state{.size = sizeof state};
    const bool refused = Report() == -ESTALE && fsherald_reporter_get_state(reporter_, &state) == -ESTALE;
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(State().waiting_bytes, 0U);
}

TEST_F(ReporterTest, ForkWhileOtherThreadsReportAndOpen) {
  SKIP_UNDER_TSAN();
  Open();
  std::jthread busy([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Report();
      fsherald_reporter* other = nullptr;
      const auto options = Options();
      ASSERT_EQ(fsherald_reporter_open(&other, &options), 0);
      fsherald_reporter_close(other);
    }
  });
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(InChild([this] {
                fsherald_reporter_state state{.size = sizeof state};
                fsherald_reporter_get_state(reporter_, &state);
                return Report() == 0 && state.waiting_bytes == 0 ? 0 : 1;
              }),
              0);
}

TEST_F(ReporterTest, ReportsWithNoMemoryLeft) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizers need address space of their own";
#else
  Open();
  EXPECT_EQ(InChild([this] {
              const rlimit none{.rlim_cur = 0, .rlim_max = 0};
              if (::setrlimit(RLIMIT_AS, &none) != 0 || ::setrlimit(RLIMIT_DATA, &none) != 0) return 2;
              if (::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) return 3;
              fsherald_reporter* other = nullptr;
              const auto options = Options();
              if (fsherald_reporter_open(&other, &options) >= 0) return 4;
              for (int i = 0; i < 100'000; ++i)
                if (Report() < 0) return 5;
              return 0;
            }),
            0);
#endif
}

TEST_F(ReporterTest, ClosingTheLastEndsTheThread) {
  const auto threads = [] {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
    return count;
  };
  const int before = threads();
  Open();
  fsherald_reporter* second = nullptr;
  const auto options = Options();
  ASSERT_EQ(fsherald_reporter_open(&second, &options), 0);
  EXPECT_EQ(threads(), before + 1);
  fsherald_reporter_close(second);
  EXPECT_EQ(threads(), before + 1);
  fsherald_reporter_close(reporter_);
  reporter_ = nullptr;
  EXPECT_TRUE(WaitFor([&] { return threads() == before; }));
  fsherald_reporter_close(nullptr);
}

TEST_F(ReporterTest, TheVersionIsTheProjects) { EXPECT_STREQ(fsherald_version(), "0.1.0"); }

}  // namespace
}  // namespace fsherald
