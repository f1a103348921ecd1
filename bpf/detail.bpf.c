/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The error handler's own arguments: errno, inode and block of every ext4 error, where the kernel lets a function be
 * hooked. All five of ext4's reporters end in ext4_handle_error (but for block-group errors under errors=continue), so this
 * also sees those that have no tracepoint (__ext4_std_error).
 */
#include <asm/errno.h>

#include "points.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 details_dropped;

/* The trace program only counts what a code point reports beyond this: then nobody asks for its arguments. */
static __always_inline int folded(const struct point *point, __u64 now)
{
	__u32 *index = bpf_map_lookup_elem(&points, point);
	struct fsh_cell *cell = index ? bpf_map_lookup_elem(&cells, index) : 0;

	return cell && cell->burst > FSH_BURST_RECORDS && now - cell->window_ns <= FSH_WINDOW_NS;
}

static __always_inline int report(struct super_block *sb, int code, __u64 inode, __u64 block, const char *function,
				  __u32 line)
{
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_boot_ns();
	struct fsh_error *record;
	struct point point;

	fill_point(&point, sb, function, line);
	if (folded(&point, now))
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&details_dropped, 1);
		return 0;
	}
	record->head.type = FSH_DETAIL;
	record->head.stack_count = 0;
	record->head.boottime_ns = now;
	record->head.cgroup = bpf_get_current_cgroup_id();
	record->head.pid = id >> 32;
	record->head.tid = (__u32)id;
	bpf_get_current_comm(record->head.comm, sizeof(record->head.comm));
	record->dev = point.dev;
	record->line = line;
	record->cell = FSH_NO_CELL;
	record->flags = 0;
	record->inode = inode;
	record->block = block;
	/* 0 is EFSCORRUPTED: fs/ext4/super.c, save_error_info(). */
	record->code = code < 0 ? -code : code ? code : EUCLEAN;
	record->unused = 0;
	__builtin_memcpy(record->uuid, point.uuid, sizeof(record->uuid));
	bpf_probe_read_kernel_str(record->device, sizeof(record->device), sb->s_id);
	record->function[0] = 0;
	bpf_probe_read_kernel_str(record->function, sizeof(record->function), function);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("fentry/ext4_handle_error")
int BPF_PROG(fentry_handle_error, struct super_block *sb, _Bool force_ro, int error, __u32 ino, __u64 block,
	     const char *function, unsigned int line)
{
	return report(sb, error, ino, block, function, line);
}

SEC("kprobe/ext4_handle_error")
int kprobe_handle_error(struct pt_regs *ctx)
{
	return report((struct super_block *)PT_REGS_PARM1(ctx), (int)PT_REGS_PARM3(ctx), (__u32)PT_REGS_PARM4(ctx),
		      PT_REGS_PARM5(ctx), kprobe_argument6(ctx), kprobe_argument7(ctx));
}
