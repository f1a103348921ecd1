// SPDX-License-Identifier: MIT
// A hostile reporter beside an honest one: it scribbles over its own ring while that is read, submits to it all the same, offers
// what it should not, floods with wake-ups, connections and half messages. Nothing of it may end the daemon's side, or cost the
// honest one a single error. FSHERALD_LONG=1: 10^7 rounds.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "daemon/peer.h"
#include "daemon/producers.h"
#include "daemon/test_reporter.h"

namespace {

using namespace fsherald;

constexpr char kMessage[] = "the honest one's own words";

[[noreturn]] void Fail(const std::string& sentence) {
  std::fprintf(stderr, "hostile: %s\n", sentence.c_str());
  ::_exit(1);
}

uint64_t Rounds() {
  const char* variable = ::getenv("FSHERALD_LONG");
  const bool is_long = variable != nullptr && std::string_view(variable) == "1";
  return is_long ? 10'000'000 : 300'000;
}

class Hostile {
 public:
  Hostile(std::string dir, uint64_t seed) : dir_(std::move(dir)), random_(seed) { Attach(); }

  void Round() {
    switch (Below(16)) {
      case 0: return Poke();
      case 1: return SetHeadsNearby();
      case 2: return Wake();
      case 3: return ChangeALength();
      case 4: return Below(64) == 0 ? OfferWhatIsWrong() : ScribbleAWord();
      case 5: return Below(4096) == 0 ? Connect(100) : ScribbleAWord();
      case 6: return Below(1024) == 0 ? Truncate() : Submit();
      default: return Below(2) == 0 ? Submit() : ScribbleInTheHeader();
    }
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  void Attach() {
    reporter_ = std::make_unique<TestReporter>(1 + static_cast<uint32_t>(Below(4)));
    while (!reporter_->Offer(dir_, "scribbler", "ring")) ::usleep(100);
  }
  // Who has been let go comes again with another ring.
  void Poke() {
    if (reporter_->HasHungUp()) Attach();
  }
  void Store(size_t offset, uint64_t value) {
    auto* word = reinterpret_cast<uint64_t*>(reporter_->memory().data() + offset / 8 * 8);
    std::atomic_ref(*word).store(value, std::memory_order_relaxed);
  }
  uint64_t Value() {
    switch (Below(4)) {
      case 0: return Below(256);
      case 1: return Below(TestReporter::kLaneBytes) * 16;
      case 2: return UINT64_MAX - Below(256);
      default: return random_();
    }
  }
  void ScribbleAWord() { Store(Below(reporter_->memory().size() - 8), Value()); }
  void ScribbleInTheHeader() {
    if (Below(64) == 0) Store(Below(sizeof(ring::SegmentHeader) + 2 * sizeof(ring::Lane)), Value());
  }
  void SetHeadsNearby() {
    if (Below(16) != 0) return;
    ring::Lane& lane = reporter_->lane(0);
    lane.head.store(lane.tail.load() + Below(2 * TestReporter::kLaneBytes) / 16 * 16);
  }
  // Of the slots at the beginning of the data, where the reader is as likely as anywhere.
  void ChangeALength() {
    const uint32_t lanes = reporter_->header().lane_count % 8;
    const auto data = reinterpret_cast<std::byte*>(&reporter_->lane(lanes)) - reporter_->memory().data();
    const size_t offset = static_cast<size_t>(data) + Below(64) * 64;
    if (offset + 8 <= reporter_->memory().size()) Store(offset, Below(2) == 0 ? Below(8192) : Value());
  }
  void Submit() { reporter_->Report(1 + static_cast<int>(Below(5000))); }
  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t size = ::write(reporter_->eventfd(), &one, sizeof one);
  }
  void Truncate() {
    if (::ftruncate(reporter_->memfd(), 0) == 0 || errno != EPERM) Fail("memory that is sealed could be cut off");
  }
  void Connect(int count) {
    std::vector<Fd> sockets;
    for (int i = 0; i < count; ++i)
      if (auto socket = protocol::Connect(dir_, protocol::kReportSocket)) sockets.push_back(std::move(*socket));
    if (!sockets.empty()) (void)protocol::Send(sockets.front().get(), std::array<std::byte, 3>{});
  }
  void OfferWhatIsWrong() {
    auto socket = protocol::Connect(dir_, protocol::kReportSocket);
    if (!socket) return;
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
    const Fd read_end(pipe[0]);
    const Fd write_end(pipe[1]);
    const Fd unsealed(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const Fd blocking(::eventfd(0, EFD_CLOEXEC));
    if (::ftruncate(unsealed.get(), static_cast<off_t>(Below(uint64_t{1} << 40))) != 0) return;
    if (Below(2) == 0) ::fcntl(unsealed.get(), F_ADD_SEALS, F_SEAL_SHRINK);
    const std::array some{read_end.get(), write_end.get(),    unsealed.get(),
                          blocking.get(), reporter_->memfd(), reporter_->eventfd()};
    std::vector<int> descriptors;
    for (uint64_t left = Below(4); left > 0; --left) descriptors.push_back(some[Below(some.size())]);
    protocol::Offer offer{};
    offer.head = {.type = Below(8) == 0 ? protocol::kOpen : protocol::kOffer, .bytes = sizeof offer};
    offer.flags = static_cast<uint32_t>(Below(8) == 0 ? Value() : Below(2));
    std::memset(offer.type, static_cast<int>('a' + Below(26)), Below(sizeof offer.type + 1));
    std::memset(offer.name, static_cast<int>(Below(256)), Below(sizeof offer.name + 1));
    const auto bytes = std::as_bytes(std::span(&offer, 1));
    (void)protocol::Send(socket->get(), Below(8) == 0 ? bytes.first(1 + Below(sizeof offer)) : bytes, descriptors);
  }

  std::string dir_;
  std::mt19937_64 random_;
  std::unique_ptr<TestReporter> reporter_;
};

template <typename Do>
pid_t InChild(Do act) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(act());
}

// It may break its own neck: the writer trusts its own memory. Then another one goes on.
int BeHostile(const std::string& dir) {
  void* shared = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  auto& round = *new (shared) std::atomic<uint64_t>(0);
  while (round < Rounds()) {
    const pid_t child = InChild([&] {
      for (int signal : {SIGSEGV, SIGBUS}) ::signal(signal, SIG_DFL);  // not a sanitizer's: it is no fault
      Hostile hostile(dir, round + 1);
      for (; round < Rounds(); ++round) {
        hostile.Round();
        if (round % 256 == 0) ::usleep(500);  // else most of the rounds would be over before anybody has looked
      }
      return 0;
    });
    int status = 0;
    ::waitpid(child, &status, 0);
    const bool broke_its_neck = WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
    if (!broke_its_neck && status != 0) return 1;
    ++round;
  }
  return 0;
}

// Reports until `stop` is closed, then says on `count` how many errors that were.
int BeHonest(const std::string& dir, int stop, int count) {
  fsherald_reporter_options options{};
  options.size = sizeof options;
  options.type = "honest";
  options.name = "ring";
  options.threads = 1;
  options.runtime_dir = dir.c_str();
  fsherald_reporter* reporter = nullptr;
  if (fsherald_reporter_open(&reporter, &options) != 0) return 1;
  uint64_t reported = 0;
  for (pollfd fd{.fd = stop, .events = POLLIN, .revents = 0}; ::poll(&fd, 1, 1) == 0;) {
    for (int i = 0; i < 50; ++i, ++reported) {
      fsherald_report report{};
      report.size = sizeof report;
      report.error = EIO;
      report.message = kMessage;
      if (fsherald_report_error(reporter, &report) < 0) return 2;
    }
  }
  if (fsherald_reporter_flush(reporter, 60'000) != 0) return 3;
  if (::write(count, &reported, sizeof reported) != static_cast<ssize_t>(sizeof reported)) return 4;
  fsherald_reporter_close(reporter);
  return 0;
}

struct Sums {
  uint64_t honest = 0;
  uint64_t hostile = 0;
  uint64_t gaps = 0;
};

void Check(const Notification& told, Sums& sums) {
  if (told.origin != Origin::kUser || !told.task) Fail("something was told that no reporter can have said");
  if (told.filesystem.type == "honest") {
    if (told.kind == Kind::kGap) Fail("the honest one's ring was taken for broken");
    if (told.error.code && (told.error.code != EIO || told.specific->message != kMessage))
      Fail("an honest report was changed");
    sums.honest += told.error.count;
  } else {
    sums.hostile += told.kind != Kind::kGap;
    sums.gaps += told.kind == Kind::kGap;
  }
}

bool HasEnded(pid_t child, const char* who) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return false;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    Fail(std::string(who) + " ended with status " + std::to_string(status));
  return true;
}

}  // namespace

int main() {
  std::string dir = std::filesystem::temp_directory_path() / "fsherald.XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) Fail("no directory");
  auto listener = Listen(dir, protocol::kReportSocket);
  if (!listener) Fail(listener.error().ToString());
  UserFilesystems filesystems;
  Sums sums;
  auto producers = Producers::Open({.group = ::getgid()}, std::move(*listener), filesystems,
                                   [&](Notification&& told, auto) { Check(told, sums); });
  if (!producers) Fail(producers.error().ToString());

  std::array<int, 2> stop{};
  std::array<int, 2> count{};
  if (::pipe2(stop.data(), O_CLOEXEC) != 0 || ::pipe2(count.data(), O_CLOEXEC | O_NONBLOCK) != 0) Fail("no pipe");
  const pid_t honest = InChild([&] {
    ::close(stop[1]);
    return BeHonest(dir, stop[0], count[1]);
  });
  const pid_t hostile = InChild([&] { return BeHostile(dir); });

  for (bool hostile_ended = false, honest_ended = false; !honest_ended;) {
    pollfd fd{.fd = (*producers)->fd(), .events = POLLIN, .revents = 0};
    if (::poll(&fd, 1, 100) == 1) (*producers)->Pump();
    if (!hostile_ended && HasEnded(hostile, "the hostile one")) {
      hostile_ended = true;
      ::close(stop[1]);
    }
    honest_ended = hostile_ended && HasEnded(honest, "the honest one");
  }
  std::filesystem::remove_all(dir);
  uint64_t reported = 0;
  if (::read(count[0], &reported, sizeof reported) != static_cast<ssize_t>(sizeof reported)) Fail("no count");
  std::printf("%lu rounds: of the hostile one %lu told, %lu rings broken, %lu refusals; of the honest one %lu of %lu\n",
              Rounds(), sums.hostile, sums.gaps, (*producers)->refused(), sums.honest, reported);
  if (sums.honest != reported) Fail("what the honest one reported was not told exactly");
  if (sums.gaps == 0 || sums.hostile == 0) Fail("the hostile one did no harm even to itself");
  return 0;
}
