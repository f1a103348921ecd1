// SPDX-License-Identifier: MIT
#include "filesystem/stack_frame.h"

#include <algorithm>

namespace fsherald {
namespace {

// The machinery of tracing and of printk, between a reporter and the program that takes the stack. An entry that ends in
// '_' or in "run" stands for all names that begin with it.
constexpr std::string_view kMachinery[] = {
    "bpf_prog_",       "bpf_trace_run",          "__bpf_trace_",     "__traceiter_",
    "__SCT__tp_func_", "trace_event_raw_event_", "perf_trace_",      "trace_call_bpf",
    "bpf_trampoline_", "bpf_get_stack",          "kprobe_",          "ftrace_",
    "printk_sprint",   "vprintk_store",          "vprintk_emit",     "vprintk",
    "vprintk_default", "vprintk_func",           "vprintk_deferred", "_printk",
    "printk",          "_printk_deferred",       "printk_deferred",  "dump_stack",
    "dump_stack_lvl",  "print_hex_dump",
};

// Of a kernel thread that runs other people's work: the last frames of its stacks.
constexpr std::string_view kWorkers[] = {"process_one_work", "process_scheduled_works", "worker_thread",
                                         "kthread",          "ret_from_fork",           "ret_from_fork_asm"};

}  // namespace

bool IsWorkerMachinery(std::string_view function) {
  return std::ranges::find(kWorkers, function) != std::end(kWorkers);
}

bool IsTracingMachinery(std::string_view function) {
  return std::ranges::any_of(kMachinery, [&](std::string_view entry) {
    bool family = entry.ends_with('_') || entry.ends_with("run");
    return family ? function.starts_with(entry) : function == entry;
  });
}

}  // namespace fsherald
