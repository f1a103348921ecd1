// SPDX-License-Identifier: MIT
#include "cli/doctor_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DoctorMachineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/fsherald_doctor_XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    root_ = path;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + name).parent_path());
    std::ofstream(root_ + name) << text;
  }
  Machine Read() { return ReadMachine(root_ + "/proc", root_ + "/sys"); }

  std::string root_;
};

std::vector<std::string_view> Present(const Machine& machine) {
  std::vector<std::string_view> names;
  for (const NeededCapability& capability : NeededCapabilities()) {
    if (machine.Has(capability)) names.push_back(capability.name);
  }
  return names;
}

TEST_F(DoctorMachineTest, ReadsReleaseUserCapabilitiesTypesAndLockdown) {
  Write("/proc/sys/kernel/osrelease", "6.18.44\n");
  Write("/proc/self/status", "Name:\tx\nUid:\t1000\t0\t0\t0\nCapInh:\t0000000000000000\nCapEff:\t000001fffeffffff\n");
  Write("/proc/self/uid_map", "         0          0 4294967295\n");
  Write("/sys/kernel/btf/vmlinux", "types");
  Write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  const Machine machine = Read();
  EXPECT_EQ(machine.kernel_release, "6.18.44");
  EXPECT_EQ(machine.uid, 0U);
  EXPECT_THAT(Present(machine),
              ElementsAre("CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON", "CAP_SYSLOG", "CAP_DAC_READ_SEARCH"));
  EXPECT_FALSE(machine.in_user_namespace);
  EXPECT_TRUE(machine.has_btf);
  EXPECT_EQ(machine.lockdown.value(), "integrity");
  EXPECT_THAT(MachineAdvice(machine), IsEmpty());
}

TEST_F(DoctorMachineTest, NamesEachMissingCapability) {
  Write("/proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000400000000\n");
  Write("/sys/kernel/btf/vmlinux", "types");
  const Machine machine = Read();
  EXPECT_EQ(machine.uid, 1000U);
  EXPECT_THAT(Present(machine), ElementsAre("CAP_SYSLOG"));
  EXPECT_THAT(MachineAdvice(machine), ElementsAre("run it as root: CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON, "
                                                  "CAP_DAC_READ_SEARCH would be added"));
}

TEST(MachineAdviceTest, WhoHasTheAdministratorsCapabilityNeedsNeitherOfBpfs) {
  Machine machine = ReadMachine("/nonexistent", "/nonexistent");
  machine.has_btf = true;
  machine.lockdown = std::string("none");
  for (const NeededCapability& capability : NeededCapabilities())
    if (!capability.has_sys_admin_too) machine.capabilities |= uint64_t{1} << capability.bit;
  EXPECT_THAT(MachineAdvice(machine), testing::IsEmpty());
}

TEST_F(DoctorMachineTest, CapabilitiesOfAUserNamespaceAreNotThoseOfTheHost) {
  Write("/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
  Write("/proc/self/uid_map", "         0       1000          1\n");
  Write("/sys/kernel/btf/vmlinux", "types");
  const Machine machine = Read();
  EXPECT_TRUE(machine.in_user_namespace);
  EXPECT_THAT(MachineAdvice(machine), ElementsAre(HasSubstr("outside of this user namespace")));
}

TEST_F(DoctorMachineTest, SaysWhyLockdownIsNotKnown) {
  std::filesystem::create_directories(root_ + "/sys/kernel/security");
  const Machine machine = Read();
  ASSERT_FALSE(machine.lockdown);
  EXPECT_EQ(machine.lockdown.error().what, "securityfs is not mounted on " + root_ + "/sys/kernel/security");
}

TEST_F(DoctorMachineTest, AKernelWithoutLockdownIsNotLockedDown) {
  Write("/sys/kernel/security/lsm", "capability");
  EXPECT_EQ(Read().lockdown.value(), "none");
}

TEST_F(DoctorMachineTest, NothingReadableIsNoFailure) {
  const Machine machine = Read();
  EXPECT_EQ(machine.uid, std::nullopt);
  EXPECT_EQ(machine.capabilities, 0U);
  EXPECT_FALSE(machine.has_btf);
  EXPECT_THAT(MachineAdvice(machine), ElementsAre(HasSubstr("as root"), HasSubstr("CONFIG_DEBUG_INFO_BTF")));
}

TEST_F(DoctorMachineTest, ConfidentialityModeIsNamedAsAnObstacle) {
  Write("/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
  Write("/sys/kernel/btf/vmlinux", "types");
  Write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
  EXPECT_THAT(MachineAdvice(Read()), ElementsAre(HasSubstr("lockdown=integrity")));
}

}  // namespace
}  // namespace fsherald
