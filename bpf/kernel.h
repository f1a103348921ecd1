/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The little of the kernel that the programs look into. CO-RE relocates each field by the running kernel's BTF, so these
 * structs name only the fields that are read, in any order. */
#ifndef FSHERALD_BPF_KERNEL_H
#define FSHERALD_BPF_KERNEL_H

#include <linux/types.h>

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u8 b[16];
} uuid_t;

struct file_system_type {
	const char *name;
};

struct super_block {
	__u32 s_dev;
	char s_id[32];
	uuid_t s_uuid;
	struct file_system_type *s_type;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino; /* u64 from Linux 7.1: read by its size */
	__u32 i_generation;
};

#pragma clang attribute pop

#include <asm/ptrace.h>

/* The sixth and the seventh argument of a function under a kprobe; libbpf 1.1 names only five. 0: not known here. */
#if defined(__TARGET_ARCH_x86)
/* x86-64 psABI: six in registers, the seventh on the stack above the return address. */
static __always_inline const char *kprobe_argument6(struct pt_regs *ctx)
{
	return (const char *)ctx->r9;
}

static __always_inline __u32 kprobe_argument7(struct pt_regs *ctx)
{
	__u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)(PT_REGS_SP(ctx) + 8));
	return value;
}
#elif defined(__TARGET_ARCH_arm64)
/* AAPCS64: eight in registers. */
static __always_inline const char *kprobe_argument6(struct pt_regs *ctx)
{
	return (const char *)((struct user_pt_regs *)ctx)->regs[5];
}

static __always_inline __u32 kprobe_argument7(struct pt_regs *ctx)
{
	return (__u32)((struct user_pt_regs *)ctx)->regs[6];
}
#else
static __always_inline const char *kprobe_argument6(struct pt_regs *ctx)
{
	return 0;
}

static __always_inline __u32 kprobe_argument7(struct pt_regs *ctx)
{
	return 0;
}
#endif

#endif
