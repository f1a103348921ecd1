// SPDX-License-Identifier: MIT
#include "check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "store/sqlite.h"
#include "store/test_history.h"

namespace fsherald::stress {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSlowness = 10;
#else
constexpr uint64_t kSlowness = 1;
#endif

}  // namespace

void Fail(const std::string& sentence) {
  std::fprintf(stderr, "store: %s\n", sentence.c_str());
  std::exit(1);
}

uint64_t HowMany(uint64_t ordinarily, uint64_t long_run) {
  return std::getenv("FSHERALD_LONG") != nullptr ? long_run / kSlowness : ordinarily;
}

void WorkInMemory() {
  if (std::filesystem::is_directory("/dev/shm")) (void)::setenv("TMPDIR", "/dev/shm", 0);
}

std::string IntegrityOf(const std::string& file) {
  auto database = Database::Open(file, Database::Access::kRead);
  if (!database) return database.error().ToString();
  auto select = database->Prepare("PRAGMA integrity_check");
  if (!select) return select.error().ToString();
  const auto row = select->Step();
  if (!row) return row.error().ToString();
  const std::string words(select->Blob(0));
  return words == "ok" ? "" : words;
}

std::unique_ptr<Store> OpenSound(const std::string& directory, const std::string& point) {
  Store::Opening found;
  auto store = Store::Open({.directory = directory}, &found);
  if (!store) Fail(point + ": it does not open: " + store.error().ToString());
  if (!found.set_aside.empty()) Fail(point + ": it was taken for damaged: " + found.why);
  return std::move(*store);
}

void CheckRows(const std::string& directory, uint64_t last, const std::string& point) {
  const std::vector<Entry> entries = Entries(directory);
  if (entries.size() != last)
    Fail(point + ": of " + std::to_string(last) + " there are " + std::to_string(entries.size()));
  for (const Entry& entry : entries)
    if (entry.notification != ErrorNumber(entry.notification.seq))
      Fail(point + ": " + std::to_string(entry.notification.seq) + " is not what was stored");
  if (const std::string fault = IntegrityOf(directory + "/history.db"); !fault.empty()) Fail(point + ": " + fault);
}

Notification ErrorNumber(uint64_t seq) {
  Notification n = TestError(seq, seq % 5 + 1);
  n.object->path = "/data/directory" + std::to_string(seq % 17) + "/file" + std::to_string(seq * 7919);
  n.location->line = static_cast<uint32_t>(1000 + seq % 13);
  n.utc_ns += static_cast<int64_t>(seq % 11) * 600'000'000'000;
  return n;
}

}  // namespace fsherald::stress
