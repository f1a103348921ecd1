/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) OR MIT */
/* The error handler's own arguments: errno, inode and block of every ext4 error, where the kernel lets a function be
 * hooked. All five of ext4's reporters end in ext4_handle_error (but for block-group errors under errors=continue), so this
 * also sees those that have no tracepoint (__ext4_std_error).
 */
#include "kernel.h"

#include "records.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22); /* the reader puts trace.bpf.c's ring in its place */
} ring SEC(".maps");

__u64 details_dropped;

static __always_inline int report(struct super_block *sb, int code, __u64 inode, __u64 block, const char *function,
				  __u32 line)
{
	struct fsh_error *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	__u64 id = bpf_get_current_pid_tgid();

	if (!record) {
		__sync_fetch_and_add(&details_dropped, 1);
		return 0;
	}
	record->head.type = FSH_DETAIL;
	record->head.stack_count = 0;
	record->head.boottime_ns = bpf_ktime_get_boot_ns();
	record->head.cgroup = bpf_get_current_cgroup_id();
	record->head.pid = id >> 32;
	record->head.tid = (__u32)id;
	bpf_get_current_comm(record->head.comm, sizeof(record->head.comm));
	record->dev = BPF_CORE_READ(sb, s_dev);
	record->line = line;
	record->cell = FSH_NO_CELL;
	record->flags = 0;
	record->inode = inode;
	record->block = block;
	record->code = code < 0 ? -code : code;
	record->unused = 0;
	bpf_probe_read_kernel(record->uuid, sizeof(record->uuid), __builtin_preserve_access_index(&sb->s_uuid));
	bpf_probe_read_kernel_str(record->device, sizeof(record->device), __builtin_preserve_access_index(sb->s_id));
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
