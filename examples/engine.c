/* SPDX-License-Identifier: MIT */
/* A storage engine without a mount: an append-only file of pages, each with its checksum.
 *
 *   engine FILE NAME
 *
 * Appends each line of its standard input to FILE as a page, then reads all pages by four threads. A damaged one is
 * reported as an error of the file system NAME of the type "engine".
 *
 * Prints how many pages there are and how many are damaged. Exit code 0: none is, 1: some are, 2: it failed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fsherald/fsherald.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kPageBytes = 4096, kThreads = 4 };

struct page {
  uint32_t checksum; /* of all that follows */
  char text[kPageBytes - sizeof(uint32_t)];
};

struct engine {
  fsherald_reporter* reporter;
  const char* file; /* as the engine names it */
  int fd;
  uint64_t pages;
  atomic_uint_fast64_t next; /* page to be read */
  atomic_uint_fast64_t damaged;
};

/* FNV-1a: enough to show the way; a real engine takes CRC32C or better. */
static uint32_t checksum(const struct page* page) {
  uint32_t sum = 2166136261U;
  for (size_t i = 0; i < sizeof page->text; ++i) sum = (sum ^ (unsigned char)page->text[i]) * 16777619U;
  return sum;
}

/* NULL where the page is as it was written, else what is wrong with it. */
static const char* find_damage(const struct engine* engine, uint64_t number, char* message, size_t size) {
  struct page page;
  const ssize_t got = pread(engine->fd, &page, sizeof page, (off_t)(number * kPageBytes));
  if (got != (ssize_t)sizeof page) return "the page cannot be read whole";
  const uint32_t found = checksum(&page);
  if (found == page.checksum) return NULL;
  snprintf(message, size, "checksum of page %llu: expected %08x, found %08x", (unsigned long long)number,
           (unsigned)page.checksum, (unsigned)found);
  return message;
}

static void verify_page(struct engine* engine, uint64_t number) {
  char message[80];
  const char* damage = find_damage(engine, number, message, sizeof message);
  if (damage == NULL) return;
  FSHERALD_REPORT(engine->reporter, .error = EIO, .kind = FSHERALD_KIND_DATA_READ, .path = engine->file,
                  .offset_bytes = number * kPageBytes, .length_bytes = kPageBytes, .message = damage,
                  .flags = FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH);
  atomic_fetch_add(&engine->damaged, 1);
}

static void* verify_pages(void* argument) {
  struct engine* engine = argument;
  for (uint64_t number; (number = atomic_fetch_add(&engine->next, 1)) < engine->pages;) verify_page(engine, number);
  return NULL;
}

static int append_page(struct engine* engine, const char* text) {
  struct page page = {0};
  memcpy(page.text, text, strlen(text));
  page.checksum = checksum(&page);
  return write(engine->fd, &page, sizeof page) == (ssize_t)sizeof page ? 0 : -1;
}

static int append_lines(struct engine* engine) {
  char line[sizeof((struct page*)0)->text];
  while (fgets(line, sizeof line, stdin))
    if (append_page(engine, line) != 0) return -1;
  struct stat status;
  if (fstat(engine->fd, &status) != 0) return -1;
  engine->pages = ((uint64_t)status.st_size + kPageBytes - 1) / kPageBytes;
  return 0;
}

/* Each thread reports into memory of its own: none waits for another. */
static int verify_all(struct engine* engine) {
  pthread_t threads[kThreads];
  int started = 0;
  while (started < kThreads && pthread_create(&threads[started], NULL, verify_pages, engine) == 0) ++started;
  for (int i = 0; i < started; ++i) pthread_join(threads[i], NULL);
  return started > 0 ? 0 : -1;
}

/* What nobody has read when the process ends is gone. */
static void hand_over(struct engine* engine) {
  if (fsherald_reporter_flush(engine->reporter, 5000) != 0)
    fprintf(stderr, "engine: nobody reads what was reported: is `fsherald daemon` there, and a subscriber?\n");
  fsherald_reporter_close(engine->reporter);
}

static int fail(const char* what, int error) {
  fprintf(stderr, "engine: %s: %s\n", what, strerror(error));
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: engine FILE NAME\n");
    return 2;
  }
  const char* slash = strrchr(argv[1], '/');
  struct engine engine = {.file = slash ? slash + 1 : argv[1]};
  struct fsherald_reporter_options options = {.size = sizeof options, .type = "engine", .name = argv[2]};
  const int error = fsherald_reporter_open(&engine.reporter, &options);
  if (error < 0) return fail("open a reporter", -error);
  engine.fd = open(argv[1], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (engine.fd < 0) return fail(argv[1], errno);
  if (append_lines(&engine) != 0) return fail(argv[1], errno);
  if (verify_all(&engine) != 0) return fail("start a thread", EAGAIN);
  const unsigned long long damaged = atomic_load(&engine.damaged);
  printf("%llu pages, %llu damaged\n", (unsigned long long)engine.pages, damaged);
  fflush(stdout);
  if (damaged > 0) hand_over(&engine);
  return damaged > 0 ? 1 : 0;
}
