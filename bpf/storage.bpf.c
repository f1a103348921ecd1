/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Errors below and beside every file system: requests that a disk has failed, and pages whose write-back failed. */
#include "event.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct gendisk {
	int major;
	int first_minor;
	char disk_name[32];
};

struct request_queue {
	struct gendisk *disk;
};

struct block_device {
	__u32 bd_dev;
	struct gendisk *bd_disk;
};

struct bvec_iter {
	__u64 bi_sector;
	unsigned int bi_size;
};

struct bio {
	struct block_device *bi_bdev;
	__u32 bi_opf;
	__u8 bi_status;
	struct bvec_iter bi_iter;
};

struct request {
	struct request_queue *q;
	__u32 cmd_flags;
	unsigned int __data_len;
	__u64 __sector;
	struct block_device *part;
};

struct address_space {
	struct inode *host;
	__u32 wb_err;
};

#pragma clang attribute pop

#define ERRSEQ_ERRNO 0xfff /* lib/errseq.c: below ERRSEQ_SEEN */

/* Fires in a soft interrupt: the task is any, and so neither it nor its stack says anything. With no bytes it is the flush
 * that follows a failed write, told again. */
SEC("tp_btf/block_rq_error")
int BPF_PROG(block_rq_error, struct request *rq, unsigned char status, unsigned int bytes)
{
	struct gendisk *disk = BPF_CORE_READ(rq, q, disk);
	struct block_device *part = BPF_CORE_READ(rq, part);
	struct what what = { .point = FSH_BLOCK_ERROR };
	struct whose whose = {};

	if (!bytes || !disk)
		return 0;
	/* The partition's, where the block layer keeps account; the sector is the disk's all the same. */
	whose.dev = part ? BPF_CORE_READ(part, bd_dev)
			 : BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	whose.device = disk->disk_name;
	what.values[0] = status;
	what.values[1] = BPF_CORE_READ(rq, __sector);
	what.values[2] = bytes;
	what.values[3] = BPF_CORE_READ(rq, cmd_flags);
	what.values[4] = (__u64)BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	return report_event(ctx, &whose, &what);
}

/* A device without requests of its own (device mapper, md) has failed what was asked of it. Fires for no other device's bios:
 * theirs are told by their requests. */
SEC("tp_btf/block_bio_complete")
int BPF_PROG(block_bio_complete, struct request_queue *queue, struct bio *bio)
{
	struct what what = { .point = FSH_BLOCK_ERROR };
	struct whose whose = {};
	struct block_device *device;
	struct gendisk *disk;

	what.values[0] = BPF_CORE_READ(bio, bi_status);
	if (!what.values[0])
		return 0;
	device = BPF_CORE_READ(bio, bi_bdev);
	disk = BPF_CORE_READ(device, bd_disk);
	if (!disk)
		return 0;
	whose.dev = BPF_CORE_READ(device, bd_dev);
	whose.device = disk->disk_name;
	what.values[1] = BPF_CORE_READ(bio, bi_iter.bi_sector);
	what.values[2] = BPF_CORE_READ(bio, bi_iter.bi_size);
	what.values[3] = BPF_CORE_READ(bio, bi_opf);
	what.values[4] = (__u64)BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	what.values[5] = 1;
	return report_event(ctx, &whose, &what);
}

SEC("tp_btf/filemap_set_wb_err")
int BPF_PROG(filemap_set_wb_err, struct address_space *mapping, __u32 before)
{
	struct inode *inode = BPF_CORE_READ(mapping, host);
	struct what what = { .point = FSH_WRITEBACK_ERROR, .with_stack = 1 };
	struct whose whose = {};

	if (!inode)
		return 0;
	fill_whose(&whose, BPF_CORE_READ(inode, i_sb));
	what.values[0] = BPF_CORE_READ(mapping, wb_err) & ERRSEQ_ERRNO;
	what.values[1] = BPF_CORE_READ_BITFIELD_PROBED(inode, i_ino);
	what.values[2] = BPF_CORE_READ(inode, i_generation);
	return report_event(ctx, &whose, &what);
}
