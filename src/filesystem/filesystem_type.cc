// SPDX-License-Identifier: MIT
#include "filesystem/filesystem_type.h"

#include <algorithm>

namespace fsherald {
namespace {

// Types of the kernel that have neither a device nor a server (the "nodev" lines of /proc/filesystems).
constexpr std::string_view kPseudo[] = {
    "anon_inodefs", "aufs",      "autofs",      "bdev",      "binder",  "binfmt_misc", "bpf",      "cgroup",  "cgroup2",
    "configfs",     "cpuset",    "dax",         "debugfs",   "devfs",   "devpts",      "devtmpfs", "dmabuf",  "drm",
    "efivarfs",     "fusectl",   "guest-memfd", "hugetlbfs", "ipathfs", "iomem",       "mqueue",   "nfsd",    "nsfs",
    "nullfs",       "overlay",   "pidfs",       "pipefs",    "proc",    "pstore",      "ramfs",    "resctrl", "rootfs",
    "rpc_pipefs",   "secretmem", "securityfs",  "selinuxfs", "shiftfs", "smackfs",     "sockfs",   "spufs",   "sysfs",
    "tmpfs",        "tracefs",   "usbfs",       "xenfs",
};

// ecryptfs keeps its files in a directory of another file system, which can be any of the others; gfs2 and ocfs2 wait for
// the locks of other machines; hgfs, prl_fs, vboxsf and vmhgfs ask the host.
constexpr std::string_view kRemoteOrUser[] = {
    "9p",      "acfs",     "afs",   "beegfs", "ceph",   "cifs", "coda",   "davfs",  "ecryptfs", "fhgfs",  "fuse",
    "fuseblk", "gfs2",     "gpfs",  "hgfs",   "hostfs", "kafs", "lustre", "ncpfs",  "ncp",      "nfs",    "nfs4",
    "ocfs2",   "orangefs", "panfs", "prl_fs", "pvfs2",  "smb3", "smbfs",  "vboxsf", "virtiofs", "vmhgfs",
};

bool IsOneOf(std::string_view type, const auto& types) { return std::ranges::find(types, type) != std::end(types); }

// A subtype stands behind a dot, and is named by whoever mounts: "fuse.sshfs", "fuseblk.ntfs".
std::string_view WithoutSubtype(std::string_view type) { return type.substr(0, type.find('.')); }

}  // namespace

bool IsPseudoFilesystem(std::string_view type) { return IsOneOf(type, kPseudo); }
bool IsServedByProcess(std::string_view type) {
  return WithoutSubtype(type) == "fuse" || WithoutSubtype(type) == "fuseblk";
}
bool IsRemoteOrUser(std::string_view type) { return IsOneOf(WithoutSubtype(type), kRemoteOrUser); }

}  // namespace fsherald
