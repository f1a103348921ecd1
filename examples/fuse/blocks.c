/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "blocks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kBlockBytes = 4096 };
static const uint32_t kSumOfZeros = 0x98f94189; /* crc32c of a block of zeros */

/* CRC32C (Castagnoli), bit by bit: RFC 3720, B.4. */
static uint32_t crc32c(const unsigned char* bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  return ~crc;
}

static int load_sum(const struct block_file* file, uint64_t block, uint32_t* sum) {
  *sum = 0;
  if (pread(file->sums, sum, sizeof *sum, (off_t)(block * sizeof *sum)) < 0) return -errno;
  *sum ^= kSumOfZeros;
  return 0;
}

static int store_sum(const struct block_file* file, uint64_t block, uint32_t sum) {
  sum ^= kSumOfZeros;
  const ssize_t size = pwrite(file->sums, &sum, sizeof sum, (off_t)(block * sizeof sum));
  return size == (ssize_t)sizeof sum ? 0 : size < 0 ? -errno : -EIO;
}

/* A whole block, zeros behind the end of the file. */
struct block {
  unsigned char bytes[kBlockBytes];
  size_t size; /* how many of them are the file's */
  uint32_t expected;
  uint32_t found;
};

static int load_block(const struct block_file* file, uint64_t number, struct block* block) {
  memset(block, 0, sizeof *block);
  const ssize_t size = pread(file->data, block->bytes, kBlockBytes, (off_t)(number * kBlockBytes));
  if (size < 0) return -errno;
  block->size = (size_t)size;
  block->found = crc32c(block->bytes, kBlockBytes);
  return load_sum(file, number, &block->expected);
}

static int is_damaged(const struct block* block) { return block->size > 0 && block->found != block->expected; }

static int verify_block(const struct block_file* file, uint64_t number, const struct block* block) {
  if (!is_damaged(block)) return 0;
  const uint32_t sums[2] = {block->expected, block->found};
  struct stat status = {0};
  fstat(file->data, &status);
  char message[80];
  snprintf(message, sizeof message, "checksum of block %llu: expected %08x, found %08x", (unsigned long long)number,
           (unsigned)block->expected, (unsigned)block->found);
  FSHERALD_REPORT(file->reporter, .error = EIO, .kind = FSHERALD_KIND_DATA_READ, .path = file->path,
                  .inode = status.st_ino, .offset_bytes = number * kBlockBytes, .length_bytes = block->size,
                  .message = message, .blob = sums, .blob_len = sizeof sums,
                  .flags = FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH);
  return -EIO;
}

static int load_good_block(const struct block_file* file, uint64_t number, struct block* block) {
  const int error = load_block(file, number, block);
  return error != 0 ? error : verify_block(file, number, block);
}

/* Writes `size` bytes at `begin` of one block. */
static int store_part(const struct block_file* file, uint64_t number, const char* from, size_t begin, size_t size) {
  struct block block;
  const int error = size == kBlockBytes ? 0 : load_good_block(file, number, &block);
  if (error != 0) return error;
  memcpy(block.bytes + begin, from, size);
  const ssize_t written = pwrite(file->data, from, size, (off_t)(number * kBlockBytes + begin));
  if (written != (ssize_t)size) return written < 0 ? -errno : -ENOSPC;
  return store_sum(file, number, crc32c(block.bytes, kBlockBytes));
}

int read_blocks(const struct block_file* file, char* to, size_t size, uint64_t offset) {
  struct block block;
  size_t read = 0;
  while (read < size) {
    const uint64_t number = (offset + read) / kBlockBytes;
    const size_t begin = (offset + read) % kBlockBytes;
    const int error = load_block(file, number, &block);
    if (read > 0 && (error != 0 || is_damaged(&block))) break; /* the next read begins with it, fails and reports */
    if (error != 0) return error;
    if (verify_block(file, number, &block) != 0) return -EIO;
    if (block.size <= begin) break;
    const size_t part = block.size - begin < size - read ? block.size - begin : size - read;
    memcpy(to + read, block.bytes + begin, part);
    read += part;
  }
  return (int)read;
}

int write_blocks(const struct block_file* file, const char* from, size_t size, uint64_t offset) {
  size_t written = 0;
  while (written < size) {
    const size_t begin = (offset + written) % kBlockBytes;
    const size_t part = kBlockBytes - begin < size - written ? kBlockBytes - begin : size - written;
    const int error = store_part(file, (offset + written) / kBlockBytes, from + written, begin, part);
    if (error != 0) return written > 0 ? (int)written : error;
    written += part;
  }
  return (int)written;
}

int truncate_blocks(const struct block_file* file, uint64_t size) {
  const uint64_t last = size / kBlockBytes;
  const size_t rest = size % kBlockBytes;
  struct block block = {.size = 0};
  const int error = rest == 0 ? 0 : load_good_block(file, last, &block);
  if (error != 0) return error;
  const uint64_t blocks = last + (rest != 0);
  if (ftruncate(file->data, (off_t)size) != 0) return -errno;
  if (ftruncate(file->sums, (off_t)(blocks * sizeof(uint32_t))) != 0) return -errno;
  if (block.size <= rest) return 0; /* no part of a block was cut off */
  memset(block.bytes + rest, 0, kBlockBytes - rest);
  return store_sum(file, last, crc32c(block.bytes, kBlockBytes));
}
