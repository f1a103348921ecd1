// SPDX-License-Identifier: MIT
#include "store/migration.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

#include "store/test_history.h"

namespace fsherald {
namespace {

// What the tables are, whatever is in them.
std::string SchemaOf(Database& database) {
  std::string schema;
  auto select = database.Prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name");
  while (*select->Step()) schema.append(select->Blob(0)).append("\n");
  return schema;
}

class MigrationTest : public ::testing::Test {
 protected:
  Database Open(const std::string& name) {
    auto database = Database::Open(directory_.file(name), Database::Access::kCreate);
    EXPECT_TRUE(database);
    return std::move(*database);
  }
  TestDirectory directory_;
};

TEST_F(MigrationTest, AFileWithoutAVersionGetsTheLatestSchema) {
  Database database = Open("new.db");
  ASSERT_TRUE(MakeCurrent(database));
  EXPECT_EQ(*database.Number("PRAGMA user_version"), kHistoryVersion);
  EXPECT_EQ(*database.Number("SELECT count(*) FROM sqlite_schema WHERE type='table'"), 8);
}

TEST_F(MigrationTest, ACurrentFileIsNotWrittenTo) {
  Database database = Open("current.db");
  ASSERT_TRUE(MakeCurrent(database));
  const int64_t before = *database.Number("PRAGMA data_version");
  ASSERT_TRUE(MakeCurrent(database));
  EXPECT_EQ(*database.Number("PRAGMA data_version"), before);
}

// Each is kept as it was released: who changes schema.sql adds a step in migration.cc, and the new text to the fixtures.
TEST_F(MigrationTest, EveryReleasedVersionBecomesTheLatest) {
  Database latest = Open("latest.db");
  ASSERT_TRUE(MakeCurrent(latest));
  for (int64_t version = 1; version <= kHistoryVersion; ++version) {
    const std::string name = "version_" + std::to_string(version) + ".sql";
    std::ifstream released(std::string(FSHERALD_FIXTURES) + "/history/" + name);
    ASSERT_TRUE(released) << name;
    const std::string sql{std::istreambuf_iterator<char>(released), {}};
    Database old = Open(name + ".db");
    ASSERT_TRUE(old.Run(sql.c_str()));
    ASSERT_TRUE(old.Run(("PRAGMA user_version=" + std::to_string(version)).c_str()));
    ASSERT_TRUE(MakeCurrent(old));
    EXPECT_EQ(*old.Number("PRAGMA user_version"), kHistoryVersion);
    EXPECT_EQ(SchemaOf(old), SchemaOf(latest)) << name;
  }
}

TEST_F(MigrationTest, AHistoryOfVersionOneKeepsItsRowsAndGoesOn) {
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 1500; ++seq) notifications.push_back(TestError(seq));
  { ASSERT_TRUE(OpenStore(directory_.path())->Append(notifications, kTestHost, "cursors")); }
  {
    auto database = Database::Open(directory_.file(), Database::Access::kWrite);
    ASSERT_TRUE(database->Run("DROP TABLE removed; DROP INDEX health_change; PRAGMA user_version=1"));
  }
  Store::Opening found;
  auto store = Store::Open({.directory = directory_.path(), .max_age_s = 1}, &found);
  ASSERT_TRUE(store) << store.error().ToString();
  EXPECT_EQ(found.set_aside, "");
  EXPECT_EQ(Seqs(directory_.path()).size(), 1500U);
  EXPECT_EQ((*store)->cursors(), "cursors");
  while (*(*store)->Retain(kTestUtcNs / 1'000'000'000 + 1100)) continue;
  EXPECT_EQ((*History::Open(directory_.path()))->RemovedAfter(1000), (History::Removed{24, 24}));
}

TEST_F(MigrationTest, AHistoryOfVersionTwoFindsItsChangesOfHealthAfterIt) {
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 1500; ++seq) {
    notifications.push_back(TestError(seq));
    if (seq % 500 != 0) continue;
    notifications.back().kind = Kind::kHealth;
    notifications.back().health = HealthChange{.to = HealthState::kErrors};
  }
  { ASSERT_TRUE(OpenStore(directory_.path())->Append(notifications, kTestHost, "cursors")); }
  {
    auto database = Database::Open(directory_.file(), Database::Access::kWrite);
    ASSERT_TRUE(database->Run("DROP INDEX health_change; PRAGMA user_version=2"));
  }
  ASSERT_TRUE(OpenStore(directory_.path()));
  std::vector<uint64_t> found;
  const auto add = [&](const Entry& entry) {
    found.push_back(entry.notification.seq);
    return true;
  };
  ASSERT_TRUE((*History::Open(directory_.path()))->ForEach({.kind = Kind::kHealth, .newest_first = true}, add));
  EXPECT_EQ(found, (std::vector<uint64_t>{1500, 1000, 500}));
}

// The way to versions that are not there yet.
constexpr const char* kFirst = "CREATE TABLE a(x)";
constexpr const char* kThird = "CREATE TABLE a(x, y); CREATE TABLE b(z)";
constexpr std::array<Migration, 2> kSteps = {
    {{2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y=x*2"}, {3, "CREATE TABLE b(z); INSERT INTO b SELECT y FROM a"}}};

TEST_F(MigrationTest, StepsAreTakenFromEachVersionOnAndKeepWhatIsThere) {
  for (int64_t version = 1; version <= 3; ++version) {
    Database database = Open("from_" + std::to_string(version) + ".db");
    ASSERT_TRUE(MakeCurrent(database, 1, kFirst, {}));
    ASSERT_TRUE(database.Run("INSERT INTO a VALUES(21)"));
    ASSERT_TRUE(MakeCurrent(database, version, kThird, std::span(kSteps).first(static_cast<size_t>(version) - 1)));
    ASSERT_TRUE(MakeCurrent(database, 3, kThird, kSteps));
    EXPECT_EQ(*database.Number("PRAGMA user_version"), 3);
    EXPECT_EQ(*database.Number("SELECT z FROM b"), 42);
    EXPECT_EQ(*database.Number("SELECT x FROM a"), 21);
  }
}

TEST_F(MigrationTest, AStepThatFailsLeavesTheFileAsItWas) {
  Database database = Open("failing.db");
  ASSERT_TRUE(MakeCurrent(database, 1, kFirst, {}));
  constexpr std::array<Migration, 2> kFailing = {{{2, "CREATE TABLE b(z)"}, {3, "CREATE TABLE b(z)"}}};
  EXPECT_FALSE(MakeCurrent(database, 3, kThird, kFailing));
  EXPECT_FALSE(database.InTransaction());
  EXPECT_EQ(*database.Number("PRAGMA user_version"), 1);
  EXPECT_EQ(*database.Number("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(MigrationTest, ANewFileTakesNoSteps) {
  Database database = Open("latest_of_steps.db");
  ASSERT_TRUE(MakeCurrent(database, 3, kThird, kSteps));
  EXPECT_EQ(*database.Number("SELECT count(*) FROM b"), 0);
}

}  // namespace
}  // namespace fsherald
