// SPDX-License-Identifier: MIT
#include "daemon/peer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/packet.h"

namespace fsherald {
namespace {

constexpr int kBacklog = 64;

// Supplementary groups: SO_PEERGROUPS says ERANGE and the size where there are more than expected.
Result<std::vector<gid_t>> GroupsOf(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
      groups.resize(bytes / sizeof(gid_t));
      return groups;
    }
    if (errno != ERANGE) return ErrnoError("getsockopt", "SO_PEERGROUPS");
    groups.resize(bytes / sizeof(gid_t));
  }
}

}  // namespace

Result<Peer> PeerOf(int socket) {
  ucred credentials{};
  socklen_t bytes = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0)
    return ErrnoError("getsockopt", "SO_PEERCRED");
  auto groups = GroupsOf(socket);
  if (!groups) return groups.error();
  groups->push_back(credentials.gid);
  return Peer{.pid = credentials.pid, .uid = credentials.uid, .groups = std::move(*groups)};
}

bool IsAllowed(const Peer& peer, std::optional<gid_t> group) {
  return peer.uid == 0 || (group && std::ranges::find(peer.groups, *group) != peer.groups.end());
}

Result<Fd> Listen(const std::string& dir, const char* name) {
  const std::string path = dir + '/' + name;
  auto address = protocol::SocketAddress(path);
  if (!address) return address.error();
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoError("socket", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoError("remove", path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return ErrnoError("bind", path);
  if (::chmod(path.c_str(), kSocketMode) != 0) return ErrnoError("chmod", path);
  if (::listen(fd.get(), kBacklog) != 0) return ErrnoError("listen", path);
  return fd;
}

}  // namespace fsherald
