# SPDX-License-Identifier: MIT
# What the `make` scripts of the XFS scenarios share. They run before the image $IMG is mounted, print facts as NAME=VALUE.

# Runs xfs_db commands (one an argument) on the image: to read, or, as an expert, to change.
ask() { local words=(); for word; do words+=(-c "$word"); done; xfs_db -r "${words[@]}" "$IMG"; }
edit() { local words=(); for word; do words+=(-c "$word"); done; xfs_db -x "${words[@]}" "$IMG" >/dev/null 2>&1; }

# The value of a field ("core.gen") of the inode of a path; its number; its byte on the disk.
inode_field() { ask "path /$1" "print $2" | sed 's/.* = //'; }
inode_of() { inode_field "$1" v3.inumber; }
generation_of() { inode_field "$1" core.gen; }

# The 512-byte sector ("daddr") where the last of some xfs_db commands stands.
daddr_of() { ask "$@" daddr | sed -n 's/current daddr is //p'; }
sector_of_inode() { daddr_of "path /$1"; }
# Block N of a path (directory, symlink or file) / of its attributes.
sector_of_block() { daddr_of "path /$1" "dblock ${2:-0}"; }
sector_of_attribute() { daddr_of "path /$1" "ablock ${2:-0}"; }

superblock() { ask "sb 0" "print $1" | sed 's/.* = //'; }
# The allocation group of an inode number; the sector of file system block FSB.
group_of() { echo $(($1 >> ($(superblock agblklog) + $(superblock inopblog)))); }
sector_of_fsblock() { daddr_of "fsblock $1"; }
sector_of_group() { echo $(($1 * $(superblock agblocks) * $(superblock blocksize) / 512)); }

# Writes bytes (as printf writes them) at an offset behind a sector.
poke() { printf "$3" | dd of="$IMG" bs=1 seek=$(($1 * 512 + $2)) conv=notrunc status=none; }
bytes_of_sector() { echo "$(($1 * 512)) ${2:-4096}"; }
