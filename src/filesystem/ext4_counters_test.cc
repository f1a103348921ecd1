// SPDX-License-Identifier: MIT
#include "filesystem/ext4_counters.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

// A sysfs with one ext4 in it, made of the given files.
class FakeSysfs {
 public:
  FakeSysfs(const std::string& device, const std::map<std::string, std::string>& files) {
    std::string path = std::filesystem::temp_directory_path() / "fsherald-sysfs-XXXXXX";
    root_ = ::mkdtemp(path.data());
    std::filesystem::create_directories(root_ + "/fs/ext4/" + device);
    for (const auto& [name, content] : files) std::ofstream(root_ + "/fs/ext4/" + device + "/" + name) << content;
  }
  ~FakeSysfs() { std::filesystem::remove_all(root_); }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

TEST(Ext4Counters, FirstAndLastErrorAreRead) {
  FakeSysfs sysfs("loop0", {{"errors_count", "3\n"},
                            {"warning_count", "2\n"},
                            {"first_error_time", "1795171405\n"},
                            {"first_error_func", "ext4_lookup\n"},
                            {"first_error_line", "1787\n"},
                            {"first_error_ino", "13\n"},
                            {"first_error_block", "0\n"},
                            {"first_error_errcode", "5\n"},
                            {"last_error_time", "1795171406\n"},
                            {"last_error_func", "a_function_name_of_32_bytes_exact\n"},
                            {"last_error_line", "0\n"},
                            {"last_error_ino", "0\n"},
                            {"last_error_block", "1172\n"},
                            {"last_error_errcode", "1\n"}});
  Result<CounterReading> reading = ReadExt4Counters(sysfs.root(), {.device = "loop0"}, "");
  ASSERT_TRUE(reading);
  CounterReading::Occurrence first{1795171405, EUCLEAN, "ext4_lookup", 1787, 13, std::nullopt};
  CounterReading::Occurrence last{1795171406,   std::nullopt, "a_function_name_of_32_bytes_exac",
                                  std::nullopt, std::nullopt, 1172};
  EXPECT_EQ(*reading, (CounterReading{3, 2, first, last}));
}

TEST(Ext4Counters, WithoutErrorsThereIsNoFirstAndNoLast) {
  FakeSysfs sysfs("loop0", {{"errors_count", "0\n"}, {"warning_count", "7\n"}, {"first_error_time", "0\n"}});
  Result<CounterReading> reading = ReadExt4Counters(sysfs.root(), {.device = "loop0"}, "");
  ASSERT_TRUE(reading);
  EXPECT_EQ(*reading, (CounterReading{0, 7, std::nullopt, std::nullopt}));
}

TEST(Ext4Counters, AnOlderKernelWithoutSomeFilesStillCounts) {
  FakeSysfs sysfs("sda1", {{"errors_count", "4\n"}, {"last_error_time", "9\n"}});
  Result<CounterReading> reading = ReadExt4Counters(sysfs.root(), {.device = "sda1"}, "");
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->errors, 4);
  EXPECT_EQ(reading->first, std::nullopt);
  EXPECT_EQ(reading->last, (CounterReading::Occurrence{9, std::nullopt, "", std::nullopt, std::nullopt, std::nullopt}));
}

TEST(Ext4Counters, NoCountersIsAnError) {
  FakeSysfs sysfs("sda1", {});
  Result<CounterReading> reading = ReadExt4Counters(sysfs.root(), {.device = "sda1"}, "");
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ENOENT);
}

TEST(Ext4Counters, WhatIsNoNumberIsAnError) {
  FakeSysfs sysfs("sda1", {{"errors_count", "12 monkeys\n"}});
  EXPECT_FALSE(ReadExt4Counters(sysfs.root(), {.device = "sda1"}, ""));
}

TEST(Ext4Counters, ASlashInTheDevicesNameIsAnExclamationMarkInSysfs) {
  EXPECT_EQ(Ext4CounterEventPath("/sys", "cciss/c0d0p1"), "/sys/fs/ext4/cciss!c0d0p1/errors_count");
}

TEST(Ext4Counters, TheKernelsOwnNumbersAreErrnos) {
  EXPECT_EQ(ErrnoOfExt4Code(0), std::nullopt);
  EXPECT_EQ(ErrnoOfExt4Code(1), std::nullopt);
  EXPECT_EQ(ErrnoOfExt4Code(2), EIO);
  EXPECT_EQ(ErrnoOfExt4Code(4), EBADMSG);
  EXPECT_EQ(ErrnoOfExt4Code(5), EUCLEAN);
  EXPECT_EQ(ErrnoOfExt4Code(16), ESHUTDOWN);
  EXPECT_EQ(ErrnoOfExt4Code(17), EFAULT);
  EXPECT_EQ(ErrnoOfExt4Code(18), std::nullopt);
}

}  // namespace
}  // namespace fsherald
