/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* fserror_report (fs/fserror.c, from Linux 7.0): every error that a file system hands to fanotify, with what fanotify leaves
 * out: the range, the task, and those for which it had no memory.
 */
#include "event.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline int report(void *ctx, struct super_block *sb, struct inode *inode, __u32 type, __u64 position,
				  __u64 length, int error)
{
	struct what what = { .point = FSH_FSERROR, .with_stack = 1 };
	struct whose whose = {};

	fill_whose(&whose, sb);
	what.values[0] = type;
	if (inode) {
		what.values[1] = BPF_CORE_READ_BITFIELD_PROBED(inode, i_ino);
		what.values[2] = BPF_CORE_READ(inode, i_generation);
	}
	what.values[3] = position;
	what.values[4] = length;
	what.values[5] = error < 0 ? -error : error;
	return report_event(ctx, &whose, &what);
}

SEC("fentry/fserror_report")
int BPF_PROG(fentry_fserror_report, struct super_block *sb, struct inode *inode, __u32 type, __s64 position, __u64 length,
	     int error)
{
	return report(ctx, sb, inode, type, position, length, error);
}

SEC("kprobe/fserror_report")
int kprobe_fserror_report(struct pt_regs *ctx)
{
	return report(ctx, (struct super_block *)PT_REGS_PARM1(ctx), (struct inode *)PT_REGS_PARM2(ctx),
		      (__u32)PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), (int)(long)kprobe_argument6(ctx));
}
