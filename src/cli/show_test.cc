// SPDX-License-Identifier: MIT
#include "cli/show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "store/test_history.h"

namespace fsherald {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShowTest : public testing::Test {
 protected:
  ShowTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

Entry Row(uint64_t seq) {
  Notification n = TestError(seq, 2);
  return {.notification = std::move(n), .host = kTestHost, .rows = 1, .last_seq = seq, .last_utc_ns = n.utc_ns};
}

TEST_F(ShowTest, IsTheWholeRecordThenTheNextSteps) {
  Entry entry = Row(1);
  entry.notification.location->stack = {"a+0x1", "b+0x1", "c+0x1", "d+0x1", "e+0x1", "f+0x1", "g+0x1", "h+0x1"};
  const std::string text = ShowText(entry, {.same_boot = true});
  EXPECT_THAT(text, HasSubstr("2026-11-20 10:31:08.412 #1 metadata error on ext4 loop0 at /data: EUCLEAN"));
  EXPECT_THAT(text, HasSubstr("           h+0x1\n")) << "the whole stack";
  EXPECT_THAT(text,
              HasSubstr("  system   uuid 8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee, device 7:0, fsid 11eb8c2d:756d63ee\n"));
  EXPECT_THAT(text,
              HasSubstr("  boot     3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77 (this one), 432.270412 s after its begin\n"));
  EXPECT_THAT(text, HasSubstr("next\n  - look, which changes nothing: debugfs -R 'stat <12>' /dev/loop0\n"));
  EXPECT_THAT(text, HasSubstr("  - e2fsck -f /dev/loop0\n"));
  EXPECT_THAT(text, HasSubstr("fsherald explain --id 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("incident")));
}

TEST_F(ShowTest, OfAnotherBootTheDeviceIsNamedByItsUuid) {
  EXPECT_THAT(ShowText(Row(1), {}), HasSubstr("e2fsck -f /dev/disk/by-uuid/8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee\n"));
}

TEST_F(ShowTest, ARowThatStandsForSeveralSaysSo) {
  Entry entry = Row(1);
  entry.rows = 5;
  entry.last_seq = 9;
  entry.last_utc_ns = kTestUtcNs;
  EXPECT_THAT(ShowText(entry, {}), HasSubstr("stands   5 notifications in one, up to 9 at 2026-11-20 10:31:07"));
}

TEST_F(ShowTest, AnIncidentIsItsMembersAndTheirSpan) {
  IncidentSpan incident;
  for (const uint64_t seq : {3, 4, 7}) Extend(incident, Row(seq));
  EXPECT_EQ(incident.notifications, 3U);
  EXPECT_EQ(incident.errors, 6U);
  EXPECT_THAT(
      ShowText(Row(4), {.incident = incident}),
      HasSubstr("incident  3: 3 notifications of 6 errors, from 2026-11-20 10:31:10 to 2026-11-20 10:31:14 (up to "
                "number 7)\n"));
}

TEST_F(ShowTest, NoNameReachesTheTerminalRaw) {
  Entry entry = Row(1);
  entry.notification.filesystem.mounts = {"/d\x1b[2J"};
  entry.host.boot_id = "\x1b";
  EXPECT_THAT(ShowText(entry, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace fsherald
