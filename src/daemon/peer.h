// SPDX-License-Identifier: MIT
// Who is at the other end of a socket, and whether he may use it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups;  // the primary one too
};

// As they were when he connected (SO_PEERCRED, SO_PEERGROUPS).
Result<Peer> PeerOf(int socket);

// Root, and who is in `group` where there is one.
bool IsAllowed(const Peer& peer, std::optional<gid_t> group);

inline constexpr mode_t kSocketMode = 0666;

// A listening SOCK_SEQPACKET socket <dir>/<name>, mode 0666: everybody may connect, and is then told by a sentence if he may not
// more. What a daemon that was killed left there is removed; the caller makes sure that none runs.
Result<Fd> Listen(const std::string& dir, const char* name);

}  // namespace fsherald
