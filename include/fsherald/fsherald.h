/* SPDX-License-Identifier: MIT */
/* libfsherald: report errors of a file system, and subscribe to those of others. C ABI; fsherald.hpp is C++ over it.
 *
 * Two halves that know nothing of each other:
 *
 *   report      a file system or storage engine in user space tells of its errors. It needs no daemon to be there, no
 *               privilege, no memory and no lock at the time of the error: what it reports waits in preallocated memory until
 *               `fsherald daemon` reads it.
 *   subscribe   any program that may marks file systems and reads their notifications: from the daemon if one runs, else, with
 *               the privileges that `fsherald doctor` lists, from the kernel in its own process.
 *
 * Conventions: a function that can fail returns 0 or more on success and a negative errno on failure; errno itself is not
 * touched. Structs begin with `size`, which the caller sets to sizeof: later versions add members at the end, and a
 * member that is beyond the caller's size counts as zero. Of options that are larger than the library's the rest must be
 * zero: -EINVAL, for it would ask for what the library does not know. Of a struct fsherald_report it is not looked at: an
 * error is told with what the library knows to tell. Strings are NUL-terminated bytes of any encoding unless there is a
 * length beside them. All functions are since 0.1.
 */
#ifndef FSHERALD_FSHERALD_H
#define FSHERALD_FSHERALD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fsherald/record.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FSHERALD_API __attribute__((visibility("default")))
#else
#define FSHERALD_API
#endif

/* The library's version, "0.1.0". Any thread, signal handlers too. */
FSHERALD_API const char* fsherald_version(void);

/* ---- report ---------------------------------------------------------------------------------------------------- */

/* One file system's way to report. Made once, when the file system starts. */
typedef struct fsherald_reporter fsherald_reporter;

struct fsherald_reporter_options {
  size_t size; /* sizeof(struct fsherald_reporter_options) */

  /* Which file system. Either `mount`: a path on it, while it is mounted, best its mount point; the daemon takes reports of
   * FUSE mounts only (nobody speaks for a file system of the kernel's), and only if this process runs as root, or as the user
   * who mounted it. It is not kept open: it can be unmounted at any time. Or `type` and `name`, for what has no mount: "mydb"
   * and "orders"; `type` must be no type of the kernel's (/proc/filesystems). Each up to 31 bytes. `type` and `name` of a
   * mount are ignored: the mount table has them. */
  const char* mount;
  const char* type;
  const char* name;

  /* The memory in which reports wait, for each thread that reports: a power of two from 16384 to 16777216 bytes; 0: 65536
   * (some 300 reports). And how many threads have such memory of their own, 1 to 255; 0: 15. Threads beyond share one such
   * memory. It is allocated and touched at once. */
  uint32_t thread_bytes;
  uint32_t threads;

  /* Where the daemon's sockets are; NULL: $FSHERALD_RUNTIME_DIR, else /run/fsherald. */
  const char* runtime_dir;
};

/* Opens a reporter. Starts one thread in this process, which only waits for the daemon to come, all signals blocked. After
 * fork(2) the child's copy is a reporter of its own, empty, as if it had been opened there (but for memory that cannot be
 * had then: -ESTALE). A child made otherwise cannot report: one of clone(2) itself is told so by -ESTALE, one of vfork(2) must
 * not try.
 * 0; -EINVAL: options that contradict, are out of bounds, too long, or unknown and not zero; -ENOENT and others as open(2)
 * gives them for `mount`; -ENOMEM; -EMFILE; -EAGAIN: no thread. Whether the daemon lets it report is told by fsherald_reporter_state.
 * Any thread; not from a signal handler. */
FSHERALD_API int fsherald_reporter_open(fsherald_reporter** reporter, const struct fsherald_reporter_options* options);

/* Closes it; nobody may be reporting by it any more. What was reported is still read, if a daemon is attached: the memory is
 * the daemon's too. NULL is allowed. Any thread; not from a signal handler. */
FSHERALD_API void fsherald_reporter_close(fsherald_reporter* reporter);

/* One error. What is zero or NULL, and not said to mean something else, is not known. */
struct fsherald_report {
  size_t size; /* sizeof(struct fsherald_report) */

  int32_t error; /* errno, positive */
  uint32_t kind; /* enum fsherald_kind: METADATA to DEVICE */

  uint64_t inode;        /* or the file system's own number of the object; with FSHERALD_REPORT_HAS_INODE */
  uint32_t generation;   /* with FSHERALD_REPORT_HAS_GENERATION */
  uint32_t flags;        /* FSHERALD_REPORT_... below */
  uint64_t offset_bytes; /* of the range in the object; with FSHERALD_REPORT_HAS_RANGE */
  uint64_t length_bytes; /* with FSHERALD_REPORT_HAS_LENGTH */

  const char* function; /* where in the code; FSHERALD_REPORT fills it. Up to 127 bytes, the rest is cut */
  uint32_t line;
  uint32_t blob_len; /* bytes of `blob`, up to FSHERALD_MAX_BLOB_BYTES */
  const void* blob;  /* what the file system wants to add, in a format of its own */
  const char*
      path; /* of the object below the file system's root, "a/b" or "/a/b"; without ".."; up to 1023 bytes; else it
                       is left out */
  const char* message; /* in the file system's own words; up to 255 bytes, the rest is cut */
};

#define FSHERALD_REPORT_HAS_INODE 0x01
#define FSHERALD_REPORT_HAS_GENERATION 0x02
#define FSHERALD_REPORT_HAS_RANGE 0x04  /* offset_bytes */
#define FSHERALD_REPORT_HAS_LENGTH 0x08 /* length_bytes; needs FSHERALD_REPORT_HAS_RANGE */
#define FSHERALD_MAX_BLOB_BYTES 2048

/* Reports one error. Copies it; allocates nothing, takes no lock, never waits; calls the kernel only to wake a daemon that
 * sleeps, and once in the life of each thread. From any thread, from signal handlers, under any lock, with no memory left,
 * whether or not a daemon is there. errno is kept.
 * 0: it waits, whole, to be read (or has been). 1: there was no room, it is counted: the number of errors told stays exact.
 * -EINVAL: `error` is not 1 to 4095, `kind` is none, flags are unknown, the blob is too long; -ESTALE: as said at
 * fsherald_reporter_open; nothing was counted. */
FSHERALD_API int fsherald_report_error(fsherald_reporter* reporter, const struct fsherald_report* report);

/* FSHERALD_REPORT(reporter, .error = EIO, .kind = FSHERALD_KIND_DATA_READ, .inode = 12, .flags = FSHERALD_REPORT_HAS_INODE)
 * Fills function and line with those of the caller. C99; in C++ see fsherald.hpp. */
#define FSHERALD_REPORT(reporter, ...) \
  fsherald_report_error(               \
      (reporter),                      \
      &(const struct fsherald_report){ \
          .size = sizeof(struct fsherald_report), .function = __func__, .line = (uint32_t)__LINE__, __VA_ARGS__})

/* How it stands between a reporter and the daemon. */
struct fsherald_reporter_state {
  size_t size;       /* sizeof(struct fsherald_reporter_state), set by the caller */
  int32_t attached;  /* 1: a daemon reads what is reported; 0: none is there; negative errno: it refused, -EPERM (not
                         allowed to report, or not for this mount), -EDQUOT (too many reporters of this user), ... */
  uint32_t reserved; /* 0 */
  uint64_t waiting_bytes; /* that no daemon has read yet */
  uint64_t counted;       /* errors that were only counted, ever */
};

/* 0; -EINVAL: state->size; -ESTALE. Any thread; not from a signal handler. */
FSHERALD_API int fsherald_reporter_get_state(fsherald_reporter* reporter, struct fsherald_reporter_state* state);

/* Waits until the daemon has read all that was reported before the call, for the end of a program: what it has not read when
 * the last process that has the reporter ends is gone. A daemon that keeps a history reads all; one that keeps none reads what
 * somebody has marked, and leaves the rest waiting.
 * 0; -ETIMEDOUT: not within timeout_ms (negative: no limit); -ESTALE. Any thread; not from a signal handler. */
FSHERALD_API int fsherald_reporter_flush(fsherald_reporter* reporter, int timeout_ms);

/* ---- subscribe ------------------------------------------------------------------------------------------------- */

/* A group: it has its own preallocated ring of one MiB, and marks. One thread at a time. After fork(2) it stays the parent's: in
 * the child its functions say -ESTALE, and fsherald_monitor_close does nothing. */
typedef struct fsherald_monitor fsherald_monitor;

#define FSHERALD_MONITOR_NO_DAEMON 0x01   /* in this process, also where a daemon runs */
#define FSHERALD_MONITOR_ONLY_DAEMON 0x02 /* by the daemon, or not at all */
#define FSHERALD_MONITOR_SINCE 0x04       /* first what the daemon has told above number `since` */

struct fsherald_monitor_options {
  size_t size; /* sizeof(struct fsherald_monitor_options) */
  uint32_t flags;
  uint32_t reserved; /* 0 */
  /* A group with a name outlives its reader's death: it goes on to collect, and the next who opens it by this name, as the same
   * user, gets first what was not acknowledged, then the rest. It ends by fsherald_monitor_close, after ten minutes without a
   * reader, or with the daemon. Up to 63 bytes. NULL: it ends with its reader, and reading acknowledges. Needs the daemon. */
  const char* name;
  const char* runtime_dir; /* as of the reporter */

  /* With FSHERALD_MONITOR_SINCE: all whose number (fsherald_sequence.seq) is above it is told first, from the daemon's history, in
   * order, then what comes, without a hole or a repeat; 0: all that there is. Above the last number told: what comes. Numbers that
   * are not kept any more are told by a gap (FSHERALD_KIND_GAP, seq 0). It marks all file systems, for the program to pick from:
   * other marks are refused, -EOPNOTSUPP. While it is not read it costs the daemon its place in the history; from when it is live
   * its ring, as any monitor. With a `name` it takes the place of the group of that name, which must have no reader; until it is
   * live it ends with its reader: ask again with the last number. Needs the daemon, and that it keeps a history. Else 0. */
  uint64_t since;
};

/* Opens a monitor; it has no marks yet (but with FSHERALD_MONITOR_SINCE). `options` may be NULL.
 * 0; -EPERM: this user may not subscribe (is not root, nor in the daemon's group), or, where no daemon runs, lacks the
 * privileges; -ECONNREFUSED: no daemon, and FSHERALD_MONITOR_ONLY_DAEMON, FSHERALD_MONITOR_SINCE or a name asks for one;
 * -ECONNRESET: what listens there takes connections and answers nobody; -EOPNOTSUPP: FSHERALD_MONITOR_SINCE, and the daemon keeps no
 * history; -EDQUOT: too many groups of this user; -EBUSY: the group of that name has a reader; -EINVAL; -ENOMEM; others of socket(2)
 * and bpf(2). Any thread. */
FSHERALD_API int fsherald_monitor_open(fsherald_monitor** monitor, const struct fsherald_monitor_options* options);

/* Closes it and ends the group. NULL is allowed. */
FSHERALD_API void fsherald_monitor_close(fsherald_monitor* monitor);

/* 1: notifications come from a daemon, those of user-space file systems among them; 0: from this process alone. */
FSHERALD_API int fsherald_monitor_has_daemon(const fsherald_monitor* monitor);

enum fsherald_mark_op { FSHERALD_MARK_ADD = 1, FSHERALD_MARK_REMOVE = 2 };

/* Marks the whole file system that `path` lies on, or ends the mark. From the return on its errors are told.
 * 0; as open(2) with O_PATH gives it; -EOPNOTSUPP: no source sees errors of this file system, or the monitor was opened with
 * FSHERALD_MONITOR_SINCE; -ENOENT also: FSHERALD_MARK_REMOVE,
 * and there is no mark; -ENOSPC: more than 8192 marks; -ECONNRESET: the daemon is gone. */
FSHERALD_API int fsherald_mark_path(fsherald_monitor* monitor, enum fsherald_mark_op op, const char* path);
/* The same by a descriptor of any kind on it, O_PATH too. */
FSHERALD_API int fsherald_mark_fd(fsherald_monitor* monitor, enum fsherald_mark_op op, int fd);
/* The same for a user-space file system without a mount, by type and name; it need not run yet. Needs the daemon: else
 * -EOPNOTSUPP. `uid`: only if that user reports it; (uid_t)-1: whoever does. -EDQUOT: this user has marked more than 16384 names
 * since the daemon began. */
FSHERALD_API int fsherald_mark_name(fsherald_monitor* monitor, enum fsherald_mark_op op, const char* type,
                                    const char* name, uid_t uid);
/* All file systems, those to come included. */
FSHERALD_API int fsherald_mark_all(fsherald_monitor* monitor, enum fsherald_mark_op op);
/* Ends all marks. */
FSHERALD_API int fsherald_mark_flush(fsherald_monitor* monitor);

/* For poll(2), select(2), epoll(7): readable when there may be something to read. The monitor's: do not read or close it. */
FSHERALD_API int fsherald_monitor_fd(const fsherald_monitor* monitor);

/* Takes whole notifications as bytes (record.h), as many as fit. Never waits. The count of bytes; -EAGAIN: there are none;
 * -EINVAL: `size` has no room for the first (FSHERALD_MAX_NOTIFICATION_BYTES always suffice); -ECONNRESET: the daemon is gone, and
 * all that came from it has been read. */
FSHERALD_API ssize_t fsherald_monitor_read(fsherald_monitor* monitor, void* buffer, size_t size);

/* Bits of fsherald_notification.flags, beside those of FSHERALD_REPORT_HAS_... */
#define FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR 0x0100
#define FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_DEV 0x0200
#define FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTOR 0x0400
#define FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTORS 0x0800
#define FSHERALD_NOTIFICATION_HAS_HEALTH 0x1000
#define FSHERALD_NOTIFICATION_HAS_HEALTH_UID 0x2000

/* A notification, decoded. What is not known is NULL, 0, or lacks its flag; strings are NUL-terminated, and raw bytes. */
struct fsherald_notification {
  size_t size;  /* sizeof of the library that fills it: members beyond it are not there */
  uint64_t seq; /* these as in struct fsherald_sequence */
  uint64_t filesystem_seq;
  int64_t utc_ns;
  uint64_t boottime_ns; /* 0: not known */
  uint32_t kind;        /* enum fsherald_kind */
  uint32_t origin;      /* enum fsherald_origin */
  uint32_t sources;     /* bits: 1 << enum fsherald_source */
  int32_t error;        /* errno; 0: not known */
  uint64_t count;

  const char* type; /* the file system: "ext4" */
  const char* device;
  const char* const* mounts; /* NULL-terminated; never NULL itself */

  const char* function; /* where in the code */
  uint32_t line;
  uint32_t flags; /* FSHERALD_REPORT_HAS_..., FSHERALD_NOTIFICATION_HAS_...: which of the following are known */
  const char* const* stack; /* NULL-terminated; never NULL itself */

  uint64_t inode; /* which file */
  uint32_t generation;
  uint32_t pid; /* by which task; 0: not known */
  const char* path;
  uint64_t offset_bytes;
  uint64_t length_bytes;
  const char* comm;

  const char* message; /* the file system's own words */
  const void* blob;    /* of a user-space file system */
  size_t blob_len;

  uint64_t gap_count;     /* of FSHERALD_KIND_GAP: errors lost */
  uint32_t gap_source;    /* enum fsherald_source */
  uint32_t gap_certainty; /* enum fsherald_certainty */

  const void* bytes; /* all of it, as fsherald_monitor_read gives it */
  size_t bytes_len;

  const char* file; /* source file of `function` and `line` */
  uint32_t
      corrected; /* 1: the file system has put right what was wrong; with a count of 0: something is healthy again */
  uint32_t untrusted; /* 1: user space wrote it to the kernel's log, and nothing else has seen the error */

  const char* device_error_device; /* what the device below reported: these as in struct fsherald_device_error */
  uint32_t device_error_major;     /* with ..._HAS_DEVICE_ERROR_DEV */
  uint32_t device_error_minor;
  uint32_t device_error_operation; /* enum fsherald_operation */
  int32_t device_error_code;       /* errno; 0: not known */
  uint64_t device_error_sector;    /* in units of 512 bytes from the device's start; with ..._SECTOR */
  uint64_t device_error_sectors;   /* how many, of 512 bytes; with ..._SECTORS */
  uint64_t device_error_count;     /* requests that failed */

  uint64_t incident;           /* seq of the first of the errors that this one follows, or is; 0: none */
  uint32_t health_from;        /* of FSHERALD_KIND_HEALTH, these as in struct fsherald_health: enum fsherald_state */
  uint32_t health_to;          /* enum fsherald_state; all of these with ..._HAS_HEALTH */
  uint32_t health_rule;        /* enum fsherald_rule */
  uint32_t health_uid;         /* with ..._HAS_HEALTH_UID */
  const char* health_reason;   /* in the operator's words */
  int64_t health_since_utc_ns; /* when health_from was entered; 0: not known */
  uint64_t health_errors;      /* that were told since */
};

/* The next notification, decoded; it lives until the next call with this monitor. Never waits.
 * 1: there is one; 0: none now; -ECONNRESET: the daemon is gone, and all that came from it has been read. */
FSHERALD_API int fsherald_monitor_next(fsherald_monitor* monitor, const struct fsherald_notification** notification);

/* All up to `seq` (fsherald_sequence.seq) are done with: a group with a name forgets them. 0 also for what is forgotten already and
 * for a group without a name; -ECONNRESET: the daemon is gone. */
FSHERALD_API int fsherald_monitor_acknowledge(fsherald_monitor* monitor, uint64_t seq);

/* One notification as text, as `fsherald watch` prints it: `json` 1: one line of JSON (docs/json.md); 0: a block for people.
 * Writes up to `size` bytes, the last a NUL, and returns the length that all of it has, as snprintf(3); -EBADMSG: the bytes do not
 * begin with a notification; -ENOMEM. Any thread. */
FSHERALD_API ssize_t fsherald_format(const void* bytes, size_t bytes_len, int json, char* text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
