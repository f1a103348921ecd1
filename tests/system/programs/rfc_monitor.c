/* SPDX-License-Identifier: MIT */
/* A monitor as one would have written it in April 2021, to the ABI of the RFC "File system wide monitoring" alone.
 *
 *   rfc_monitor [--poll] COUNT PATH...     marks the file systems, says "ready", prints COUNT events, one a line
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#define RFC_FAN_ERROR 0x00100000
#define RFC_FAN_PREALLOC_QUEUE 0x00000080
#define RFC_INFO_TYPE_LOCATION 4
#define RFC_INFO_TYPE_ERROR 5
#define RFC_INFO_TYPE_FSDATA 6

struct rfc_error {
  struct fanotify_event_info_header header;
  int version;
  int error;
  int fsid[2];
};

struct rfc_ext4_data {
  uint64_t inode;
  uint64_t block;
  char description[256];
};

static void fail(const char* what) {
  fprintf(stderr, "rfc_monitor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void print_data(const char* data, size_t size) {
  struct rfc_ext4_data ext4;
  if (size == sizeof ext4) {
    memcpy(&ext4, data, sizeof ext4);
    printf(" inode=%lld block=%lld description=%s", (long long)ext4.inode, (long long)ext4.block, ext4.description);
  } else {
    printf(" data=");
    for (size_t i = 0; i < size; ++i) printf("%02x", (unsigned char)data[i]);
  }
}

static void print_record(const char* record, const struct fanotify_event_info_header* header) {
  struct rfc_error error;
  int line;
  switch (header->info_type) {
    case RFC_INFO_TYPE_ERROR:
      memcpy(&error, record, sizeof error);
      printf(" version=%d error=%d fsid=%x:%x", error.version, error.error, (unsigned)error.fsid[0],
             (unsigned)error.fsid[1]);
      break;
    case RFC_INFO_TYPE_LOCATION:
      memcpy(&line, record + sizeof *header, sizeof line);
      printf(" function=%s line=%d", record + sizeof *header + sizeof line, line);
      break;
    case RFC_INFO_TYPE_FSDATA: print_data(record + sizeof *header, header->len - sizeof *header); break;
  }
}

static void print_event(const char* event, const struct fanotify_event_metadata* metadata) {
  printf("event mask=%llx vers=%d fd=%d", (unsigned long long)metadata->mask, metadata->vers, metadata->fd);
  for (uint32_t at = metadata->metadata_len; at < metadata->event_len;) {
    struct fanotify_event_info_header header;
    memcpy(&header, event + at, sizeof header);
    if (header.len < sizeof header) fail("a record without length");
    print_record(event + at, &header);
    at += header.len;
  }
  printf("\n");
  fflush(stdout);
}

static int read_events(int fd) {
  _Alignas(8) char buffer[4096];
  const ssize_t size = read(fd, buffer, sizeof buffer);
  if (size < 0) fail("read");
  int events = 0;
  for (ssize_t at = 0; at < size; ++events) {
    struct fanotify_event_metadata metadata;
    memcpy(&metadata, buffer + at, sizeof metadata);
    print_event(buffer + at, &metadata);
    at += metadata.event_len;
  }
  return events;
}

int main(int argc, char** argv) {
  int next = 1;
  const int with_poll = argc > 1 && strcmp(argv[1], "--poll") == 0;
  if (with_poll) ++next;
  if (argc < next + 2) return 2;
  long left = strtol(argv[next++], NULL, 10);
  const int fd = fanotify_init(FAN_CLASS_NOTIF | RFC_FAN_PREALLOC_QUEUE | (with_poll ? FAN_NONBLOCK : 0), O_RDONLY);
  if (fd < 0) fail("fanotify_init");
  for (; next < argc; ++next) {
    if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, argv[next])) fail(argv[next]);
  }
  printf("ready\n");
  fflush(stdout);
  while (left > 0) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (with_poll && poll(&readable, 1, -1) < 0) fail("poll");
    left -= read_events(fd);
  }
  close(fd);
  return 0;
}
