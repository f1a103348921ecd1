// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_counters.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

constexpr const char* kUuid = "9c781d0b-2304-4f8a-ad5a-7ae66e49aa18";

// A sysfs with the stats of devices.
class BtrfsCounters : public testing::Test {
 protected:
  BtrfsCounters() {
    std::string path = std::filesystem::temp_directory_path() / "fsherald-test-XXXXXX";
    root_ = ::mkdtemp(path.data());
  }
  ~BtrfsCounters() override { std::filesystem::remove_all(root_); }

  void Put(int device, const std::string& text) {
    const std::string directory = root_ + "/fs/btrfs/" + kUuid + "/devinfo/" + std::to_string(device);
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/error_stats") << text;
  }
  Result<CounterReading> Read() {
    return ReadBtrfsCounters(root_, {.type = "btrfs", .device = "loop0", .uuid = ParseUuid(kUuid)}, "");
  }

  std::string root_;
};

TEST_F(BtrfsCounters, AreTheSumAndEachByItsDevice) {
  Put(2, "write_errs 0\nread_errs 7\nflush_errs 0\ncorruption_errs 0\ngeneration_errs 0\n");
  Put(1, "write_errs 1\nread_errs 0\nflush_errs 0\ncorruption_errs 2\ngeneration_errs 0\n");
  const Result<CounterReading> reading = Read();
  ASSERT_TRUE(reading) << reading.error().ToString();
  EXPECT_EQ(reading->errors, 10u);
  ASSERT_EQ(reading->devices.size(), 10u);
  EXPECT_EQ(reading->devices[3],
            (DeviceCounter{.id = 1, .name = "corruption_errs", .value = 2, .kind = Kind::kDataRead}));
  EXPECT_EQ(reading->devices[6], (DeviceCounter{.id = 2,
                                                .name = "read_errs",
                                                .value = 7,
                                                .kind = Kind::kDevice,
                                                .operation = DeviceError::Operation::kRead}));
}

TEST_F(BtrfsCounters, OfTheOnlyDeviceHaveTheNameOfTheMount) {
  Put(1, "write_errs 0\nread_errs 0\nflush_errs 0\ncorruption_errs 2\ngeneration_errs 0\n");
  ASSERT_TRUE(Read());
  EXPECT_EQ(Read()->devices[0].device, "/dev/loop0");
}

TEST_F(BtrfsCounters, OfAMissingDeviceAreLeftOut) {
  Put(1, "write_errs 0\nread_errs 0\nflush_errs 0\ncorruption_errs 2\ngeneration_errs 0\n");
  Put(2, "invalid\n");
  ASSERT_TRUE(Read());
  EXPECT_EQ(Read()->devices.size(), 5u);
}

TEST_F(BtrfsCounters, ThatAreNoneAreAnError) {
  EXPECT_EQ(Read().error().code, ENOENT);
  Put(1, "write_errs 0\nread_errs x\n");
  EXPECT_FALSE(Read());
  EXPECT_FALSE(ReadBtrfsCounters(root_, {.device = "loop0"}, "")) << "without uuid";
}

}  // namespace
}  // namespace fsherald
