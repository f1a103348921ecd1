// SPDX-License-Identifier: MIT
#include "protocol/packet.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace fsherald::protocol {
namespace {

constexpr size_t kControlBytes = CMSG_SPACE(kMaxDescriptors * sizeof(int));

// The descriptors that came with a packet: ours to close, whatever else is wrong with it.
std::vector<Fd> TakeDescriptors(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

void PutDescriptors(msghdr& message, std::span<const int> descriptors) {
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(control), descriptors.data(), descriptors.size_bytes());
}

}  // namespace

std::string RuntimeDir(const char* wanted) {
  if (wanted != nullptr && *wanted != '\0') return wanted;
  const char* variable = ::secure_getenv(kRuntimeDirVariable);
  return variable != nullptr && *variable != '\0' ? variable : kRuntimeDir;
}

Result<sockaddr_un> SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{path + ": the path of a socket has at most 107 bytes: choose a shorter runtime directory", ENAMETOOLONG};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<Fd> Connect(const std::string& runtime_dir, const char* socket_name) {
  const std::string path = runtime_dir + '/' + socket_name;
  auto address = SocketAddress(path);
  if (!address) return address.error();
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoError("socket", path);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) return fd;
  Error error = ErrnoError("connect", path);
  if (error.code == ENOENT || error.code == ENOTDIR) error.code = ECONNREFUSED;
  return error;
}

Status Send(int socket, Bytes packet, std::span<const int> descriptors) {
  iovec part{.iov_base = const_cast<std::byte*>(packet.data()), .iov_len = packet.size()};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    PutDescriptors(message, descriptors);
  }
  if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return ErrnoError("send", "a packet");
  return {};
}

Result<Packet> Receive(int socket, Descriptors descriptors) {
  Packet packet;
  packet.bytes.resize(kMaxMessageBytes);
  iovec part{.iov_base = packet.bytes.data(), .iov_len = packet.bytes.size()};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const bool takes_descriptors = descriptors == Descriptors::kTaken;
  message.msg_control = takes_descriptors ? control.data() : nullptr;
  message.msg_controllen = takes_descriptors ? control.size() : 0;
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return ErrnoError("receive", "a packet");
  packet.descriptors = TakeDescriptors(message);
  packet.bytes.resize(static_cast<size_t>(size));
  if (size == 0) return packet;
  std::optional<Head> head = ByteReader(packet.bytes).Read<Head>();
  const int cut = message.msg_flags & (takes_descriptors ? MSG_TRUNC | MSG_CTRUNC : MSG_TRUNC);
  if (!head || head->bytes != packet.bytes.size() || cut != 0)
    return Error{"a packet is not as long as it says, or brings too many descriptors", EBADMSG};
  return packet;
}

std::optional<std::string> Text(std::span<const char> characters) {
  const auto end = std::ranges::find(characters, '\0');
  if (end == characters.end()) return std::nullopt;
  return std::string(characters.begin(), end);
}

}  // namespace fsherald::protocol
