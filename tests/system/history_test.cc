// SPDX-License-Identifier: MIT
// The commands that read the history, on a store that the test has made, while nobody writes to it and while somebody does.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "checked_mount.h"
#include "follower.h"
#include "store/test_history.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

class HistoryTest : public SystemTest {
 protected:
  HistoryTest() : directory_(kSandbox + "/store") {
    std::filesystem::remove_all(directory_);
    Append({Damaged(1), Damaged(2, 5), Of("xfs", 3), Lost(4), Damaged(5)});
  }

  static Notification Damaged(uint64_t seq, uint64_t errors = 1) {
    Notification n = TestError(seq, errors);
    n.incident = 1;
    return n;
  }
  static Notification Of(const std::string& type, uint64_t seq) {
    Notification n = TestError(seq);
    n.filesystem = {.type = type, .device = "sdb1", .uuid = Uuid{{7}}, .mounts = {"/srv"}};
    n.location->function = "xfs_agf_read_verify";
    n.object->path = "/srv/\x1b[2J,x";
    n.kind = Kind::kDataRead;
    return n;
  }
  static Notification Lost(uint64_t seq) {
    Notification n{.seq = seq, .utc_ns = kTestUtcNs, .kind = Kind::kGap, .gap = Gap{.count = 9}};
    n.sources.Add(SourceId::kTrace);
    return n;
  }

  // As the daemon does it: opened, written, closed again.
  void Append(const std::vector<Notification>& notifications) {
    auto store = OpenStore(directory_);
    if (!store || !store->Append(notifications, kTestHost, "")) Fail("cannot write a store");
  }

  Finished Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), Program());
    arguments.insert(arguments.end(), {"--store", directory_});
    return RunToEnd({arguments, {{"TZ", "UTC"}}, {}});
  }
  std::vector<uint64_t> Ids(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"history", "--json"});
    std::vector<uint64_t> ids;
    for (const Json& line : JsonLines(Run(arguments).output)) ids.push_back(line["seq"]);
    return ids;
  }
  const std::string directory_;
};

using Seqs = std::vector<uint64_t>;

bool Has(const Finished& finished, const std::string& text) { return finished.output.find(text) != std::string::npos; }

TEST_F(HistoryTest, TellsAllInTheOrderTold) {
  const Finished table = Run({"history"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_EQ(std::ranges::count(table.output, '\n'), 6) << table.output;
  EXPECT_TRUE(Has(table, "2026-11-20 10:31:08   1  ext4 loop0   metadata   EUCLEAN      1  ext4_lookup:1855"))
      << table.output;
  EXPECT_EQ(Ids({}), (Seqs{1, 2, 3, 4, 5}));
}

TEST_F(HistoryTest, TellsWhatWasAskedFor) {
  EXPECT_EQ(Ids({"-n", "2"}), (Seqs{4, 5}));
  EXPECT_EQ(Ids({"-n", "2", "-r"}), (Seqs{5, 4}));
  EXPECT_EQ(Ids({"-n", "0"}), (Seqs{}));
  EXPECT_EQ(Ids({"--filesystem", "xfs"}), (Seqs{3}));
  EXPECT_EQ(Ids({"--filesystem", "/data"}), (Seqs{1, 2, 5}));
  EXPECT_EQ(Ids({"--filesystem", "/dev/sdb1"}), (Seqs{3}));
  EXPECT_EQ(Ids({"--kind", "gap"}), (Seqs{4}));
  EXPECT_EQ(Ids({"--function", "ext4_lookup", "-n", "1"}), (Seqs{5}));
  EXPECT_EQ(Ids({"--since", "2026-11-20T10:31:10Z"}), (Seqs{3, 5}));
  EXPECT_EQ(Ids({"--until", "@1795170668.5"}), (Seqs{1, 4}));
}

TEST_F(HistoryTest, NoNameReachesTheTerminalRaw) {
  for (const auto& form : std::vector<std::vector<std::string>>{{"history"},
                                                                {"history", "-v"},
                                                                {"history", "--csv"},
                                                                {"history", "--json"},
                                                                {"show", "3"},
                                                                {"explain", "--id", "3"}})
    EXPECT_FALSE(Has(Run(form), "\x1b")) << form[0];
}

TEST_F(HistoryTest, CsvIsOneHeaderAndARowEach) {
  const Finished csv = Run({"history", "--csv"});
  EXPECT_EQ(std::ranges::count(csv.output, '\r'), 6) << csv.output;
  EXPECT_EQ(csv.output.substr(0, 13), "id,time,boot,");
  EXPECT_TRUE(Has(csv, ",\"/srv/\\x1b[2J,x\",")) << csv.output;
}

TEST_F(HistoryTest, WhatIsWrongIsSaidWithWhatToDo) {
  const Finished time = Run({"history", "--since", "tomorrow"});
  EXPECT_EQ(time.exit_code, 2);
  EXPECT_TRUE(Has(time, "'tomorrow' is no time: write 2026-11-20")) << time.output;
  EXPECT_EQ(Run({"history", "--kind", "x"}).exit_code, 2);
  EXPECT_EQ(Run({"history", "--since", "1h", "--until", "2h"}).exit_code, 2);
  EXPECT_EQ(Run({"history", "--json", "--csv"}).exit_code, 2);
  EXPECT_EQ(Run({"show", "99"}).exit_code, 1);
  EXPECT_EQ(Run({"explain", "EWHATEVER"}).exit_code, 1);
  EXPECT_EQ(Run({"explain"}).exit_code, 2);
}

TEST_F(HistoryTest, WithoutAHistoryTheExitCodeIsThree) {
  std::filesystem::remove_all(directory_);
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"history"}, {"history", "-f"}, {"show", "1"}, {"hotspots"}, {"explain", "--id", "1"}}) {
    const Finished finished = Run(command);
    EXPECT_EQ(finished.exit_code, 3) << finished.output;
    EXPECT_TRUE(Has(finished, "Start it (fsherald daemon)")) << finished.output;
  }
  EXPECT_EQ(Run({"explain", "EIO"}).exit_code, 0) << "needs none";
}

TEST_F(HistoryTest, WhoMayNotReadItIsToldSo) {
  std::vector<std::string> command = As({.user = 65534, .group = 65534});
  command.insert(command.end(), {Program(), "history", "--store", directory_});
  const Finished finished = RunToEnd({command, {}, {}});
  EXPECT_EQ(finished.exit_code, 4) << finished.output;
  EXPECT_TRUE(Has(finished, "not permitted to read the history")) << finished.output;
}

TEST_F(HistoryTest, OneIsShownWholeWithItsIncidentAndTheNextSteps) {
  const Finished shown = Run({"show", "2"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_TRUE(Has(shown, "2026-11-20 10:31:09.412 #2 metadata error on ext4 loop0 at /data")) << shown.output;
  EXPECT_TRUE(Has(shown, "__lookup_slow+0x81")) << shown.output;
  EXPECT_TRUE(Has(shown, "incident  1: 3 notifications of 7 errors")) << shown.output;
  EXPECT_TRUE(Has(shown, "e2fsck -f /dev/disk/by-uuid/8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee")) << shown.output;
  const auto json = JsonLines(Run({"show", "2", "--json"}).output);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["error"]["count"], 5);
}

TEST_F(HistoryTest, HotspotsAreCountedByWhatErrorsHaveInCommon) {
  const auto lines = JsonLines(Run({"hotspots", "--json"}).output);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["function"], "ext4_lookup");
  EXPECT_EQ(lines[0]["errors"], 7);
  EXPECT_EQ(lines[1]["errors"], 1);
  for (const char* by : {"function", "filesystem", "device", "inode", "kernel"})
    EXPECT_EQ(Run({"hotspots", "--by", by}).exit_code, 0) << by;
  const Finished text = Run({"hotspots"});
  EXPECT_TRUE(Has(text, "ext4_lookup:1855")) << text.output;
  EXPECT_TRUE(Has(text, "################")) << text.output;
}

TEST_F(HistoryTest, ANumberThatIsAnErrnoIsExplainedAsOneAndAnIdBesides) {
  const Finished errno_5 = Run({"explain", "5"});
  EXPECT_TRUE(Has(errno_5, "EIO (5): Input/output error")) << errno_5.output;
  EXPECT_TRUE(Has(errno_5, "fsherald explain --id 5")) << errno_5.output;
  EXPECT_TRUE(Has(Run({"explain", "-117"}), "EUCLEAN (117)"));
  EXPECT_TRUE(Has(Run({"explain", "ext4_lookup"}), "a name in a directory leads to an inode"));
  EXPECT_TRUE(Has(Run({"explain", "--id", "5"}), "notification 5: metadata on ext4 loop0: EUCLEAN (117)"));
}

// None is missed, none told twice, also over the end of the one that writes.
TEST_F(HistoryTest, WhatComesIsFollowed) {
  Follower follower(directory_, {"-n", "1"});
  follower.ReadLines(1);
  Append({Damaged(6), Damaged(7)});
  follower.ReadLines(3);
  Append({Of("btrfs", 8)});  // words that the follower has never seen
  follower.ReadLines(4);
  EXPECT_EQ(follower.Stop(), 0);
  Seqs ids;
  for (const Json& line : follower.lines()) ids.push_back(line["seq"]);
  EXPECT_EQ(ids, (Seqs{5, 6, 7, 8}));
  EXPECT_EQ(follower.lines()[3]["filesystem"]["type"], "btrfs");
}

TEST_F(HistoryTest, AnEmptyHistoryIsFollowedFromItsFirst) {
  std::filesystem::remove_all(directory_);
  Append({});
  EXPECT_EQ(Run({"history"}).exit_code, 0);
  Follower follower(directory_);
  Append({Damaged(1)});
  follower.ReadLines(1);
  Append({Damaged(2)});
  follower.ReadLines(2);
  EXPECT_EQ(follower.Stop(), 0);
  EXPECT_EQ(follower.lines().size(), 2U);
}

// The daemon sets a damaged history aside, and begins a new file of the same name.
TEST_F(HistoryTest, AHistoryThatIsSetAsideIsFollowedInItsNewFile) {
  Follower follower(directory_, {"-n", "1"});
  follower.ReadLines(1);
  std::filesystem::rename(directory_, directory_ + ".aside");
  Append({Damaged(1), Damaged(2)});
  follower.ReadLines(3);
  EXPECT_EQ(follower.Stop(), 0);
  EXPECT_EQ(follower.lines()[2]["seq"], 2);
  std::filesystem::remove_all(directory_ + ".aside");
}

}  // namespace
}  // namespace fsherald::system_test
