/* SPDX-License-Identifier: MIT */
/* A monitor of today's kernel (Linux 5.16): FAN_FS_ERROR. Prints what it reads byte by byte.
 *
 *   fs_error_monitor COUNT PATH      marks the file system, says "ready", prints COUNT events, one a line
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#ifndef FAN_FS_ERROR
#define FAN_FS_ERROR 0x00008000
#endif

static void fail(const char* what) {
  fprintf(stderr, "fs_error_monitor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void print_event(const char* event, const struct fanotify_event_metadata* metadata) {
  printf("event mask=%llx:", (unsigned long long)metadata->mask);
  for (unsigned at = metadata->metadata_len; at < metadata->event_len; ++at) printf(" %02x", (unsigned char)event[at]);
  printf("\n");
  fflush(stdout);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  long left = strtol(argv[1], NULL, 10);
  const int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
  if (fd < 0) fail("fanotify_init");
  if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_FS_ERROR, AT_FDCWD, argv[2])) fail("fanotify_mark");
  printf("ready\n");
  fflush(stdout);
  while (left > 0) {
    _Alignas(8) char buffer[4096];
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size < 0) fail("read");
    for (ssize_t at = 0; at < size; --left) {
      struct fanotify_event_metadata metadata;
      memcpy(&metadata, buffer + at, sizeof metadata);
      print_event(buffer + at, &metadata);
      at += metadata.event_len;
    }
  }
  close(fd);
  return 0;
}
