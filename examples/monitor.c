/* SPDX-License-Identifier: MIT */
/* monitor [PATH...]: prints every error of the file systems that PATHs lie on, or of all, as it happens. */
#include <fsherald/fsherald.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void print(const struct fsherald_notification* n) {
  const char* name = n->mounts[0] ? n->mounts[0] : n->device ? n->device : "?";
  if (n->kind == FSHERALD_KIND_GAP)
    printf("%s: %s%llu errors were lost\n", name, n->gap_certainty == FSHERALD_EXACT ? "" : "at least ",
           (unsigned long long)n->gap_count);
  else if (n->kind == FSHERALD_KIND_HEALTH)
    printf("%s %s: %s\n", n->type ? n->type : "?", name,
           n->health_to == FSHERALD_STATE_WELL ? "is well again" : "its state has changed");
  else
    printf("%s %s: %s in %s:%u, file %s, %llu times\n", n->type ? n->type : "?", name,
           n->error ? strerror(n->error) : "error", n->function ? n->function : "?", (unsigned)n->line,
           n->path ? n->path : "?", (unsigned long long)n->count);
  fflush(stdout);
}

static int fail(const char* what, int error) {
  fprintf(stderr, "monitor: %s: %s\n", what, strerror(-error));
  return 1;
}

int main(int argc, char** argv) {
  fsherald_monitor* monitor;
  int error = fsherald_monitor_open(&monitor, NULL); /* by the daemon if one runs, else, as root, by itself */
  if (error < 0) return fail("open a monitor", error);
  if (argc == 1 && (error = fsherald_mark_all(monitor, FSHERALD_MARK_ADD)) < 0) return fail("mark all", error);
  for (int i = 1; i < argc; ++i)
    if ((error = fsherald_mark_path(monitor, FSHERALD_MARK_ADD, argv[i])) < 0) return fail(argv[i], error);
  fprintf(stderr, "ready\n");
  for (;;) {
    struct pollfd readable = {.fd = fsherald_monitor_fd(monitor), .events = POLLIN};
    poll(&readable, 1, -1);
    const struct fsherald_notification* n;
    while ((error = fsherald_monitor_next(monitor, &n)) > 0) print(n);
    if (error < 0) return fail("read", error);
  }
}
