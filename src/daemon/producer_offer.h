// SPDX-License-Identifier: MIT
// Judging what a reporter offers. Pure; both the packet and what stands behind its descriptors are hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "daemon/peer.h"
#include "mount/descriptor_mount.h"
#include "protocol/packet.h"

namespace fsherald {

// What the kernel says of the descriptors that came along.
struct OfferedDescriptors {
  std::optional<int> seals;      // of the first, by F_GET_SEALS; empty: it is no memory that can be sealed
  bool is_plain_memory = false;  // of the first: of pages as usual; huge ones can run out when they are touched
  uint64_t bytes = 0;            // of the first
  uint64_t inode = 0;            // of the first: which memory it is
  bool is_eventfd = false;       // the second
};
OfferedDescriptors DescribeDescriptors(const protocol::Packet& packet, const std::string& proc_root);

struct JudgedOffer {
  bool of_mount = false;
  std::string type;  // both empty: of_mount
  std::string name;
};

// Errors: EINVAL and a sentence for its author.
Result<JudgedOffer> JudgeOffer(const protocol::Packet& packet, const OfferedDescriptors& descriptors,
                               const std::set<std::string>& kernel_types);

// Whether this peer may speak for that mount. Errors: EPERM and a sentence.
Status JudgeMount(const DescriptorMount& mount, const Peer& peer);

// The types of /proc/filesystems.
std::set<std::string> KernelTypes(const std::string& proc_root);

}  // namespace fsherald
