// SPDX-License-Identifier: MIT
// LD_PRELOAD: a wall clock that is wrong by as many nanoseconds as the file $CLOCK_OFFSET begins with (an int64_t), which may
// change at any time. Of one process alone: the machine's clock is nobody's to turn. CLOCK_REALTIME only.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t *offset_ns;

__attribute__((constructor)) static void map_offset(void) {
  const char *path = getenv("CLOCK_OFFSET");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *offset_ns, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) offset_ns = mapped;
  close(fd);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (failed || clock != CLOCK_REALTIME || !offset_ns) return failed;
  int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + __atomic_load_n(offset_ns, __ATOMIC_RELAXED);
  now->tv_sec = ns / INT64_C(1000000000);
  now->tv_nsec = ns % INT64_C(1000000000);
  return 0;
}
