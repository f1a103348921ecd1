// SPDX-License-Identifier: MIT
#include "cli/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uint64_t kImageBytes = 4 << 20;

class Damage : public ::testing::Test {
 protected:
  Damage() : folder_(MakeFolder()) {
    fs::create_directories(folder_ / "tree/photos");
    std::ofstream(folder_ / "tree/photos/a.jpg") << "a photo\n";
  }
  ~Damage() override { fs::remove_all(folder_); }

  static fs::path MakeFolder() {
    std::string name = (fs::temp_directory_path() / "fsherald_damage_XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  Status MakeImage() { return MakeExt4Image(image(), kImageBytes, (folder_ / "tree").string()); }
  std::string image() const { return (folder_ / "image").string(); }
  std::string Ask(const std::string& request) {
    auto output = RunProgram({"debugfs", "-R", request, image()});
    return output ? output->text : output.error().ToString();
  }

  fs::path folder_;
};

TEST(RunProgram, GivesWhatTheProgramSaysAndItsExitCode) {
  auto output = RunProgram({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(output) << output.error().ToString();
  EXPECT_EQ(output->text, "out\nerr\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST(RunProgram, TellsASignalAsAShellDoes) {
  auto output = RunProgram({"sh", "-c", "kill -TERM $$"});
  ASSERT_TRUE(output) << output.error().ToString();
  EXPECT_EQ(output->exit_code, 128 + SIGTERM);
}

TEST(RunProgram, SaysThatAProgramIsNotInstalled) {
  auto output = RunProgram({"no-such-program"});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().ToString(), "no-such-program is not installed");
}

TEST(RunOrFail, TellsWhatAProgramThatFailedSaid) {
  EXPECT_TRUE(RunOrFail({"true"}));
  EXPECT_EQ(RunOrFail({"sh", "-c", "echo why; exit 1"}).error().ToString(), "sh failed: why\n");
}

TEST_F(Damage, BytesAreWrittenIntoASparseFile) {
  ASSERT_TRUE(MakeSparseFile(image(), 1 << 20));
  ASSERT_TRUE(WriteBytes(image(), 1000, "words"));
  EXPECT_EQ(fs::file_size(image()), 1U << 20);
  std::ifstream file(image());
  file.seekg(999);
  std::string bytes(7, 'x');
  file.read(bytes.data(), 7);
  EXPECT_EQ(bytes, std::string("\0words\0", 7));
  EXPECT_FALSE(WriteBytes(image() + ".no", 0, "words"));
}

TEST_F(Damage, AnImageHoldsACopyOfTheTree) {
  ASSERT_TRUE(MakeImage());
  EXPECT_THAT(Ask("cat /photos/a.jpg"), HasSubstr("a photo\n"));
  EXPECT_EQ(fs::file_size(image()), kImageBytes);
}

TEST_F(Damage, ARequestChangesTheImage) {
  ASSERT_TRUE(MakeImage());
  Status changed = ChangeExt4Image(image(), {"sif /photos/a.jpg links_count 0", "sif /photos/a.jpg mode 0xff"});
  ASSERT_TRUE(changed) << changed.error().ToString();
  EXPECT_THAT(Ask("stat /photos/a.jpg"), HasSubstr("Links: 0 "));
  EXPECT_THAT(Ask("stat /photos/a.jpg"), HasSubstr("Mode:  0377"));
}

TEST_F(Damage, ARequestThatDebugfsRefusesIsAnError) {
  ASSERT_TRUE(MakeImage());
  Status changed = ChangeExt4Image(image(), {"sif /nothing links_count 0"});
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().what, HasSubstr("File not found"));
}

TEST_F(Damage, AMountOnALoopDeviceIsSeenByThisProcessOnlyAndEndsWithIt) {
  if (::geteuid() != 0 || ::access("/dev/loop-control", W_OK) != 0) GTEST_SKIP() << "needs root and loop devices";
  ASSERT_TRUE(MakeImage());
  const std::string target = (folder_ / "tree").string();
  // In a process of its own: the namespace of this one stays as it is. The exit code says which step failed.
  const pid_t child = ::fork();
  if (child == 0) {
    if (!EnterPrivateMountNamespace()) ::_exit(1);
    auto device = LoopDevice::Attach(image());
    if (!device) ::_exit(2);
    auto mount = ScopedMount::Mount(device->path(), target, "ext4", "errors=continue");
    if (!mount) ::_exit(3);
    if (!fs::exists(target + "/lost+found")) ::_exit(4);
    ::_exit(0);  // no destructor runs, as when it is killed
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(fs::exists(target + "/lost+found"));
}

}  // namespace
}  // namespace fsherald
