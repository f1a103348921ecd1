/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Code points (a function and line that reports errors, on one file system) and their cells. Each object that includes this
 * has maps of its own; the reader puts trace.bpf.c's in the place of the others'.
 */
#ifndef FSHERALD_BPF_POINTS_H
#define FSHERALD_BPF_POINTS_H

#include "kernel.h"

#include "records.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22); /* the reader may set another size */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FSH_CELLS);
	__type(key, __u32);
	__type(value, struct fsh_cell);
} cells SEC(".maps");

/* How many cells are in use: one number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cell_count SEC(".maps");

struct point {
	__u64 function; /* the address of its name, or enum fsh_point */
	__u32 line;
	__u32 dev;
	__u8 uuid[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FSH_CELLS);
	__type(key, struct point);
	__type(value, __u32);
} points SEC(".maps");

static __always_inline void fill_point(struct point *point, struct super_block *sb, const char *function, __u32 line)
{
	point->function = (__u64)function;
	point->line = line;
	point->dev = BPF_CORE_READ(sb, s_dev);
	bpf_probe_read_kernel(point->uuid, sizeof(point->uuid), &sb->s_uuid);
}

#endif
