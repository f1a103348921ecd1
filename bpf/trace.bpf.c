/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The tracing programs: ext4's error and shutdown tracepoints, and the kernel's log as it is written. */
#include "cell.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What a task did last: so that its log line, which follows its tracepoint, is known as such. */
struct task_state {
	__u64 ns;
	__u32 quiet;
	__u32 continues;
	__u32 traced; /* the tracepoint has just fired, and has taken the stack: the line that follows need not */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct task_state);
} tasks SEC(".maps");

__u64 errors_uncounted;    /* no room in the ring, and no cell left */
__u64 lines_dropped;       /* log lines for which there was no room */

/* The beginnings of the log lines that are wanted, by the reader before it loads the programs: up to 8 bytes of each, and
 * which bits of 8 count. */
const volatile __u64 prefixes[FSH_PREFIXES];
const volatile __u64 prefix_masks[FSH_PREFIXES];
const volatile __u32 prefix_count;
/* The same for what follows a name and a colon: "loop0: lost file I/O error report ...". */
const volatile __u64 later_prefixes[FSH_PREFIXES];
const volatile __u64 later_prefix_masks[FSH_PREFIXES];
const volatile __u32 later_prefix_count;

/* One error: a record in the ring, or, where it is folded or there is no room, a count in its cell. */
static __always_inline int report(void *ctx, __u32 type, struct super_block *sb, const char *function, __u32 line)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 index = FSH_NO_CELL, quiet = 0, with_stack = 1, tid;
	struct fsh_entry entry = { .wakes = 1 };
	struct task_state state = { .ns = now };
	struct fsh_error *record;
	struct fsh_cell *cell;
	struct point point;

	fill_point(&point, sb, function, line);
	cell = find_cell(sb->s_id, 0, &point, &index);
	if (cell) {
		quiet = cell->quiet;
		entry = enter_window(cell, now, FSH_WINDOW_ROOM);
		if (entry.is_folded)
			return 0;
		with_stack = now - cell->stack_ns > FSH_STACK_INTERVAL_NS;
	}

	if (with_stack)
		record = bpf_ringbuf_reserve(&ring, sizeof(*record) + FSH_STACK_FRAMES * sizeof(__u64), 0);
	else
		record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(cell ? &cell->folded : &errors_uncounted, 1);
		return 0;
	}
	fill_head(&record->head, type, now);
	record->dev = point.dev;
	record->line = line;
	record->cell = index;
	record->flags = entry.more ? FSH_MORE : 0;
	record->inode = 0;
	record->block = 0;
	record->code = 0;
	record->unused = 0;
	__builtin_memcpy(record->uuid, point.uuid, sizeof(record->uuid));
	bpf_probe_read_kernel_str(record->device, sizeof(record->device), sb->s_id);
	record->function[0] = 0;
	if (function)
		bpf_probe_read_kernel_str(record->function, sizeof(record->function), function);
	if (with_stack) {
		record->head.stack_count = take_stack(ctx, record + 1);
		if (cell)
			cell->stack_ns = now;
	}

	state.quiet = quiet;
	state.traced = with_stack;
	tid = record->head.tid;
	bpf_map_update_elem(&tasks, &tid, &state, BPF_ANY);
	bpf_ringbuf_submit(record, entry.wakes ? 0 : BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/ext4_error")
int BPF_PROG(ext4_error, struct super_block *sb, const char *function, unsigned int line)
{
	return report(ctx, FSH_ERROR, sb, function, line);
}

SEC("tp_btf/ext4_shutdown")
int BPF_PROG(ext4_shutdown, struct super_block *sb, unsigned long flags)
{
	return report(ctx, FSH_SHUTDOWN, sb, 0, 0);
}

/* The same for a module that brings no type information (see trace.cc): the reader loads these two or those two. */
SEC("raw_tp/ext4_error")
int BPF_PROG(raw_ext4_error, struct super_block *sb, const char *function, unsigned int line)
{
	return report(ctx, FSH_ERROR, sb, function, line);
}

SEC("raw_tp/ext4_shutdown")
int BPF_PROG(raw_ext4_shutdown, struct super_block *sb, unsigned long flags)
{
	return report(ctx, FSH_SHUTDOWN, sb, 0, 0);
}

static __always_inline int begins_as(__u64 beginning, const volatile __u64 *values, const volatile __u64 *masks, __u32 count)
{
	__u32 i;

	for (i = 0; i < FSH_PREFIXES && i < count; i++)
		if ((beginning & masks[i]) == values[i])
			return 1;
	return 0;
}

/* What stands behind the first ": " of a line, if that is behind a device's name. */
static __always_inline int wanted_behind_a_name(const char *text, __u64 length)
{
	char name[FSH_NAME_BYTES + 2] = {};
	__u64 beginning;
	__u32 i;

	if (later_prefix_count == 0 || length < sizeof(name) + sizeof(beginning) ||
	    bpf_probe_read_kernel(name, sizeof(name), text))
		return 0;
	for (i = 1; i < FSH_NAME_BYTES; i++) {
		if (name[i] == ' ')
			return 0;
		if (name[i] == ':')
			break;
	}
	if (i >= FSH_NAME_BYTES || name[i + 1] != ' ' || bpf_probe_read_kernel(&beginning, sizeof(beginning), text + i + 2))
		return 0;
	return begins_as(beginning, later_prefixes, later_prefix_masks, later_prefix_count);
}

static __always_inline int wanted(const char *text, __u64 length)
{
	__u64 beginning;

	if (length < sizeof(beginning) || bpf_probe_read_kernel(&beginning, sizeof(beginning), text))
		return 0;
	return begins_as(beginning, prefixes, prefix_masks, prefix_count) || wanted_behind_a_name(text, length);
}

/* ext4 prints block-group errors in pieces; each but the last ends in one of these ways. */
static __always_inline int unfinished(const char *text, __u64 length)
{
	char end[2];

	if (length < 2 || bpf_probe_read_kernel(end, sizeof(end), text + length - 2))
		return 0;
	return end[1] == ':' || (end[1] == ' ' && (end[0] == ',' || end[0] == ':'));
}

/* Fires inside printk, in the context of the task that prints, before any console is served. `text` is not terminated. */
SEC("tp_btf/console")
int BPF_PROG(console, const char *text, unsigned long length)
{
	__u64 now;
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct task_state *state = bpf_map_lookup_elem(&tasks, &tid), next = {};
	int is_wanted = wanted(text, length), continues = 0, quiet = 0, traced = 0;
	struct fsh_line *record;

	if (!is_wanted && !(state && state->continues))
		return 0;
	now = bpf_ktime_get_boot_ns();
	if (state) {
		/* A line follows its tracepoint within microseconds; what comes later is another matter. */
		quiet = state->quiet && now - state->ns < 1000000;
		traced = state->traced && now - state->ns < 1000000;
		continues = state->continues && !is_wanted && now - state->ns < 1000000;
		if (!is_wanted && !continues) {
			state->continues = 0;
			return 0;
		}
	}

	next.ns = now;
	next.quiet = quiet;
	next.continues = unfinished(text, length);
	if (next.continues || state)
		bpf_map_update_elem(&tasks, &tid, &next, BPF_ANY);

	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&lines_dropped, 1);
		return 0;
	}
	fill_head(&record->head, FSH_LINE, now);
	record->length = length < FSH_TEXT_BYTES ? length : FSH_TEXT_BYTES;
	record->continues = continues;
	bpf_probe_read_kernel(record->text, record->length, text);
	if (!traced)
		record->head.stack_count = take_stack(ctx, record->stack);
	bpf_ringbuf_submit(record, quiet ? BPF_RB_NO_WAKEUP : 0);
	return 0;
}

/* Names an address of the kernel ("ext4_lookup+0x1a2/0x3f0"), run by the reader: no /proc/kallsyms to parse and keep. */
struct symbol_request {
	__u64 address;
	char name[96];
};

SEC("syscall")
int symbol(struct symbol_request *request)
{
	static const char format[] = "%pB";
	__u64 argument = request->address;
	char name[96] = {};

	bpf_snprintf(name, sizeof(name), format, &argument, sizeof(argument));
	__builtin_memcpy(request->name, name, sizeof(name));
	return 0;
}
