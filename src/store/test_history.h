// SPDX-License-Identifier: MIT
// For tests: a directory that goes with its test, a thread that may not give files away, and notifications of every kind, hostile ones
// included.
#pragma once

#include <linux/capability.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "store/history.h"
#include "store/store.h"

namespace fsherald {

class TestDirectory {
 public:
  TestDirectory() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/fsherald_store.XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name = "history.db") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// As long as it lives this thread, and those that it starts, may give files to no group that they are not in.
class WithoutChown {
 public:
  WithoutChown() {
    Call(SYS_capget);
    before_ = sets_;
    sets_[0].effective &= ~(1U << CAP_CHOWN);
    Call(SYS_capset);
  }
  ~WithoutChown() {
    sets_ = before_;
    Call(SYS_capset);
  }
  WithoutChown(const WithoutChown&) = delete;
  WithoutChown& operator=(const WithoutChown&) = delete;

 private:
  using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
  void Call(long call) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    if (::syscall(call, &header, sets_.data()) != 0) std::abort();
  }
  Sets sets_{};
  Sets before_{};
};

// Of a path that is there.
inline gid_t GroupOf(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) std::abort();
  return file.st_gid;
}

inline const Host kTestHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};
inline constexpr int64_t kTestUtcNs = 1'795'170'667'412'345'678;  // 2026-11-20T10:31:07.4Z

// As the kernel's are: an ext4 with a damaged inode, a second apart.
inline Notification TestError(uint64_t seq, uint64_t errors = 1) {
  Notification n;
  n.seq = seq;
  n.filesystem_seq = seq;
  n.utc_ns = kTestUtcNs + static_cast<int64_t>(seq) * 1'000'000'000;
  n.boottime_ns = 431'270'412'345 + seq * 1'000'000'000;
  n.filesystem = {"ext4",
                  "loop0",
                  DeviceNumber{7, 0},
                  ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee"),
                  Fsid{0x11eb8c2d, 0x756d63ee},
                  {"/data"}};
  n.error = {EUCLEAN, errors};
  n.location = Location{"ext4_lookup", 1855, {"ext4_lookup+0x1a2", "__lookup_slow+0x81"}};
  n.specific = Specific{.type = "ext4",
                        .fields = {{"inode", uint64_t{12}}, {"block", std::monostate()}, {"group", std::monostate()}},
                        .message = "deleted inode referenced: 12"};
  n.object = ObjectInfo{12, 7, "/data/d/f", PathSource::kHandle};
  n.task = Task{2211, 2211, "ls", "/user.slice"};
  n.sources.Add(SourceId::kFanotify).Add(SourceId::kTrace).Add(SourceId::kKmsg);
  return n;
}

// Any notification at all: each part there or not, any bytes, the largest and smallest numbers.
class AnyNotification {
 public:
  explicit AnyNotification(uint64_t seed) : random_(seed) {}

  Notification Next(uint64_t seq) {
    Notification n;
    n.seq = seq;
    n.filesystem_seq = Number();
    n.utc_ns = static_cast<int64_t>(Number());
    n.boottime_ns = Maybe([&] { return Number(); });
    n.filesystem = Filesystem();
    n.error = {Maybe([&] { return static_cast<int>(Number()); }), Number()};
    n.location = Maybe([&] { return Location{Text(), Maybe([&] { return Small(); }), Texts(), Text()}; });
    n.specific = Maybe([&] { return AnySpecific(); });
    n.object = Maybe([&] {
      return ObjectInfo{Maybe([&] { return Number(); }), Maybe([&] { return Small(); }), Maybe([&] { return Text(); }),
                        Maybe([&] { return static_cast<PathSource>(Below(5)); })};
    });
    n.range = Maybe([&] { return Range{Number(), Maybe([&] { return Number(); })}; });
    n.device_error = Maybe([&] { return AnyDeviceError(); });
    n.task = Maybe([&] {
      return Task{Maybe([&] { return Small(); }), Maybe([&] { return Small(); }), Text(),
                  Maybe([&] { return Text(); })};
    });
    n.kind = static_cast<Kind>(Below(static_cast<uint64_t>(Kind::kHealth) + 1));
    n.origin = Chance() ? Origin::kKernel : Origin::kUser;
    for (int i = 0; i < kSourceCount; ++i)
      if (Chance()) n.sources.Add(static_cast<SourceId>(i));
    n.corrected = Chance();
    n.trusted = Chance();
    n.gap = Maybe([&] {
      return Gap{static_cast<SourceId>(Below(kSourceCount)), Maybe([&] { return Number(); }), Chance(),
                 static_cast<int64_t>(Number()), static_cast<int64_t>(Number())};
    });
    n.incident = Maybe([&] { return Number(); });
    n.health = Maybe([&] {
      return HealthChange{static_cast<HealthState>(Below(kHealthStateCount)),
                          static_cast<HealthState>(Below(kHealthStateCount)),
                          static_cast<HealthRule>(Below(kHealthRuleCount)),
                          Maybe([&] { return static_cast<int64_t>(Number()); }),
                          Number(),
                          Maybe([&] { return Small(); }),
                          Maybe([&] { return Text(); })};
    });
    return n;
  }

  Host AnyHost() { return {Text(), Text()}; }

  uint64_t Below(uint64_t end) { return std::uniform_int_distribution<uint64_t>(0, end - 1)(random_); }
  bool Chance() { return Below(2) == 0; }

  std::string Text() {
    static const std::vector<std::string> kTexts = {"",
                                                    "ext4",
                                                    "sda1",
                                                    "inode #12: block 0x2a: 007 of 0x00ff, 18446744073709551616",
                                                    "0x",
                                                    "0xfffffffffffffffff",
                                                    std::string("\0\x01\x02\x03\x04", 5),
                                                    "\xff\xfe \x1b[31m",
                                                    "12\x03"
                                                    "34\x01"};
    if (Chance()) return kTexts[Below(kTexts.size())];
    std::string text(Below(8) == 0 ? Below(9000) : Below(40), '\0');
    for (char& c : text) c = static_cast<char>(Chance() ? Below(256) : '0' + Below(12));
    return text;
  }

 private:
  template <typename Make>
  auto Maybe(const Make& make) -> std::optional<decltype(make())> {
    if (Chance()) return std::nullopt;
    return make();
  }

  uint64_t Number() {
    static const std::vector<uint64_t> kNumbers = {
        0, 1, 127, 128, UINT32_MAX, INT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 63};
    return Chance() ? kNumbers[Below(kNumbers.size())] : random_() >> Below(64);
  }
  uint32_t Small() { return static_cast<uint32_t>(Number()); }

  std::vector<std::string> Texts() {
    std::vector<std::string> texts(Below(4));
    for (std::string& text : texts) text = Text();
    return texts;
  }

  FilesystemInfo Filesystem() {
    FilesystemInfo filesystem;
    filesystem.type = Text();
    filesystem.device = Text();
    filesystem.dev = Maybe([&] { return DeviceNumber{Small(), Small()}; });
    filesystem.uuid = Maybe([&] {
      Uuid uuid;
      for (uint8_t& byte : uuid.bytes) byte = static_cast<uint8_t>(Below(256));
      return uuid;
    });
    filesystem.fsid = Maybe([&] { return Fsid{Small(), Small()}; });
    filesystem.mounts = Texts();
    return filesystem;
  }

  Specific AnySpecific() {
    Specific specific;
    specific.type = Text();
    specific.fields.resize(Below(4));
    for (SpecificField& field : specific.fields) {
      field.name = Text();
      const uint64_t which = Below(3);
      if (which == 1) field.value = Number();
      else if (which == 2) field.value = Text();
    }
    specific.message = Maybe([&] { return Text(); });
    specific.blob = Maybe([&] { return Text(); });
    return specific;
  }

  DeviceError AnyDeviceError() {
    DeviceError error;
    error.device = Text();
    error.dev = Maybe([&] { return DeviceNumber{Small(), Small()}; });
    error.operation = static_cast<DeviceError::Operation>(Below(5));
    error.sector = Maybe([&] { return Number(); });
    error.sectors = Maybe([&] { return Number(); });
    error.code = Maybe([&] { return static_cast<int>(Number()); });
    error.count = Number();
    return error;
  }

  std::mt19937_64 random_;
};

inline std::unique_ptr<Store> OpenStore(const std::string& directory, Store::Opening* found = nullptr,
                                        Store::Options options = {}) {
  options.directory = directory;
  Store::Opening ignored;
  auto store = Store::Open(options, found != nullptr ? found : &ignored);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().ToString().c_str());
    return nullptr;
  }
  return std::move(*store);
}

// What matches; empty also on an error.
inline std::vector<Entry> Entries(const std::string& directory, const History::Query& query = {}) {
  std::vector<Entry> entries;
  auto history = History::Open(directory);
  if (!history) return entries;
  (void)(*history)->ForEach(query, [&](const Entry& entry) {
    entries.push_back(entry);
    return true;
  });
  return entries;
}

inline std::vector<uint64_t> Seqs(const std::string& directory, const History::Query& query = {}) {
  std::vector<uint64_t> seqs;
  for (const Entry& entry : Entries(directory, query)) seqs.push_back(entry.notification.seq);
  return seqs;
}

}  // namespace fsherald
