// SPDX-License-Identifier: MIT
#include "daemon/producer_offer.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <array>
#include <fstream>

#include "ring/layout.h"

namespace fsherald {
namespace {

constexpr uint64_t kMinBytes = ring::SegmentBytes(1, ring::kMinLaneBytes);
constexpr uint64_t kMaxBytes = ring::SegmentBytes(ring::kMaxLanes, ring::kMaxLaneBytes);

Error Invalid(std::string why) { return Error{std::move(why), EINVAL}; }

Status JudgeDescriptors(const OfferedDescriptors& descriptors) {
  if (!descriptors.seals || !descriptors.is_plain_memory)
    return Invalid("the first descriptor is no memfd of usual pages");
  if ((*descriptors.seals & F_SEAL_SHRINK) == 0) return Invalid("the memfd is not sealed against shrinking");
  if (descriptors.bytes < kMinBytes || descriptors.bytes > kMaxBytes)
    return Invalid("the memfd's size is out of bounds");
  if (!descriptors.is_eventfd) return Invalid("the second descriptor is no eventfd");
  return {};
}

}  // namespace

// A descriptor that is a path only, or on a file system that does not answer, is asked nothing: F_GET_SEALS and F_GETFL are the
// kernel's own to answer, and what is a memfd may be asked the rest.
OfferedDescriptors DescribeDescriptors(const protocol::Packet& packet, const std::string& proc_root) {
  OfferedDescriptors found;
  if (packet.descriptors.size() < 2) return found;
  const int memory = packet.descriptors[0].get();
  if (const int seals = ::fcntl(memory, F_GET_SEALS); seals >= 0) {
    struct stat status {};
    struct statfs filesystem {};
    found.seals = seals;
    if (::fstat(memory, &status) == 0) {
      found.bytes = static_cast<uint64_t>(status.st_size);
      found.inode = status.st_ino;
    }
    found.is_plain_memory = ::fstatfs(memory, &filesystem) == 0 && filesystem.f_type == TMPFS_MAGIC;
  }
  std::array<char, 32> target{};
  const std::string link = proc_root + "/self/fd/" + std::to_string(packet.descriptors[1].get());
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  found.is_eventfd = size > 0 && std::string_view(target.data(), static_cast<size_t>(size)) == "anon_inode:[eventfd]";
  return found;
}

Result<JudgedOffer> JudgeOffer(const protocol::Packet& packet, const OfferedDescriptors& descriptors,
                               const std::set<std::string>& kernel_types) {
  const auto offer = protocol::As<protocol::Offer>(packet, protocol::kOffer);
  if (!offer || offer->reserved != 0 || (offer->flags & ~protocol::kOfMount) != 0)
    return Invalid("the first message is no offer of memory");
  JudgedOffer judged{.of_mount = (offer->flags & protocol::kOfMount) != 0};
  if (packet.descriptors.size() != (judged.of_mount ? 3U : 2U))
    return Invalid("the offer's descriptors are not those it needs");
  if (Status judged_descriptors = JudgeDescriptors(descriptors); !judged_descriptors) return judged_descriptors.error();
  const auto type = protocol::Text(offer->type);
  const auto name = protocol::Text(offer->name);
  if (!type || !name || type->empty() != judged.of_mount || name->empty() != judged.of_mount)
    return Invalid("an offer is either of a mount, or of a type and a name of 1 to 31 bytes");
  if (kernel_types.contains(*type) || DescriptorMount{.type = *type}.is_fuse())
    return Invalid(*type + " is a type of the kernel's file systems: a program chooses another one for its own");
  judged.type = *type;
  judged.name = *name;
  return judged;
}

// A user's id in the options of a mount made in another user namespace is that namespace's: then it says nothing to us, and
// only root may.
Status JudgeMount(const DescriptorMount& mount, const Peer& peer) {
  if (!mount.is_fuse())
    return Error{mount.mount_point + " is " + mount.type +
                     ": a program may report only for a file system of its own, by FUSE " +
                     "or without a mount, and not for one of the kernel's",
                 EPERM};
  if (peer.uid == 0 || mount.fuse_user_id() == peer.uid) return {};
  return Error{mount.mount_point + " was mounted by another user: only he and root may report for it", EPERM};
}

// "nodev\tproc" or "\text4".
std::set<std::string> KernelTypes(const std::string& proc_root) {
  std::set<std::string> types;
  std::ifstream file(proc_root + "/filesystems");
  for (std::string line; std::getline(file, line);)
    if (const size_t tab = line.find('\t'); tab != std::string::npos) types.insert(line.substr(tab + 1));
  return types;
}

}  // namespace fsherald
