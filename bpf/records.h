/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the BPF programs write and source/trace.cc reads: the records in the ring buffer, and the cells beside it.
 * Both sides include this file. All integers in native byte order; every size is asserted in source/trace.cc.
 *
 * The ring carries one record an error. Under a burst the programs stop writing records and only count in the cell of the
 * code point and file system (fold), and where the ring is full they count there as well: so each error is either a record
 * or a count, and none is lost, whatever the reader does, for as long as there are cells (FSH_CELLS).
 */
#ifndef FSHERALD_BPF_RECORDS_H
#define FSHERALD_BPF_RECORDS_H

enum {
	FSH_STACK_FRAMES = 24,
	FSH_TEXT_BYTES = 400,
	FSH_FUNCTION_BYTES = 48,
	FSH_NAME_BYTES = 32, /* s_id */
	FSH_TYPE_BYTES = 16, /* s_type->name */
	FSH_EVENT_TEXT_BYTES = 64,
	FSH_EVENT_VALUES = 6,
	FSH_CELLS = 2048,
	FSH_PREFIXES = 64,
};

/* A code point tells this many errors of a burst whole; each window that passes makes room for some more, so that its first error
 * is always told whole. The others are only counted. Of ext4's errors that is enough: fanotify has their number. Any other event is a
 * part of an error that lines tell too, and what is only counted is not known to be of it: a window makes room for a whole burst. */
#define FSH_BURST_RECORDS 64
#define FSH_WINDOW_NS 1000000ULL
#define FSH_WINDOW_ROOM 4
#define FSH_WINDOW_ROOM_OF_EVENTS FSH_BURST_RECORDS
/* Errors of a loud cell (see fsh_cell.quiet) that wake the reader, in each window. */
#define FSH_WINDOW_WAKEUPS 4
/* A code point's stack is taken at most this often. */
#define FSH_STACK_INTERVAL_NS 1000000ULL

enum fsh_record_type {
	FSH_ERROR = 1,    /* struct fsh_error: ext4_error */
	FSH_SHUTDOWN = 2, /* struct fsh_error: ext4_shutdown */
	FSH_DETAIL = 3,   /* struct fsh_error: ext4_handle_error, with code, inode and block */
	FSH_LINE = 4,     /* struct fsh_line: printk:console */
	FSH_EVENT = 5,    /* struct fsh_event: any other tracepoint */
};

/* fsh_event.point. What its values and its text are: src/filesystem/trace_event.h. */
enum fsh_point {
	FSH_XFS_SHUTDOWN = 1,
	FSH_XFS_FS_SICK = 2,
	FSH_XFS_FS_CORRUPT = 3,
	FSH_XFS_FS_HEALTHY = 4,
	FSH_XFS_FS_UNFIXED = 5,
	FSH_XFS_GROUP_SICK = 6,
	FSH_XFS_GROUP_CORRUPT = 7,
	FSH_XFS_GROUP_HEALTHY = 8,
	FSH_XFS_GROUP_UNFIXED = 9,
	FSH_XFS_INODE_SICK = 10,
	FSH_XFS_INODE_CORRUPT = 11,
	FSH_XFS_INODE_HEALTHY = 12,
	FSH_XFS_INODE_UNFIXED = 13,
	FSH_XFS_BUFFER_ERROR = 14,
	FSH_XFS_BTREE_CORRUPT = 15,
	FSH_BLOCK_ERROR = 16,
	FSH_WRITEBACK_ERROR = 17,
	FSH_FSERROR = 18,
	FSH_LAST_POINT = 18,
};

enum {
	FSH_NO_CELL = 0xffffffffU,
	/* fsh_error.flags */
	FSH_MORE = 1, /* more of this cell may follow that wake nobody, or are only counted: look again soon */
};

struct fsh_head {
	unsigned int type;
	unsigned int stack_count; /* valid entries of the stack; 0: not taken */
	unsigned long long boottime_ns;
	unsigned long long cgroup; /* id in the unified hierarchy */
	unsigned int pid;
	unsigned int tid;
	char comm[16];
};

struct fsh_error {
	struct fsh_head head;
	unsigned int dev; /* the kernel's own encoding: major << 20 | minor */
	unsigned int line;
	unsigned int cell; /* index, or FSH_NO_CELL */
	unsigned int flags;
	unsigned long long inode; /* FSH_DETAIL; 0: none */
	unsigned long long block; /* FSH_DETAIL; 0: none */
	int code;                 /* FSH_DETAIL; errno, positive */
	unsigned int unused;
	unsigned char uuid[16];
	char device[FSH_NAME_BYTES];
	char function[FSH_FUNCTION_BYTES];
	/* then, where stack_count > 0, FSH_STACK_FRAMES addresses */
};

struct fsh_line {
	struct fsh_head head;
	unsigned int length; /* of the text, at most FSH_TEXT_BYTES */
	unsigned int continues; /* the task's previous line is not finished: this one belongs to it */
	unsigned long long stack[FSH_STACK_FRAMES];
	char text[FSH_TEXT_BYTES];
};

struct fsh_event {
	struct fsh_head head;
	unsigned int point; /* enum fsh_point */
	unsigned int dev;
	unsigned int cell; /* index, or FSH_NO_CELL */
	unsigned int flags;
	unsigned long long values[FSH_EVENT_VALUES];
	unsigned char uuid[16];
	char device[FSH_NAME_BYTES]; /* s_id, or the disk's name */
	char type[FSH_TYPE_BYTES];   /* of the superblock; empty: an event of a disk */
	char text[FSH_EVENT_TEXT_BYTES];
	/* then, where stack_count > 0, FSH_STACK_FRAMES addresses */
};

/* One code point (function and line, or enum fsh_point) of one file system. Only the programs write, but for `quiet`. */
struct fsh_cell {
	unsigned long long folded;    /* errors that have no record, ever: atomic */
	unsigned long long window_ns; /* start of the present window */
	unsigned long long stack_ns;  /* when the stack was taken last */
	unsigned int in_window;
	unsigned int quiet; /* the reader writes 1: fanotify wakes it for each error of this cell, so records need not */
	unsigned int dev;
	unsigned int line;
	unsigned int point; /* enum fsh_point; 0: a function and line of ext4 */
	unsigned int burst; /* for which there is no room again yet; above FSH_BURST_RECORDS where the last was folded */
	unsigned char uuid[16];
	char device[FSH_NAME_BYTES];
	char type[FSH_TYPE_BYTES]; /* of a point */
	char function[FSH_FUNCTION_BYTES];
};

#endif
