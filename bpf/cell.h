/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the programs of all objects do for each error: its head, its stack, the cell of its code point. */
#ifndef FSHERALD_BPF_CELL_H
#define FSHERALD_BPF_CELL_H

#include "points.h"
#include "window.h"

static __always_inline void fill_head(struct fsh_head *head, __u32 type, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();

	head->type = type;
	head->stack_count = 0;
	head->boottime_ns = now;
	head->cgroup = bpf_get_current_cgroup_id();
	head->pid = id >> 32;
	head->tid = (__u32)id;
	bpf_get_current_comm(head->comm, sizeof(head->comm));
}

static __always_inline __u32 take_stack(void *ctx, void *stack)
{
	long bytes = bpf_get_stack(ctx, stack, FSH_STACK_FRAMES * sizeof(__u64), 0);

	return bytes > 0 ? bytes / sizeof(__u64) : 0;
}

/* The cell of a code point: found, or made. */
static __always_inline struct fsh_cell *find_cell(const char *device, const char *type, const struct point *point,
						  __u32 *index)
{
	const char *function = (const char *)point->function;
	struct fsh_cell *cell;
	__u32 *found, fresh, zero = 0;
	__u64 *count;

	found = bpf_map_lookup_elem(&points, point);
	if (!found) {
		count = bpf_map_lookup_elem(&cell_count, &zero);
		if (!count)
			return 0;
		fresh = __sync_fetch_and_add(count, 1);
		if (fresh >= FSH_CELLS)
			return 0;
		cell = bpf_map_lookup_elem(&cells, &fresh);
		if (!cell)
			return 0;
		cell->line = point->line;
		cell->point = point->function <= FSH_LAST_POINT ? point->function : 0;
		cell->dev = point->dev;
		__builtin_memcpy(cell->uuid, point->uuid, sizeof(cell->uuid));
		bpf_probe_read_kernel_str(cell->device, sizeof(cell->device), device);
		if (type)
			bpf_probe_read_kernel_str(cell->type, sizeof(cell->type), type);
		if (!cell->point && function)
			bpf_probe_read_kernel_str(cell->function, sizeof(cell->function), function);
		/* Another CPU may have been first: then its cell counts and ours stays empty. */
		bpf_map_update_elem(&points, point, &fresh, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&points, point);
		if (!found)
			return 0;
	}
	*index = *found;
	return bpf_map_lookup_elem(&cells, found);
}

#endif
