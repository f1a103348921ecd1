# SPDX-License-Identifier: MIT
# What the `make` scripts of erofs share. They run before the image $IMG is mounted, and print facts as NAME=VALUE.

# Writes bytes (as printf writes them) at an offset.
poke() { printf "$2" | dd of="$IMG" bs=1 seek="$1" conv=notrunc status=none; }

# The number of a path's inode, and where it stands: 32 bytes a number, from the block that the superblock names
# (fs/erofs/erofs_fs.h).
nid() { dump.erofs --path="$1" "$IMG" | sed -n 's/.*NID: *\([0-9]*\).*/\1/p' | head -1; }
inode_at() { echo $(($(od -An -t u4 -j $((1024 + 40)) -N 4 "$IMG") * 4096 + $(nid "$1") * 32)); }
