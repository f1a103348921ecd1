/* SPDX-License-Identifier: MIT */
/* Files of blocks, each with its checksum in a second file; what does not fit its checksum is reported.
 *
 * A checksum file is an array of one CRC32C for each 4096-byte block. The last block counts as filled up with zeros,
 * and what is stored is the checksum xor that of a block of zeros: so a hole in the file is right by a hole in its
 * checksums, and to make a file longer changes nothing.
 *
 * Two calls for one file, one of them a write, must not be at the same time. Failures are negative errnos. */
#ifndef FSHERALD_EXAMPLES_BLOCKS_H
#define FSHERALD_EXAMPLES_BLOCKS_H

#include <fsherald/fsherald.h>
#include <stddef.h>
#include <stdint.h>

struct block_file {
  int data; /* open for reading, and for writing if it is to be written */
  int sums;
  const char* path; /* below the mount point, for reports */
  fsherald_reporter* reporter;
};

/* Reads as read(2) does, up to a damaged block. A read that begins with one is -EIO, and is reported. */
int read_blocks(const struct block_file* file, char* to, size_t size, uint64_t offset);

/* Writes as write(2) does. A block of which only a part is written is verified first: else a damaged one would get a
 * good checksum. */
int write_blocks(const struct block_file* file, const char* from, size_t size, uint64_t offset);

int truncate_blocks(const struct block_file* file, uint64_t size);

#endif
