// SPDX-License-Identifier: MIT
#include "health/health_book.h"

#include <gtest/gtest.h>

#include <span>

namespace fsherald {
namespace {

using enum HealthState;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr int64_t kBootUtcS = 1'700'000'000;
constexpr uint32_t kData = 7;
constexpr std::string_view kBoot = "this boot";

HealthTime At(uint64_t seconds) {
  return {.boottime_ns = seconds * kSecond,
          .utc_ns = (kBootUtcS + static_cast<int64_t>(seconds)) * static_cast<int64_t>(kSecond)};
}

FilesystemInfo Info(uint8_t number = 1, uint32_t minor = 0) {
  FilesystemInfo info{.type = "ext4", .device = "loop" + std::to_string(minor), .dev = DeviceNumber{7, minor}};
  info.uuid = Uuid{.bytes = {number}};
  info.mounts = {"/data"};
  return info;
}

HealthBook::Found Counts(uint64_t errors, bool is_fresh = false) {
  HealthBook::Found found{.counters = CounterReading{.errors = errors}, .is_fresh = is_fresh, .boot_utc_s = kBootUtcS};
  return found;
}

HealthBook::Found Unaccounted(bool is_fresh = false) { return {.is_fresh = is_fresh, .boot_utc_s = kBootUtcS}; }

// "errors > well: counters_reset", all that was told.
std::string Told(const std::vector<HealthTold>& told) {
  std::string words;
  for (const HealthTold& one : told) {
    const HealthChange& change = *one.notification.health;
    if (!words.empty()) words += "; ";
    words.append(Name(change.from)).append(" > ").append(Name(change.to)).append(": ").append(Name(change.rule));
  }
  return words;
}

class HealthBookTest : public testing::Test {
 protected:
  Notification Error(Kind kind = Kind::kMetadata) {
    Notification n;
    n.seq = ++seq_;
    n.kind = kind;
    n.filesystem = Info();
    n.error = {.code = 117, .count = 1};
    n.sources = SourceId::kTrace;
    return n;
  }
  std::string Add(Notification n, uint64_t seconds, uint32_t key = kData) {
    last_ = std::move(n);
    return Told(book_.Add(key, last_, At(seconds)));
  }
  // ext4 that has erred once, at second 10.
  void Err() {
    EXPECT_EQ(Told(book_.Begin(kData, Info(), Counts(0), At(1))), "");
    EXPECT_EQ(Add(Error(), 10), "well > errors: errors");
    EXPECT_EQ(Told(book_.Counted(kData, 1, At(10))), "");
  }

  HealthBook book_;
  uint64_t seq_ = 0;
  Notification last_;
};

TEST_F(HealthBookTest, TheFirstErrorIsToldAsAChangeAndTheNextIsNot) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  Notification first = Error();
  const auto told = book_.Add(kData, first, At(10));
  ASSERT_EQ(told.size(), 1U);
  const Notification& change = told[0].notification;
  EXPECT_EQ(told[0].key, kData);
  EXPECT_EQ(change.kind, Kind::kHealth);
  EXPECT_EQ(change.seq, 0U) << "who tells it numbers it";
  EXPECT_EQ(change.error, (ErrorInfo{std::nullopt, 0}));
  EXPECT_EQ(change.utc_ns, At(10).utc_ns);
  EXPECT_EQ(change.boottime_ns, At(10).boottime_ns);
  EXPECT_EQ(change.filesystem, Info());
  EXPECT_EQ(change.sources, SourceSet(SourceId::kTrace));
  EXPECT_EQ(change.incident, 1U);
  EXPECT_EQ(change.health, (HealthChange{.from = kWell, .to = kErrors, .rule = HealthRule::kErrors}));
  EXPECT_EQ(Add(Error(), 11), "");
  EXPECT_EQ(book_.StateOf(kData), kErrors);
}

TEST_F(HealthBookTest, LeavingSaysSinceWhenAndHowManyErrors) {
  Err();
  Notification three = Error();
  three.error.count = 3;
  Add(three, 12);
  Notification corrected = Error();
  corrected.corrected = true;
  Add(corrected, 13);
  const std::vector<HealthTold> told = *book_.ClearMounted({7, 0}, 0, "cable", At(20));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.health, (HealthChange{.from = kErrors,
                                                       .to = kWell,
                                                       .rule = HealthRule::kCleared,
                                                       .since_utc_ns = At(10).utc_ns,
                                                       .errors = 4,
                                                       .uid = 0,
                                                       .reason = "cable"}));
  EXPECT_EQ(told[0].notification.incident, 1U);
  EXPECT_TRUE(told[0].notification.sources.empty());
}

TEST_F(HealthBookTest, AForgedLineAGapAndACorrectedErrorChangeNothing) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  for (Kind kind : {Kind::kMetadata, Kind::kShutdown, Kind::kReadOnly}) {
    Notification forged = Error(kind);
    forged.trusted = false;
    EXPECT_EQ(Add(forged, 10), "");
    EXPECT_EQ(last_.incident, std::nullopt);
  }
  Notification gap = Error(Kind::kGap);
  gap.gap = Gap();
  EXPECT_EQ(Add(gap, 10), "");
  EXPECT_EQ(last_.incident, std::nullopt);
  Notification corrected = Error();
  corrected.corrected = true;
  EXPECT_EQ(Add(corrected, 10), "");
  EXPECT_EQ(last_.incident, std::nullopt) << "it begins none";
  EXPECT_EQ(book_.StateOf(kData), kWell);
}

TEST_F(HealthBookTest, AForgedLineEndsNoScrubAndLeavesNoState) {
  Err();
  Notification forged = Error();
  forged.trusted = false;
  forged.corrected = true;
  forged.error.count = 0;
  EXPECT_EQ(Add(forged, 11), "");
  EXPECT_EQ(book_.StateOf(kData), kErrors);
}

TEST_F(HealthBookTest, ItGetsWorseAndIsToldEachTime) {
  Err();
  EXPECT_EQ(Add(Error(Kind::kReadOnly), 11), "errors > read_only: read_only");
  EXPECT_EQ(Add(Error(), 12), "");
  EXPECT_EQ(Add(Error(Kind::kShutdown), 13), "read_only > shut_down: shutdown");
  EXPECT_EQ(Add(Error(), 14), "");
}

TEST_F(HealthBookTest, WhatFollowsTheFirstErrorIsOfItsIncident) {
  Err();
  EXPECT_EQ(last_.incident, 1U);
  Add(Error(), 60);
  EXPECT_EQ(last_.incident, 1U);
  Add(Error(Kind::kReadOnly), 119);
  EXPECT_EQ(last_.incident, 1U) << "a minute counts from the last, not from the first";
  Notification corrected = Error();
  corrected.corrected = true;
  Add(corrected, 120);
  EXPECT_EQ(last_.incident, 1U);
  EXPECT_EQ(book_.IncidentOf(kData),
            (HealthBook::Incident{.first_seq = 1, .first = At(10), .last = At(119), .notifications = 3, .errors = 3}));
}

TEST_F(HealthBookTest, AfterAMinutesSilenceTheNextErrorBeginsAnotherIncidentAndTheStateStays) {
  Err();
  Add(Error(), 70);
  EXPECT_EQ(last_.incident, 1U);
  EXPECT_EQ(Add(Error(), 131), "");
  EXPECT_EQ(last_.incident, last_.seq);
  EXPECT_EQ(book_.StateOf(kData), kErrors);
}

TEST_F(HealthBookTest, ErrorsOfADiskAndOfWhatLiesOnItAreOneIncident) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  FilesystemInfo above = Info(2, 0);
  above.type = "xfs";
  above.device = "dm-0";
  above.dev = DeviceNumber{253, 0};
  book_.Begin(8, above, Unaccounted(), At(1));
  Notification disk = Error(Kind::kDevice);
  disk.filesystem = FilesystemInfo{.type = "block", .device = "sda", .dev = DeviceNumber{8, 0}};
  disk.device_error = DeviceError{.device = "sda", .dev = DeviceNumber{8, 0}};
  EXPECT_EQ(Add(disk, 10, 0x80000001), "") << "what is not mounted has no state";
  EXPECT_EQ(last_.incident, 1U);
  Notification of_it = Error();
  of_it.filesystem = above;
  of_it.device_error = disk.device_error;
  EXPECT_EQ(Add(of_it, 11, 8), "well > errors: errors");
  EXPECT_EQ(last_.incident, 1U);
  EXPECT_EQ(Add(Error(), 12), "well > errors: errors");
  EXPECT_EQ(last_.incident, 3U) << "another device's";
}

TEST_F(HealthBookTest, MountedAgainAfterFsckItIsWellByItsOwnCounters) {
  Err();
  EXPECT_EQ(Told(book_.End(kData, At(20))), "errors > gone: gone");
  EXPECT_EQ(Told(book_.Begin(8, Info(1, 3), Counts(0, true), At(30))), "gone > well: counters_reset");
  EXPECT_EQ(book_.StateOf(8), kWell);
}

TEST_F(HealthBookTest, ARepairIsSeenAlsoIfTheCounterWasNeverReadBetweenTheErrorAndTheUnmount) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  Add(Error(), 10);
  book_.End(kData, At(10));
  EXPECT_EQ(Told(book_.Begin(8, Info(), Counts(0, true), At(30))), "gone > well: counters_reset");
}

TEST_F(HealthBookTest, MountedAgainWithoutFsckItsErrorsAreThereStill) {
  Err();
  book_.End(kData, At(20));
  EXPECT_EQ(Told(book_.Begin(8, Info(), Counts(1, true), At(30))), "gone > past_errors: mounted_again");
  EXPECT_EQ(Add(Error(), 40, 8), "past_errors > errors: errors");
}

TEST_F(HealthBookTest, WhatItDoesNotCountNoMountProvesRepaired) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  Add(Error(Kind::kWriteback), 10);
  book_.End(kData, At(20));
  EXPECT_EQ(Told(book_.Begin(8, Info(), Counts(0, true), At(30))), "gone > past_errors: mounted_again");
}

TEST_F(HealthBookTest, AnErrorThatIsToldAfterTheUnmountLeavesItGone) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  book_.End(kData, At(20));
  EXPECT_EQ(Add(Error(), 21), "well > errors: errors; errors > gone: gone");
  EXPECT_EQ(Add(Error(), 22), "");
}

TEST_F(HealthBookTest, WhatWasWellAndIsUnmountedIsNothingToTell) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  EXPECT_EQ(Told(book_.End(kData, At(20))), "");
  EXPECT_EQ(Told(book_.Begin(8, Info(), Counts(0, true), At(30))), "");
}

TEST_F(HealthBookTest, CountersThatAreSetBackWhileItIsMountedAreSeen) {
  Err();
  EXPECT_EQ(Told(book_.Counted(kData, 3, At(11))), "");
  EXPECT_EQ(Told(book_.Counted(kData, 1, At(12))), "") << "set back in part";
  EXPECT_EQ(Told(book_.Counted(kData, 0, At(13))), "errors > well: counters_reset");
}

TEST_F(HealthBookTest, CountersThatNeverRoseProveNothing) {
  book_.Begin(kData, Info(), Counts(0), At(1));
  Add(Error(Kind::kDataRead), 10);
  EXPECT_EQ(Told(book_.Counted(kData, 0, At(11))), "");
}

TEST_F(HealthBookTest, WhatIsRemountedWritableHasItsErrorsStill) {
  Err();
  EXPECT_EQ(Told(book_.Remounted(kData, At(11))), "") << "it was writable";
  Add(Error(Kind::kReadOnly), 12);
  EXPECT_EQ(Told(book_.Remounted(kData, At(13))), "read_only > errors: remounted");
}

Notification Marked(const char* structures, uint64_t inode) {
  Notification n;
  n.filesystem = Info();
  n.specific =
      Specific{.type = "xfs",
               .fields = {{"domain", std::string("inode")}, {"inode", inode}, {"sick", std::string(structures)}},
               .message = std::nullopt};
  return n;
}

Notification Healthy(const char* structures, uint64_t inode) {
  Notification n = Marked(structures, inode);
  n.corrected = true;
  n.error.count = 0;
  return n;
}

TEST_F(HealthBookTest, WhenAllThatWasMarkedIsHealthyItIsWell) {
  book_.Begin(kData, Info(), Unaccounted(), At(1));
  EXPECT_EQ(Add(Marked("core,dir", 128), 10), "well > errors: errors");
  Add(Marked("dir", 129), 10);
  EXPECT_EQ(Add(Healthy("core", 128), 11), "");
  EXPECT_EQ(Add(Healthy("dir", 129), 12), "");
  EXPECT_EQ(Add(Healthy("core", 130), 13), "") << "never marked";
  EXPECT_EQ(Add(Healthy("dir", 128), 14), "errors > well: repaired");
}

TEST_F(HealthBookTest, AnErrorThatMarkedNothingIsNotRepairedByMarks) {
  book_.Begin(kData, Info(), Unaccounted(), At(1));
  Add(Marked("core", 128), 10);
  Add(Error(), 11);
  EXPECT_EQ(Add(Healthy("core", 128), 12), "");
  EXPECT_EQ(book_.StateOf(kData), kErrors);
}

TEST_F(HealthBookTest, MoreDamageThanIsKeptIsNotRepairedByMarks) {
  book_.Begin(kData, Info(), Unaccounted(), At(1));
  for (uint64_t inode = 0; inode < 257; ++inode) Add(Marked("core", inode), 10);
  for (uint64_t inode = 0; inode < 257; ++inode) EXPECT_EQ(Add(Healthy("core", inode), 11), "");
}

TEST_F(HealthBookTest, AScrubOfAllDevicesWithoutAnErrorIsBelieved) {
  Err();
  book_.ScrubBegan(kData, 1);
  book_.ScrubBegan(kData, 2);
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 1, 2, At(20))), "");
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 1, 2, At(20))), "") << "the same again";
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 2, 2, At(21))), "errors > well: scrubbed");
}

TEST_F(HealthBookTest, AScrubThatMetAnErrorOrWhoseBeginningNobodySawIsNot) {
  Err();
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 1, 1, At(20))), "");
  book_.ScrubBegan(kData, 1);
  Add(Error(), 21);
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 1, 1, At(22))), "");
  book_.ScrubBegan(kData, 1);
  Notification corrected = Error();
  corrected.corrected = true;
  Add(corrected, 23);
  EXPECT_EQ(Told(book_.ScrubEnded(kData, 1, 1, At(24))), "errors > well: scrubbed") << "it has put right what it met";
}

TEST_F(HealthBookTest, WhatIsFoundAtTheStartIsTold) {
  EXPECT_EQ(Told(book_.Begin(1, Info(1, 1), Counts(3), At(1))), "well > past_errors: found");
  HealthBook::Found found = Counts(3);
  found.counters->last = CounterReading::Occurrence{.utc_seconds = kBootUtcS + 1};
  EXPECT_EQ(Told(book_.Begin(2, Info(2, 2), found, At(1))), "well > errors: found");
  found = Unaccounted();
  found.mount = MountState::kForcedReadOnly;
  EXPECT_EQ(Told(book_.Begin(3, Info(3, 3), found, At(1))), "well > read_only: found");
  found.mount = MountState::kShutDown;
  EXPECT_EQ(Told(book_.Begin(4, Info(4, 4), found, At(1))), "well > shut_down: found");
  found.mount = MountState::kReadOnly;
  EXPECT_EQ(Told(book_.Begin(5, Info(5, 5), found, At(1))), "") << "so it was mounted";
}

TEST_F(HealthBookTest, WhatAFreshMountHasCountedSinceItWasNotThereIsToldByItselfAndNotFound) {
  HealthBook::Found found = Counts(1, true);
  found.counters->last = CounterReading::Occurrence{.utc_seconds = kBootUtcS + 10};
  found.unseen_utc_s = kBootUtcS + 10;
  EXPECT_EQ(Told(book_.Begin(kData, Info(), found, At(10))), "");
  EXPECT_EQ(Add(Error(), 10), "well > errors: errors");
  found.unseen_utc_s = kBootUtcS + 11;
  EXPECT_EQ(Told(book_.Begin(8, Info(2, 2), found, At(11))), "well > errors: found");
}

TEST_F(HealthBookTest, WhatTheOperatorHasClearedIsNotFoundAgain) {
  Err();
  EXPECT_EQ(Told(*book_.ClearMounted({7, 0}, 0, "known", At(20))), "errors > well: cleared");
  EXPECT_EQ(Told(*book_.ClearMounted({7, 0}, 0, "known", At(20))), "") << "it is well";
  EXPECT_EQ(Told(book_.End(kData, At(30))), "");
  book_.Forget(kData);
  EXPECT_EQ(Told(book_.Begin(8, Info(), Counts(1, true), At(40))), "");
  EXPECT_EQ(Told(book_.End(8, At(50))), "");
  EXPECT_EQ(Told(book_.Begin(9, Info(), Counts(2, true), At(60))), "well > past_errors: found") << "one more";
}

TEST_F(HealthBookTest, WhatIsGoneIsClearedByItsUuidOrItsDevice) {
  Err();
  book_.End(kData, At(20));
  book_.Forget(kData);
  EXPECT_FALSE(book_.ClearNamed("loop1", 0, "x", At(21)));
  EXPECT_FALSE(book_.ClearNamed("", 0, "x", At(21)));
  EXPECT_EQ(Told(*book_.ClearNamed("01000000-0000-0000-0000-000000000000", 0, "x", At(21))), "gone > well: cleared");
  book_.Begin(8, Info(2, 2), Counts(1, true), At(30));
  EXPECT_EQ(Told(*book_.ClearNamed("loop2", 0, "x", At(31))), "past_errors > well: cleared");
  EXPECT_EQ(Told(*book_.ClearNamed("loop2", 0, "x", At(31))), "") << "known, and well";
}

TEST_F(HealthBookTest, AReasonIsCutToWhatANotificationHolds) {
  Err();
  const std::vector<HealthTold> told = *book_.ClearMounted({7, 0}, 0, std::string(1000, 'x'), At(20));
  EXPECT_EQ(told.at(0).notification.health->reason, std::string(kMaxReasonBytes, 'x'));
}

TEST_F(HealthBookTest, WhatADeviceCarriedBeforeHasAnIncidentOfItsOwn) {
  Err();
  book_.End(kData, At(12));
  constexpr uint32_t kNext = 77;
  book_.Begin(kNext, Info(2), Counts(0, true), At(13));
  Notification next = Error();
  next.filesystem = Info(2);
  Add(next, 14, kNext);
  ASSERT_TRUE(book_.IncidentOf(kNext));
  EXPECT_EQ(book_.IncidentOf(kNext)->first_seq, next.seq);
}

TEST_F(HealthBookTest, AFileSystemWithoutUuidOnADiskIsNotTakenForTheNextOneThere) {
  FilesystemInfo stick{.type = "vfat", .device = "sdb1", .dev = DeviceNumber{8, 17}};
  book_.Begin(kData, stick, Unaccounted(), At(1));
  Notification n = Error();
  n.filesystem = stick;
  Add(n, 10);
  EXPECT_EQ(Told(book_.End(kData, At(20))), "errors > gone: gone");
  EXPECT_EQ(Told(book_.Begin(8, stick, Unaccounted(true), At(30))), "");
  FilesystemInfo share{.type = "nfs4", .device = "server:/export", .dev = DeviceNumber{0, 50}};
  book_.Begin(9, share, Unaccounted(), At(31));
  n.filesystem = share;
  Add(n, 32, 9);
  book_.End(9, At(33));
  share.dev = DeviceNumber{0, 51};
  EXPECT_EQ(Told(book_.Begin(10, share, Unaccounted(true), At(34))), "gone > past_errors: mounted_again");
}

TEST_F(HealthBookTest, OfTwoCopiesThatAreMountedAtOnceEachHasItsOwnState) {
  book_.Begin(1, Info(1, 1), Counts(0), At(1));
  book_.Begin(2, Info(1, 2), Counts(0), At(1));
  Notification n = Error();
  n.filesystem = Info(1, 2);
  EXPECT_EQ(Add(n, 10, 2), "well > errors: errors");
  EXPECT_EQ(book_.StateOf(1), kWell);
  EXPECT_EQ(book_.StateOf(2), kErrors);
}

TEST_F(HealthBookTest, AFileSystemInUserSpaceIsKnownFromItsFirstErrorOn) {
  Notification n = Error();
  n.origin = Origin::kUser;
  n.filesystem = FilesystemInfo{.type = "mydb", .device = "orders"};
  EXPECT_EQ(Add(n, 10, 0x40000001), "well > errors: errors");
  EXPECT_EQ(Told(*book_.ClearNamed("orders", 0, "restored from the backup", At(11))), "errors > well: cleared");
}

TEST_F(HealthBookTest, WhatAFuseMountsProgramReportsIsOfTheMount) {
  const FilesystemInfo mount{.type = "fuse.x", .device = "x", .dev = DeviceNumber{0, 60}};
  book_.Begin(kData, mount, Unaccounted(), At(1));
  Notification n = Error();
  n.origin = Origin::kUser;
  n.filesystem = mount;
  EXPECT_EQ(Add(n, 10, 0x40000001), "well > errors: errors");
  EXPECT_EQ(book_.StateOf(kData), kErrors);
  EXPECT_EQ(Told(book_.End(kData, At(20))), "errors > gone: gone");
}

TEST_F(HealthBookTest, UserSpaceCannotMakeItForgetWhatIsTheKernels) {
  Err();
  book_.End(kData, At(20));
  book_.Forget(kData);
  for (uint32_t i = 0; i < 3000; ++i) {
    Notification n = Error();
    n.origin = Origin::kUser;
    n.filesystem = FilesystemInfo{.type = "mydb", .device = "db" + std::to_string(i)};
    Add(n, 30, 0x40000001 + i);
  }
  EXPECT_FALSE(book_.ClearNamed("db0", 0, "x", At(40))) << "forgotten for newer ones";
  EXPECT_TRUE(book_.ClearNamed("db2999", 0, "x", At(40)));
  EXPECT_EQ(Told(*book_.ClearNamed("loop0", 0, "x", At(40))), "gone > well: cleared");
}

class SavedHealthTest : public HealthBookTest {
 protected:
  // The daemon ends, and another one begins.
  void Restart(std::string_view boot = kBoot) {
    const std::string saved = book_.Save(kBoot);
    book_ = HealthBook();
    EXPECT_TRUE(book_.Restore(std::as_bytes(std::span(saved)), boot));
  }
};

TEST_F(SavedHealthTest, AStateSurvivesTheDaemonAndIsNotToldAgain) {
  Err();
  Restart();
  EXPECT_EQ(Told(book_.Begin(1, Info(), Counts(1), At(20))), "");
  EXPECT_EQ(Told(book_.AllBegun(At(20))), "");
  EXPECT_EQ(book_.StateOf(1), kErrors);
  Add(Error(), 30, 1);
  EXPECT_EQ(last_.incident, 1U) << "the incident goes on";
  const std::vector<HealthTold> told = *book_.ClearMounted({7, 0}, 0, "x", At(40));
  EXPECT_EQ(told.at(0).notification.health->errors, 2U);
  EXPECT_EQ(told.at(0).notification.health->since_utc_ns, At(10).utc_ns);
}

TEST_F(SavedHealthTest, WhatWasRepairedMeanwhileIsWell) {
  Err();
  Restart();
  EXPECT_EQ(Told(book_.Begin(1, Info(), Counts(0), At(20))), "errors > well: counters_reset");
}

TEST_F(SavedHealthTest, WhatWasUnmountedMeanwhileIsGone) {
  Err();
  Restart();
  const auto told = book_.AllBegun(At(20));
  EXPECT_EQ(Told(told), "errors > gone: gone");
  EXPECT_EQ(told.at(0).key, 0U);
  EXPECT_EQ(told.at(0).notification.filesystem, Info());
  EXPECT_EQ(Told(book_.AllBegun(At(21))), "");
  EXPECT_EQ(Told(book_.Begin(1, Info(), Counts(1, true), At(30))), "gone > past_errors: mounted_again");
}

TEST_F(SavedHealthTest, AfterABootItHasGoneAndIsMountedAgain) {
  Err();
  Restart("another boot");
  EXPECT_EQ(Told(book_.Begin(1, Info(), Counts(1), At(5))), "errors > gone: gone; gone > past_errors: mounted_again");
  Add(Error(), 6, 1);
  EXPECT_EQ(last_.incident, last_.seq) << "the clock of the incident was another";
}

TEST_F(SavedHealthTest, WhatWasMarkedAsDamagedIsRemembered) {
  book_.Begin(kData, Info(), Unaccounted(), At(1));
  Add(Marked("core", 128), 10);
  Restart();
  book_.Begin(1, Info(), Unaccounted(), At(20));
  EXPECT_EQ(Add(Healthy("core", 128), 30, 1), "errors > well: repaired");
}

TEST_F(SavedHealthTest, WhatWasClearedStaysSo) {
  Err();
  book_.ClearMounted({7, 0}, 0, "known", At(20));
  Restart();
  EXPECT_EQ(Told(book_.Begin(1, Info(), Counts(1), At(30))), "");
}

TEST_F(SavedHealthTest, WhatIsWellTakesNoRoom) {
  const size_t empty = book_.Save(kBoot).size();
  for (uint32_t i = 1; i < 100; ++i) book_.Begin(i, Info(static_cast<uint8_t>(i), i), Counts(0), At(1));
  EXPECT_EQ(book_.Save(kBoot).size(), empty);
}

TEST_F(SavedHealthTest, GarbageIsRefusedAndNothingIsKnownThen) {
  Err();
  const std::string saved = book_.Save(kBoot);
  for (size_t size = 0; size < saved.size(); ++size) {
    HealthBook book;
    EXPECT_FALSE(book.Restore(std::as_bytes(std::span(saved).first(size)), kBoot)) << size;
    EXPECT_EQ(book.Save(kBoot), HealthBook().Save(kBoot));
  }
  for (size_t i = 0; i < saved.size(); ++i) {
    for (const char c : {'\x00', '\x01', '\x7f', '\xff'}) {
      std::string changed = saved;
      changed[i] = c;
      HealthBook book;
      const bool restored = book.Restore(std::as_bytes(std::span(changed)), kBoot);
      EXPECT_TRUE(restored || book.Save(kBoot) == HealthBook().Save(kBoot)) << i;
    }
  }
  const std::string longer = saved + "x";
  HealthBook book;
  EXPECT_FALSE(book.Restore(std::as_bytes(std::span(longer)), kBoot));
}

}  // namespace
}  // namespace fsherald
