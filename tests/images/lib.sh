# SPDX-License-Identifier: MIT
# What the `make` scripts share. They run before the image $IMG is mounted, and print facts as NAME=VALUE.

# Runs one debugfs command that changes the image; fails where debugfs complains.
edit() {
  local said
  said=$(debugfs -w -R "$1" "$IMG" 2>&1 | grep -v '^debugfs [0-9]') || true
  [[ -z $said ]] || { echo "debugfs: $1: $said" >&2; return 1; }
}

ask() { debugfs -R "$1" "$IMG" 2>/dev/null; }

# The inode number of a path, the Nth block (from 1) of a path, the size of a block.
inode_of() { ask "stat $1" | sed -n 's/^Inode: \([0-9]*\).*/\1/p'; }
block_of() { ask "blocks $1" | tr -s ' \n' '\n' | sed -n "${2:-1}p"; }
block_size() { ask stats | sed -n 's/^Block size: *//p'; }

# Writes bytes (as printf writes them) at an offset into a block.
poke() {
  printf "$3" | dd of="$IMG" bs=1 seek=$(($1 * $(block_size) + $2)) conv=notrunc status=none
}

# A number that debugfs tells of block group $1 behind the words $2 ("block bitmap at").
group() {
  ask stats | sed -n "/^ Group *$1:/,/^ Group *$(($1 + 1)):/p" | sed -n "s/.*$2 \\([0-9]*\\).*/\\1/p" | head -1
}

# The offset in a block of directory $1 of the entry named $2.
entry_offset() {
  dd if="$IMG" bs="$(block_size)" skip="$(block_of "$1")" count=1 status=none | grep -abo "$2" | head -1 |
    sed 's/:.*//' | { read -r name; echo $((name - 8)); }
}

# Block group $1's descriptor: the block it stands in (of the first copy) and the offset in that block.
descriptor_block() { echo $(($(ask stats | sed -n 's/^First block: *//p') + 1 + $1 * 64 / $(block_size))); }
descriptor_offset() { echo $(($1 * 64 % $(block_size))); }

# The bytes of block $1 on the disk, as FAIL_READ and FAIL_WRITE want them: offset and length.
bytes_of_block() { echo "$(($1 * $(block_size))) $(block_size)"; }
