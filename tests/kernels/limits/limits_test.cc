// SPDX-License-Identifier: MIT
// What watch and doctor say where the kernel or the process's capabilities refuse a source, and that the others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../guest_output.h"

namespace fsherald::kernel_test {
namespace {

using testing::HasSubstr;
using testing::Not;

// One error was raised, and is told whole, but for what only the refused sources know.
void ExpectTold(const std::string& run, const Json& sources) {
  SCOPED_TRACE(run);
  EXPECT_EQ(Read(run + "/exit"), "0\n");
  const std::vector<Json> told = Told(run);
  ASSERT_EQ(Sum(told), 1U) << Read(run + "/stderr");
  EXPECT_EQ(told[0]["error"]["name"], "EUCLEAN");
  EXPECT_EQ(told[0]["location"]["function"], "trigger_test_error");
  EXPECT_EQ(told[0]["specific"]["message"], "told to " + run);
  EXPECT_EQ(told[0]["sources"], sources);
  EXPECT_EQ(Read(run + "/doctor.exit"), "0\n");
}

const char* const kTraceMisses =
    "not seen: the call stack, the cgroup and the process id of an error (without trace)\n";
const char* const kTraceRefused =
    "without trace: the kernel refused to load BPF programs: CAP_BPF and CAP_PERFMON, for a file system in a module "
    "CAP_SYS_ADMIN too (or root), and no lockdown in "
    "confidentiality mode, are needed";

TEST(LockdownIntegrity, RefusesNothing) {
  EXPECT_EQ(Read("lockdown"), "none [integrity] confidentiality\n");
  ExpectTold("whole", {"fanotify", "trace", "kmsg"});
  EXPECT_THAT(Read("whole/stderr"), HasSubstr("kprobe on its error handler\n"));
  EXPECT_THAT(Read("whole/stderr"), Not(HasSubstr("\nwithout ")));
  EXPECT_THAT(Read("whole/doctor"), HasSubstr("lockdown             integrity\n"));
}

TEST(LockdownConfidentiality, RefusesTheTraceAndTheOthersGoOn) {
  EXPECT_EQ(Read("lockdown"), "none integrity [confidentiality]\n");
  ExpectTold("whole", {"fanotify", "kmsg"});
  const std::string said = Read("whole/stderr");
  EXPECT_THAT(
      said, HasSubstr("without trace: the kernel refused what the BPF programs do: lockdown in confidentiality mode"));
  EXPECT_THAT(said, HasSubstr(kTraceMisses));
  EXPECT_THAT(said, HasSubstr("source kmsg: the kernel's log, from /dev/kmsg, a timer tick late"));
  EXPECT_THAT(said, HasSubstr("lost none\n"));
}

TEST(LockdownConfidentiality, IsNamedByDoctorWithWhatToDo) {
  const std::string said = Read("whole/doctor");
  EXPECT_THAT(said, HasSubstr("lockdown             confidentiality\n"));
  EXPECT_THAT(said, HasSubstr("trace     does not work: "));
  EXPECT_THAT(said,
              HasSubstr("boot with lockdown=integrity or without: in confidentiality mode the kernel refuses what "
                        "the source trace does\n"));
}

// CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, as capabilities(7) has it.
TEST(Limits, WithoutTheCapabilitiesOfBpfThatOfTheAdministratorIsEnough) {
  ExpectTold("without_bpf", {"fanotify", "trace", "kmsg"});
  EXPECT_THAT(Read("without_bpf/doctor"), HasSubstr("CAP_BPF              no"));
}

TEST(Limits, WithoutAnyThatBpfNeedsTheLogTells) {
  ExpectTold("without_admin_and_bpf", {"kmsg"});
  const std::string said = Read("without_admin_and_bpf/stderr");
  EXPECT_THAT(said, HasSubstr(kTraceRefused));
  EXPECT_THAT(said, HasSubstr(kTraceMisses));
  EXPECT_THAT(said, HasSubstr("without fanotify: fanotify is not permitted to this process: it needs CAP_SYS_ADMIN"));
  EXPECT_THAT(Read("without_admin_and_bpf/doctor"),
              HasSubstr("run it as root: CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON would be added\n"));
}

// With CAP_BPF and CAP_PERFMON alone 6.1 does not give out the type information of its modules.
TEST(Limits, WithoutThatOfTheAdministratorTheLogTells) {
  ExpectTold("without_admin", {"kmsg"});
  EXPECT_THAT(Read("without_admin/stderr"), HasSubstr("without trace: "));
  EXPECT_THAT(Read("without_admin/stderr"), HasSubstr("without fanotify: "));
}

TEST(Limits, WithoutThatOfTheLogTheTraceReadsItAllTheSame) {
  ExpectTold("without_syslog", {"fanotify", "trace", "kmsg"});
  EXPECT_THAT(Read("without_syslog/stderr"), HasSubstr("source kmsg: the kernel's log, by printk's tracepoint\n"));
}

}  // namespace
}  // namespace fsherald::kernel_test
