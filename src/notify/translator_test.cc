// SPDX-License-Identifier: MIT
#include "notify/translator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"

namespace fsherald {
namespace {

// Devices that are in no mount table: the table is an empty file.
class TranslatorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fsherald_translator.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/proc/self");
    std::ofstream(root_ + "/proc/self/mountinfo").flush();
    auto mounts = MountTable::Open(
        {.proc_root = root_ + "/proc", .sys_root = root_ + "/sys", .wanted = [](std::string_view) { return true; }});
    ASSERT_TRUE(mounts) << mounts.error().ToString();
    mounts_ = std::move(*mounts);
    ASSERT_TRUE(mounts_->Refresh(1));
    translator_ = std::make_unique<Translator>(*mounts_, root_ + "/proc", [this] { ++refreshes_; });
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  LogSignal Line(const char* device) {
    LogSignal line{.boottime_ns = BoottimeNowNs()};
    line.report.device = device;
    return line;
  }
  static TraceFold Fold(uint8_t uuid) {
    TraceFold fold{
        .cell = 3, .filesystem_type = "ext4", .dev = {7, 0}, .device = "loop0", .function = "f", .line = 9, .count = 5};
    fold.uuid.bytes[0] = uuid;
    return fold;
  }

  std::string root_;
  std::unique_ptr<MountTable> mounts_;
  std::unique_ptr<Translator> translator_;
  int refreshes_ = 0;
};

TEST_F(TranslatorTest, AnUnknownDeviceMakesTheMountTableBeReadAndHasAKeyAllTheSame) {
  std::optional<Signal> first = translator_->Translate(Line("loop0"));
  std::optional<Signal> second = translator_->Translate(Line("loop0"));
  std::optional<Signal> other = translator_->Translate(Line("loop1"));
  EXPECT_EQ(refreshes_, 3);
  ASSERT_TRUE(first && second && other);
  EXPECT_EQ(first->filesystem, second->filesystem);
  EXPECT_NE(first->filesystem, other->filesystem);
  EXPECT_EQ(translator_->Seen(first->filesystem).device, "loop0");
}

TEST_F(TranslatorTest, ALineBelongsToTheSuperblockThatTheTraceNamedJustBefore) {
  Signal one = translator_->Translate(Fold(1)).value();
  EXPECT_EQ(translator_->Translate(Line("loop0"))->filesystem, one.filesystem);
  Signal two = translator_->Translate(Fold(2)).value();
  EXPECT_NE(one.filesystem, two.filesystem) << "the same device, another file system";
  EXPECT_EQ(translator_->Translate(Line("loop0"))->filesystem, two.filesystem);
}

TEST_F(TranslatorTest, AFoldHasPlaceAndCountAndNoTask) {
  Signal signal = translator_->Translate(Fold(1)).value();
  const auto& fold = std::get<TraceSignal>(signal.what);
  EXPECT_EQ(fold.function, "f");
  EXPECT_EQ(fold.line, 9u);
  EXPECT_EQ(fold.folded, 5u);
  EXPECT_EQ(fold.task.tid, std::nullopt);
  EXPECT_EQ(fold.kind, Kind::kMetadata);
}

TEST_F(TranslatorTest, AFoldWithoutFunctionIsAShutdownAndNotCounted) {
  TraceFold fold = Fold(1);
  fold.function.clear();
  const auto shutdown = std::get<TraceSignal>(translator_->Translate(fold).value().what);
  EXPECT_EQ(shutdown.kind, Kind::kShutdown);
  EXPECT_FALSE(shutdown.reporter.counted);
}

TEST_F(TranslatorTest, ThePastIsNotTold) {
  LogSignal reminder = Line("loop0");
  reminder.report.meaning = ErrorReport::Meaning::kPast;
  EXPECT_EQ(translator_->Translate(std::move(reminder)), std::nullopt);
  EXPECT_FALSE(translator_->TakeMountHint());
}

TEST_F(TranslatorTest, ALineThatSaysMountedIsAHintAndNoError) {
  LogSignal mounted = Line("loop0");
  mounted.report.meaning = ErrorReport::Meaning::kMounted;
  EXPECT_EQ(translator_->Translate(std::move(mounted)), std::nullopt);
  EXPECT_TRUE(translator_->TakeMountHint());
  EXPECT_FALSE(translator_->TakeMountHint()) << "asking forgets it";
}

TEST_F(TranslatorTest, ADeviceThatIsMountedByNowHasAnotherKey) {
  FilesystemKey key = translator_->Translate(Fold(1)).value().filesystem;
  FilesystemInfo info{.type = "ext4", .device = "loop0", .uuid = Fold(1).uuid};
  EXPECT_EQ(translator_->TakeUnmounted(info), key);
  EXPECT_EQ(translator_->TakeUnmounted(info), std::nullopt);
  EXPECT_NE(translator_->Translate(Fold(1)).value().filesystem, key);
  EXPECT_EQ(translator_->Seen(key).device, "loop0") << "what waits to be told is told with its device";
}

}  // namespace
}  // namespace fsherald
