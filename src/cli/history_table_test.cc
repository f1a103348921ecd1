// SPDX-License-Identifier: MIT
#include "cli/history_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace fsherald {
namespace {

using testing::HasSubstr;
using testing::Not;

class HistoryTableTest : public testing::Test {
 protected:
  HistoryTableTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

Entry DamagedDirectory() {
  return {.notification = {.seq = 41,
                           .utc_ns = 1'763'634'667'412'345'678,
                           .filesystem = {.type = "ext4", .device = "loop0", .uuid = Uuid{{1}}, .mounts = {"/data"}},
                           .error = {.code = EUCLEAN, .count = 3},
                           .location = Location{.function = "ext4_lookup", .line = 1855, .stack = {}},
                           .object = ObjectInfo{.inode = 12, .path = "/data/d/f"},
                           .sources = SourceSet(SourceId::kTrace).Add(SourceId::kKmsg)},
          .host = {.boot_id = "b0", .kernel_release = "6.18.44"}};
}

Entry Lost() {
  return {
      .notification = {.seq = 7, .kind = Kind::kGap, .gap = Gap{.source = SourceId::kKmsg, .count = 5, .exact = false}},
      .host = {}};
}

TEST_F(HistoryTableTest, TheColumnsAreAsWideAsWhatWasMeasured) {
  HistoryTable table(false);
  table.Measure(DamagedDirectory());
  EXPECT_EQ(table.Heading() + table.Row(DamagedDirectory()),
            "TIME                 ID  FILE SYSTEM  KIND      ERRNO    COUNT  WHERE             WHAT\n"
            "2025-11-20 10:31:07  41  ext4 loop0   metadata  EUCLEAN      3  ext4_lookup:1855  /data/d/f\n");
}

TEST_F(HistoryTableTest, WhatIsNotKnownIsADash) {
  const HistoryTable table(false);
  const Entry entry{.notification = {.seq = 1}, .host = {}};
  EXPECT_EQ(table.Row(entry), "1970-01-01 00:00:00   1  -            metadata  -          1  -\n");
}

TEST_F(HistoryTableTest, ALossIsTold) {
  EXPECT_THAT(HistoryTable(false).Row(Lost()), HasSubstr("gap   -          0  -      at least 5 lost by kmsg\n"));
}

TEST_F(HistoryTableTest, WhatIsCorrectedOrForgedSaysSo) {
  Entry entry = DamagedDirectory();
  entry.notification.corrected = true;
  EXPECT_THAT(HistoryTable(false).Row(entry), HasSubstr("metadata, corrected"));
  entry.notification.error.count = 0;
  EXPECT_THAT(HistoryTable(false).Row(entry), HasSubstr("metadata, healthy again"));
  entry = DamagedDirectory();
  entry.notification.trusted = false;
  EXPECT_THAT(HistoryTable(false).Row(entry), HasSubstr("metadata, unverified"));
}

TEST_F(HistoryTableTest, WithoutAPathTheNextBestIsShown) {
  Entry entry = DamagedDirectory();
  entry.notification.object->path.reset();
  EXPECT_THAT(HistoryTable(false).Row(entry), HasSubstr("  inode 12\n"));
  entry.notification.object.reset();
  entry.notification.device_error =
      DeviceError{.device = "sda", .operation = DeviceError::Operation::kRead, .sector = 2048};
  EXPECT_THAT(HistoryTable(false).Row(entry), HasSubstr("  sda: read at sector 2048\n"));
}

TEST_F(HistoryTableTest, NoNameReachesTheTerminalRaw) {
  Entry entry = DamagedDirectory();
  entry.notification.object->path = "/data/\x1b[2J\n";
  entry.notification.filesystem.device = "\x07";
  for (const std::string& text : {HistoryTable(false).Row(entry), CsvRow(entry)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  }
}

TEST_F(HistoryTableTest, CsvHasFixedColumns) {
  EXPECT_EQ(
      CsvHeading(),
      "id,time,boot,type,device,uuid,mount,kind,origin,corrected,trusted,errno,name,count,function,line,kernel,inode,"
      "path,offset,length,failed_device,failed_operation,failed_sector,pid,comm,message,sources,lost,incident,state,"
      "notifications"
      "\r\n");
  EXPECT_EQ(
      CsvRow(DamagedDirectory()),
      "41,2025-11-20T10:31:07.412345678Z,b0,ext4,loop0,01000000-0000-0000-0000-000000000000,/data,metadata,kernel,"
      "false,true,117,EUCLEAN,3,ext4_lookup,1855,6.18.44,12,/data/d/f,,,,,,,,,trace kmsg,,,,1\r\n");
  EXPECT_THAT(CsvRow(Lost()), HasSubstr(",gap,kernel,false,true,,,0,"));
  EXPECT_THAT(CsvRow(Lost()), HasSubstr(",5,,,1\r\n"));
}

TEST_F(HistoryTableTest, CsvQuotesWhatWouldEndAField) {
  Entry entry = DamagedDirectory();
  entry.notification.object->path = "/data/a,\"b\"";
  EXPECT_THAT(CsvRow(entry), HasSubstr(",\"/data/a,\"\"b\"\"\","));
}

}  // namespace
}  // namespace fsherald
