/* SPDX-License-Identifier: MIT */
/* The RFC's errors and limits, and what a descriptor has to be good for, as a program sees them.
 *
 *   rfc_rules PATH TRIGGER      PATH: on a file system of ext4; an error is raised by writing to the file TRIGGER
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RFC_FAN_ERROR 0x00100000
#define RFC_FAN_PREALLOC_QUEUE 0x00000080
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x00000080
#endif

static const char* path;
static const char* trigger;
static int failures;
static char events[4096];

static void check(int holds, const char* where, int line, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s:%d: not so: %s (%s)\n", where, line, what, strerror(errno));
  ++failures;
}

#define CHECK(...) check((__VA_ARGS__), __func__, __LINE__, #__VA_ARGS__)
#define CHECK_ERROR(call, code) check((call) == -1 && errno == (code), __func__, __LINE__, #call " fails with " #code)

static int group(unsigned more) {
  const int fd = fanotify_init(FAN_CLASS_NOTIF | RFC_FAN_PREALLOC_QUEUE | FAN_CLOEXEC | more, O_RDONLY);
  CHECK(fd >= 0);
  return fd;
}

static int marked_group(unsigned more) {
  const int fd = group(more);
  CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  return fd;
}

static void raise_error(const char* text) {
  const int fd = open(trigger, O_WRONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static int is_readable(int fd, int timeout_ms) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  return poll(&readable, 1, timeout_ms) == 1;
}

static void marks_only_file_systems_for_errors(void) {
  const int fd = group(0);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD, RFC_FAN_ERROR, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, RFC_FAN_ERROR, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR | FAN_OPEN, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, "/not/there"), ENOENT);
  CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR | FAN_OPEN, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD, RFC_FAN_ERROR, AT_FDCWD, path), EINVAL);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, -1, NULL), EBADF);
  close(fd);
}

static void refuses_an_unlimited_queue(void) {
  const int fd = group(FAN_UNLIMITED_QUEUE);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path), EINVAL);
  close(fd);
}

static void needs_privilege(void) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(1);
    const int fd = fanotify_init(FAN_CLASS_NOTIF | RFC_FAN_PREALLOC_QUEUE, O_RDONLY);
    _exit(fd == -1 && errno == EPERM ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void removes_marks(void) {
  const int fd = marked_group(FAN_NONBLOCK);
  CHECK(fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path), ENOENT);
  CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  CHECK(fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, path) == 0);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path), ENOENT);
  /* Nothing is told without a mark: another group tells when the error has come. */
  const int other = marked_group(0);
  raise_error("nobody's");
  CHECK(is_readable(other, 10000));
  CHECK_ERROR(read(fd, events, sizeof events), EAGAIN);
  close(other);
  close(fd);
}

static void is_readable_while_events_wait(void) {
  const int fd = marked_group(FAN_NONBLOCK);
  CHECK(!is_readable(fd, 0));
  CHECK_ERROR(read(fd, events, sizeof events), EAGAIN);
  raise_error("one");
  CHECK(is_readable(fd, 10000));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  struct timeval none = {0, 0};
  CHECK(select(fd + 1, &set, NULL, NULL, &none) == 1);
  CHECK_ERROR(read(fd, events, 30), EINVAL); /* no room for the first event: it stays */
  CHECK(is_readable(fd, 0));
  CHECK(read(fd, events, sizeof events) > 24);
  CHECK(!is_readable(fd, 0));
  raise_error("another");
  CHECK(is_readable(fd, 10000));
  struct iovec parts[] = {{events, 10}, {events + 10, 0}, {events + 10, sizeof events - 10}};
  CHECK(readv(fd, parts, 3) > 24);
  struct fanotify_event_metadata metadata;
  memcpy(&metadata, events, sizeof metadata);
  CHECK(metadata.mask == RFC_FAN_ERROR && metadata.fd == FAN_NOFD && metadata.vers == FANOTIFY_METADATA_VERSION);
  close(fd);
}

static void works_in_an_epoll_that_had_it_before_the_mark(void) {
  const int fd = group(0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
  CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
  raise_error("awaited");
  CHECK(epoll_wait(epoll, &event, 1, 10000) == 1 && event.data.u32 == 7);
  close(epoll);
  close(fd);
}

static void* mark(void* fd) {
  return fanotify_mark(*(int*)fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0 ? fd : NULL;
}

static void threads_may_make_the_first_mark_at_once(void) {
  enum { kThreads = 4 };
  int fd = group(FAN_NONBLOCK);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], NULL, mark, &fd) == 0);
  for (int i = 0; i < kThreads; ++i) {
    void* has_marked = NULL;
    CHECK(pthread_join(threads[i], &has_marked) == 0 && has_marked == &fd);
  }
  raise_error("once");
  CHECK(is_readable(fd, 10000));
  CHECK(read(fd, events, sizeof events) > 24);
  CHECK_ERROR(read(fd, events, sizeof events), EAGAIN);
  close(fd);
}

static void on_alarm(int signal) { (void)signal; }

static void a_blocking_read_is_interrupted(void) {
  const int fd = marked_group(0);
  const struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  ualarm(20000, 20000);
  CHECK_ERROR(read(fd, events, sizeof events), EINTR);
  ualarm(0, 0);
  close(fd);
}

static void* read_one(void* fd) { return read(*(int*)fd, events, sizeof events) > 24 ? fd : NULL; }

static void a_blocking_read_waits_for_an_error(void) {
  int fd = marked_group(0);
  pthread_t reader;
  void* has_read = NULL;
  CHECK(pthread_create(&reader, NULL, read_one, &fd) == 0);
  raise_error("awaited by a thread");
  CHECK(pthread_join(reader, &has_read) == 0 && has_read == &fd);
  close(fd);
}

/* Threads that wait for events before anything is marked: by read, and by poll. */
struct waiter {
  pthread_t thread;
  int fd;
  int polls;
  atomic_int tid;
};
static atomic_int have_read;

static void* wait_and_read(void* argument) {
  struct waiter* waiter = argument;
  char own[4096];
  atomic_store(&waiter->tid, (int)syscall(SYS_gettid));
  if (waiter->polls && !is_readable(waiter->fd, -1)) return NULL;
  if (read(waiter->fd, own, sizeof own) <= 24) return NULL;
  struct fanotify_event_metadata metadata;
  memcpy(&metadata, own, sizeof metadata);
  if (metadata.mask != RFC_FAN_ERROR) return NULL;
  atomic_fetch_add(&have_read, 1);
  return waiter;
}

static int comes_true(int (*condition)(const void*), const void* argument) {
  for (int i = 0; i < 10000; ++i) {
    if (condition(argument)) return 1;
    usleep(1000);
  }
  return 0;
}

/* Whether the thread is in the kernel, in that of its system calls that waits. */
static int waits(const void* argument) {
  const struct waiter* waiter = argument;
  char file_name[64];
  char text[64] = "";
  snprintf(file_name, sizeof file_name, "/proc/self/task/%d/syscall", atomic_load(&waiter->tid));
  FILE* file = fopen(file_name, "re");
  if (file == NULL) return 0;
  const int has_text = fgets(text, sizeof text, file) != NULL;
  fclose(file);
  const long call = has_text ? strtol(text, NULL, 10) : -1;
  return waiter->polls ? call == SYS_poll : call == SYS_read || call == SYS_readv;
}

static int so_many_have_read(const void* count) { return atomic_load(&have_read) >= *(const int*)count; }

static void who_waited_before_the_first_mark_is_told(void) {
  enum { kWaiters = 3 };
  const int fd = group(0);
  struct waiter waiters[kWaiters] = {{.fd = fd}, {.fd = fd}, {.fd = fd, .polls = 1}};
  for (int i = 0; i < kWaiters; ++i) {
    CHECK(pthread_create(&waiters[i].thread, NULL, wait_and_read, &waiters[i]) == 0);
    CHECK(comes_true(waits, &waiters[i]));
  }
  CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
  for (int i = 1; i <= kWaiters; ++i) { /* one reader may take all that is there */
    raise_error("awaited from the first");
    CHECK(comes_true(so_many_have_read, &i));
  }
  if (atomic_load(&have_read) < kWaiters) exit(1); /* they would be waited for in vain */
  for (int i = 0; i < kWaiters; ++i) {
    void* has_read = NULL;
    CHECK(pthread_join(waiters[i].thread, &has_read) == 0 && has_read == &waiters[i]);
  }
  close(fd);
}

static void a_copy_of_the_descriptor_is_the_group(void) {
  const int fd = marked_group(0);
  const int copy = dup(fd);
  const int chosen = dup2(fd, 100);
  CHECK(close(fd) == 0);
  CHECK(close(chosen) == 0);
  raise_error("copied");
  CHECK(is_readable(copy, 10000));
  CHECK(read(copy, events, sizeof events) > 24);
  CHECK(close(copy) == 0);
  CHECK_ERROR(read(copy, events, sizeof events), EBADF);
}

static void a_number_that_was_closed_unseen_is_anybodys(void) {
  const int fd = marked_group(0);
  fclose(fdopen(fd, "r")); /* stdio closes within the C library */
  /* The lowest free one, unless a thread of an earlier group's has just closed one that is lower. */
  int lower[64];
  int count = 0;
  int number = eventfd(5, 0);
  for (; number != -1 && number < fd && count < 64; number = eventfd(5, 0)) lower[count++] = number;
  CHECK(number == fd);
  uint64_t value = 0;
  CHECK(read(number, &value, sizeof value) == sizeof value && value == 5);
  close(number);
  while (count > 0) close(lower[--count]);
}

static void a_child_has_no_group(void) {
  const int fd = marked_group(0);
  const pid_t child = fork();
  if (child == 0) _exit(read(fd, events, sizeof events) == -1 && errno == EBADF && close(fd) == 0 ? 0 : 1);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  raise_error("the parent's");
  CHECK(is_readable(fd, 10000));
  close(fd);
}

static void a_group_may_be_marked_in_a_child(void) {
  const int fd = group(0);
  const pid_t child = fork();
  if (child == 0) {
    failures = 0;
    CHECK(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path) == 0);
    raise_error("the child's");
    CHECK(read(fd, events, sizeof events) > 24);
    _exit(failures);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  close(fd);
}

static void todays_group_of_these_flags_stays_the_kernels(void) {
  const int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_PIDFD | FAN_NONBLOCK, O_RDONLY);
  CHECK(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_ONDIR, AT_FDCWD, path) == 0);
  CHECK_ERROR(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, RFC_FAN_ERROR, AT_FDCWD, path), EINVAL);
  close(open(path, O_RDONLY));
  CHECK(read(fd, events, sizeof events) == 24 + 8); /* the event, and a pidfd */
  struct fanotify_event_metadata metadata;
  memcpy(&metadata, events, sizeof metadata);
  CHECK((metadata.mask & FAN_OPEN) != 0 && metadata.fd >= 0);
  close(fd);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  path = argv[1];
  trigger = argv[2];
  marks_only_file_systems_for_errors();
  refuses_an_unlimited_queue();
  needs_privilege();
  removes_marks();
  is_readable_while_events_wait();
  works_in_an_epoll_that_had_it_before_the_mark();
  threads_may_make_the_first_mark_at_once();
  a_blocking_read_is_interrupted();
  a_blocking_read_waits_for_an_error();
  who_waited_before_the_first_mark_is_told();
  a_copy_of_the_descriptor_is_the_group();
  a_number_that_was_closed_unseen_is_anybodys();
  a_child_has_no_group();
  a_group_may_be_marked_in_a_child();
  todays_group_of_these_flags_stays_the_kernels();
  return failures == 0 ? 0 : 1;
}
