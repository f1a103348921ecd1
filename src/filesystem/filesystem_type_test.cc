// SPDX-License-Identifier: MIT
#include "filesystem/filesystem_type.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(FilesystemTypeTest, WhatHasNoStorageIsPseudo) {
  for (const char* type :
       {"proc",        "sysfs",      "tmpfs",   "devtmpfs",  "ramfs",  "cgroup",    "cgroup2", "bpf",  "tracefs",
        "debugfs",     "securityfs", "pstore",  "efivarfs",  "mqueue", "hugetlbfs", "autofs",  "nsfs", "rpc_pipefs",
        "binfmt_misc", "configfs",   "fusectl", "selinuxfs", "devpts", "overlay",   "rootfs",  "nfsd"}) {
    EXPECT_TRUE(IsPseudoFilesystem(type)) << type;
    EXPECT_FALSE(IsRemoteOrUser(type)) << type;
  }
}

TEST(FilesystemTypeTest, WhatHasAServerIsRemoteOrUser) {
  for (const char* type : {"fuse", "fuse.sshfs", "fuseblk", "fuseblk.ntfs", "fuse.proc", "nfs", "nfs4", "cifs", "smb3",
                           "9p", "ceph", "afs", "virtiofs", "lustre"}) {
    EXPECT_TRUE(IsRemoteOrUser(type)) << type;
    EXPECT_FALSE(IsPseudoFilesystem(type)) << type;
  }
}

TEST(FilesystemTypeTest, WhatHasADiskAndWhatIsNotKnownIsNeither) {
  for (const char* type : {"ext4", "xfs", "btrfs", "f2fs", "vfat", "squashfs", "erofs", "zfs", "bcachefs", "ubifs",
                           "iso9660", "fusefs2", "nfs5", "new", ""}) {
    EXPECT_FALSE(IsPseudoFilesystem(type)) << type;
    EXPECT_FALSE(IsRemoteOrUser(type)) << type;
  }
}

TEST(FilesystemTypeTest, FuseIsServedByAProcess) {
  for (const char* type : {"fuse", "fuse.sshfs", "fuseblk", "fuseblk.ntfs"})
    EXPECT_TRUE(IsServedByProcess(type)) << type;
  for (const char* type : {"nfs", "ext4", "fusectl", ""}) EXPECT_FALSE(IsServedByProcess(type)) << type;
}

}  // namespace
}  // namespace fsherald
