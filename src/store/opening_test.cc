// SPDX-License-Identifier: MIT
#include "store/opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "store/page_file.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
namespace files = std::filesystem;

constexpr uint64_t kRows = 2000;

// All that is in the WAL into the file.
void Checkpoint(const std::string& file) {
  auto database = Database::Open(file, Database::Access::kWrite);
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->Number("SELECT count(*) FROM state"));  // only then it knows of its WAL
  ASSERT_TRUE(database->Checkpoint(true));
}

void Overwrite(const std::string& file, uint64_t offset, const std::string& bytes) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string Contents(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class OpeningTest : public ::testing::Test {
 protected:
  OpeningTest() {
    store_ = OpenStore(directory_.path());
    for (uint64_t seq = 1; seq <= kRows; seq += 500) Append(seq, 500);
  }
  void Append(uint64_t first, uint64_t count) {
    std::vector<Notification> notifications;
    for (uint64_t seq = first; seq < first + count; ++seq) {
      notifications.push_back(TestError(seq));
      notifications.back().object->path = "/data/some/where/deep/down/" + std::to_string(seq * 7919);
    }
    ASSERT_TRUE(store_->Append(notifications, kTestHost, "cursors " + std::to_string(first)));
  }
  void Close() {
    store_.reset();
    Checkpoint(directory_.file());
  }
  void Open() {
    store_.reset();
    store_ = OpenStore(directory_.path(), &found_);
    ASSERT_TRUE(store_);
  }
  // The rows that each page of the file has.
  std::map<uint32_t, std::vector<uint64_t>> RowsOfPages() const {
    std::map<uint32_t, std::vector<uint64_t>> rows;
    const auto pages = PageFile::Open(directory_.file());
    std::string bytes;
    for (uint32_t page = 1; page <= pages->page_count(); ++page) {
      pages->ReadFile(page, bytes);
      ForEachRow(
          bytes, page, [](uint32_t, std::string&) { return false; },
          [&](const SqliteRow& row) {
            if (row.columns.size() == 9) rows[page].push_back(static_cast<uint64_t>(row.rowid));
          });
    }
    return rows;
  }
  // The pages that are no leaves of the table of rows and begin with this type.
  std::vector<uint32_t> PagesOfType(char type) const {
    std::vector<uint32_t> found;
    const std::string contents = Contents(directory_.file());
    for (size_t at = kPageBytes; at < contents.size(); at += kPageBytes)
      if (contents[at] == type) found.push_back(static_cast<uint32_t>(at / kPageBytes) + 1);
    return found;
  }
  void Ruin(uint32_t page, const std::string& with = std::string(kPageBytes, '\x55')) {
    Overwrite(directory_.file(), (uint64_t{page} - 1) * kPageBytes, with);
  }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
  Store::Opening found_;
};

TEST_F(OpeningTest, AFileThatIsSoundIsLeftAsItIs) {
  Close();
  Open();
  EXPECT_FALSE(found_.is_new);
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_EQ(found_.why, "");
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
}

TEST_F(OpeningTest, WithAPageRuinedAllRowsOfTheOthersAreSalvaged) {
  Close();
  const auto rows = RowsOfPages();
  const auto& [page, lost] = *std::next(rows.begin(), static_cast<ptrdiff_t>(rows.size() / 2));
  Ruin(page);
  // The check looks at rows spread over the file, and may pass over one page.
  Open();
  const std::vector<uint64_t> seqs = Seqs(directory_.path());
  EXPECT_EQ(seqs.size(), kRows - lost.size());
  for (const uint64_t seq : lost) EXPECT_FALSE(std::binary_search(seqs.begin(), seqs.end(), seq)) << seq;
  EXPECT_EQ(store_->last_seq(), kRows);
  EXPECT_EQ(store_->cursors(), "cursors 1501");
}

TEST_F(OpeningTest, AroundRuinedPagesAllRowsOfAFileSystemAreStillFound) {
  for (uint64_t first = kRows + 1; first <= 2 * kRows; first += 500) {
    std::vector<Notification> some;
    for (uint64_t seq = first; seq < first + 500; ++seq) {
      some.push_back(TestError(seq));
      if (seq % 37 == 0) some.back().filesystem = {.type = "xfs", .device = "sdb1", .mounts = {"/srv"}};
    }
    ASSERT_TRUE(store_->Append(some, kTestHost, ""));
  }
  Close();
  std::set<uint64_t> expected;
  for (uint64_t seq = kRows + 1; seq <= 2 * kRows; ++seq)
    if (seq % 37 == 0) expected.insert(seq);
  size_t at = 0;
  for (const auto& [page, rows] : RowsOfPages()) {
    if (++at % 7 != 0) continue;
    Ruin(page);
    for (const uint64_t seq : rows) expected.erase(seq);
  }
  EXPECT_LT(expected.size(), kRows / 37);
  const auto history = History::Open(directory_.path());
  ASSERT_TRUE(history);
  for (const bool newest_first : {false, true}) {
    std::vector<uint64_t> found;
    const Status read =
        (*history)->ForEach({.filesystem = "sdb1", .newest_first = newest_first}, [&](const Entry& entry) {
          found.push_back(entry.notification.seq);
          return true;
        });
    EXPECT_EQ(read.error().code, EUCLEAN);
    if (newest_first) std::ranges::reverse(found);
    EXPECT_EQ(found, std::vector(expected.begin(), expected.end()));
  }
}

TEST_F(OpeningTest, APageThatLeadsToOthersTakesNoneWithIt) {
  Close();
  for (const uint32_t page : PagesOfType(5)) Ruin(page);
  Open();
  EXPECT_THAT(found_.set_aside, MatchesRegex(directory_.file() + "\\.damaged-[0-9T.]+Z"));
  EXPECT_NE(found_.why, "");
  EXPECT_EQ(found_.salvaged, kRows);
  EXPECT_EQ(found_.lost, 0u);
  const std::vector<Entry> entries = Entries(directory_.path());
  ASSERT_EQ(entries.size(), kRows);
  Notification expected = TestError(1000);
  expected.object->path = "/data/some/where/deep/down/" + std::to_string(1000 * 7919);
  EXPECT_EQ(entries[999].notification, expected);
  EXPECT_EQ(entries[999].host.kernel_release, kTestHost.kernel_release);
  // Counts are made anew, and what comes is stored behind.
  const auto history = History::Open(directory_.path());
  EXPECT_EQ((*history)->Filesystems()->front().errors, kRows);
  Append(kRows + 1, 10);
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows + 10);
}

TEST_F(OpeningTest, AFileThatIsNoDatabaseIsSetAside) {
  Close();
  Overwrite(directory_.file(), 0, std::string(files::file_size(directory_.file()), '\xaa'));
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(found_.salvaged, 0u);
  EXPECT_EQ(store_->last_seq(), 0u);
  EXPECT_TRUE(files::exists(found_.set_aside));
  Append(1, 3);
  EXPECT_EQ(Seqs(directory_.path()).size(), 3u);
}

TEST_F(OpeningTest, WithoutItsFirstPageAllRowsAreSalvaged) {
  Close();
  Ruin(1);
  Open();
  EXPECT_EQ(found_.salvaged, kRows);
  EXPECT_EQ(store_->last_seq(), kRows);
}

TEST_F(OpeningTest, OfATruncatedFileWhatIsLeftIsSalvaged) {
  Close();
  const auto rows = RowsOfPages();
  const auto half = files::file_size(directory_.file()) / kPageBytes / 2;
  files::resize_file(directory_.file(), half * kPageBytes + 100);
  uint64_t left = 0;
  for (const auto& [page, seqs] : rows)
    if (page <= half) left += seqs.size();
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(found_.salvaged, left);
  EXPECT_EQ(Seqs(directory_.path()).size(), left);
}

TEST_F(OpeningTest, OneCopyOfTheDictionaryIsEnough) {
  Close();
  // The first page with its identity, which is the first row of both.
  const std::string contents = Contents(directory_.file());
  const auto pages = PageFile::Open(directory_.file());
  std::string bytes;
  for (uint32_t page = 2; page <= pages->page_count(); ++page) {
    bool is_dictionary = false;
    pages->ReadFile(page, bytes);
    ForEachRow(
        bytes, page, [](uint32_t, std::string&) { return false; },
        [&](const SqliteRow& row) { is_dictionary = is_dictionary || (row.columns.size() == 3 && row.rowid == 1); });
    if (!is_dictionary) continue;
    Ruin(page);
    break;
  }
  Open();
  EXPECT_EQ(found_.salvaged, kRows);
}

TEST_F(OpeningTest, AWordWhoseDamagedCopyDiffersInItsKindAloneIsTakenFromTheOther) {
  Close();
  {
    auto database = Database::Open(directory_.file(), Database::Access::kWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Run("UPDATE dictionary SET kind=kind-1 WHERE kind=3"));
  }
  Open();
  EXPECT_THAT(found_.why, HasSubstr("of its dictionary is damaged"));
  EXPECT_EQ(found_.salvaged, kRows);
}

TEST_F(OpeningTest, WithTheWalOfAnotherHistoryTheRowsOfTheFileAreSalvaged) {
  Close();
  const TestDirectory other;
  {
    auto store = OpenStore(other.path());
    ASSERT_TRUE(store->Append(std::vector{TestError(1), TestError(5000)}, kTestHost, "of another"));
  }
  files::copy_file(other.file() + "-wal", directory_.file() + "-wal", files::copy_options::overwrite_existing);
  files::remove(directory_.file() + "-shm");
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(found_.salvaged, kRows);
  EXPECT_EQ(store_->last_seq(), kRows);
  EXPECT_EQ(store_->cursors(), "cursors 1501");
  EXPECT_TRUE(files::exists(found_.set_aside + "-wal"));
}

TEST_F(OpeningTest, WhatIsInTheWalAloneIsSalvagedToo) {
  Close();
  Open();
  Append(kRows + 1, 100);
  store_.reset();
  for (const uint32_t page : PagesOfType(5)) Ruin(page);
  // The WAL has newer images of some of them, and so the file may well be sound.
  Open();
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows + 100);
  EXPECT_EQ(store_->last_seq(), kRows + 100);
}

TEST_F(OpeningTest, DamageThatIsMetLaterIsSalvagedByTheNextOpening) {
  Close();
  Open();
  ASSERT_EQ(found_.set_aside, "");
  // Under the open store; its cache has the last pages, not that of new entries of the tallies.
  for (const char type : {char{2}, char{5}, char{10}})
    for (const uint32_t page : PagesOfType(type)) Ruin(page);
  Status appended;
  uint64_t seq = kRows;
  for (int group = 0; appended && group < 50; ++group) {
    std::vector<Notification> notifications;
    for (int i = 0; i < 200; ++i) notifications.push_back(TestError(++seq));
    notifications.back().utc_ns += group * 3'600'000'000'000;
    appended = store_->Append(notifications, kTestHost, "");
  }
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, EUCLEAN);
  EXPECT_THAT(appended.error().what, HasSubstr(directory_.file()));
  EXPECT_EQ(store_->Append({}, kTestHost, "").error(), appended.error());
  const uint64_t last = store_->last_seq();
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(store_->last_seq(), last);
  Append(last + 1, 10);
  Open();
  EXPECT_EQ(found_.set_aside, "");
}

TEST_F(OpeningTest, AFileOfANewerVersionIsRefusedAndNotTouched) {
  store_.reset();
  {
    auto database = Database::Open(directory_.file(), Database::Access::kWrite);
    ASSERT_TRUE(database->Run("PRAGMA user_version=3"));
  }
  Checkpoint(directory_.file());
  const std::string before = Contents(directory_.file());
  Store::Options options;
  options.directory = directory_.path();
  const auto opened = Store::Open(options, &found_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, HasSubstr("of a newer fsherald (version 3 of the history, this one knows 2)"));
  EXPECT_EQ(Contents(directory_.file()), before);
  EXPECT_EQ(files::file_size(directory_.file() + "-wal"), 0u);
}

TEST_F(OpeningTest, AnotherProgramsDatabaseIsSetAsideWhole) {
  store_.reset();
  files::remove_all(directory_.path());
  files::create_directory(directory_.path());
  {
    auto database = Database::Open(directory_.file(), Database::Access::kCreate);
    ASSERT_TRUE(database->Run("CREATE TABLE cookies(a,b,c); INSERT INTO cookies VALUES(1,2,3)"));
  }
  Open();
  EXPECT_THAT(found_.why, HasSubstr("no history of fsherald"));
  auto aside = Database::Open(found_.set_aside, Database::Access::kRead);
  EXPECT_EQ(*aside->Number("SELECT c FROM cookies"), 3);
}

TEST_F(OpeningTest, OfFilesThatWereSetAsideTheLatestThreeAreKept) {
  for (int i = 0; i < 5; ++i) {
    Close();
    Ruin(1);
    Open();
    EXPECT_EQ(found_.salvaged, kRows);
  }
  std::set<std::string> aside;
  for (const auto& entry : files::directory_iterator(directory_.path())) {
    const std::string name = entry.path().filename();
    if (name.find("damaged-") != std::string::npos && !name.ends_with("-wal")) aside.insert(name);
  }
  EXPECT_EQ(aside.size(), 3u);
  EXPECT_TRUE(files::exists(found_.set_aside));
}

// The machine went down between the renames of a salvage.
TEST_F(OpeningTest, ASalvageThatWasNotPutInPlaceIsPutThereNow) {
  Close();
  files::rename(directory_.file(), directory_.file() + ".salvaging");
  Open();
  EXPECT_FALSE(found_.is_new);
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
}

TEST_F(OpeningTest, ASalvageThatWasNotFinishedIsDropped) {
  Close();
  std::ofstream(directory_.file() + ".salvaging") << "half of something";
  Open();
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_FALSE(files::exists(directory_.file() + ".salvaging"));
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
}

TEST_F(OpeningTest, AFileThatIsSuspectIsCopiedWholeIntoANewOneAndGoes) {
  store_.reset();
  std::ofstream(directory_.file("history.db.is-suspect"));
  std::filesystem::create_hard_link(directory_.file(), directory_.file("old"));
  const std::string old = Contents(directory_.file());
  Open();
  EXPECT_TRUE(found_.renewed);
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_FALSE(files::equivalent(directory_.file(), directory_.file("old")));
  EXPECT_EQ(Contents(directory_.file("old")), old);
  EXPECT_FALSE(files::exists(directory_.file("history.db.is-suspect")));
  EXPECT_FALSE(files::exists(directory_.file("history.db.renewed")));
  EXPECT_EQ(files::status(directory_.file()).permissions(), files::perms(0640));
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
  EXPECT_EQ(store_->last_seq(), kRows);
  Append(kRows + 1, 10);
  Open();
  EXPECT_FALSE(found_.renewed);
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows + 10);
}

TEST_F(OpeningTest, AFileOfWhichTheCallerKnowsThatItIsSuspectNeedsNoMark) {
  store_.reset();
  auto store = Store::Open({.directory = directory_.path(), .is_suspect = true}, &found_);
  ASSERT_TRUE(store);
  EXPECT_TRUE(found_.renewed);
  EXPECT_EQ((*store)->last_seq(), kRows);
}

TEST_F(OpeningTest, AFileThatIsSuspectAndDamagedIsSalvaged) {
  Close();
  std::ofstream(directory_.file("history.db.is-suspect"));
  Overwrite(directory_.file(), 0, std::string(4096, 'x'));
  Open();
  EXPECT_FALSE(found_.renewed);
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(found_.salvaged, kRows);
  EXPECT_FALSE(files::exists(directory_.file("history.db.is-suspect")));
}

TEST_F(OpeningTest, ARenewedFileThatWasNotPutInPlaceIsPutThereNow) {
  Close();
  files::rename(directory_.file(), directory_.file("history.db.renewed"));
  std::ofstream(directory_.file("history.db-wal")) << "of the old one";
  Open();
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
  EXPECT_FALSE(files::exists(directory_.file("history.db.renewed")));
}

TEST_F(OpeningTest, ARenewedFileThatWasNotFinishedIsDropped) {
  Close();
  std::ofstream(directory_.file("history.db.renewed")) << "a part";
  Open();
  EXPECT_FALSE(found_.renewed);
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
  EXPECT_FALSE(files::exists(directory_.file("history.db.renewed")));
}

TEST_F(OpeningTest, AFileThatIsSuspectBeforeAnythingIsInItBecomesANewHistory) {
  store_.reset();
  for (const char* part : {"", "-wal", "-shm"}) files::remove(directory_.file() + part);
  std::ofstream(directory_.file("history.db"));
  std::ofstream(directory_.file("history.db.is-suspect"));
  Open();
  EXPECT_TRUE(found_.renewed);
  EXPECT_EQ(store_->last_seq(), 0U);
  Append(1, 10);
  EXPECT_EQ(Seqs(directory_.path()).size(), 10U);
}

TEST_F(OpeningTest, AWalWithoutItsFileIsSetAside) {
  store_.reset();
  files::remove(directory_.file());
  Open();
  EXPECT_TRUE(found_.is_new);
  EXPECT_THAT(found_.set_aside, MatchesRegex(directory_.file() + "\\.damaged-.*-wal"));
  EXPECT_EQ(store_->last_seq(), 0u);
}

TEST_F(OpeningTest, AnEmptyFileIsANewHistory) {
  store_.reset();
  files::remove_all(directory_.path());
  files::create_directory(directory_.path());
  std::ofstream(directory_.file()).flush();
  Open();
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_EQ(store_->last_seq(), 0u);
  Append(1, 1);
}

// The machine went down while the file became one with a WAL.
TEST_F(OpeningTest, WhatWasBegunWithoutAWalIsUndone) {
  store_.reset();
  files::remove_all(directory_.path());
  files::create_directory(directory_.path());
  const std::string journal = directory_.file() + "-journal";
  std::string begun;
  {
    auto database = Database::Open(directory_.file(), Database::Access::kCreate);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Run("PRAGMA page_size=4096; CREATE TABLE before(x)"));
    ASSERT_TRUE(
        database->Run("PRAGMA cache_spill=1; PRAGMA cache_size=1; BEGIN; DROP TABLE before; CREATE TABLE t(x);"
                      "INSERT INTO t VALUES(zeroblob(1000000))"));
    begun = Contents(journal);
    ASSERT_FALSE(begun.empty());
    files::copy_file(directory_.file(), directory_.file() + "-copy");
    ASSERT_TRUE(database->Run("ROLLBACK"));
  }
  files::rename(directory_.file() + "-copy", directory_.file());
  std::ofstream(journal, std::ios::binary) << begun;
  Open();
  EXPECT_THAT(found_.why, HasSubstr("no history of fsherald")) << "the table of before is there again";
  EXPECT_FALSE(files::exists(journal));
  EXPECT_EQ(store_->last_seq(), 0u);
}

}  // namespace
}  // namespace fsherald
