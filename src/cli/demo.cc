// SPDX-License-Identifier: MIT
// Nothing needs cleaning up, however the demo ends: the file system lies in a tmpfs, and both are mounted in a mount
// namespace that dies with this process; the loop device goes with its last mount.
#include "cli/demo.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "cli/damage.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "notify/monitor.h"
#include "record/text.h"

namespace fsherald {
namespace {

constexpr uint64_t kImageBytes = 16 << 20;
constexpr std::chrono::milliseconds kTellLimit{1000};  // for one damage; the usual is a few milliseconds
constexpr int kCounterLagMs = 2;                       // ext4 adds to its counter a moment after the error
const std::string kMountPoint = "/mnt";

// One damage: how debugfs(8) makes it, and what a user does that trips over it.
struct Damage {
  const char* title;
  const char* request;
  std::vector<std::string> command;
};

// In the files that MakeTree makes. The first entry behind "." and ".." of a folder begins at byte 24, its length at 28.
const std::array kDamages{
    Damage{"A folder in which an entry has no length", "zap_block -f /photos -o 28 -l 2 -p 0 0", {"ls", "/mnt/photos"}},
    Damage{
        "A file whose list of blocks has no head", "sif /letters/anna block[0] 0x1234", {"cat", "/mnt/letters/anna"}},
    Damage{"A folder of a kind that does not exist", "sif /music mode 0xff", {"ls", "-l", "/mnt/music"}},
    Damage{"A deleted file that still has its name", "sif /mail/inbox links_count 0", {"cat", "/mnt/mail/inbox"}},
};

Status WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::error_code code;
  std::filesystem::create_directories(path.parent_path(), code);
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) return Error{"write " + path.string(), EIO};
  return {};
}

Status MakeTree(const std::filesystem::path& tree) {
  for (const char* name : {"photos/beach.jpg", "photos/garden.jpg", "letters/anna", "music/song.ogg", "mail/inbox"}) {
    if (Status written = WriteFile(tree / name, "words\n"); !written) return written;
  }
  return {};
}

Status MakeDamagedImage(const std::string& image) {
  const std::string tree = kMountPoint + "/tree";
  if (Status made = MakeTree(tree); !made) return made;
  if (Status made = MakeExt4Image(image, kImageBytes, tree); !made) return made;
  std::vector<std::string> requests;
  for (const Damage& damage : kDamages) requests.emplace_back(damage.request);
  return ChangeExt4Image(image, requests);
}

// The damaged file system, mounted. The members go in the reverse of their order.
struct DamagedFilesystem {
  ScopedMount memory;
  LoopDevice device;
  ScopedMount mount;

  static Result<DamagedFilesystem> Make();

  // How many errors the kernel itself has counted on it since it was made.
  uint64_t CountedByKernel() const {
    uint64_t count = 0;
    std::ifstream("/sys/fs/ext4/" + device.path().substr(sizeof "/dev/" - 1) + "/errors_count") >> count;
    return count;
  }
};

Result<DamagedFilesystem> DamagedFilesystem::Make() {
  if (Status entered = EnterPrivateMountNamespace(); !entered) return entered.error();
  auto memory = ScopedMount::Mount("fsherald-demo", kMountPoint, "tmpfs", "mode=0700");
  if (!memory) return memory.error();
  const std::string image = kMountPoint + "/image";
  if (Status made = MakeDamagedImage(image); !made) return made.error();
  auto device = LoopDevice::Attach(image);
  if (!device) return device.error();
  // Over the tmpfs: from here on all that /mnt shows is the damaged file system.
  auto mount = ScopedMount::Mount(device->path(), kMountPoint, "ext4", "errors=continue");
  if (!mount) return mount.error();
  return DamagedFilesystem{std::move(*memory), std::move(*device), std::move(*mount)};
}

// The machinery of `watch`, on the damaged file system alone.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> Open(const DemoOptions& options);

  // Prints what is told, until there is something, and all that the kernel has counted is told, or for kTellLimit.
  // True: that is so.
  Result<bool> Tell(const DamagedFilesystem& filesystem);

  // The number of errors told, of all damages so far.
  uint64_t told() const { return told_; }

 private:
  explicit Watch(const DemoOptions& options) : text_{.color = options.color}, host_(ReadHost()) {}
  void Print(const Notification& notification);

  TextOptions text_;
  Host host_;
  uint64_t told_ = 0;
  std::unique_ptr<Monitor> monitor_;  // it calls Print
};

Result<std::unique_ptr<Watch>> Watch::Open(const DemoOptions& options) {
  std::unique_ptr<Watch> watch(new Watch(options));
  Monitor::Options only_the_demo;
  only_the_demo.paths = {kMountPoint};
  auto monitor = Monitor::Open(std::move(only_the_demo),
                               [w = watch.get()](const Notification& notification, FilesystemKey) { w->Print(notification); });
  if (!monitor) return monitor.error();
  watch->monitor_ = std::move(*monitor);
  for (const SourceReport& source : watch->monitor_->sources()) {
    if (!source.active) Say(fmt::format("Without the source {}: {}\n", Name(source.id), source.words));
  }
  return watch;
}

void Watch::Print(const Notification& notification) {
  if (!notification.gap) told_ += notification.error.count;
  std::string text;
  AppendText(notification, host_, text_, text);
  fmt::print("{}", text);
}

Result<bool> Watch::Tell(const DamagedFilesystem& filesystem) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + kTellLimit;
  const uint64_t told_before = told_;
  while (true) {
    if (Status pumped = monitor_->Pump(); !pumped) return pumped.error();
    if (told_ > told_before && told_ == filesystem.CountedByKernel()) return true;
    if (Clock::now() >= deadline) return false;
    pollfd event{monitor_->fd(), POLLIN, 0};
    if (::poll(&event, 1, kCounterLagMs) < 0 && errno != EINTR) return ErrnoError("wait for", "errors");
  }
}

void PrintTrip(size_t number, const Damage& damage, const ProgramOutput& output) {
  fmt::print("{}. {}\n\n  $ {}\n", number, damage.title, fmt::join(damage.command, " "));
  if (output.text.empty()) {
    fmt::print("  (nothing, and exit code {}: the user sees an empty folder, and no error)\n", output.exit_code);
  }
  for (size_t from = 0; from < output.text.size();) {
    const size_t end = std::min(output.text.find('\n', from), output.text.size());
    fmt::print("  {}\n", output.text.substr(from, end - from));
    from = end + 1;
  }
  fmt::print("\n");
}

// Trips over one damage; true if all that the kernel counted of it was told.
Result<bool> Trip(size_t number, const Damage& damage, const DamagedFilesystem& filesystem, Watch& watch) {
  auto output = RunProgram(damage.command);
  if (!output) return output.error();
  PrintTrip(number, damage, *output);
  auto all_told = watch.Tell(filesystem);
  if (all_told && !*all_told) {
    fmt::print("  The kernel counts {} errors by now, {} were told.\n\n", filesystem.CountedByKernel(), watch.told());
  }
  std::fflush(stdout);
  return all_told;
}

Result<int> MakeAndShow(const DemoOptions& options) {
  auto filesystem = DamagedFilesystem::Make();
  if (!filesystem) return filesystem.error();
  auto watch = Watch::Open(options);
  if (!watch) return watch.error();
  fmt::print(
      "A small ext4 in memory, seen by nobody else, damaged in four ways. What a user sees, and what is told:\n\n");
  size_t number = 0;
  bool all_told = true;
  for (const Damage& damage : kDamages) {
    auto told = Trip(++number, damage, *filesystem, **watch);
    if (!told) return told.error();
    all_told = all_told && *told;
  }
  return all_told ? kExitOk : kExitFailure;
}

int Fail(const Error& error) {
  Complain(error.ToString());
  return error.code == EPERM || error.code == EACCES ? kExitNotPermitted : kExitFailure;
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  if (options.filesystem != "ext4") {
    Complain(fmt::format("there is no demo of {}, only of ext4", options.filesystem));
    return kExitUsage;
  }
  if (::geteuid() != 0) {
    Complain("the demo makes a file system and mounts it, which only root may do: sudo fsherald demo");
    return kExitNotPermitted;
  }
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  auto code = MakeAndShow(options);
  if (!code) return Fail(code.error());
  fmt::print(
      "All of it is gone again, but for some lines in the kernel's log. Go on with\n\n"
      "  fsherald watch     tells every error of every ext4 of this machine as it happens\n"
      "  fsherald doctor    what this machine can see, and what not\n");
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return Fail(ErrnoError("write to", "standard output"));
  return *code;
}

}  // namespace fsherald
