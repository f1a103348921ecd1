// SPDX-License-Identifier: MIT
#include "record/rfc.h"

#include <gtest/gtest.h>
#include <linux/fanotify.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fsherald {
namespace {

std::string Event(const Notification& notification) {
  std::string out;
  AppendRfc(notification, out);
  return out;
}

Notification DamagedInode() {
  Notification n;
  n.filesystem.type = "ext4";
  n.filesystem.dev = DeviceNumber{7, 0};
  n.filesystem.fsid = Fsid{0x11eb8c2d, 0x756d63ee};
  n.error = {EUCLEAN, 1};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2"}};
  n.specific = Specific{.type = "ext4",
                        .fields = {{"inode", uint64_t{12}}, {"block", std::monostate()}},
                        .message = "deleted inode referenced: 12"};
  n.task = Task{2211, 2211, "ls", std::nullopt};
  return n;
}

// A program as the RFC's own sample is built: one loop over the events, one over the records, a switch over their
// types. Its structs are those that the RFC's patches add to the kernel's header, with the layout that the kernel gives
// them.
struct RfcInfoError {
  fanotify_event_info_header hdr;
  int version;
  int error;
  __kernel_fsid_t fsid;
};
struct RfcInfoLocation {
  fanotify_event_info_header hdr;
  int line;  // then the function's name
};
struct RfcExt4Data {
  uint64_t inode;
  uint64_t block;
  char desc[40];
};

struct RfcMonitor {
  int overflows = 0;
  std::vector<std::string> told;

  // FAN_EVENT_OK and FAN_EVENT_NEXT, but for the copy: events start at multiples of four, as the kernel's, and the struct
  // has a field of eight.
  void Handle(const std::string& buffer) {
    const char* next = buffer.data();
    const char* end = buffer.data() + buffer.size();
    for (fanotify_event_metadata event; end - next >= static_cast<ssize_t>(sizeof event);) {
      ASSERT_EQ(reinterpret_cast<uintptr_t>(next) % 4, 0U);
      std::memcpy(&event, next, sizeof event);
      const char* at = next + sizeof event;
      ASSERT_GE(event.event_len, sizeof event);
      next += event.event_len;
      ASSERT_LE(next, end);
      ASSERT_EQ(event.vers, 3);
      ASSERT_EQ(event.fd, FAN_NOFD);
      if (event.mask == FAN_Q_OVERFLOW) {
        ++overflows;
        continue;
      }
      ASSERT_EQ(event.mask, 0x00100000U);
      while (at < next) {
        const auto* header = reinterpret_cast<const fanotify_event_info_header*>(at);
        ASSERT_GE(header->len, sizeof *header);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % 4, 0U);
        HandleRecord(at, *header);
        at += header->len;
      }
    }
    EXPECT_EQ(next, end);
  }

  void HandleRecord(const char* at, const fanotify_event_info_header& header) {
    switch (header.info_type) {
      case 5: {
        const auto* error = reinterpret_cast<const RfcInfoError*>(at);
        told.push_back(
            "error " + std::to_string(error->error) + " version " + std::to_string(error->version) + " fsid " +
            ToString(Fsid{static_cast<uint32_t>(error->fsid.val[0]), static_cast<uint32_t>(error->fsid.val[1])}));
        return;
      }
      case 4: {
        const auto* location = reinterpret_cast<const RfcInfoLocation*>(at);
        told.push_back(std::string("location ") + reinterpret_cast<const char*>(location + 1) + ":" +
                       std::to_string(location->line));
        return;
      }
      case 6: {
        const char* data = at + sizeof header;
        const size_t bytes = header.len - sizeof header;
        if (bytes < sizeof(RfcExt4Data)) {
          told.push_back("data " + std::string(data, bytes));
          return;
        }
        RfcExt4Data ext4;
        std::memcpy(&ext4, data, sizeof ext4);
        told.push_back("ext4 inode " + std::to_string(ext4.inode) + " block " + std::to_string(ext4.block) + " " +
                       ext4.desc);
        return;
      }
      default: told.push_back("unknown record"); return;
    }
  }
};

std::vector<std::string> Told(const std::string& buffer) {
  RfcMonitor monitor;
  monitor.Handle(buffer);
  return monitor.told;
}

TEST(RfcTest, AProgramOfTheRfcReadsAllThreeRecords) {
  EXPECT_EQ(Told(Event(DamagedInode())),
            (std::vector<std::string>{"error 117 version 1 fsid 11eb8c2d:756d63ee", "location ext4_lookup:1855",
                                      "ext4 inode 12 block 18446744073709551615 deleted inode referenced: 12"}));
}

TEST(RfcTest, EachRecordHasTheSizeThatTheRfcGivesIt) {
  const std::string event = Event(DamagedInode());
  ASSERT_EQ(event.size(), 24U + 20 + 20 + 276);
  EXPECT_EQ(std::string_view(event).substr(0, 4), std::string_view("\x54\x01\0\0", 4)) << "event_len 340";
  EXPECT_EQ(std::string_view(event).substr(20, 4), std::string_view("\xa3\x08\0\0", 4)) << "pid 2211";
  EXPECT_EQ(std::string_view(event).substr(24, 4), std::string_view("\x05\0\x14\0", 4));
  EXPECT_EQ(std::string_view(event).substr(24 + 12, 8), std::string_view("\x2d\x8c\xeb\x11\xee\x63\x6d\x75", 8))
      << "fsid";
  EXPECT_EQ(std::string_view(event).substr(44, 4), std::string_view("\x04\0\x14\0", 4));
  EXPECT_EQ(std::string_view(event).substr(52, 12), std::string_view("ext4_lookup\0", 12));
  EXPECT_EQ(std::string_view(event).substr(64, 4), std::string_view("\x06\0\x14\x01", 4));
}

TEST(RfcTest, ANotificationOfWhichOnlyTheErrorIsKnownHasTheGenericRecordAlone) {
  Notification n;
  n.error.code = EIO;
  EXPECT_EQ(Told(Event(n)), (std::vector<std::string>{"error 5 version 1 fsid 00000000:00000000"}));
  EXPECT_EQ(Event(n).size(), 44U);
}

TEST(RfcTest, WithoutAnFsidTheDeviceGivesItAsInTheKernel) {
  Notification n;
  n.error.code = EIO;
  n.filesystem.dev = DeviceNumber{7, 1};
  EXPECT_EQ(Told(Event(n)).at(0), "error 5 version 1 fsid 00000701:00000000");
  n.filesystem.dev = DeviceNumber{259, 0x12345};  // minor bits above the eighth stand above the major
  EXPECT_EQ(Told(Event(n)).at(0), "error 5 version 1 fsid 12310345:00000000");
}

TEST(RfcTest, TheNameOfTheFunctionIsPaddedToAMultipleOfFour) {
  for (const std::string name : {"", "a", "ab", "abc", "abcd", "abcde"}) {
    Notification n = DamagedInode();
    n.specific.reset();
    n.location = Location{name, std::nullopt, {}};
    EXPECT_EQ(Event(n).size() % 4, 0U);
    EXPECT_EQ(Event(n).size(), 24 + 20 + 8 + (name.size() / 4 + 1) * 4);
    EXPECT_EQ(Told(Event(n)).at(1), "location " + name + ":0");
  }
}

TEST(RfcTest, ADescriptionIsCutTo255Bytes) {
  Notification n = DamagedInode();
  n.specific->message = std::string(300, 'm');
  const std::string event = Event(n);
  ASSERT_EQ(event.size(), 340U);
  EXPECT_EQ(event.substr(84), std::string(255, 'm') + '\0');
}

TEST(RfcTest, TheInodeOfTheObjectStandsInForTheMessages) {
  Notification n = DamagedInode();
  n.specific->fields = {{"block", uint64_t{99}}};
  n.object = ObjectInfo{.inode = 13};
  EXPECT_EQ(Told(Event(n)).at(2), "ext4 inode 13 block 99 deleted inode referenced: 12");
}

TEST(RfcTest, OnlyExt4AndFileSystemsInUserSpaceHaveSpecificData) {
  Notification n = DamagedInode();
  n.specific->type = "block";
  EXPECT_EQ(Told(Event(n)).size(), 2U);
  n.origin = Origin::kUser;
  n.specific = Specific{.type = "mydb", .fields = {}, .message = "words", .blob = std::nullopt};
  EXPECT_EQ(Told(Event(n)).size(), 2U);
  n.specific->blob = "12345678";
  EXPECT_EQ(Told(Event(n)).at(2), "data 12345678");
  n.specific->blob = "12345";
  EXPECT_EQ(Told(Event(n)).at(2), std::string("data 12345\0\0\0", 13)) << "padded";
}

TEST(RfcTest, WhatIsHealthyAgainIsNoEvent) {
  Notification n = DamagedInode();
  n.corrected = true;
  EXPECT_EQ(Event(n), Event(DamagedInode())) << "it was an error";
  n.error.count = 0;
  EXPECT_EQ(Event(n), "");
}

TEST(RfcTest, AChangeOfHealthIsNoEvent) {
  Notification n = DamagedInode();
  n.kind = Kind::kHealth;
  n.health = HealthChange();
  EXPECT_EQ(Event(n), "");
}

TEST(RfcTest, AGapIsAnOverflow) {
  Notification gap = DamagedInode();
  gap.kind = Kind::kGap;
  gap.gap = Gap{SourceId::kGroup, 3, true, 0, 0};
  EXPECT_EQ(Event(gap).size(), 24U);
  RfcMonitor monitor;
  monitor.Handle(Event(gap));
  EXPECT_EQ(monitor.overflows, 1);
  EXPECT_TRUE(monitor.told.empty());
}

TEST(RfcTest, EventsFollowEachOther) {
  std::string events = Event(DamagedInode());
  AppendRfc(DamagedInode(), events);
  EXPECT_EQ(Told(events).size(), 6U);
}

}  // namespace
}  // namespace fsherald
