/* SPDX-License-Identifier: MIT */
/* A FUSE file system that keeps a checksum of each block (blocks.h) and reports what does not fit it.
 *
 *   checksum_fs BACKING MOUNTPOINT [FUSE OPTIONS]
 *
 * Passes everything on to the directory BACKING (start with an empty one). Beside each file "x" there lies "x.crc32c"
 * with its checksums; such names do not show in the mount.
 *
 * Not for real data: a crash between the writes of a block and of its checksum leaves the two apart. */
#define _GNU_SOURCE
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"

static const char kSuffix[] = ".crc32c";

static int backing = -1;  /* the directory */
static char* mount_point; /* absolute */
static fsherald_reporter* reporter;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER; /* a block and its checksum change together */

static const char* below(const char* path) { return path[1] == '\0' ? "." : path + 1; }

static int is_sums(const char* path) {
  const size_t size = strlen(path);
  return size >= sizeof kSuffix - 1 && strcmp(path + size - (sizeof kSuffix - 1), kSuffix) == 0;
}

/* The name of a file's checksums; to be freed. */
static char* sums_of(const char* path) {
  char* name;
  return asprintf(&name, "%s%s", below(path), kSuffix) < 0 ? NULL : name;
}

static int done(int result) { return result == 0 ? 0 : -errno; }

/* fuse_file_info.fh has both descriptors, one in each half. */
static struct block_file from_handle(uint64_t handle, const char* path) {
  return (struct block_file){
      .data = (int)(handle >> 32), .sums = (int)(handle & 0xffffffff), .path = path, .reporter = reporter};
}

static int open_file(const char* path, int flags, mode_t mode, uint64_t* handle) {
  if (is_sums(path)) return flags & O_CREAT ? -EPERM : -ENOENT;
  char* name = sums_of(path);
  if (name == NULL) return -ENOMEM;
  /* To write a part of a block is to read it first. */
  const int access = (flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR;
  const int kept = (flags & (O_CREAT | O_EXCL | O_TRUNC)) | access | O_CLOEXEC;
  const int data = openat(backing, below(path), kept, mode);
  const int sums = data < 0 ? -1 : openat(backing, name, kept & ~O_EXCL, mode);
  const int error = sums < 0 ? -errno : 0;
  if (sums < 0 && data >= 0) close(data);
  free(name);
  *handle = (uint64_t)(uint32_t)data << 32 | (uint32_t)sums;
  return error;
}

static void close_file(uint64_t handle) {
  close((int)(handle >> 32));
  close((int)(handle & 0xffffffff));
}

static int fs_getattr(const char* path, struct stat* status, struct fuse_file_info* info) {
  if (info != NULL) return done(fstat(from_handle(info->fh, path).data, status));
  if (is_sums(path)) return -ENOENT;
  return done(fstatat(backing, below(path), status, AT_SYMLINK_NOFOLLOW));
}

static int fs_readdir(const char* path, void* buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info* info,
                      enum fuse_readdir_flags flags) {
  (void)offset, (void)info, (void)flags;
  const int fd = openat(backing, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? NULL : fdopendir(fd);
  if (directory == NULL) return -errno;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    if (!is_sums(entry->d_name)) fill(buffer, entry->d_name, NULL, 0, 0);
  closedir(directory);
  return 0;
}

static int open_handle(const char* path, int flags, mode_t mode, struct fuse_file_info* info) {
  const int error = open_file(path, flags, mode, &info->fh);
  if (error != 0) return error;
  info->direct_io = 1; /* nothing is cached above us: every read is verified, and one that fails is reported once */
  return 0;
}

static int fs_open(const char* path, struct fuse_file_info* info) { return open_handle(path, info->flags, 0, info); }

static int fs_create(const char* path, mode_t mode, struct fuse_file_info* info) {
  return open_handle(path, info->flags | O_CREAT, mode, info);
}

static int fs_release(const char* path, struct fuse_file_info* info) {
  (void)path;
  close_file(info->fh);
  return 0;
}

static int fs_read(const char* path, char* to, size_t size, off_t offset, struct fuse_file_info* info) {
  const struct block_file file = from_handle(info->fh, path);
  pthread_rwlock_rdlock(&lock);
  const int result = read_blocks(&file, to, size, (uint64_t)offset);
  pthread_rwlock_unlock(&lock);
  return result;
}

static int fs_write(const char* path, const char* from, size_t size, off_t offset, struct fuse_file_info* info) {
  const struct block_file file = from_handle(info->fh, path);
  pthread_rwlock_wrlock(&lock);
  const int result = write_blocks(&file, from, size, (uint64_t)offset);
  pthread_rwlock_unlock(&lock);
  return result;
}

static int fs_truncate(const char* path, off_t size, struct fuse_file_info* info) {
  uint64_t handle = info != NULL ? info->fh : 0;
  const int error = info != NULL ? 0 : open_file(path, O_RDWR, 0, &handle);
  if (error != 0) return error;
  const struct block_file file = from_handle(handle, path);
  pthread_rwlock_wrlock(&lock);
  const int result = truncate_blocks(&file, (uint64_t)size);
  pthread_rwlock_unlock(&lock);
  if (info == NULL) close_file(handle);
  return result;
}

static int fs_unlink(const char* path) {
  if (is_sums(path)) return -ENOENT;
  char* sums = sums_of(path);
  if (sums == NULL) return -ENOMEM;
  const int result = done(unlinkat(backing, below(path), 0));
  if (result == 0) unlinkat(backing, sums, 0);
  free(sums);
  return result;
}

static int fs_rename(const char* from, const char* to, unsigned flags) {
  if (flags != 0) return -EINVAL;
  if (is_sums(from) || is_sums(to)) return -EPERM;
  char* sums_from = sums_of(from);
  char* sums_to = sums_of(to);
  const int result = !sums_from || !sums_to ? -ENOMEM : done(renameat(backing, below(from), backing, below(to)));
  if (result == 0) renameat(backing, sums_from, backing, sums_to); /* a directory has none */
  free(sums_from);
  free(sums_to);
  return result;
}

static int fs_mkdir(const char* path, mode_t mode) {
  return is_sums(path) ? -EPERM : done(mkdirat(backing, below(path), mode));
}

static int fs_rmdir(const char* path) { return done(unlinkat(backing, below(path), AT_REMOVEDIR)); }

static int fs_chmod(const char* path, mode_t mode, struct fuse_file_info* info) {
  (void)info;
  return done(fchmodat(backing, below(path), mode, 0));
}

static int fs_utimens(const char* path, const struct timespec times[2], struct fuse_file_info* info) {
  (void)info;
  return done(utimensat(backing, below(path), times, AT_SYMLINK_NOFOLLOW));
}

/* The first request: the mount is there by now, and this is the process that serves it. */
static void* fs_init(struct fuse_conn_info* connection, struct fuse_config* config) {
  (void)connection;
  config->use_ino = 1;
  struct fsherald_reporter_options options = {.size = sizeof options, .mount = mount_point};
  const int error = fsherald_reporter_open(&reporter, &options);
  if (error == 0) return NULL;
  fprintf(stderr, "checksum_fs: open a reporter: %s\n", strerror(-error));
  fuse_exit(fuse_get_context()->fuse);
  return NULL;
}

static void fs_destroy(void* data) {
  (void)data;
  if (reporter == NULL) return;
  fsherald_reporter_flush(reporter, 1000);
  fsherald_reporter_close(reporter);
}

static const struct fuse_operations operations = {
    .getattr = fs_getattr,
    .readdir = fs_readdir,
    .open = fs_open,
    .create = fs_create,
    .release = fs_release,
    .read = fs_read,
    .write = fs_write,
    .truncate = fs_truncate,
    .unlink = fs_unlink,
    .rename = fs_rename,
    .mkdir = fs_mkdir,
    .rmdir = fs_rmdir,
    .chmod = fs_chmod,
    .utimens = fs_utimens,
    .init = fs_init,
    .destroy = fs_destroy,
};

static int fail(const char* what) {
  fprintf(stderr, "checksum_fs: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: checksum_fs BACKING MOUNTPOINT [FUSE OPTIONS]\n");
    return 2;
  }
  backing = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (backing < 0) return fail(argv[1]);
  mount_point = realpath(argv[2], NULL);
  if (mount_point == NULL) return fail(argv[2]);
  argv[1] = argv[0];
  return fuse_main(argc - 1, argv + 1, &operations, NULL);
}
