// SPDX-License-Identifier: MIT
#include "source/xfs_health.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "source/xfs_health_record.h"

namespace fsherald {
namespace {

// Linux, fs/xfs/libxfs/xfs_fs.h, struct xfs_health_monitor and XFS_IOC_HEALTH_MONITOR.
struct Request {
  uint64_t flags;  // 0: what changes
  uint8_t format;  // 0: V0
  uint8_t pad[23];
};
static_assert(sizeof(Request) == 32);
constexpr unsigned long kHealthMonitor = _IOW('X', 68, Request);
static_assert(kHealthMonitor == 0x40205844);
constexpr uint8_t kNoFormat = 0xff;

Error WhyNot(const std::string& path, int code) {
  switch (code) {
    case ENOTTY:
    case EOPNOTSUPP: return {"this kernel's XFS has no health monitor (it came with Linux 7.0)", 0};
    case EEXIST:
    case EBUSY:
      return {
          "another process has the health monitor of " + path + " (a repair daemon?), and a file system has but one",
          0};
    case EPERM:
      return {"the health monitor of " + path +
                  " is not for this process: it needs CAP_SYS_ADMIN outside of any user namespace, and a mount of the "
                  "file system's root directory",
              0};
    default: return ErrnoError("open the health monitor of", path, code);
  }
}

Result<Fd> OpenDirectory(const std::string& path) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return ErrnoError("open", path);
  return directory;
}

}  // namespace

Result<Fd> OpenXfsHealthMonitor(const Mounting& mounting) {
  const std::string& path = mounting.access_path;
  if (path.empty()) return Error{mounting.info.device + " cannot be reached by any path", 0};
  Result<Fd> directory = OpenDirectory(path);
  if (!directory) return directory.error();
  struct stat status;
  if (::fstat(directory->get(), &status) != 0) return ErrnoError("stat", path);
  const DeviceNumber dev{major(status.st_dev), minor(status.st_dev)};
  if (mounting.info.dev.value_or(dev) != dev) return Error{path + " is another file system by now", 0};
  Request request{};
  Fd monitor(::ioctl(directory->get(), kHealthMonitor, &request));
  if (!monitor) return WhyNot(path, errno);
  return monitor;
}

// A format that there is not is refused before anything is opened.
Result<bool> HasXfsHealthMonitor(const std::string& path) {
  Result<Fd> directory = OpenDirectory(path);
  if (!directory) return directory.error();
  Request request{};
  request.format = kNoFormat;
  const Fd opened(::ioctl(directory->get(), kHealthMonitor, &request));
  return opened || (errno != ENOTTY && errno != EOPNOTSUPP);
}

Result<XfsHealthSource> XfsHealthSource::Open(Opener open) {
  Result<Poller> poller = Poller::Open();
  if (!poller) return poller.error();
  return XfsHealthSource(std::move(open), std::move(*poller));
}

Status XfsHealthSource::Add(const Mounting& mounting, uint64_t now_boottime_ns) {
  const FilesystemKey key{mounting.key};
  if (Covers(key)) return {};
  Result<Fd> fd = open_(mounting);
  if (!fd) return fd.error();
  const int flags = ::fcntl(fd->get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd->get(), F_SETFL, flags | O_NONBLOCK) != 0) return ErrnoError("fcntl", "");
  if (Status added = poller_.Add(fd->get(), EPOLLIN); !added) return added;
  monitors_.emplace(key, Monitor{.fd = std::move(*fd),
                                 .device = mounting.info.device,
                                 .since_boottime_ns = now_boottime_ns,
                                 .last_read_boottime_ns = now_boottime_ns});
  return {};
}

void XfsHealthSource::Forget(FilesystemKey key) {
  auto it = monitors_.find(key);
  if (it == monitors_.end()) return;
  poller_.Remove(it->second.fd.get());
  monitors_.erase(it);
}

XfsHealthSignals XfsHealthSource::Read(uint64_t now_boottime_ns, int64_t now_utc_ns) {
  XfsHealthSignals out;
  const std::vector<int> ready = poller_.Ready();
  std::vector<FilesystemKey> ended;
  for (auto& [key, monitor] : monitors_) {
    if (std::ranges::find(ready, monitor.fd.get()) == ready.end()) continue;
    if (!Drain(key, monitor, {now_boottime_ns, now_utc_ns}, out)) ended.push_back(key);
    monitor.last_read_boottime_ns = now_boottime_ns;
  }
  for (FilesystemKey key : ended) Forget(key);
  return out;
}

// No more at once than its queue holds; the rest wakes us again.
bool XfsHealthSource::Drain(FilesystemKey key, Monitor& monitor, const Now& now, XfsHealthSignals& out) {
  constexpr int kMostReads = 16;
  std::array<std::byte, 4096> buffer;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t size = ::read(monitor.fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN;
    if (size == 0) return false;  // unmounted
    Take(key, monitor, Bytes(buffer).first(static_cast<size_t>(size)), now, out);
    if (static_cast<size_t>(size) < buffer.size()) break;
  }
  return true;
}

void XfsHealthSource::Take(FilesystemKey key, Monitor& monitor, Bytes bytes, const Now& now, XfsHealthSignals& out) {
  XfsHealthBatch batch = ParseXfsHealth(bytes);
  for (const XfsHealthEvent& event : batch.events) {
    std::optional<ErrorReport> report = ParseXfsHealthEvent(event);
    if (!report) continue;
    const bool is_own = report->device_error && event.domain == XfsHealthEvent::Domain::kDataDevice;
    if (is_own) report->device_error->device = monitor.device;
    // Its clock is UTC, of the last timer tick; what it says cannot be older than the monitor, nor to come.
    const auto utc_ns = static_cast<int64_t>(std::min<uint64_t>(event.utc_ns, INT64_MAX));
    const auto ago_ns = static_cast<uint64_t>(std::max<int64_t>(now.utc_ns - utc_ns, 0));
    const uint64_t boottime_ns =
        std::max(monitor.since_boottime_ns, now.boottime_ns - std::min(ago_ns, now.boottime_ns));
    out.signals.push_back({key, EventSignal{.boottime_ns = std::min(boottime_ns, now.boottime_ns),
                                            .report = std::move(*report),
                                            .sources = SourceId::kHealth}});
  }
  if (batch.lost > 0)
    out.signals.push_back({key, GapSignal{.from_boottime_ns = monitor.last_read_boottime_ns,
                                          .to_boottime_ns = now.boottime_ns,
                                          .source = SourceId::kHealth,
                                          .count = batch.lost}});
  out.unmounted = out.unmounted || batch.unmounted;
  out.refused += batch.refused;
}

}  // namespace fsherald
