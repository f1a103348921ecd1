/* SPDX-License-Identifier: MIT */
/* The stream: what a subscriber reads. docs/record_format.md explains it with an example in bytes.
 *
 * It has the shape of fanotify's own: a notification is a struct fsherald_metadata (struct fanotify_event_metadata),
 * then records, each behind a struct fsherald_info (struct fanotify_event_info_header). So a program that reads
 * FAN_FS_ERROR can read this: it finds the same mask, the same FID and ERROR records, and skips the types that it does
 * not know.
 *
 * Rules of reading:
 *  - A notification is metadata.event_len bytes long; the next one follows. event_len is a multiple of 8.
 *  - A record is info.len bytes long, its header included; len is never 0. Skip what you do not know.
 *  - Records come in any order; each type at most once, but for MOUNT, which comes once for each mount point.
 *  - A record may be longer than its struct here: what follows is text or an array, as said beside it. Texts are raw
 *    bytes, never NUL-terminated; their lengths stand in the struct; behind the last the record is padded with zeros.
 *  - A record that is not there means that the part is not known. Nothing is ever guessed.
 *  - There is no version. A record never changes: what is new is a new type, a new value of an enum, or a bit of flags
 *    that was always 0.
 *
 * All integers are in the byte order of the machine. FSHERALD_RECORD_FID and _ERROR are laid out as the kernel does
 * (uapi/linux/fanotify.h, Linux 5.16); each other record starts at a multiple of 8 and has a multiple of 8 as length.
 * Since 0.1.
 */
#ifndef FSHERALD_RECORD_H
#define FSHERALD_RECORD_H

#include <stdint.h>

#ifdef __cplusplus
#define FSHERALD_ASSERT_SIZE(type, bytes) static_assert(sizeof(struct type) == (bytes), #type)
extern "C" {
#elif !defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L
#define FSHERALD_ASSERT_SIZE(type, bytes) \
  typedef char type##_has_##bytes##_bytes[sizeof(struct type) == (bytes) ? 1 : -1]
#else
#define FSHERALD_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)
#endif

/* A notification never has more bytes than this. What does not fit is left out, see FSHERALD_CUT. */
#define FSHERALD_MAX_NOTIFICATION_BYTES 4096

/* struct fanotify_event_metadata. */
struct fsherald_metadata {
  uint32_t event_len;    /* of the whole notification, this struct included */
  uint8_t vers;          /* 3, as fanotify's */
  uint8_t reserved;      /* 0 */
  uint16_t metadata_len; /* 24: the first record follows */
  uint64_t mask;         /* FSHERALD_MASK_ERROR; of a gap FSHERALD_MASK_OVERFLOW */
  int32_t fd;            /* -1, FAN_NOFD */
  int32_t pid;           /* as in the TASK record; 0: not known */
};
FSHERALD_ASSERT_SIZE(fsherald_metadata, 24);

#define FSHERALD_MASK_ERROR 0x00008000    /* FAN_FS_ERROR */
#define FSHERALD_MASK_OVERFLOW 0x00004000 /* FAN_Q_OVERFLOW: something was lost, the GAP record says how much */

/* struct fanotify_event_info_header. */
struct fsherald_info {
  uint8_t type; /* FSHERALD_RECORD_... */
  uint8_t pad;  /* 0 */
  uint16_t len; /* of the record, this header included */
};
FSHERALD_ASSERT_SIZE(fsherald_info, 4);

enum fsherald_record_type {
  FSHERALD_RECORD_FID = 1,           /* as the kernel's: always there */
  FSHERALD_RECORD_ERROR = 5,         /* as the kernel's: always there */
  FSHERALD_RECORD_SEQUENCE = 0x80,   /* always there */
  FSHERALD_RECORD_FILESYSTEM = 0x81, /* always there, but in a gap that concerns no single file system */
  FSHERALD_RECORD_LOCATION = 0x82,
  FSHERALD_RECORD_STACK = 0x83,
  FSHERALD_RECORD_SPECIFIC = 0x84, /* the file-system-specific record */
  FSHERALD_RECORD_RANGE = 0x85,
  FSHERALD_RECORD_TASK = 0x86,
  FSHERALD_RECORD_MESSAGE = 0x87, /* the file system's own words */
  FSHERALD_RECORD_GAP = 0x88,
  FSHERALD_RECORD_OBJECT = 0x89,       /* which file */
  FSHERALD_RECORD_MOUNT = 0x8a,        /* one mount point; the shortest first */
  FSHERALD_RECORD_HOST = 0x8b,         /* which boot of which kernel */
  FSHERALD_RECORD_DEVICE_ERROR = 0x8c, /* what the device below reported */
  FSHERALD_RECORD_SOURCE_FILE = 0x8d,  /* of LOCATION, where the report itself names it */
  FSHERALD_RECORD_INCIDENT = 0x8e,     /* which error was the first of those that followed each other */
  FSHERALD_RECORD_HEALTH = 0x8f,       /* of FSHERALD_KIND_HEALTH: from which state to which, and why */
};

/* FSHERALD_RECORD_FID: struct fanotify_event_info_fid. The handle is what open_by_handle_at(2) takes: type 1
 * (FILEID_INO32_GEN) with 8 bytes, u32 inode and u32 generation; type 0x81 (FILEID_INO64_GEN) with 12 bytes, u64 inode
 * and u32 generation; type 0xff with no bytes: no file is known. Generation 0 is any: it is not known. `len` is such
 * that the next record's end is a multiple of 8. */
struct fsherald_fid {
  struct fsherald_info info;
  uint32_t fsid[2]; /* statfs(2) f_fsid; 0, 0: not known */
  uint32_t handle_bytes;
  int32_t handle_type;
  /* then handle_bytes bytes, then zeros */
};
FSHERALD_ASSERT_SIZE(fsherald_fid, 20);

/* FSHERALD_RECORD_ERROR: struct fanotify_event_info_error. */
struct fsherald_error {
  struct fsherald_info info;
  int32_t error;        /* errno, positive; 0: not known */
  uint32_t error_count; /* as in SEQUENCE; all ones: that many or more */
};
FSHERALD_ASSERT_SIZE(fsherald_error, 12);

/* What the notification is about (docs/json.md, "kind"). */
enum fsherald_kind {
  FSHERALD_KIND_METADATA = 0,
  FSHERALD_KIND_DATA_READ = 1,
  FSHERALD_KIND_DATA_WRITE = 2,
  FSHERALD_KIND_WRITEBACK = 3,
  FSHERALD_KIND_SHUTDOWN = 4,
  FSHERALD_KIND_READ_ONLY = 5,
  FSHERALD_KIND_DEVICE = 6,
  FSHERALD_KIND_COUNTER = 7,
  FSHERALD_KIND_GAP = 8,
  FSHERALD_KIND_HEALTH = 9, /* no error: the state of the file system has changed, the HEALTH record says how */
};

enum fsherald_origin {
  FSHERALD_ORIGIN_KERNEL = 0,
  FSHERALD_ORIGIN_USER = 1, /* a file system in user space reported it: it is as true as that program is */
};

/* Bits of fsherald_sequence.sources; 1 << source in fsherald_gap.source. */
enum fsherald_source {
  FSHERALD_SOURCE_FANOTIFY = 0,
  FSHERALD_SOURCE_TRACE = 1,
  FSHERALD_SOURCE_KMSG = 2,
  FSHERALD_SOURCE_COUNTERS = 3,
  FSHERALD_SOURCE_PRODUCER = 4,
  FSHERALD_SOURCE_GROUP = 5,  /* of a gap: this subscriber did not read fast enough, or asked for what is not kept any more */
  FSHERALD_SOURCE_MOUNTS = 6, /* the mount table: what a file system has made of itself */
  FSHERALD_SOURCE_HEALTH = 7, /* a health monitor of the file system's own (XFS from Linux 7.0) */
};

/* Bits of fsherald_sequence.flags. */
#define FSHERALD_HAS_BOOTTIME 0x01 /* boottime_ns is known */
#define FSHERALD_CUT 0x02          /* parts that are known were left out: the notification would have been too long */
#define FSHERALD_CORRECTED 0x04    /* the file system has put right what was wrong: nothing is lost */
#define FSHERALD_UNTRUSTED 0x08    /* user space wrote it to the kernel's log, and nothing else has seen the error */

struct fsherald_sequence {
  struct fsherald_info info; /* FSHERALD_RECORD_SEQUENCE */
  uint8_t kind;              /* enum fsherald_kind */
  uint8_t origin;            /* enum fsherald_origin */
  uint8_t sources;           /* bits: 1 << enum fsherald_source */
  uint8_t flags;
  uint64_t seq; /* 1, 2, 3, ... of all that the teller (a daemon, or a monitor without one) told; 0: a group's
                              own gap */
  uint64_t filesystem_seq; /* 1, 2, 3, ... of this file system: a reader who did not mark others sees what it missed */
  uint64_t count;          /* how many errors this notification stands for; of a gap, and of a change of health, 0 */
  int64_t utc_ns;          /* since 1970 */
  uint64_t boottime_ns;    /* CLOCK_BOOTTIME */
};
FSHERALD_ASSERT_SIZE(fsherald_sequence, 48);

/* Bits of fsherald_filesystem.flags: which of its fields are known. */
#define FSHERALD_HAS_DEV 0x01 /* of fsherald_device_error.flags, too */
#define FSHERALD_HAS_UUID 0x02
#define FSHERALD_HAS_FSID 0x04

struct fsherald_filesystem {
  struct fsherald_info info; /* FSHERALD_RECORD_FILESYSTEM */
  uint16_t type_len;         /* 0: not known */
  uint16_t device_len;       /* 0: not known */
  uint32_t dev_major;
  uint32_t dev_minor;
  uint32_t flags;
  uint32_t reserved; /* 0 */
  uint8_t uuid[16];
  /* then type_len bytes: "ext4"; device_len bytes: "sda1", or the name of a user-space file system */
};
FSHERALD_ASSERT_SIZE(fsherald_filesystem, 40);

struct fsherald_location {
  struct fsherald_info info; /* FSHERALD_RECORD_LOCATION */
  uint16_t function_len;
  uint16_t reserved;  /* 0 */
  uint32_t line;      /* 0: not known */
  uint32_t reserved2; /* 0 */
  /* then function_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_location, 16);

struct fsherald_stack {
  struct fsherald_info info; /* FSHERALD_RECORD_STACK */
  uint16_t frames;
  uint16_t text_len;
  /* then text_len bytes: the frames, "function+0xoffset", innermost first, each ended by a NUL (none has one inside) */
};
FSHERALD_ASSERT_SIZE(fsherald_stack, 8);

/* Values that the file system defines, by name, then a blob of its own. The kernel's file systems have no blob here. */
struct fsherald_specific {
  struct fsherald_info info; /* FSHERALD_RECORD_SPECIFIC */
  uint16_t type_len;
  uint16_t fields;     /* how many struct fsherald_field follow the type */
  uint16_t blob_len;   /* FSHERALD_NO_BLOB: there is none */
  uint16_t reserved;   /* 0 */
  uint32_t fields_len; /* bytes of the fields, their padding included */
  /* then type_len bytes padded to a multiple of 8; the fields; blob_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_specific, 16);
#define FSHERALD_NO_BLOB 0xffff

enum fsherald_field_type { FSHERALD_FIELD_NULL = 0, FSHERALD_FIELD_NUMBER = 1, FSHERALD_FIELD_TEXT = 2 };

struct fsherald_field {
  uint16_t type; /* enum fsherald_field_type */
  uint16_t name_len;
  uint16_t text_len; /* of FSHERALD_FIELD_TEXT */
  uint16_t reserved; /* 0 */
  uint64_t number;   /* of FSHERALD_FIELD_NUMBER */
  /* then name_len bytes, text_len bytes, zeros to a multiple of 8 */
};
FSHERALD_ASSERT_SIZE(fsherald_field, 16);

struct fsherald_range {
  struct fsherald_info info; /* FSHERALD_RECORD_RANGE */
  uint32_t flags;
  uint64_t offset_bytes; /* in the file; in the device where there is no OBJECT */
  uint64_t length_bytes;
};
FSHERALD_ASSERT_SIZE(fsherald_range, 24);
#define FSHERALD_HAS_LENGTH 0x01 /* of fsherald_range.flags */

struct fsherald_task {
  struct fsherald_info info; /* FSHERALD_RECORD_TASK */
  uint16_t comm_len;
  uint16_t cgroup_len;
  uint32_t pid;
  uint32_t tid;
  uint32_t flags;
  uint32_t reserved; /* 0 */
  /* then comm_len bytes, cgroup_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_task, 24);
#define FSHERALD_HAS_PID 0x01 /* of fsherald_task.flags */
#define FSHERALD_HAS_TID 0x02
#define FSHERALD_HAS_CGROUP 0x04

struct fsherald_message {
  struct fsherald_info info; /* FSHERALD_RECORD_MESSAGE */
  uint32_t text_len;
  /* then text_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_message, 8);

struct fsherald_gap {
  struct fsherald_info info; /* FSHERALD_RECORD_GAP */
  uint16_t source;           /* enum fsherald_source: which hop lost it */
  uint16_t certainty;        /* enum fsherald_certainty */
  uint64_t count;            /* errors, or of the log lines */
  int64_t from_utc_ns;       /* 0: not known */
  int64_t to_utc_ns;
};
FSHERALD_ASSERT_SIZE(fsherald_gap, 32);

enum fsherald_certainty { FSHERALD_EXACT = 0, FSHERALD_AT_LEAST = 1, FSHERALD_UNKNOWN = 2 };

/* How the path was found. */
enum fsherald_path_source {
  FSHERALD_PATH_NONE = 0, /* there is no path, or it is not known how it was found */
  FSHERALD_PATH_HANDLE = 1,
  FSHERALD_PATH_OPEN_FILE = 2,
  FSHERALD_PATH_WALK = 3,
  FSHERALD_PATH_PRODUCER = 4, /* the file system in user space said so */
  FSHERALD_PATH_IOCTL = 5,    /* the kernel was asked, in the way of that file system */
};

struct fsherald_object {
  struct fsherald_info info; /* FSHERALD_RECORD_OBJECT */
  uint16_t path_len;
  uint8_t path_source; /* enum fsherald_path_source */
  uint8_t flags;
  uint64_t inode; /* of a file system in user space its own number of the object */
  uint32_t generation;
  uint32_t reserved; /* 0 */
  /* then path_len bytes: below a mount point; of a file system without one, as that names its objects */
};
FSHERALD_ASSERT_SIZE(fsherald_object, 24);
#define FSHERALD_HAS_GENERATION 0x01 /* of fsherald_object.flags */
#define FSHERALD_HAS_INODE 0x02
#define FSHERALD_HAS_PATH 0x04

struct fsherald_mount {
  struct fsherald_info info; /* FSHERALD_RECORD_MOUNT */
  uint32_t path_len;
  /* then path_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_mount, 8);

struct fsherald_host {
  struct fsherald_info info; /* FSHERALD_RECORD_HOST */
  uint16_t boot_id_len;
  uint16_t kernel_len;
  /* then boot_id_len bytes: /proc/sys/kernel/random/boot_id; kernel_len bytes: uname -r */
};
FSHERALD_ASSERT_SIZE(fsherald_host, 8);

enum fsherald_operation {
  FSHERALD_OPERATION_UNKNOWN = 0,
  FSHERALD_OPERATION_READ = 1,
  FSHERALD_OPERATION_WRITE = 2,
  FSHERALD_OPERATION_FLUSH = 3,
  FSHERALD_OPERATION_DISCARD = 4,
};

/* What the device below reported, where that is the error (FSHERALD_KIND_DEVICE), or what caused it. */
struct fsherald_device_error {
  struct fsherald_info info; /* FSHERALD_RECORD_DEVICE_ERROR */
  uint16_t device_len;       /* 0: not known */
  uint8_t operation;         /* enum fsherald_operation */
  uint8_t flags;             /* which of the following are known */
  uint32_t dev_major;        /* with FSHERALD_HAS_DEV */
  uint32_t dev_minor;
  uint64_t sector;   /* the first that failed, in units of 512 bytes from the device's start */
  uint64_t sectors;  /* how many, of 512 bytes */
  uint64_t count;    /* requests that failed */
  int32_t error;     /* errno, positive; 0: not known */
  uint32_t reserved; /* 0 */
  /* then device_len bytes: the kernel's name of the block device, "sda" */
};
FSHERALD_ASSERT_SIZE(fsherald_device_error, 48);
#define FSHERALD_HAS_SECTOR 0x02 /* of fsherald_device_error.flags */
#define FSHERALD_HAS_SECTORS 0x04

struct fsherald_source_file {
  struct fsherald_info info; /* FSHERALD_RECORD_SOURCE_FILE */
  uint32_t text_len;
  /* then text_len bytes: "fs/xfs/xfs_fsops.c" */
};
FSHERALD_ASSERT_SIZE(fsherald_source_file, 8);

/* Errors of one file system that follow each other closely are one incident. */
struct fsherald_incident {
  struct fsherald_info info; /* FSHERALD_RECORD_INCIDENT */
  uint32_t reserved;         /* 0 */
  uint64_t first_seq;        /* fsherald_sequence.seq of its first error; of that itself its own */
};
FSHERALD_ASSERT_SIZE(fsherald_incident, 16);

/* The state of a file system. */
enum fsherald_state {
  FSHERALD_STATE_NOT_COVERED = 0, /* nothing that can be read would tell an error of it; in no notification */
  FSHERALD_STATE_WELL = 1,
  FSHERALD_STATE_PAST_ERRORS = 2, /* of before this boot or this mounting; nothing says that they are repaired */
  FSHERALD_STATE_ERRORS = 3,
  FSHERALD_STATE_READ_ONLY = 4, /* it has made itself read-only */
  FSHERALD_STATE_SHUT_DOWN = 5,
  FSHERALD_STATE_GONE = 6,    /* it was not well, and is not mounted any more */
  FSHERALD_STATE_UNKNOWN = 7, /* what it keeps of its errors could not be read; in no notification */
};

/* What has led from one state to another. */
enum fsherald_rule {
  FSHERALD_RULE_ERRORS = 0,
  FSHERALD_RULE_READ_ONLY = 1,
  FSHERALD_RULE_SHUTDOWN = 2,
  FSHERALD_RULE_GONE = 3,  /* unmounted, or its server has ended */
  FSHERALD_RULE_FOUND = 4, /* it was so when it was looked at for the first time */
  FSHERALD_RULE_REMOUNTED = 5,
  FSHERALD_RULE_COUNTERS_RESET = 6, /* its own counters have been set back: by fsck, or by hand */
  FSHERALD_RULE_REPAIRED = 7,       /* it says itself that what was damaged is healthy */
  FSHERALD_RULE_SCRUBBED = 8,       /* it has been read whole without an error */
  FSHERALD_RULE_MOUNTED_AGAIN = 9,
  FSHERALD_RULE_CLEARED = 10, /* by the operator, who has said why */
};

struct fsherald_health {
  struct fsherald_info info; /* FSHERALD_RECORD_HEALTH */
  uint8_t from;              /* enum fsherald_state */
  uint8_t to;                /* enum fsherald_state */
  uint8_t rule;              /* enum fsherald_rule */
  uint8_t flags;             /* which of the following are known */
  uint32_t uid;              /* of FSHERALD_RULE_CLEARED: by whom */
  uint16_t reason_len;       /* of FSHERALD_RULE_CLEARED */
  uint16_t reserved;         /* 0 */
  int64_t since_utc_ns;      /* when `from` was entered */
  uint64_t errors;           /* that were told while it was in `from`, corrected ones left out */
  /* then reason_len bytes */
};
FSHERALD_ASSERT_SIZE(fsherald_health, 32);
#define FSHERALD_HAS_UID 0x01 /* of fsherald_health.flags */
#define FSHERALD_HAS_SINCE 0x02
#define FSHERALD_HAS_REASON 0x04

#ifdef __cplusplus
}
#endif

#endif
