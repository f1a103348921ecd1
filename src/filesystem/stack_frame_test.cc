// SPDX-License-Identifier: MIT
#include "filesystem/stack_frame.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(StackFrame, TheFunctionIsWithoutOffsetModuleAndTheCompilersParts) {
  EXPECT_EQ(FrameFunction("ext4_lookup+0x1a2/0x2b0"), "ext4_lookup");
  EXPECT_EQ(FrameFunction("ext4_lookup+0x1a2/0x2b0 [ext4]"), "ext4_lookup");
  EXPECT_EQ(FrameFunction("ext4_lookup [ext4]"), "ext4_lookup");
  EXPECT_EQ(FrameFunction("__ext4_error.cold+0x76/0x7b"), "__ext4_error");
  EXPECT_EQ(FrameFunction("ext4_iget.part.0.isra.0+0x1/0x2"), "ext4_iget");
  EXPECT_EQ(FrameFunction("0xffffffff81000000"), "0xffffffff81000000");
  EXPECT_EQ(FrameFunction(""), "");
}

TEST(StackFrame, TracingAndPrintkStandBetweenTheReporterAndUs) {
  for (const char* function :
       {"bpf_prog_0123456789abcdef_on_line", "bpf_trace_run3", "__bpf_trace_console", "__traceiter_console",
        "bpf_get_stack", "printk_sprint", "vprintk_store", "vprintk_emit", "_printk", "dump_stack_lvl"})
    EXPECT_TRUE(IsTracingMachinery(function)) << function;
}

TEST(StackFrame, WhatOnlyBeginsLikePrintkDoesNot) {
  for (const char* function : {"", "ext4_lookup", "printk_index", "_printk_ratelimit", "dump_stack_of_mine",
                               "devkmsg_write", "xfs_printk_once"})
    EXPECT_FALSE(IsTracingMachinery(function)) << function;
}

TEST(StackFrame, AThreadThatRunsQueuedWorkIsNoPlace) {
  for (const char* function : {"process_one_work", "worker_thread", "kthread", "ret_from_fork", "ret_from_fork_asm"})
    EXPECT_TRUE(IsWorkerMachinery(function)) << function;
  EXPECT_FALSE(IsWorkerMachinery("xlog_ioend_work"));
  EXPECT_FALSE(IsWorkerMachinery(""));
}

}  // namespace
}  // namespace fsherald
