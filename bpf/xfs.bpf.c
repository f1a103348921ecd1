/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* XFS's own tracepoints of what it finds wrong. */
#include "event.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* One byte, as in the kernel. */
enum xfs_group_type {
	XG_TYPE_AG,
} __attribute__((packed));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct xfs_sb {
	__u32 sb_agblocks;
	__u8 sb_blocklog;
	__u8 sb_inopblog;
	__u8 sb_agblklog;
};

struct xfs_mount {
	struct xfs_sb m_sb;
	struct super_block *m_super;
	struct xfs_buftarg *m_ddev_targp;
};

struct xfs_group {
	struct xfs_mount *xg_mount;
	__u32 xg_gno;
	enum xfs_group_type xg_type;
};

struct xfs_inode {
	struct xfs_mount *i_mount;
	__u64 i_ino;
	struct inode i_vnode;
};

struct xfs_buftarg {
	struct xfs_mount *bt_mount;
};

struct xfs_buf_ops {
	char *name;
};

struct xfs_buf_map {
	__s64 bm_bn;
};

struct xfs_buf {
	int b_length;
	__u32 b_flags;
	struct xfs_buftarg *b_target;
	struct xfs_buf_map *b_maps;
	const struct xfs_buf_ops *b_ops;
};

#pragma clang attribute pop

static __always_inline int report_xfs(void *ctx, struct xfs_mount *mp, const struct what *what)
{
	struct whose whose = {};
	struct super_block *sb = BPF_CORE_READ(mp, m_super);

	if (!sb)
		return 0;
	fill_whose(&whose, sb);
	return report_event(ctx, &whose, what);
}

SEC("tp_btf/xfs_force_shutdown")
int BPF_PROG(xfs_force_shutdown, struct xfs_mount *mp, int ptag, int flags, const char *file, int line)
{
	struct what what = { .point = FSH_XFS_SHUTDOWN, .with_stack = 1, .values = { ptag, flags, line }, .text = file };

	return report_xfs(ctx, mp, &what);
}

static __always_inline int report_mount(void *ctx, __u32 point, struct xfs_mount *mp, unsigned int mask)
{
	struct what what = { .point = point, .with_stack = 1, .values = { mask } };

	return report_xfs(ctx, mp, &what);
}

SEC("tp_btf/xfs_fs_mark_sick")
int BPF_PROG(xfs_fs_mark_sick, struct xfs_mount *mp, unsigned int mask)
{
	return report_mount(ctx, FSH_XFS_FS_SICK, mp, mask);
}

SEC("tp_btf/xfs_fs_mark_corrupt")
int BPF_PROG(xfs_fs_mark_corrupt, struct xfs_mount *mp, unsigned int mask)
{
	return report_mount(ctx, FSH_XFS_FS_CORRUPT, mp, mask);
}

SEC("tp_btf/xfs_fs_mark_healthy")
int BPF_PROG(xfs_fs_mark_healthy, struct xfs_mount *mp, unsigned int mask)
{
	return report_mount(ctx, FSH_XFS_FS_HEALTHY, mp, mask);
}

SEC("tp_btf/xfs_fs_unfixed_corruption")
int BPF_PROG(xfs_fs_unfixed_corruption, struct xfs_mount *mp, unsigned int mask)
{
	return report_mount(ctx, FSH_XFS_FS_UNFIXED, mp, mask);
}

static __always_inline int report_group(void *ctx, __u32 point, const struct xfs_group *group, unsigned int mask)
{
	struct what what = { .point = point, .with_stack = 1, .values = { mask } };

	what.values[1] = BPF_CORE_READ(group, xg_gno);
	what.values[2] = BPF_CORE_READ(group, xg_type);
	return report_xfs(ctx, BPF_CORE_READ(group, xg_mount), &what);
}

SEC("tp_btf/xfs_group_mark_sick")
int BPF_PROG(xfs_group_mark_sick, const struct xfs_group *group, unsigned int mask)
{
	return report_group(ctx, FSH_XFS_GROUP_SICK, group, mask);
}

SEC("tp_btf/xfs_group_mark_corrupt")
int BPF_PROG(xfs_group_mark_corrupt, const struct xfs_group *group, unsigned int mask)
{
	return report_group(ctx, FSH_XFS_GROUP_CORRUPT, group, mask);
}

SEC("tp_btf/xfs_group_mark_healthy")
int BPF_PROG(xfs_group_mark_healthy, const struct xfs_group *group, unsigned int mask)
{
	return report_group(ctx, FSH_XFS_GROUP_HEALTHY, group, mask);
}

SEC("tp_btf/xfs_group_unfixed_corruption")
int BPF_PROG(xfs_group_unfixed_corruption, const struct xfs_group *group, unsigned int mask)
{
	return report_group(ctx, FSH_XFS_GROUP_UNFIXED, group, mask);
}

/* Before Linux 6.13 ("xfs: convert xfs_perag to generic groups" and what followed) allocation groups had events of their own. */
static __always_inline int report_ag(void *ctx, __u32 point, struct xfs_mount *mp, __u32 agno, unsigned int mask)
{
	struct what what = { .point = point, .with_stack = 1, .values = { mask, agno } };

	return report_xfs(ctx, mp, &what);
}

SEC("tp_btf/xfs_ag_mark_sick")
int BPF_PROG(xfs_ag_mark_sick, struct xfs_mount *mp, __u32 agno, unsigned int mask)
{
	return report_ag(ctx, FSH_XFS_GROUP_SICK, mp, agno, mask);
}

SEC("tp_btf/xfs_ag_mark_healthy")
int BPF_PROG(xfs_ag_mark_healthy, struct xfs_mount *mp, __u32 agno, unsigned int mask)
{
	return report_ag(ctx, FSH_XFS_GROUP_HEALTHY, mp, agno, mask);
}

SEC("tp_btf/xfs_ag_unfixed_corruption")
int BPF_PROG(xfs_ag_unfixed_corruption, struct xfs_mount *mp, __u32 agno, unsigned int mask)
{
	return report_ag(ctx, FSH_XFS_GROUP_UNFIXED, mp, agno, mask);
}

static __always_inline int report_inode(void *ctx, __u32 point, struct xfs_inode *ip, unsigned int mask)
{
	struct what what = { .point = point, .with_stack = 1, .values = { mask } };

	what.values[1] = BPF_CORE_READ(ip, i_ino);
	what.values[2] = BPF_CORE_READ(ip, i_vnode.i_generation);
	return report_xfs(ctx, BPF_CORE_READ(ip, i_mount), &what);
}

SEC("tp_btf/xfs_inode_mark_sick")
int BPF_PROG(xfs_inode_mark_sick, struct xfs_inode *ip, unsigned int mask)
{
	return report_inode(ctx, FSH_XFS_INODE_SICK, ip, mask);
}

SEC("tp_btf/xfs_inode_mark_corrupt")
int BPF_PROG(xfs_inode_mark_corrupt, struct xfs_inode *ip, unsigned int mask)
{
	return report_inode(ctx, FSH_XFS_INODE_CORRUPT, ip, mask);
}

SEC("tp_btf/xfs_inode_mark_healthy")
int BPF_PROG(xfs_inode_mark_healthy, struct xfs_inode *ip, unsigned int mask)
{
	return report_inode(ctx, FSH_XFS_INODE_HEALTHY, ip, mask);
}

SEC("tp_btf/xfs_inode_unfixed_corruption")
int BPF_PROG(xfs_inode_unfixed_corruption, struct xfs_inode *ip, unsigned int mask)
{
	return report_inode(ctx, FSH_XFS_INODE_UNFIXED, ip, mask);
}

/* The buffer's place, its length and its structure; the allocation group follows from the place, on the device that has any. */
static __always_inline int report_buffer(void *ctx, __u32 point, struct xfs_buf *bp, int code)
{
	struct xfs_buftarg *target = BPF_CORE_READ(bp, b_target);
	struct xfs_mount *mp = BPF_CORE_READ(target, bt_mount);
	struct what what = { .point = point, .with_stack = 1 };
	__u64 group_sectors;

	what.values[0] = code < 0 ? -code : code;
	what.values[1] = BPF_CORE_READ(bp, b_maps, bm_bn);
	what.values[2] = BPF_CORE_READ(bp, b_length);
	what.values[3] = BPF_CORE_READ(bp, b_flags);
	group_sectors = (__u64)BPF_CORE_READ(mp, m_sb.sb_agblocks) << ((BPF_CORE_READ(mp, m_sb.sb_blocklog) - 9) & 31);
	if (group_sectors && target == BPF_CORE_READ(mp, m_ddev_targp))
		what.values[4] = what.values[1] / group_sectors;
	else
		what.values[4] = ~0ULL;
	what.text = BPF_CORE_READ(bp, b_ops, name);
	return report_xfs(ctx, mp, &what);
}

/* Of a healthy file system too, with error 0: then it only forgets an earlier one. */
SEC("tp_btf/xfs_buf_ioerror")
int BPF_PROG(xfs_buf_ioerror, struct xfs_buf *bp, int error)
{
	return error ? report_buffer(ctx, FSH_XFS_BUFFER_ERROR, bp, error) : 0;
}

SEC("tp_btf/xfs_btree_corrupt")
int BPF_PROG(xfs_btree_corrupt, struct xfs_buf *bp)
{
	return report_buffer(ctx, FSH_XFS_BTREE_CORRUPT, bp, 0);
}
