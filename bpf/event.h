/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* One event of a tracepoint that is not ext4's: a record in the ring, or, where it is folded or there is no room, a count in
 * the cell of its point and file system.
 */
#ifndef FSHERALD_BPF_EVENT_H
#define FSHERALD_BPF_EVENT_H

#include "cell.h"

__u64 events_uncounted; /* no room in the ring, and no cell left */

/* Which file system or disk. The strings are the kernel's. */
struct whose {
	__u32 dev;
	__u8 uuid[16];
	const char *device;
	const char *type; /* 0: a disk */
};

static __always_inline void fill_whose(struct whose *whose, struct super_block *sb)
{
	whose->dev = BPF_CORE_READ(sb, s_dev);
	bpf_probe_read_kernel(whose->uuid, sizeof(whose->uuid), &sb->s_uuid);
	whose->device = sb->s_id;
	whose->type = BPF_CORE_READ(sb, s_type, name);
}

/* Which error. `values` are FSH_EVENT_VALUES; `text` is the kernel's, or 0. */
struct what {
	__u32 point; /* enum fsh_point */
	__u32 with_stack;
	__u64 values[FSH_EVENT_VALUES];
	const char *text;
};

static __always_inline int report_event(void *ctx, const struct whose *whose, const struct what *what)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 index = FSH_NO_CELL, with_stack = what->with_stack;
	struct fsh_entry entry = { .wakes = 1 };
	struct point point = { .function = what->point, .dev = whose->dev };
	struct fsh_event *record;
	struct fsh_cell *cell;

	__builtin_memcpy(point.uuid, whose->uuid, sizeof(point.uuid));
	cell = find_cell(whose->device, whose->type, &point, &index);
	if (cell) {
		entry = enter_window(cell, now, FSH_WINDOW_ROOM_OF_EVENTS);
		if (entry.is_folded)
			return 0;
	}
	if (with_stack)
		record = bpf_ringbuf_reserve(&ring, sizeof(*record) + FSH_STACK_FRAMES * sizeof(__u64), 0);
	else
		record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(cell ? &cell->folded : &events_uncounted, 1);
		return 0;
	}
	fill_head(&record->head, FSH_EVENT, now);
	record->point = what->point;
	record->dev = whose->dev;
	record->cell = index;
	record->flags = entry.more ? FSH_MORE : 0;
	__builtin_memcpy(record->values, what->values, sizeof(record->values));
	__builtin_memcpy(record->uuid, whose->uuid, sizeof(record->uuid));
	record->device[0] = record->type[0] = record->text[0] = 0;
	bpf_probe_read_kernel_str(record->device, sizeof(record->device), whose->device);
	if (whose->type)
		bpf_probe_read_kernel_str(record->type, sizeof(record->type), whose->type);
	if (what->text)
		bpf_probe_read_kernel_str(record->text, sizeof(record->text), what->text);
	if (with_stack)
		record->head.stack_count = take_stack(ctx, record + 1);
	bpf_ringbuf_submit(record, entry.wakes ? 0 : BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
