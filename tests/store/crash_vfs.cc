// SPDX-License-Identifier: MIT
#include "crash_vfs.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

namespace fsherald::stress {
namespace {

constexpr size_t kSector = 512;  // what a disk writes whole

// What SQLite sees; the real file lies behind it in the same memory.
struct OurFile {
  sqlite3_file base;
  CrashVfs::File* file;  // null: a temporary one
};

sqlite3_vfs* Real() {
  static sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  return real;
}
CrashVfs::File* FileOf(sqlite3_file* file) { return reinterpret_cast<OurFile*>(file)->file; }
sqlite3_file* RealOf(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<OurFile*>(file) + 1);
}

int Close(sqlite3_file* file) { return RealOf(file)->pMethods->xClose(RealOf(file)); }
int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  return RealOf(file)->pMethods->xRead(RealOf(file), bytes, size, offset);
}
int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (CrashVfs::File* of = FileOf(file)) {
    const CrashVfs::Change change{static_cast<uint64_t>(offset),
                                  std::string(static_cast<const char*>(bytes), static_cast<size_t>(size)), false};
    if (!CrashVfs::Instance().Survives(*of, &change)) return SQLITE_IOERR_WRITE;
  }
  return RealOf(file)->pMethods->xWrite(RealOf(file), bytes, size, offset);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (CrashVfs::File* of = FileOf(file)) {
    const CrashVfs::Change change{static_cast<uint64_t>(size), "", true};
    if (!CrashVfs::Instance().Survives(*of, &change)) return SQLITE_IOERR_TRUNCATE;
  }
  return RealOf(file)->pMethods->xTruncate(RealOf(file), size);
}
// The real one is not synced: no power goes here.
int Sync(sqlite3_file* file, int) {
  CrashVfs::File* of = FileOf(file);
  return of == nullptr || CrashVfs::Instance().Survives(*of, nullptr) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) { return RealOf(file)->pMethods->xFileSize(RealOf(file), size); }
int Lock(sqlite3_file* file, int lock) { return RealOf(file)->pMethods->xLock(RealOf(file), lock); }
int Unlock(sqlite3_file* file, int lock) { return RealOf(file)->pMethods->xUnlock(RealOf(file), lock); }
int CheckReservedLock(sqlite3_file* file, int* result) {
  return RealOf(file)->pMethods->xCheckReservedLock(RealOf(file), result);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return RealOf(file)->pMethods->xFileControl(RealOf(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return RealOf(file)->pMethods->xSectorSize(RealOf(file)); }
// What the real one promises of power that goes, this one does not keep.
int DeviceCharacteristics(sqlite3_file*) { return 0; }
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return RealOf(file)->pMethods->xShmMap(RealOf(file), page, size, extend, memory);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return RealOf(file)->pMethods->xShmLock(RealOf(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { RealOf(file)->pMethods->xShmBarrier(RealOf(file)); }
int ShmUnmap(sqlite3_file* file, int remove) { return RealOf(file)->pMethods->xShmUnmap(RealOf(file), remove); }

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* ours = new (file) OurFile{};
  const int code = Real()->xOpen(Real(), name, RealOf(file), flags, out_flags);
  if (code != SQLITE_OK) return code;
  ours->file = name != nullptr ? &CrashVfs::Instance().Of(name) : nullptr;
  ours->base.pMethods = &kMethods;
  return SQLITE_OK;
}
int Delete(sqlite3_vfs*, const char* name, int sync_directory) {
  CrashVfs::Instance().Forget(name);
  return Real()->xDelete(Real(), name, sync_directory);
}
int Access(sqlite3_vfs*, const char* name, int flags, int* result) {
  return Real()->xAccess(Real(), name, flags, result);
}
int FullPathname(sqlite3_vfs*, const char* name, int size, char* out) {
  return Real()->xFullPathname(Real(), name, size, out);
}
int Randomness(sqlite3_vfs*, int size, char* out) { return Real()->xRandomness(Real(), size, out); }
int Sleep(sqlite3_vfs*, int us) { return Real()->xSleep(Real(), us); }
int CurrentTime(sqlite3_vfs*, double* now) { return Real()->xCurrentTime(Real(), now); }
int GetLastError(sqlite3_vfs*, int size, char* out) { return Real()->xGetLastError(Real(), size, out); }

std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

CrashVfs& CrashVfs::Instance() {
  static CrashVfs instance;
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs made{};
    made.iVersion = 1;
    made.szOsFile = static_cast<int>(sizeof(OurFile)) + Real()->szOsFile;
    made.mxPathname = Real()->mxPathname;
    made.zName = kCrashVfs;
    made.xOpen = Open;
    made.xDelete = Delete;
    made.xAccess = Access;
    made.xFullPathname = FullPathname;
    made.xRandomness = Randomness;
    made.xSleep = Sleep;
    made.xCurrentTime = CurrentTime;
    made.xGetLastError = GetLastError;
    return made;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  (void)registered;
  return instance;
}

void CrashVfs::Begin(uint64_t crash_at) {
  crash_at_ = crash_at;
  operations_ = 0;
  crashed_ = false;
  failing_sync_ = UINT64_MAX;
  syncs_ = 0;
  files_.clear();
  directories_.clear();
}

CrashVfs::File& CrashVfs::Of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) std::abort();
  const auto bytes = static_cast<uint64_t>(status.st_size);
  directories_.insert(std::filesystem::path(path).parent_path());
  const auto [file, is_new] = files_.try_emplace(status.st_ino);
  // Another that has got its inode's number has never its size: those are made empty.
  if (is_new || file->second.bytes != bytes) file->second = {.durable = ReadAll(path), .changes = {}, .bytes = bytes};
  return file->second;
}

void CrashVfs::Forget(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) files_.erase(status.st_ino);
}

bool CrashVfs::Survives(File& file, const Change* change) {
  if (crashed_) return false;
  if (operations_++ == crash_at_) {
    crashed_ = true;
    // It was on its way.
    if (change != nullptr) file.changes.push_back(*change);
    return false;
  }
  if (change == nullptr) {
    const bool fails = syncs_++ == failing_sync_;
    if (!fails)
      for (const Change& synced : file.changes) Apply(synced, file.durable);
    file.changes.clear();
    return !fails;
  }
  file.changes.push_back(*change);
  file.bytes =
      change->is_truncation ? change->offset : std::max<uint64_t>(file.bytes, change->offset + change->bytes.size());
  return true;
}

void CrashVfs::Apply(const Change& change, std::string& contents) {
  if (change.is_truncation) {
    contents.resize(change.offset);
    return;
  }
  if (contents.size() < change.offset + change.bytes.size()) contents.resize(change.offset + change.bytes.size());
  contents.replace(change.offset, change.bytes.size(), change.bytes);
}

void CrashVfs::Restart(Unsynced unsynced, uint64_t seed) {
  std::mt19937_64 random(seed);
  // In the order of their names: a seed makes the same of them each time.
  std::map<std::string, File*> here;
  for (const std::filesystem::path& directory : directories_) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      struct stat status {};
      if (::stat(entry.path().c_str(), &status) != 0) continue;
      if (const auto known = files_.find(status.st_ino); known != files_.end()) here[entry.path()] = &known->second;
    }
  }
  for (const auto& [path, file] : here) {
    std::string contents = file->durable;
    for (Change change : file->changes) {
      if (unsynced == Unsynced::kDropped || (unsynced == Unsynced::kTorn && random() % 2 == 0)) continue;
      // Up to the end of a sector of the file.
      if (unsynced == Unsynced::kTorn && !change.is_truncation && random() % 4 == 0) {
        const uint64_t end = (change.offset + random() % (change.bytes.size() + 1)) / kSector * kSector;
        change.bytes.resize(end > change.offset ? std::min<uint64_t>(end - change.offset, change.bytes.size()) : 0);
      }
      Apply(change, contents);
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  }
}

}  // namespace fsherald::stress
