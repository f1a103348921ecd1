// SPDX-License-Identifier: MIT
// Damaged files: bytes changed, pages overwritten, the end cut off, the WAL changed, exchanged for another's or for an old one.
// The store always starts, goes on to store, and of the rows on pages that were not damaged 95 % are there, unchanged.
//
// FSHERALD_LONG=1: 10,000 files. store_damage FILES [FIRST]: as many, from this seed on.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "check.h"
#include "store/page_file.h"
#include "store/sqlite.h"
#include "store/test_history.h"

namespace {

using namespace fsherald;
using namespace fsherald::stress;

constexpr uint64_t kRows = 1500;
constexpr uint64_t kInWal = 200;  // behind those
constexpr uint64_t kShareWanted = 95;

std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void Append(Store& store, uint64_t first, uint64_t count) {
  std::vector<Notification> notifications;
  for (uint64_t seq = first; seq < first + count; ++seq) notifications.push_back(ErrorNumber(seq));
  if (!store.Append(notifications, kTestHost, "cursors")) Fail("a sound store does not store");
}

// A sound history: its first rows in the file alone, the others in its WAL.
struct Original {
  std::string file;
  std::string old_wal;  // of when the file did not have all of its rows
  std::string wal;
  std::map<uint64_t, uint32_t> page_of;                      // the rows of the file
  std::map<uint64_t, std::vector<uint32_t>> pages_of_words;  // of its dictionary, of which there are two
};

Original Make() {
  const TestDirectory directory;
  Original original;
  auto store = OpenStore(directory.path());
  for (uint64_t seq = 1; seq <= kRows / 2; seq += 50) Append(*store, seq, 50);
  original.old_wal = ReadAll(directory.file() + "-wal");
  for (uint64_t seq = kRows / 2 + 1; seq <= kRows; seq += 50) Append(*store, seq, 50);
  store.reset();
  {
    auto database = Database::Open(directory.file(), Database::Access::kWrite);
    if (!database->Number("SELECT count(*) FROM state") || !database->Checkpoint(true)) Fail("no checkpoint");
  }
  store = OpenStore(directory.path());
  Append(*store, kRows + 1, kInWal);
  store.reset();
  original.file = ReadAll(directory.file());
  original.wal = ReadAll(directory.file() + "-wal");
  std::string bytes;
  const auto pages = PageFile::Open(directory.file());
  for (uint32_t page = 1; page <= pages->page_count(); ++page) {
    pages->ReadFile(page, bytes);
    ForEachRow(
        bytes, page, [](uint32_t, std::string&) { return false; },
        [&](const SqliteRow& row) {
          const auto id = static_cast<uint64_t>(row.rowid);
          if (row.columns.size() == 9) original.page_of[id] = page;
          if (row.columns.size() == 3) original.pages_of_words[id].push_back(page);
        });
  }
  if (original.page_of.size() != kRows) Fail("the rows of the original are not where they should be");
  return original;
}

struct Damaged {
  std::string file;
  std::string wal;
  std::set<uint32_t> pages;  // that are damaged
  bool wal_is_sound = true;  // then its rows must be there too
  std::string words;
};

class Damager {
 public:
  Damager(const Original& original, const Original& other, uint64_t seed)
      : original_(original), other_(other), random_(seed), damaged_{original.file, original.wal, {}, true, ""} {}

  Damaged Make() {
    switch (Below(7)) {
      case 0: ChangeBytes(); break;
      case 1: OverwritePages(); break;
      case 2: CutOff(); break;
      case 3: ChangeWal(); break;
      case 4: ExchangeWal(); break;
      case 5: OldWal(); break;
      case 6:
        damaged_.wal.clear();
        damaged_.wal_is_sound = false;
        ChangeBytes();
        break;
    }
    return damaged_;
  }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }

  void ChangeBytes() {
    damaged_.words = "bytes changed";
    for (uint64_t left = 1 + Below(12); left > 0; --left) {
      const uint64_t at = Below(damaged_.file.size());
      damaged_.file[at] = static_cast<char>(damaged_.file[at] ^ (1 + Below(255)));
      damaged_.pages.insert(static_cast<uint32_t>(at / kPageBytes) + 1);
    }
  }
  void OverwritePages() {
    damaged_.words = "pages overwritten";
    for (uint64_t left = 1 + Below(6); left > 0; --left) {
      const auto page = static_cast<uint32_t>(Below(damaged_.file.size() / kPageBytes));
      const bool zeros = Below(2) == 0;
      for (size_t i = 0; i < kPageBytes; ++i)
        damaged_.file[page * kPageBytes + i] = zeros ? '\0' : static_cast<char>(Below(256));
      damaged_.pages.insert(page + 1);
    }
  }
  void CutOff() {
    damaged_.words = "cut off";
    const uint64_t size = Below(damaged_.file.size());
    for (uint64_t page = size / kPageBytes; page < damaged_.file.size() / kPageBytes; ++page)
      damaged_.pages.insert(static_cast<uint32_t>(page) + 1);
    damaged_.file.resize(size);
  }
  void ChangeWal() {
    damaged_.words = "WAL changed";
    damaged_.wal_is_sound = false;
    for (uint64_t left = 1 + Below(4); left > 0; --left) damaged_.wal[Below(damaged_.wal.size())] ^= '\x40';
    if (Below(3) == 0) damaged_.wal.resize(Below(damaged_.wal.size()));
  }
  void ExchangeWal() {
    damaged_.words = "WAL of another history";
    damaged_.wal_is_sound = false;
    damaged_.wal = Below(2) == 0 ? other_.wal : other_.old_wal;
  }
  void OldWal() {
    damaged_.words = "old WAL";
    damaged_.wal_is_sound = false;
    damaged_.wal = original_.old_wal;
  }

  const Original& original_;
  const Original& other_;
  std::mt19937_64 random_;
  Damaged damaged_;
};

// Without a word, in both of its places, the rows that use it say nothing.
bool HasAllWords(const Original& original, const Damaged& damaged) {
  return std::all_of(original.pages_of_words.begin(), original.pages_of_words.end(), [&](const auto& word) {
    return std::any_of(word.second.begin(), word.second.end(),
                       [&](uint32_t page) { return !damaged.pages.contains(page); });
  });
}

void CheckRows(const std::string& directory, const Original& original, const Damaged& damaged,
               const std::string& which) {
  std::set<uint64_t> there;
  auto history = History::Open(directory);
  if (!history) Fail(which + ": it cannot be read: " + history.error().ToString());
  (void)(*history)->ForEach({}, [&](const Entry& entry) {
    const uint64_t seq = entry.notification.seq;
    if (!there.insert(seq).second) Fail(which + ": " + std::to_string(seq) + " is told twice");
    if (entry.notification != ErrorNumber(seq)) Fail(which + ": " + std::to_string(seq) + " is not what was stored");
    return true;
  });
  if (!HasAllWords(original, damaged)) return;
  uint64_t wanted = 0;
  uint64_t found = 0;
  const auto look = [&](uint64_t seq) {
    ++wanted;
    if (there.contains(seq)) ++found;
  };
  for (const auto& [seq, page] : original.page_of)
    if (!damaged.pages.contains(page)) look(seq);
  if (damaged.wal_is_sound)
    for (uint64_t seq = kRows + 1; seq <= kRows + kInWal; ++seq) look(seq);
  if (found * 100 < wanted * kShareWanted)
    Fail(which + ": of " + std::to_string(wanted) + " rows on sound pages " + std::to_string(found) + " are there");
}

// It may meet damage that the opening has not; then the next one has to see to it.
void GoOn(const std::string& directory, std::unique_ptr<Store> store, bool verbose, const std::string& which) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    bool stored = true;
    for (int group = 0; stored && group < 5; ++group) {
      std::vector<Notification> notifications;
      for (uint64_t i = 1; i <= 20; ++i) notifications.push_back(ErrorNumber(store->last_seq() + i));
      const Status appended = store->Append(notifications, kTestHost, "");
      stored = appended.has_value();
      if (!stored && appended.error().code != EUCLEAN) Fail(which + ": " + appended.error().ToString());
    }
    if (stored) return;
    store.reset();
    Store::Opening found;
    store = OpenStore(directory, &found);
    if (!store) Fail(which + ": it does not open again");
    if (verbose)
      std::printf("%s: opened again: %s; salvaged %llu, lost %llu\n", which.c_str(), found.why.c_str(),
                  static_cast<unsigned long long>(found.salvaged), static_cast<unsigned long long>(found.lost));
  }
  Fail(which + ": it does not store");
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : HowMany(100, 10'000);
  const uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const Original original = Make();
  const Original other = Make();
  uint64_t salvaged = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Damaged damaged = Damager(original, other, seed).Make();
    const std::string which = "seed " + std::to_string(seed) + ", " + damaged.words;
    const TestDirectory directory;
    WriteAll(directory.file(), damaged.file);
    WriteAll(directory.file() + "-wal", damaged.wal);
    Store::Opening found;
    auto store = OpenStore(directory.path(), &found);
    if (!store) Fail(which + ": it does not start");
    if (!found.set_aside.empty()) ++salvaged;
    if (count == 1)
      std::printf("%s: %s; salvaged %llu, lost %llu\n", which.c_str(), found.why.c_str(),
                  static_cast<unsigned long long>(found.salvaged), static_cast<unsigned long long>(found.lost));
    CheckRows(directory.path(), original, damaged, which);
    GoOn(directory.path(), std::move(store), count == 1, which);
    CheckRows(directory.path(), original, damaged, which + ", later");
  }
  std::printf("%llu damaged files: all started; %llu were set aside and salvaged\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(salvaged));
  return 0;
}
