// SPDX-License-Identifier: MIT
// Power goes at a write or sync of the store, of a workload of 420 errors, one transaction each, with the store opened anew in the
// middle and a checkpoint; what was not synced is kept, dropped or torn. Whatever was acknowledged is there, and nothing but a
// beginning of what was told; the file is sound, and opens without a salvage.
//
// FSHERALD_LONG=1: at each of them, in each of the three ways. Else at 200, spread over all, and as many of each way. store_crash
// POINTS: at as many.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "check.h"
#include "crash_vfs.h"
#include "store/sqlite.h"
#include "store/test_history.h"

namespace {

using namespace fsherald;
using namespace fsherald::stress;

constexpr uint64_t kErrors = 420;  // enough for a checkpoint
constexpr uint64_t kWays = 3;
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
    if (CrashVfs::Instance().crashed()) return acknowledged;
  }
  return acknowledged;
}

void CheckAfter(const std::string& directory, uint64_t acknowledged, const std::string& point) {
  const auto store = OpenSound(directory, point);
  const uint64_t last = store->last_seq();
  if (last < acknowledged || last > acknowledged + 1)
    Fail(point + ": acknowledged " + std::to_string(acknowledged) + ", there " + std::to_string(last));
  if (last > 0 && store->cursors() != CursorsOf(last)) Fail(point + ": cursors of another transaction");
  CheckRows(directory, last, point);
  if (!store->Append(std::vector{ErrorNumber(last + 1)}, kTestHost, "")) Fail(point + ": it does not go on");
}

// The rows are in the file itself.
bool HasBeenCheckpointed(const std::string& file) {
  auto alone = Database::Open(file, Database::Access::kReadFileAlone);
  if (!alone) return false;
  const auto rows = alone->Number("SELECT count(*) FROM notification");
  return rows && *rows > 0;
}

// As the `point`th of `points`. The ways in turns.
void CrashAt(uint64_t point, uint64_t points, uint64_t operations) {
  const uint64_t way = point % kWays;
  const uint64_t at = point / kWays * kWays * operations / points;
  CrashVfs& vfs = CrashVfs::Instance();
  const TestDirectory directory;
  vfs.Begin(at);
  const uint64_t acknowledged = Work(directory.path());
  if (!vfs.crashed()) Fail("at " + std::to_string(at) + " there was nothing to write");
  vfs.Restart(static_cast<Unsynced>(way), point);
  // A machine without power leaves no mark that a write has failed.
  std::filesystem::remove(directory.file("history.db.is-suspect"));
  CheckAfter(directory.path(), acknowledged,
             "operation " + std::to_string(at) + ", way " + std::to_string(way) + ", seed " + std::to_string(point));
}

// The VFS is one of a process.
void CrashInAllProcessors(uint64_t points, uint64_t operations) {
  const unsigned processes = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    if (child < 0) Fail("no process can be made");
    if (child > 0) continue;
    for (uint64_t point = i; point < points; point += processes) CrashAt(point, points, operations);
    std::exit(0);
  }
  bool is_good = true;
  int status = 0;
  while (::wait(&status) > 0) is_good = is_good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!is_good) Fail("see above");
}

}  // namespace

int main(int argc, char** argv) {
  WorkInMemory();
  CrashVfs& vfs = CrashVfs::Instance();
  uint64_t operations = 0;
  {
    const TestDirectory directory;
    vfs.Begin(UINT64_MAX);
    if (Work(directory.path()) != kErrors) Fail("without a crash the work is not done");
    operations = vfs.operations();
    if (!HasBeenCheckpointed(directory.file())) Fail("the work makes no checkpoint");
  }
  const uint64_t all = kWays * operations;
  const uint64_t points = std::min<uint64_t>(all, argc > 1 ? std::strtoull(argv[1], nullptr, 10) : HowMany(200, all));
  CrashInAllProcessors(points, operations);
  std::printf("%llu of %llu points, %llu operations in three ways: all that was acknowledged was there\n",
              static_cast<unsigned long long>(points), static_cast<unsigned long long>(all),
              static_cast<unsigned long long>(operations));
  return 0;
}
