// SPDX-License-Identifier: MIT
// Nothing needs cleaning up, however the demo ends: the file system lies in a tmpfs, and both are mounted in a mount
// namespace that dies with this process; the loop device goes with its last mount.
#include "cli/demo.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "cli/damage.h"
#include "cli/demo_filesystem.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "notify/monitor.h"
#include "record/text.h"

namespace fsherald {
namespace {

constexpr std::chrono::milliseconds kTellLimit{2000};  // for one damage; the usual is a few milliseconds
constexpr std::chrono::milliseconds kQuiet{300};       // where not all are counted: longer than anything is waited for
constexpr int kCounterLagMs = 2;                       // a counter follows the error a moment later

// The damaged file system, mounted. The members go in the reverse of their order.
struct DamagedFilesystem {
  ScopedMount memory;
  LoopDevice device;
  ScopedMount mount;

  const DemoFilesystem* demo;

  static Result<DamagedFilesystem> Make(const DemoFilesystem& demo);

  // How many errors the kernel itself has counted on it since it was made; empty: it does not count.
  std::optional<uint64_t> CountedByKernel() const {
    if (demo->counted == nullptr) return std::nullopt;
    return demo->counted(device.path().substr(sizeof "/dev/" - 1));
  }
};

Status MakeImage(const DemoFilesystem& demo, const std::string& image) {
  const std::string tree = kDemoMountPoint + "/tree";
  if (Status made = MakeDemoTree(tree); !made) return made;
  return demo.make(image, tree);
}

Result<DamagedFilesystem> DamagedFilesystem::Make(const DemoFilesystem& demo) {
  if (Status entered = EnterPrivateMountNamespace(); !entered) return entered.error();
  auto memory = ScopedMount::Mount("fsherald-demo", kDemoMountPoint, "tmpfs", "mode=0700");
  if (!memory) return memory.error();
  const std::string image = kDemoMountPoint + "/image";
  if (Status made = MakeImage(demo, image); !made) return made.error();
  auto device = LoopDevice::Attach(image);
  if (!device) return device.error();
  // Over the tmpfs: from here on all that /mnt shows is the damaged file system.
  const std::string type(demo.type);
  auto mount = ScopedMount::Mount(device->path(), kDemoMountPoint, type, demo.mount_options);
  if (!mount && mount.error().code == ENODEV) return Error{"this kernel has no " + type};
  if (!mount) return mount.error();
  return DamagedFilesystem{std::move(*memory), std::move(*device), std::move(*mount), &demo};
}

// The machinery of `watch`, on the damaged file system alone.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> Open(const DemoOptions& options);

  // Prints what is told, until there is something, and all that the kernel has counted is told; where it does not count
  // all, until no more comes; for kTellLimit at the most. True: that is so.
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
  only_the_demo.paths = {kDemoMountPoint};
  auto monitor = Monitor::Open(std::move(only_the_demo), [w = watch.get()](const Notification& notification,
                                                                           FilesystemKey) { w->Print(notification); });
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
  Clock::time_point quiet_since = Clock::now();
  while (true) {
    const uint64_t told_so_far = told_;
    if (Status pumped = monitor_->Pump(); !pumped) return pumped.error();
    const Clock::time_point now = Clock::now();
    if (told_ != told_so_far) quiet_since = now;
    const uint64_t counted = filesystem.CountedByKernel().value_or(0);
    const bool is_all =
        filesystem.demo->counts_all ? told_ == counted : told_ >= counted && now - quiet_since >= kQuiet;
    if (told_ > told_before && is_all) return true;
    if (now >= deadline) return false;
    pollfd event{monitor_->fd(), POLLIN, 0};
    if (::poll(&event, 1, kCounterLagMs) < 0 && errno != EINTR) return ErrnoError("wait for", "errors");
  }
}

void PrintTrip(size_t number, const DemoDamage& damage, const ProgramOutput& output) {
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

// Trips over one damage; true if it was told, and all that the kernel counted of it.
Result<bool> Trip(size_t number, const DemoDamage& damage, const DamagedFilesystem& filesystem, Watch& watch) {
  auto output = RunProgram(damage.command);
  if (!output) return output.error();
  PrintTrip(number, damage, *output);
  auto all_told = watch.Tell(filesystem);
  if (all_told && !*all_told) {
    const auto counted = filesystem.CountedByKernel();
    if (!counted) fmt::print("  Nothing was told of it.\n\n");
    else
      fmt::print("  Not all was told of it: {} errors by now, and the kernel counts {}.\n\n", watch.told(), *counted);
  }
  std::fflush(stdout);
  return all_told;
}

Result<int> MakeAndShow(const DemoFilesystem& demo, const DemoOptions& options) {
  auto filesystem = DamagedFilesystem::Make(demo);
  if (!filesystem) return filesystem.error();
  auto watch = Watch::Open(options);
  if (!watch) return watch.error();
  fmt::print("A small {} in memory, seen by nobody else, damaged in four ways. What a user sees, and what is told:\n\n",
             demo.type);
  size_t number = 0;
  bool all_told = true;
  for (const DemoDamage& damage : demo.damages) {
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
  const DemoFilesystem* demo = FindDemoFilesystem(options.filesystem);
  if (demo == nullptr) {
    Complain(fmt::format("there is no demo of {}, only of {}", options.filesystem, DemoFilesystemNames()));
    return kExitUsage;
  }
  if (::geteuid() != 0) {
    Complain("the demo makes a file system and mounts it, which only root may do: sudo fsherald demo");
    return kExitNotPermitted;
  }
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  auto code = MakeAndShow(*demo, options);
  if (!code) return Fail(code.error());
  fmt::print(
      "All of it is gone again, but for some lines in the kernel's log. Go on with\n\n"
      "  fsherald watch     tells every error of every file system of this machine as it happens\n"
      "  fsherald doctor    what this machine can see, and what not\n");
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return Fail(ErrnoError("write to", "standard output"));
  return *code;
}

}  // namespace fsherald
