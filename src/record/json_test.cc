// SPDX-License-Identifier: MIT
#include "record/json.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>

namespace fsherald {
namespace {

using Json = nlohmann::ordered_json;

const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};

std::string Line(const Notification& notification, const Host& host = kHost) {
  std::string out;
  AppendJson(notification, host, out);
  return out;
}

// Throws, and so fails the test, where the line is not JSON.
Json Parsed(const Notification& notification) { return Json::parse(Line(notification)); }

Notification FullNotification() {
  Notification n;
  n.seq = 41;
  n.filesystem_seq = 7;
  n.utc_ns = 1795170667412345678;
  n.boottime_ns = 431270412345;
  n.filesystem = {"ext4",
                  "loop0",
                  DeviceNumber{7, 0},
                  ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee"),
                  Fsid{0x11eb8c2d, 0x756d63ee},
                  {"/data"}};
  n.error = {EUCLEAN, 1};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2", "__lookup_slow+0x81"}};
  n.specific = Specific{"ext4",
                        {{"inode", uint64_t{12}}, {"block", std::monostate()}, {"group", std::monostate()}},
                        "deleted inode referenced: 12"};
  n.object = ObjectInfo{12, 7, "/data/d/f", PathSource::kHandle};
  n.task = Task{2211, 2212, "ls", "/user.slice"};
  n.sources.Add(SourceId::kFanotify).Add(SourceId::kTrace).Add(SourceId::kKmsg);
  return n;
}

TEST(JsonTest, ANotificationIsOneLineWithEveryKeyInTheDocumentedOrder) {
  EXPECT_EQ(Line(FullNotification()),
            R"({"v":1,"seq":41,"filesystem_seq":7,"time":"2026-11-20T10:31:07.412345678Z","boottime_ns":431270412345,)"
            R"("boot":"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77",)"
            R"("filesystem":{"type":"ext4","device":"loop0","dev":"7:0","uuid":"8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee",)"
            R"("fsid":"11eb8c2d:756d63ee","mounts":["/data"]},)"
            R"("error":{"errno":117,"name":"EUCLEAN","text":"Structure needs cleaning","count":1},)"
            R"("location":{"function":"ext4_lookup","line":1855,"file":null,"kernel":"6.18.44",)"
            R"("stack":["ext4_lookup+0x1a2","__lookup_slow+0x81"]},)"
            R"("specific":{"type":"ext4","inode":12,"block":null,"group":null,)"
            R"("message":"deleted inode referenced: 12"},)"
            R"("object":{"inode":12,"generation":7,"path":"/data/d/f","path_source":"handle"},)"
            R"("range":null,"device_error":null,)"
            R"("task":{"pid":2211,"tid":2212,"comm":"ls","cgroup":"/user.slice"},)"
            R"("kind":"metadata","origin":"kernel","corrected":false,"trusted":true,)"
            R"("sources":["fanotify","trace","kmsg"],"incident":null})"
            "\n");
}

TEST(JsonTest, WhatIsNotKnownIsNullAndNeverLeftOut) {
  EXPECT_EQ(
      Line(Notification(), Host()),
      R"({"v":1,"seq":0,"filesystem_seq":null,"time":"1970-01-01T00:00:00.000000000Z","boottime_ns":null,"boot":null,)"
      R"("filesystem":{"type":null,"device":null,"dev":null,"uuid":null,"fsid":null,"mounts":null},)"
      R"("error":{"errno":null,"name":null,"text":null,"count":1},)"
      R"("location":null,"specific":null,"object":null,"range":null,"device_error":null,"task":null,)"
      R"("kind":"metadata","origin":"kernel","corrected":false,"trusted":true,"sources":[],"incident":null})"
      "\n");
}

TEST(JsonTest, ThePartsOfAPartAreNullWhereTheyAreNotKnown) {
  Notification n;
  n.location = Location{"ext4_lookup", std::nullopt, {}};
  n.specific = Specific{"ext4", {}, std::nullopt};
  n.object = ObjectInfo{12, std::nullopt, std::nullopt, std::nullopt};
  n.device_error = DeviceError();
  n.task = Task{std::nullopt, std::nullopt, "ls", std::nullopt};
  const Json json = Parsed(n);
  EXPECT_EQ(json["location"].dump(),
            R"({"function":"ext4_lookup","line":null,"file":null,"kernel":"6.18.44","stack":null})");
  EXPECT_EQ(json["specific"].dump(), R"({"type":"ext4","message":null})");
  EXPECT_EQ(json["object"].dump(), R"({"inode":12,"generation":null,"path":null,"path_source":null})");
  EXPECT_EQ(json["device_error"].dump(), R"({"device":null,"dev":null,"operation":null,"sector":null,"sectors":null,)"
                                         R"("errno":null,"name":null,"count":1})");
  EXPECT_EQ(json["task"].dump(), R"({"pid":null,"tid":null,"comm":"ls","cgroup":null})");
}

TEST(JsonTest, ARangeIsInBytes) {
  Notification n;
  n.kind = Kind::kDataRead;
  n.range = Range{4096, 512};
  EXPECT_EQ(Parsed(n)["range"].dump(), R"({"offset":4096,"length":512})");
  EXPECT_EQ(Parsed(n)["kind"], "data_read");
}

TEST(JsonTest, WhatTheDeviceReportedIsInSectorsOf512Bytes) {
  Notification n;
  n.error = {EIO, 2};
  n.device_error = DeviceError{.device = "loop0",
                               .dev = DeviceNumber{7, 0},
                               .operation = DeviceError::Operation::kRead,
                               .sector = 2048,
                               .sectors = 8,
                               .code = EIO,
                               .count = 3};
  EXPECT_EQ(Parsed(n)["device_error"].dump(),
            R"({"device":"loop0","dev":"7:0","operation":"read","sector":2048,"sectors":8,)"
            R"("errno":5,"name":"EIO","count":3})");
  EXPECT_EQ(Parsed(n)["error"]["count"], 2) << "requests are no errors of the file system";
  n.device_error->code = 4095;
  n.device_error->device = "sd\"\n";
  EXPECT_EQ(Parsed(n)["device_error"]["name"], nullptr);
  EXPECT_EQ(Parsed(n)["device_error"]["device"], "sd\"\n");
}

TEST(JsonTest, TheSourceFileIsToldWhereTheReportNamesIt) {
  Notification n;
  n.location = Location{"xfs_do_force_shutdown", 523, {}, "fs/xfs/xfs_fsops.c"};
  EXPECT_EQ(Parsed(n)["location"].dump(),
            R"({"function":"xfs_do_force_shutdown","line":523,"file":"fs/xfs/xfs_fsops.c",)"
            R"("kernel":"6.18.44","stack":null})");
}

TEST(JsonTest, WhatHasBeenCorrectedAndWhatUserSpaceWroteToTheLogIsSaid) {
  Notification n;
  n.corrected = true;
  EXPECT_EQ(Parsed(n)["corrected"], true);
  EXPECT_EQ(Parsed(n)["trusted"], true);
  EXPECT_EQ(Parsed(n)["error"]["count"], 1) << "it was an error, though nothing is lost";
  n.corrected = false;
  n.trusted = false;
  EXPECT_EQ(Parsed(n)["corrected"], false);
  EXPECT_EQ(Parsed(n)["trusted"], false);
}

TEST(JsonTest, AGapSaysWhatWasLostAndStandsForNoError) {
  Notification n;
  n.kind = Kind::kGap;
  n.sources = SourceId::kKmsg;
  n.gap = Gap{SourceId::kKmsg, 12, true, 1795170667000000001, 1795170668000000002};
  const Json json = Parsed(n);
  EXPECT_EQ(json["gap"].dump(), R"({"source":"kmsg","count":12,"exact":true,)"
                                R"("from":"2026-11-20T10:31:07.000000001Z","to":"2026-11-20T10:31:08.000000002Z"})");
  EXPECT_EQ(json["error"]["count"], 0);
  EXPECT_EQ(json["kind"], "gap");
}

TEST(JsonTest, AnUnknownLossIsNeverExact) {
  Notification n;
  n.kind = Kind::kGap;
  n.gap = Gap{SourceId::kTrace, std::nullopt, true, 0, 0};
  EXPECT_EQ(Parsed(n)["gap"]["count"], nullptr);
  EXPECT_EQ(Parsed(n)["gap"]["exact"], false);
  n.gap = Gap{SourceId::kTrace, 3, false, 0, 0};
  EXPECT_EQ(Parsed(n)["gap"]["count"], 3);
  EXPECT_EQ(Parsed(n)["gap"]["exact"], false);
}

TEST(JsonTest, OnlyAGapHasTheKeyGap) { EXPECT_FALSE(Parsed(FullNotification()).contains("gap")); }

TEST(JsonTest, AChangeOfHealthSaysFromWhichStateToWhichAndWhy) {
  Notification n;
  n.kind = Kind::kHealth;
  n.incident = 41;
  n.health = HealthChange{.from = HealthState::kErrors,
                          .to = HealthState::kWell,
                          .rule = HealthRule::kCleared,
                          .since_utc_ns = 1795170667000000001,
                          .errors = 3,
                          .uid = 0,
                          .reason = "\"new\" cable\n"};
  Json json = Parsed(n);
  EXPECT_EQ(json["kind"], "health");
  EXPECT_EQ(json["error"]["count"], 0);
  EXPECT_EQ(json["incident"], 41);
  EXPECT_EQ(json["health"].dump(),
            R"({"from":"errors","to":"well","rule":"cleared","since":"2026-11-20T10:31:07.000000001Z",)"
            R"("errors":3,"uid":0,"reason":"\"new\" cable\n"})");
  n.health = HealthChange();
  EXPECT_EQ(Parsed(n)["health"].dump(),
            R"({"from":"well","to":"well","rule":"errors","since":null,"errors":0,"uid":null,"reason":null})");
  n.health = std::nullopt;
  EXPECT_EQ(Parsed(n)["health"], nullptr);
}

TEST(JsonTest, OnlyAChangeOfHealthHasTheKeyHealth) { EXPECT_FALSE(Parsed(FullNotification()).contains("health")); }

TEST(JsonTest, TheErrnoIsNamedAndToldInTheKernelsWords) {
  Notification n;
  n.error = {EBADMSG, 3};
  EXPECT_EQ(Parsed(n)["error"].dump(), R"({"errno":74,"name":"EBADMSG","text":"Bad message","count":3})");
  n.error = {ESHUTDOWN, 1};
  EXPECT_EQ(Parsed(n)["error"]["name"], "ESHUTDOWN");
  n.error = {EAGAIN, 1};
  EXPECT_EQ(Parsed(n)["error"]["name"], "EAGAIN");
}

TEST(JsonTest, ANumberThatIsNoErrnoHasNoName) {
  Notification n;
  n.error = {4095, 1};
  EXPECT_EQ(Parsed(n)["error"].dump(), R"({"errno":4095,"name":null,"text":null,"count":1})");
}

TEST(JsonTest, TheLargestNumbersAreExact) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  Notification n;
  n.seq = kMax;
  n.boottime_ns = kMax;
  n.error.count = kMax;
  n.object = ObjectInfo{kMax, 4294967295, std::nullopt, std::nullopt};
  const Json json = Parsed(n);
  EXPECT_EQ(json["seq"].get<uint64_t>(), kMax);
  EXPECT_EQ(json["boottime_ns"].get<uint64_t>(), kMax);
  EXPECT_EQ(json["error"]["count"].get<uint64_t>(), kMax);
  EXPECT_EQ(json["object"]["inode"].get<uint64_t>(), kMax);
  EXPECT_EQ(json["object"]["generation"].get<uint64_t>(), 4294967295U);
}

TEST(JsonTest, TheTimeIsUtcToTheNanosecond) {
  const auto time = [](int64_t utc_ns) {
    Notification n;
    n.utc_ns = utc_ns;
    return Parsed(n)["time"].get<std::string>();
  };
  EXPECT_EQ(time(1), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(time(951782399999999999), "2000-02-28T23:59:59.999999999Z");
  EXPECT_EQ(time(951782400000000000), "2000-02-29T00:00:00.000000000Z");
  EXPECT_EQ(time(1767225599123000000), "2025-12-31T23:59:59.123000000Z");
  EXPECT_EQ(time(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(time(std::numeric_limits<int64_t>::max()), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(time(std::numeric_limits<int64_t>::min()), "1677-09-21T00:12:43.145224192Z");
}

TEST(JsonTest, RawBytesOfNamesAndMessagesStillGiveValidJson) {
  Notification n;
  n.filesystem.mounts = {"/a\"b\\c", "/\xFF\xFE", "/\x1b[2J\n"};
  n.specific = Specific{"ext4", {{"name", std::string("x\0\x7f", 3)}}, "caf\xC3\xA9 \xC3"};
  n.object = ObjectInfo{12, 7, "/gpj.\u202Eexe", PathSource::kOpenFile};
  n.task = Task{1, 1, "\xE2\x82", "/\t"};
  const std::string line = Line(n);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["filesystem"]["mounts"], Json::array({"/a\"b\\c", "/\uFFFD\uFFFD", "/\x1b[2J\n"}));
  EXPECT_EQ(json["specific"]["name"], std::string("x\0\x7f", 3));
  EXPECT_EQ(json["specific"]["message"], "caf\u00E9 \uFFFD");
  EXPECT_EQ(json["object"]["path"], "/gpj.\u202Eexe");
  EXPECT_EQ(json["task"]["comm"], "\uFFFD\uFFFD");
}

TEST(JsonTest, WhatAProgramReportsIsInNoKernel) {
  Notification n = FullNotification();
  n.origin = Origin::kUser;
  EXPECT_EQ(Parsed(n)["location"]["kernel"], nullptr);
  EXPECT_EQ(Parsed(n)["origin"], "user");
}

TEST(JsonTest, TheBytesOfAFileSystemInUserSpaceAreHex) {
  Notification n;
  n.origin = Origin::kUser;
  n.specific = Specific{.type = "mydb", .fields = {}, .message = "page 7", .blob = std::string("\x00\x7f\xff\x1b", 4)};
  EXPECT_EQ(Parsed(n)["specific"].dump(), R"({"type":"mydb","message":"page 7","blob":"007fff1b"})");
  n.specific->blob = "";
  EXPECT_EQ(Parsed(n)["specific"]["blob"], "");
  n.specific->blob = std::nullopt;
  EXPECT_EQ(Parsed(n)["specific"].dump(), R"({"type":"mydb","message":"page 7","blob":null})");
}

TEST(JsonTest, OnlyAFileSystemInUserSpaceHasTheKeyBlob) {
  EXPECT_FALSE(Parsed(FullNotification())["specific"].contains("blob"));
}

TEST(JsonTest, AnObjectMayBeKnownByItsPathAlone) {
  Notification n;
  n.origin = Origin::kUser;
  n.object = ObjectInfo{.path = "orders/7", .path_source = PathSource::kProducer};
  EXPECT_EQ(Parsed(n)["object"].dump(),
            R"({"inode":null,"generation":null,"path":"orders/7","path_source":"producer"})");
}

TEST(JsonTest, TheNameOfAFieldIsEscapedToo) {
  Notification n;
  n.specific = Specific{.type = "x", .fields = {{"a\"\n", uint64_t{1}}}, .message = std::nullopt};
  EXPECT_EQ(Parsed(n)["specific"]["a\"\n"], 1);
}

TEST(JsonTest, AnEmptyStringThatIsKnownIsNotNull) {
  Notification n;
  n.specific = Specific{"ext4", {}, ""};
  n.task = Task{1, 1, "init", ""};
  EXPECT_EQ(Parsed(n)["specific"]["message"], "");
  EXPECT_EQ(Parsed(n)["task"]["cgroup"], "");
}

TEST(JsonTest, LinesAreAppendedOneAfterTheOther) {
  std::string out;
  AppendJson(FullNotification(), kHost, out);
  AppendJson(FullNotification(), kHost, out);
  EXPECT_EQ(out, Line(FullNotification()) + Line(FullNotification()));
}

}  // namespace
}  // namespace fsherald
