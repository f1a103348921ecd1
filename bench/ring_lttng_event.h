// SPDX-License-Identifier: MIT
// The tracepoint of LTTng-UST with a record of 192 bytes. Read several times by LTTng's own headers.
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER fsherald_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "ring_lttng_event.h"

#if !defined(FSHERALD_BENCH_RING_LTTNG_EVENT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define FSHERALD_BENCH_RING_LTTNG_EVENT_H

#include <lttng/tracepoint.h>

#include <cstdint>

LTTNG_UST_TRACEPOINT_EVENT(fsherald_bench, record, LTTNG_UST_TP_ARGS(const uint64_t*, words),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_array(uint64_t, words, words, 24)))

#endif

#include <lttng/tracepoint-event.h>
