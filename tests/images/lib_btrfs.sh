# SPDX-License-Identifier: MIT
# What the `make` scripts of btrfs share. They run before the image $IMG is mounted, and print facts as NAME=VALUE.
# Works with the profiles single, DUP and RAID1 (a chunk's stripes are whole copies).

# (A reader that has seen enough leaves: no failure.)
tree() { btrfs inspect-internal dump-tree "$@" "$IMG" 2>/dev/null || true; }

# The inode number of a path in the top level subvolume.
inode_of() {
  local inode=256 part
  for part in ${1//\// }; do
    inode=$(tree -t 5 | awk -v parent="$inode" -v name="$part" '
      /^\titem/ { on = index($0, "key (" parent " DIR_INDEX ") > 0 }
      on && /location key/ { gsub(/[()]/, " "); target = $3 }
      on && $1 == "name:" && $2 == name { print target; exit }')
  done
  echo "$inode"
}

# The logical address of the first extent of a path.
extent_of() {
  tree -t 5 | awk -v inode="$(inode_of "$1")" '
    /^\titem/ { on = index($0, "key (" inode " EXTENT_DATA 0)") > 0 }
    on && /extent data disk byte/ { print $5; exit }'
}

# The logical address of the leaf with the inode item of a path; of the root of a tree (`tree_root 5`, `chunk`).
leaf_of() {
  tree -t 5 | awk -v inode="$(inode_of "$1")" '
    /^leaf/ { leaf = $2 }
    index($0, "\titem") == 1 && index($0, "key (" inode " INODE_ITEM 0)") { print leaf; exit }'
}
tree_root() { tree -t "$1" | awk '/^(leaf|node)/ { print $2; exit }'; }

# The places on disk of the copies of a logical address: lines "DEVID OFFSET".
copies() {
  tree -t chunk | awk -v logical="$1" '
    /^\titem/ { on = 0 }
    /CHUNK_ITEM/ { gsub(/[()]/, " "); start = $6 + 0 }
    /^\t\tlength/ { on = logical >= start && logical < start + $2 }
    on && /stripe [0-9]+ devid/ { print $4, $6 + logical - start }'
}
# The Nth copy (from 1): its offset on its disk.
copy() { copies "$1" | sed -n "${2:-1}s/.* //p"; }

# All chunks of a kind (DATA, METADATA, SYSTEM), each copy: lines "DEVID OFFSET LENGTH".
chunks() {
  tree -t chunk | awk -v kind="$1" '
    /^\t\tlength/ { length_ = $2; on = index($0, "type " kind) > 0 }
    on && /stripe [0-9]+ devid/ { print $4, $6, length_ }'
}

# Writes bytes (as printf writes them) at an offset of the image.
poke() { printf "$2" | dd of="${3:-$IMG}" bs=1 seek="$1" conv=notrunc status=none; }
# Fills N bytes at an offset with a letter.
scribble() { head -c "$2" /dev/zero | tr '\0' 'Z' | dd of="${3:-$IMG}" bs=4096 seek="$1" oflag=seek_bytes conv=notrunc status=none; }

# Gives the tree block at an offset of the image a checksum (crc32c) that fits its contents.
seal() {
  local crc=4294967295 byte i j c
  local -a table
  for ((i = 0; i < 256; ++i)); do
    c=$i
    for ((j = 0; j < 8; ++j)); do ((c = c & 1 ? (c >> 1) ^ 0x82f63b78 : c >> 1)) || true; done
    table[i]=$c
  done
  for byte in $(od -An -v -tu1 -j $(($1 + 32)) -N $((16384 - 32)) "$IMG"); do
    ((crc = table[(crc ^ byte) & 255] ^ (crc >> 8))) || true
  done
  ((crc ^= 4294967295)) || true
  poke "$1" "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((crc & 255)) $((crc >> 8 & 255)) $((crc >> 16 & 255)) $((crc >> 24)))"
}
