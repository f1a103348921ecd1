// SPDX-License-Identifier: MIT
#include "client/reporter_link.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "mount/descriptor_mount.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kFirstDelayNs = kMs;
constexpr uint64_t kLastSoonNs = 512 * kMs;
constexpr uint64_t kGoodNs = 1'000 * kMs;
constexpr uint64_t kLongestDelayNs = 5'000 * kMs;

Result<Fd> OpenMount(const ReporterTarget& target) {
  Fd fd(::open(target.mount_path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return ErrnoError("open", target.mount_path);
  const auto mount = FindMountOf(fd.get(), std::nullopt);
  if (!mount || mount->mount_id != target.mount_id || mount->dev != target.mount_dev)
    return ErrnoError("find the mount", target.mount_path, ENOENT);
  return fd;
}

protocol::Offer OfferOf(const ReporterTarget& target) {
  protocol::Offer offer{};
  offer.head = {.type = protocol::kOffer, .bytes = sizeof offer};
  offer.flags = target.mount_path.empty() ? 0 : protocol::kOfMount;
  target.type.copy(offer.type, protocol::kMaxNameBytes);
  target.name.copy(offer.name, protocol::kMaxNameBytes);
  return offer;
}

}  // namespace

// The mount point, where it leads to the mount: to open a mount's own root asks nothing of the file system, as what is below may.
Status SetMount(ReporterTarget& target, const char* path) {
  Fd fd(::open(path, O_PATH | O_CLOEXEC));
  if (!fd) return ErrnoError("open", path);
  auto mount = FindMountOf(fd.get(), std::nullopt);
  if (!mount) return mount.error();
  target.mount_id = mount->mount_id;
  target.mount_dev = mount->dev;
  target.mount_path = std::move(mount->mount_point);
  if (OpenMount(target)) return {};
  std::array<char, PATH_MAX> absolute;
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  const ssize_t size = ::readlink(link.c_str(), absolute.data(), absolute.size());
  if (size < 0) return ErrnoError("readlink", link);
  target.mount_path.assign(absolute.data(), static_cast<size_t>(size));
  return {};
}

Status ReporterLink::Offer(const ReporterMemory& memory) {
  std::array<int, protocol::kMaxDescriptors> descriptors{memory.memfd(), memory.eventfd()};
  size_t count = 2;
  auto socket = protocol::Connect(target_.runtime_dir, protocol::kReportSocket);
  if (!socket) return socket.error();
  Fd mount;
  if (!target_.mount_path.empty()) {
    auto opened = OpenMount(target_);
    if (!opened) return opened.error();
    mount = std::move(*opened);
    descriptors[count++] = mount.get();
  }
  const protocol::Offer offer = OfferOf(target_);
  Status sent = protocol::Send(socket->get(), std::as_bytes(std::span(&offer, 1)), std::span(descriptors).first(count));
  if (sent) socket_ = std::move(*socket);
  return sent;
}

ReporterLink::SocketId ReporterLink::FindSocket() const {
  struct stat status {};
  if (::lstat((target_.runtime_dir + '/' + protocol::kReportSocket).c_str(), &status) != 0) return {};
  return {.inode = status.st_ino, .changed_ns = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
}

void ReporterLink::Try(const ReporterMemory& memory, uint64_t now_ns) {
  if (socket_ || (retry_ns_ && *retry_ns_ > now_ns)) return;
  const SocketId found = FindSocket();
  if (refused_ && found == asked_) return;
  asked_ = found;
  refused_ = false;
  retry_ns_.reset();
  const Status offered = Offer(memory);
  if (offered) return;
  const int error = offered.error().code;
  if (error == ECONNREFUSED || error == EACCES) RetrySoon(now_ns);
  else if (error == ENOENT) Answered(ENOENT, now_ns);  // of the mount
  else RetryLater(now_ns);
}

void ReporterLink::Changed() {
  delay_ns_ = 0;
  retry_ns_.reset();
}

void ReporterLink::Receive(uint64_t now_ns) {
  auto packet = protocol::Receive(socket_.get());
  if (!packet && packet.error().code == EAGAIN) return;
  if (!packet || packet->bytes.empty()) return HungUp(now_ns);
  Bytes text;
  const auto answer = protocol::As<protocol::Answer>(*packet, protocol::kAnswer, &text);
  if (!answer || state_ == 1) return HungUp(now_ns);
  Answered(answer->error, now_ns);
}

void ReporterLink::Answered(int error, uint64_t now_ns) {
  state_ = error == 0 ? 1 : -std::clamp(error, 1, 4095);
  attached_ns_ = now_ns;
  if (error == 0) return;
  socket_.Reset();
  refused_ = error != EDQUOT && error != EAGAIN;
  if (!refused_) RetryLater(now_ns);
}

void ReporterLink::HungUp(uint64_t now_ns) {
  socket_.Reset();
  // Behind one that had attached us the next may be there already. One that says nothing, or finds our memory broken as soon as
  // it looks, is not asked again at once.
  const bool was_good = state_ == 1 && now_ns - attached_ns_ > kGoodNs;
  if (was_good) Changed();
  else RetryLater(now_ns);
  state_ = 0;
}

// A socket that was made and is not listened to yet, or never more, since its daemon was killed. The first tells nobody when it
// changes, but is over in a moment; a new daemon replaces the second, which is told.
void ReporterLink::RetrySoon(uint64_t now_ns) {
  state_ = 0;
  if (delay_ns_ >= kLastSoonNs || asked_ == SocketId{}) return;
  delay_ns_ = std::max(kFirstDelayNs, delay_ns_ * 2);
  retry_ns_ = now_ns + delay_ns_;
}

void ReporterLink::RetryLater(uint64_t now_ns) {
  delay_ns_ = std::clamp(delay_ns_ * 2, 10 * kFirstDelayNs, kLongestDelayNs);
  retry_ns_ = now_ns + delay_ns_;
}

void ReporterLink::Forget() {
  socket_.Reset();
  state_ = 0;
  refused_ = false;
  delay_ns_ = 0;
  retry_ns_.reset();
}

}  // namespace fsherald
