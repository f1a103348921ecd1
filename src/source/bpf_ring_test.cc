// SPDX-License-Identifier: MIT
// A ring of the kernel's, filled by programs that are run from here.
#include "source/bpf_ring.h"

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace fsherald {
namespace {

using Record = std::vector<std::byte>;

// Of `bytes`, which say whose they are.
Record RecordOf(uint32_t number, size_t bytes) {
  Record record(bytes, static_cast<std::byte>(number));
  std::memcpy(record.data(), &number, sizeof number);
  return record;
}

class BpfRingTest : public testing::Test {
 protected:
  // Skips where this process may not have one.
  void MakeRing(uint32_t bytes) {
    map_.Reset(::bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_ring", 0, 0, bytes, nullptr));
    if (!map_ && errno == EPERM) GTEST_SKIP() << "no BPF ring buffer for this process";
    ASSERT_TRUE(map_) << std::strerror(errno);
  }

  BpfRing OpenRing() {
    auto ring = BpfRing::Open(map_.get());
    EXPECT_TRUE(ring) << ring.error().ToString();
    return std::move(*ring);
  }

  // False: the ring has no room for it.
  bool Submit(const Record& record) {
    Submitter& submitter = submitters_[record.size()];
    if (!submitter.program) submitter = MakeSubmitter(static_cast<uint32_t>(record.size()));
    const uint32_t first = 0;
    EXPECT_EQ(::bpf_map_update_elem(submitter.record.get(), &first, record.data(), BPF_ANY), 0) << std::strerror(errno);
    return SubmitAgain(record.size());
  }
  // The last one of that size. Any thread.
  bool SubmitAgain(size_t bytes) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    EXPECT_EQ(::bpf_prog_test_run_opts(submitters_.at(bytes).program.get(), &options), 0) << std::strerror(errno);
    return options.retval == 0;
  }

  static std::vector<Record> Read(BpfRing& ring) {
    std::vector<Record> records;
    ring.Read([&](Bytes record) { records.emplace_back(record.begin(), record.end()); });
    return records;
  }

 private:
  struct Submitter {
    Fd record;  // a map whose only value it is
    Fd program;
  };

  // return bpf_ringbuf_output(ring, record, bytes, 0)
  Submitter MakeSubmitter(uint32_t bytes) {
    Submitter made{.record = Fd(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_record", 4, bytes, 1, nullptr)),
                   .program = {}};
    const std::array<bpf_insn, 8> program = {{
        {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .off = 0, .imm = map_.get()},
        {},
        {.code = BPF_LD | BPF_DW | BPF_IMM,
         .dst_reg = 2,
         .src_reg = BPF_PSEUDO_MAP_VALUE,
         .off = 0,
         .imm = made.record.get()},
        {},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .src_reg = 0, .off = 0, .imm = static_cast<int32_t>(bytes)},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_ringbuf_output},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    }};
    bpf_prog_load_opts options{};
    options.sz = sizeof options;
    options.prog_flags = BPF_F_SLEEPABLE;
    made.program.Reset(
        ::bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "test_submit", "GPL", program.data(), program.size(), &options));
    EXPECT_TRUE(made.program) << std::strerror(errno);
    return made;
  }

  Fd map_;
  std::map<size_t, Submitter> submitters_;  // for each size
};

TEST_F(BpfRingTest, NoRecordIsTornWhereTheRingEnds) {
  ASSERT_NO_FATAL_FAILURE(MakeRing(16 << 10));
  if (IsSkipped()) return;
  BpfRing ring = OpenRing();
  const std::array<size_t, 4> sizes = {24, 1003, 5000, 8};
  for (uint32_t number = 0; number < 400; ++number) {
    const Record record = RecordOf(number, sizes[number % sizes.size()]);
    ASSERT_TRUE(Submit(record)) << number;
    ASSERT_THAT(Read(ring), testing::ElementsAre(record)) << number;
    ring.Release();
  }
}

TEST_F(BpfRingTest, WhatIsLongerThanAWindowIsReadInOneGo) {
  constexpr size_t kBytes = 4000;
  ASSERT_NO_FATAL_FAILURE(MakeRing(1 << 20));
  if (IsSkipped()) return;
  BpfRing ring = OpenRing();
  for (int round = 0; round < 3; ++round) {
    std::vector<Record> submitted;
    for (uint32_t number = 0; Submit(RecordOf(number, kBytes)); ++number) submitted.push_back(RecordOf(number, kBytes));
    ASSERT_GT(submitted.size() * kBytes, (1U << 20) * 9 / 10);
    EXPECT_EQ(Read(ring), submitted);
    ring.Release();
  }
}

TEST_F(BpfRingTest, ARecordMayBeAsLongAsTheRingAllows) {
  constexpr size_t kBytes = (512U << 10) - 8;
  ASSERT_NO_FATAL_FAILURE(MakeRing(512 << 10));
  if (IsSkipped()) return;
  BpfRing ring = OpenRing();
  const Record small = RecordOf(1, 40);
  ASSERT_TRUE(Submit(small));
  EXPECT_THAT(Read(ring), testing::ElementsAre(small));
  ring.Release();
  constexpr size_t kMost = kBytes - 4096;
  const Record large = RecordOf(2, kMost);
  ASSERT_TRUE(Submit(large));
  EXPECT_THAT(Read(ring), testing::ElementsAre(large));
}

TEST_F(BpfRingTest, WhatWasNotReleasedIsThereForTheNextReader) {
  ASSERT_NO_FATAL_FAILURE(MakeRing(16 << 10));
  if (IsSkipped()) return;
  const Record first = RecordOf(1, 24);
  const Record second = RecordOf(2, 24);
  uint64_t read = 0;
  {
    BpfRing ring = OpenRing();
    ASSERT_TRUE(Submit(first));
    EXPECT_THAT(Read(ring), testing::ElementsAre(first));
    read = ring.position();
    EXPECT_THAT(Read(ring), testing::IsEmpty());
  }
  ASSERT_TRUE(Submit(second));
  BpfRing again = OpenRing();
  EXPECT_THAT(Read(again), testing::ElementsAre(first, second));
  BpfRing behind = OpenRing();
  EXPECT_TRUE(behind.SkipTo(read));
  EXPECT_THAT(Read(behind), testing::ElementsAre(second));
  EXPECT_FALSE(behind.SkipTo(read)) << "it is past that";
  EXPECT_FALSE(behind.SkipTo(behind.position() + 8)) << "nothing was written there";
}

TEST_F(BpfRingTest, WhatWasSubmittedIsThereOnceNoneBeforeItIsUnfinished) {
  ASSERT_NO_FATAL_FAILURE(MakeRing(1 << 20));
  if (IsSkipped()) return;
  BpfRing ring = OpenRing();
  const Record own = RecordOf(1, 24);
  const Record others = RecordOf(2, 20'000);  // takes a while to be written
  ASSERT_TRUE(Submit(own));
  ASSERT_TRUE(Submit(others));
  std::atomic<bool> ends = false;
  std::jthread other([&] {
    while (!ends) (void)SubmitAgain(others.size());
  });
  size_t held_up = 0;
  for (int round = 0; round < 20'000; ++round) {
    const bool submitted = SubmitAgain(own.size());  // the other may just have filled the ring
    size_t seen = 0;
    const auto count = [&](Bytes record) { seen += record.size() == own.size() ? 1 : 0; };
    while (!ring.Read(count)) held_up += seen == 0 ? 1 : 0;
    ring.Release();
    ASSERT_EQ(seen, round == 0 ? 2U : submitted ? 1U : 0U) << round;
  }
  ends = true;
  std::printf("%zu times a record was behind one that was not finished\n", held_up);
}

TEST_F(BpfRingTest, AHandlerThatReadsAgainDoesNotGetTheSameOnceMore) {
  ASSERT_NO_FATAL_FAILURE(MakeRing(16 << 10));
  if (IsSkipped()) return;
  BpfRing ring = OpenRing();
  for (uint32_t number = 0; number < 4; ++number) ASSERT_TRUE(Submit(RecordOf(number, 24)));
  std::vector<uint32_t> numbers;
  const std::function<void(Bytes)> read = [&](Bytes record) {
    uint32_t number = 0;
    std::memcpy(&number, record.data(), sizeof number);
    numbers.push_back(number);
    ring.Read(read);
  };
  ring.Read(read);
  EXPECT_THAT(numbers, testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(BpfRingTest, AnotherMapIsNoRing) {
  const Fd array(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_array", 4, 8, 1, nullptr));
  if (!array) GTEST_SKIP() << "no BPF map for this process";
  const auto ring = BpfRing::Open(array.get());
  ASSERT_FALSE(ring);
  EXPECT_EQ(ring.error().code, EINVAL);
}

}  // namespace
}  // namespace fsherald
