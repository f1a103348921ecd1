// SPDX-License-Identifier: MIT
// A sync of the store fails, and the machine goes on: of each sync of a workload of 420 errors. What it was to bring to disk can
// still be read, and is on no disk. The store is opened anew and takes more; then power goes, and nothing is left but what was
// synced. Whatever was acknowledged is there, before the failed sync and after it.
//
// FSHERALD_LONG=1: each sync, else 60 of them. store_failed_sync POINTS: as many.
#include <cstdio>
#include <cstdlib>

#include "check.h"
#include "crash_vfs.h"
#include "store/test_history.h"

namespace {

using namespace fsherald;
using namespace fsherald::stress;

constexpr uint64_t kErrors = 420;  // enough for a checkpoint, whose failure the next is told
constexpr uint64_t kMoreErrors = 20;
constexpr int64_t kNowS = kTestUtcNs / 1'000'000'000;

struct Told {
  uint64_t acknowledged = 0;
  bool has_failed = false;
};

// Until `until`, or a failure. Those that are there already are told again, as a replay does.
Told Tell(const std::string& directory, uint64_t from, uint64_t until, Store::Opening* found) {
  Told told{.acknowledged = from};
  auto store = Store::Open({.directory = directory, .vfs = kCrashVfs}, found);
  if (!store) return {from, true};
  for (uint64_t seq = from + 1; seq <= until; ++seq) {
    if (!(*store)->Append(std::vector{ErrorNumber(seq)}, kTestHost, "")) return {told.acknowledged, true};
    told.acknowledged = seq;
  }
  told.has_failed = !(*store)->Retain(kNowS);
  return told;
}

void FailAt(uint64_t sync) {
  const std::string point = "sync " + std::to_string(sync);
  CrashVfs& vfs = CrashVfs::Instance();
  const TestDirectory directory;
  vfs.Begin(UINT64_MAX);
  vfs.FailSync(sync);
  Store::Opening found;
  const Told before = Tell(directory.path(), 0, kErrors, &found);
  const Told after = Tell(directory.path(), before.acknowledged, before.acknowledged + kMoreErrors, &found);
  if (after.has_failed) Fail(point + ": it is not taken up again");
  // But of a file that never came to be, and of a sync whose failure nobody could be told of any more.
  if (before.has_failed && before.acknowledged > 0 && !found.renewed)
    Fail(point + ": the file is written to as before");
  vfs.Crash();
  vfs.Restart(Unsynced::kDropped, sync);
  const auto store = OpenSound(directory.path(), point);
  CheckRows(directory.path(), after.acknowledged, point);
}

}  // namespace

int main(int argc, char** argv) {
  WorkInMemory();
  CrashVfs& vfs = CrashVfs::Instance();
  {
    const TestDirectory directory;
    vfs.Begin(UINT64_MAX);
    if (Tell(directory.path(), 0, kErrors, nullptr).has_failed) Fail("without a failure the work is not done");
  }
  const uint64_t syncs = vfs.syncs();
  const uint64_t points = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : HowMany(60, syncs);
  for (uint64_t point = 0; point < points; ++point) FailAt(point * syncs / points);
  std::printf("%llu of %llu syncs failed, one at a time: all that was acknowledged was there\n",
              static_cast<unsigned long long>(points), static_cast<unsigned long long>(syncs));
  return 0;
}
