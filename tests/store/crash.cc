// SPDX-License-Identifier: MIT
// Power goes at a write or sync of the store, at each of very many of a workload of 600 errors, one transaction each, with the
// store opened anew in the middle; what was not synced is kept, dropped or torn. Whatever was acknowledged is there, and
// nothing but a beginning of what was told; the file is sound, and opens without a salvage.
//
// FSHERALD_LONG=1: 5,000 points. store_crash POINTS: as many.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "check.h"
#include "crash_vfs.h"
#include "store/test_history.h"

namespace {

using namespace fsherald;
using namespace fsherald::stress;

constexpr uint64_t kErrors = 600;  // enough for a checkpoint
constexpr int64_t kNowS = kTestUtcNs / 1'000'000'000;

std::string CursorsOf(uint64_t seq) { return "cursors of " + std::to_string(seq); }

// The last that was acknowledged.
uint64_t Work(const std::string& directory) {
  uint64_t acknowledged = 0;
  for (const uint64_t until : {kErrors / 2, kErrors}) {
    Store::Opening found;
    auto store = Store::Open({.directory = directory, .vfs = kCrashVfs}, &found);
    if (!store) return acknowledged;
    for (uint64_t seq = acknowledged + 1; seq <= until; ++seq) {
      if (!(*store)->Append(std::vector{ErrorNumber(seq)}, kTestHost, CursorsOf(seq))) return acknowledged;
      acknowledged = seq;
    }
    (void)(*store)->Retain(kNowS);
  }
  return acknowledged;
}

void CheckAfter(const std::string& directory, uint64_t acknowledged, const std::string& point) {
  Store::Opening found;
  auto store = Store::Open({.directory = directory}, &found);
  if (!store) Fail(point + ": it does not open: " + store.error().ToString());
  if (!found.set_aside.empty()) Fail(point + ": it was taken for damaged: " + found.why);
  const uint64_t last = (*store)->last_seq();
  if (last < acknowledged || last > acknowledged + 1)
    Fail(point + ": acknowledged " + std::to_string(acknowledged) + ", there " + std::to_string(last));
  if (last > 0 && (*store)->cursors() != CursorsOf(last)) Fail(point + ": cursors of another transaction");
  const std::vector<Entry> entries = Entries(directory);
  if (entries.size() != last)
    Fail(point + ": of " + std::to_string(last) + " there are " + std::to_string(entries.size()));
  for (const Entry& entry : entries)
    if (entry.notification != ErrorNumber(entry.notification.seq))
      Fail(point + ": " + std::to_string(entry.notification.seq) + " is not what was stored");
  if (const std::string fault = IntegrityOf(directory + "/history.db"); !fault.empty()) Fail(point + ": " + fault);
  if (!(*store)->Append(std::vector{ErrorNumber(last + 1)}, kTestHost, "")) Fail(point + ": it does not go on");
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t points = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : HowMany(200, 5000);
  CrashVfs& vfs = CrashVfs::Instance();
  uint64_t operations = 0;
  {
    const TestDirectory directory;
    vfs.Begin(UINT64_MAX);
    if (Work(directory.path()) != kErrors) Fail("without a crash the work is not done");
    operations = vfs.operations();
  }
  for (uint64_t point = 0; point < points; ++point) {
    // Three ways in turns, spread over the whole.
    const auto unsynced = static_cast<Unsynced>(point % 3);
    const uint64_t at = point * operations / points;
    const TestDirectory directory;
    vfs.Begin(at);
    const uint64_t acknowledged = Work(directory.path());
    if (!vfs.crashed()) Fail("at " + std::to_string(at) + " there was nothing to write");
    vfs.Restart(unsynced, point);
    CheckAfter(
        directory.path(), acknowledged,
        "operation " + std::to_string(at) + ", way " + std::to_string(point % 3) + ", seed " + std::to_string(point));
  }
  std::printf("%llu points of %llu operations: all that was acknowledged was there\n",
              static_cast<unsigned long long>(points), static_cast<unsigned long long>(operations));
  return 0;
}
