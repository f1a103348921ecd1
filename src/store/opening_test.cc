// SPDX-License-Identifier: MIT
#include "store/opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "store/page_file.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

using ::testing::AnyOf;
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

// As long as it lives no file can become larger.
class WithoutRoom {
 public:
  explicit WithoutRoom(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~WithoutRoom() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  WithoutRoom(const WithoutRoom&) = delete;
  WithoutRoom& operator=(const WithoutRoom&) = delete;

 private:
  void (*signal_)(int);
  rlimit before_{};
};

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
  // What is older than so many of the rows goes.
  void Retain(int64_t seconds, uint64_t max_bytes = uint64_t{1} << 30) {
    store_.reset();
    store_ = OpenStore(directory_.path(), &found_, {.max_bytes = max_bytes, .max_age_s = 1});
    ASSERT_TRUE(store_);
    while (store_->Retain(kTestUtcNs / 1'000'000'000 + seconds).value()) continue;
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

TEST_F(OpeningTest, WhatRetentionHadTakenStaysKnownNumberByNumber) {
  Retain(1100);
  Close();
  for (const uint32_t page : PagesOfType(5)) Ruin(page);
  Open();
  EXPECT_EQ(found_.salvaged, kRows - 1024);
  EXPECT_EQ(found_.lost, 0u);
  const auto history = History::Open(directory_.path());
  EXPECT_EQ((*history)->Covers()->removed_errors, 1024u);
  for (uint64_t after = 0; after <= 1100; ++after) {
    const uint64_t gone = 1024 - std::min<uint64_t>(after, 1024);
    ASSERT_EQ((*history)->RemovedAfter(after), (History::Removed{gone, gone})) << after;
  }
}

TEST_F(OpeningTest, WhatRetentionHadSummedUpIsCountedOnce) {
  for (uint64_t seq = kRows + 1; seq <= 5 * kRows; seq += 500) Append(seq, 500);
  Retain(9000, 64 * 1000);  // a thousand numbers one by one
  Close();
  const auto gone_after = [&] {
    std::vector<History::Removed> gone;
    const auto history = History::Open(directory_.path());
    for (uint64_t after = 0; after <= 5 * kRows; after += 100) gone.push_back((*history)->RemovedAfter(after).value());
    return gone;
  };
  const std::vector<History::Removed> before = gone_after();
  EXPECT_GT(before[0].notifications, before[1].notifications + 1000) << "there is a sum";
  Ruin(1);
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(gone_after(), before);
}

// An older WAL has them; what is gone would be told, and counted as gone as well.
TEST_F(OpeningTest, RowsThatRetentionHadTakenDoNotComeBackFromAnOlderWal) {
  store_.reset();
  const std::string wal = directory_.file() + "-wal";
  files::copy_file(wal, wal + "-before");
  Checkpoint(directory_.file());
  Open();
  Retain(1100);
  Append(kRows + 1, 1);
  Close();
  files::rename(wal + "-before", wal);
  files::remove(directory_.file() + "-shm");
  Open();
  EXPECT_EQ(found_.why, "its WAL is older than itself");
  const std::vector<uint64_t> seqs = Seqs(directory_.path());
  EXPECT_EQ(seqs.size(), kRows + 1 - 1024);
  EXPECT_EQ(seqs.front(), 1025u);
  EXPECT_EQ((*History::Open(directory_.path()))->RemovedAfter(0), (History::Removed{1024, 1024}));
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

TEST_F(OpeningTest, WithoutRoomForWhatCanBeSalvagedADamagedFileStaysUntilThereIs) {
  Close();
  for (const uint32_t page : PagesOfType(5)) Ruin(page);
  const std::string before = Contents(directory_.file());
  for (int time = 0; time < 4; ++time) {
    const WithoutRoom limit(before.size() / 2);
    Store::Options options;
    options.directory = directory_.path();
    const auto opened = Store::Open(options, &found_);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().code, AnyOf(EFBIG, EIO)) << "SQLite does not always hand on which";
    EXPECT_THAT(opened.error().what, HasSubstr("salvage " + directory_.file() + ", which is damaged (" + found_.why));
    EXPECT_THAT(opened.error().what, HasSubstr(" " + directory_.file() + ".salvaging ("));
    EXPECT_NE(found_.why, "");
    EXPECT_THAT(found_.unsalvaged, HasSubstr(" " + directory_.file() + ".salvaging ("));
    EXPECT_EQ(found_.set_aside, "");
  }
  EXPECT_EQ(Contents(directory_.file()), before);
  for (const auto& entry : files::directory_iterator(directory_.path()))
    EXPECT_THAT(entry.path().filename(), MatchesRegex("history\\.db(-wal|-shm)?"));
  Open();
  EXPECT_NE(found_.set_aside, "");
  EXPECT_EQ(found_.unsalvaged, "");
  EXPECT_EQ(found_.salvaged, kRows);
  EXPECT_EQ(Seqs(directory_.path()).size(), kRows);
}

// In a mount namespace of this process, so that it goes with it.
class SmallFilesystem {
 public:
  SmallFilesystem(std::string path, uint64_t bytes) : path_(std::move(path)) {
    files::create_directory(path_);
    const std::string size = "size=" + std::to_string(bytes);
    is_there_ = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("small", path_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallFilesystem() {
    if (is_there_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallFilesystem(const SmallFilesystem&) = delete;
  SmallFilesystem& operator=(const SmallFilesystem&) = delete;
  bool is_there() const { return is_there_; }

 private:
  std::string path_;
  bool is_there_ = false;
};

TEST_F(OpeningTest, WhereLessIsFreeThanTheRowsTakeNothingIsWritten) {
  Close();
  for (const uint32_t page : PagesOfType(5)) Ruin(page);
  const std::string path = directory_.file("small");
  const SmallFilesystem small(path, files::file_size(directory_.file()) + (64 << 10));
  if (!small.is_there()) GTEST_SKIP() << "no file system can be mounted (not root?)";
  files::copy_file(directory_.file(), path + "/history.db");
  Store::Options options;
  options.directory = path;
  const auto opened = Store::Open(options, &found_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ENOSPC);
  EXPECT_THAT(found_.unsalvaged,
              MatchesRegex("make " + path +
                           "/history.db.salvaging \\(it needs more than [0-9]+ KiB, and [0-9]+ KiB are "
                           "free; make room on its file system\\): No space left on device"));
  EXPECT_EQ(found_.set_aside, "");
  ASSERT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT, "size=16m"), 0);
  ASSERT_TRUE(OpenStore(path, &found_));
  EXPECT_EQ(found_.salvaged, kRows);
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
    ASSERT_TRUE(database->Run("PRAGMA user_version=4"));
  }
  Checkpoint(directory_.file());
  const std::string before = Contents(directory_.file());
  Store::Options options;
  options.directory = directory_.path();
  const auto opened = Store::Open(options, &found_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, HasSubstr("of a newer fsherald (version 4 of the history, this one knows 3)"));
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

constexpr gid_t kGroup = 4242;  // of nobody
constexpr gid_t kOtherGroup = 4343;

TEST(OpeningForAGroup, ThatItMayNotBeGivenToStopsNothing) {
  const WithoutChown without;
  const TestDirectory parent;
  const std::string directory = parent.file("store");
  Store::Opening found;
  auto store = OpenStore(directory, &found, {.group = kGroup});
  ASSERT_TRUE(store);
  EXPECT_TRUE(found.group_refused);
  ASSERT_TRUE(store->Append(std::vector{TestError(1)}, kTestHost, ""));
  EXPECT_EQ(Seqs(directory), std::vector<uint64_t>{1});
  for (const std::string name : {"", "/history.db", "/history.db-wal", "/history.db-shm"})
    EXPECT_EQ(GroupOf(directory + name), ::getegid()) << name;
  struct stat file {};
  ASSERT_EQ(::stat((directory + "/history.db").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0640U);
  store.reset();
  store = OpenStore(directory, &found);
  ASSERT_TRUE(store);
  EXPECT_FALSE(found.group_refused);
}

TEST(OpeningForAGroup, GivesItTheFilesAndTheirDirectoryAndTakesThemBackWhenItIsAnother) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: files cannot be given to other groups";
  const TestDirectory parent;
  const std::string directory = parent.file("store");
  for (const std::optional<gid_t> group : {std::optional(kGroup), std::optional(kOtherGroup), std::optional<gid_t>()}) {
    Store::Opening found;
    const auto store = OpenStore(directory, &found, {.group = group});
    ASSERT_TRUE(store);
    EXPECT_FALSE(found.group_refused);
    for (const std::string name : {"", "/history.db", "/history.db-wal", "/history.db-shm"})
      EXPECT_EQ(GroupOf(directory + name), group.value_or(::getegid())) << name;
  }
}

TEST(OpeningForAGroup, LeavesADirectoryAsItIsThatIsNotTheHistorysOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: files cannot be given to other groups";
  const TestDirectory parent;
  const std::string directory = parent.file("shared");
  files::create_directory(directory);
  const auto open = [&] {
    const auto store = OpenStore(directory, nullptr, {.group = kGroup});
    ASSERT_TRUE(store);
    EXPECT_EQ(GroupOf(directory), ::getegid());
    EXPECT_EQ(GroupOf(directory + "/history.db"), kGroup);
  };
  ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);  // everybody may pass
  open();
  ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);  // its group may not
  open();
  ASSERT_EQ(::chmod(directory.c_str(), 0750), 0);
  std::ofstream(directory + "/of others") << "x";
  open();
}

}  // namespace
}  // namespace fsherald
