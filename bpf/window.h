/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Which errors of a code point get a record, and which of these wake the reader. Plain C: a unit test includes it too. */
#ifndef FSHERALD_BPF_WINDOW_H
#define FSHERALD_BPF_WINDOW_H

#include "records.h"

/* Where an error stands among those of its cell. */
struct fsh_entry {
	unsigned int is_folded; /* it is counted in the cell, and its caller writes no record */
	unsigned int wakes;     /* it is among the first of its window */
	unsigned int more;      /* those that follow may be only counted, or wake nobody */
};

/* `room_of_window`: for how many more records there is room with each window that passes. Two processors that enter a new window at
 * once may both make room: then a few records more are written. */
static inline __attribute__((always_inline)) struct fsh_entry enter_window(struct fsh_cell *cell, unsigned long long now,
									unsigned int room_of_window)
{
	unsigned long long start = cell->window_ns; /* read once: another processor may be as far */
	unsigned long long passed = now > start ? (now - start) / FSH_WINDOW_NS : 0, room = passed * room_of_window;
	unsigned int quiet = cell->quiet, burst, in_window;
	struct fsh_entry entry;

	if (passed) {
		burst = cell->burst < FSH_BURST_RECORDS ? cell->burst : FSH_BURST_RECORDS;
		cell->burst = burst > room ? (unsigned int)(burst - room) : 0;
		cell->window_ns = start + passed * FSH_WINDOW_NS;
		cell->in_window = 0;
	}
	in_window = __sync_fetch_and_add(&cell->in_window, 1);
	burst = __sync_fetch_and_add(&cell->burst, 1);
	entry.is_folded = burst >= FSH_BURST_RECORDS;
	entry.wakes = !quiet && in_window < FSH_WINDOW_WAKEUPS;
	entry.more = burst + 1 >= FSH_BURST_RECORDS || (!quiet && in_window + 1 >= FSH_WINDOW_WAKEUPS);
	if (entry.is_folded)
		__sync_fetch_and_add(&cell->folded, 1);
	return entry;
}

#endif
