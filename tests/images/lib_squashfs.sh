# SPDX-License-Identifier: MIT
# What the `make` scripts of squashfs share. They run before the image $IMG is mounted, and print facts as NAME=VALUE.

# Where a table begins: its offset stands in the superblock (fs/squashfs/squashfs_fs.h).
table() {
  local at
  case $1 in id) at=48 ;; inode) at=64 ;; directory) at=72 ;; fragment) at=80 ;; esac
  od -An -t u8 -j "$at" -N 8 "$IMG" | tr -d ' '
}

# Flips all bits of $2 bytes at offset $1.
flip() {
  local i byte
  for ((i = 0; i < $2; i++)); do
    byte=$(od -An -t u1 -j $(($1 + i)) -N 1 "$IMG")
    printf "\\x$(printf %02x $((byte ^ 255)))" | dd of="$IMG" bs=1 seek=$(($1 + i)) conv=notrunc status=none
  done
}
