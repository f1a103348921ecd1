// SPDX-License-Identifier: MIT
// The store: how many notifications a second become durable, what a row takes, and how long questions take, beside the
// plain way: one INSERT an event, in a transaction of its own, its values as columns of text, as rasdaemon does it.
//
//   store [ROWS] [DIRECTORY]      ten million rows need 2 GiB there; it is on the disk that is to be measured
#include "store/store.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "base/clock.h"
#include "cli/status_history.h"
#include "figures.h"
#include "store/history.h"
#include "store/sqlite.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;
using std::chrono::steady_clock;
namespace files = std::filesystem;

constexpr size_t kGroup = 4000;
constexpr int kSingles = 300;
constexpr int kQuestions = 21;
constexpr int64_t kApartNs = 2'600'000'000;  // ten million are three hundred days
const Host kHost = {"3f9f2a60-7f0c-4b35-9a64-0d1c6e1b2a77", "6.18.44"};

[[noreturn]] void Fail(const Error& error) {
  fmt::print(stderr, "store: {}\n", error.ToString());
  std::exit(1);
}
template <typename T>
T Must(Result<T> result) {
  if (!result) Fail(result.error());
  return std::move(*result);
}
void Must(Status status) {
  if (!status) Fail(status.error());
}

// Of this process.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double SecondsSince(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

// Errors as a machine with three file systems has them: forty places in the code, each with its stack and message; files
// of a large tree; a dozen programs. Some come several times in a row.
class Errors {
 public:
  explicit Errors(int64_t first_utc_ns) : first_utc_ns_(first_utc_ns) {}

  Notification Next() {
    const uint64_t seq = ++seq_;
    Notification n;
    const auto place = static_cast<uint32_t>(Below(40));
    const auto inode = Below(200'000) + 12;
    n.seq = seq;
    n.filesystem_seq = seq / 3 + 1;
    n.utc_ns = first_utc_ns_ + static_cast<int64_t>(seq) * kApartNs + static_cast<int64_t>(Below(1'000'000));
    n.boottime_ns = 431'270'412'345 + seq * kApartNs + Below(1'000'000);
    n.filesystem = FilesystemOf(seq % 100'000 == 7 ? 3 : Below(3));
    n.error = {place % 3 == 0 ? 5 : 117, Below(20) == 0 ? Below(64) + 1 : 1};
    n.location = Location{fmt::format("ext4_function_number_{}", place), 100 + 17 * place, {}};
    for (uint32_t frame = 0; frame < 8; ++frame)
      n.location->stack.push_back(fmt::format("function_{}_of_{}+0x{:x}", frame, place, 16 * frame + place));
    const uint64_t block = Below(1U << 30);
    n.specific = Specific{.type = n.filesystem.type,
                          .fields = {{"inode", inode}, {"block", block}, {"group", std::monostate()}},
                          .message = fmt::format("inode #{}: block {}: comm {}: bad entry in directory {}: rec_len is "
                                                 "smaller than minimal - offset={}, inode={}, rec_len=0, size=4096",
                                                 inode, block, CommOf(place), place, Below(4096), inode)};
    n.object =
        ObjectInfo{inode, static_cast<uint32_t>(inode * 2654435761U),
                   fmt::format("/data/projects/p{}/build/objects/file-{}.o", inode % 300, inode), PathSource::kHandle};
    const auto pid = static_cast<uint32_t>(Below(4'000'000));
    n.task = Task{pid, pid, CommOf(place), fmt::format("/system.slice/unit{}.service", place % 12)};
    n.sources.Add(SourceId::kFanotify).Add(SourceId::kTrace).Add(SourceId::kKmsg);
    if (Below(3) != 0) n.incident = seq > 50 ? seq - Below(50) : 1;
    if (seq % 20'000 == 0) MakeChange(n);
    return n;
  }

  uint64_t Below(uint64_t end) { return random_() % end; }

  static FilesystemInfo FilesystemOf(uint64_t which) {
    FilesystemInfo filesystem{.type = "ext4", .device = fmt::format("dm-{}", which)};
    filesystem.dev = DeviceNumber{253, static_cast<uint32_t>(which)};
    filesystem.uuid.emplace();
    filesystem.uuid->bytes.fill(static_cast<uint8_t>(which + 1));
    filesystem.fsid = Fsid{1, static_cast<uint32_t>(which)};
    filesystem.mounts = {fmt::format("/data{}", which)};
    return filesystem;
  }

 private:
  // Of the states of three file systems, in turn; the fourth changed once, long ago: that is sought through all.
  static void MakeChange(Notification& n) {
    if (n.seq == 20'000) n.filesystem = FilesystemOf(3);
    n.kind = Kind::kHealth;
    n.error = {.code = std::nullopt, .count = 0};
    n.location.reset(), n.specific.reset(), n.object.reset(), n.task.reset();
    const bool is_well = n.seq % 40'000 == 0;
    n.health = HealthChange{.from = is_well ? HealthState::kErrors : HealthState::kWell,
                            .to = is_well ? HealthState::kWell : HealthState::kErrors,
                            .rule = is_well ? HealthRule::kCleared : HealthRule::kErrors};
  }
  static std::string CommOf(uint32_t place) { return fmt::format("program{}", place % 12); }

  int64_t first_utc_ns_;
  uint64_t seq_ = 0;
  std::mt19937_64 random_{1};
};

// A directory that goes with it.
class Scratch {
 public:
  explicit Scratch(const std::string& below) : path_(below + "/fsherald_store.XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) Fail(ErrnoError("make a directory in", below));
  }
  ~Scratch() { files::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Events a second.
double MeasurePlain(const std::string& directory) {
  Database database = Must(Database::Open(directory + "/plain.db", Database::Access::kCreate));
  Must(database.Run(
      "PRAGMA synchronous=FULL; CREATE TABLE event(id INTEGER PRIMARY KEY, time TEXT, device TEXT, kind TEXT, "
      "code INTEGER, errors INTEGER, function TEXT, stack TEXT, message TEXT, path TEXT, comm TEXT)"));
  Statement insert = Must(database.Prepare("INSERT INTO event VALUES(NULL,?,?,?,?,?,?,?,?,?,?)"));
  Errors errors(0);
  const auto begin = steady_clock::now();
  for (int i = 0; i < kSingles; ++i) {
    const Notification n = errors.Next();
    std::string stack;
    for (const std::string& frame : n.location->stack) stack += frame + "\n";
    insert.BindBlob(fmt::format("{}", n.utc_ns)).BindBlob(n.filesystem.device).BindBlob(Name(n.kind));
    insert.Bind(*n.error.code).Bind(n.error.count).BindBlob(n.location->function).BindBlob(stack);
    Must(insert.BindBlob(*n.specific->message).BindBlob(*n.object->path).BindBlob(n.task->comm).Run());
  }
  const double rate = kSingles / SecondsSince(begin);
  const auto bytes = static_cast<double>(files::file_size(directory + "/plain.db"));
  fmt::print("one INSERT an event, each durable:   {:10.0f} /s, {:.0f} bytes a row\n", rate, bytes / kSingles);
  return rate;
}

double MeasureSingles(const std::string& directory) {
  Store::Opening found;
  auto store = Must(Store::Open({.directory = directory}, &found));
  Errors errors(0);
  const auto begin = steady_clock::now();
  for (int i = 0; i < kSingles; ++i) Must(store->Append(std::vector{errors.Next()}, kHost, "cursors"));
  const double rate = kSingles / SecondsSince(begin);
  fmt::print("Append of one, each durable:         {:10.0f} /s\n", rate);
  return rate;
}

double MeasureGroups(const std::string& directory, uint64_t rows, Errors& errors) {
  Store::Opening found;
  auto store = Must(Store::Open({.directory = directory, .max_bytes = uint64_t{16} << 30}, &found));
  std::vector<Notification> group;
  Figures ms;
  double appending = 0;
  double cpu = 0;
  for (uint64_t stored = 0; stored < rows; stored += group.size()) {
    group.clear();
    while (group.size() < kGroup && stored + group.size() < rows) group.push_back(errors.Next());
    const double cpu_begin = CpuSeconds();
    const auto begin = steady_clock::now();
    Must(store->Append(group, kHost, "cursors"));
    while (Must(store->Retain(group.back().utc_ns / 1'000'000'000))) continue;
    const double seconds = SecondsSince(begin);
    appending += seconds;
    cpu += CpuSeconds() - cpu_begin;
    ms.Add(1000 * seconds);
  }
  const double rate = static_cast<double>(rows) / appending;
  fmt::print("Append of {} and Retain, durable:  {:10.0f} /s, {:.0f} /s of processor time; ms a group: {}\n", kGroup,
             rate, static_cast<double>(rows) / cpu, Words(ms));
  return rate;
}

template <typename Ask>
void Question(const char* what, const Ask& ask) {
  Figures ms;
  size_t found = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const auto begin = steady_clock::now();
    found = ask();
    ms.Add(1000 * SecondsSince(begin));
  }
  fmt::print("  {:<52} {:>7} found, ms: {}\n", what, found, Words(ms));
}

void MeasureQuestions(const std::string& directory, int64_t last_utc_ns) {
  constexpr int64_t kHour = int64_t{3600} * 1'000'000'000;
  auto history = Must(History::Open(directory));
  const auto count = [&](const History::Query& query) {
    size_t found = 0;
    Must(history->ForEach(query, [&](const Entry&) { return ++found > 0; }));
    return found;
  };
  Question("since an hour", [&] { return count({.since_utc_ns = last_utc_ns - kHour}); });
  Question("an hour in the middle", [&] {
    const int64_t middle = last_utc_ns - 100 * 24 * kHour;
    return count({.since_utc_ns = middle, .until_utc_ns = middle + kHour});
  });
  Question("the last 100", [&] { return count({.newest_first = true, .limit = 100}); });
  Question("of a file system with one error in 100,000", [&] { return count({.filesystem = "dm-3"}); });
  Question("of a function, the last 100",
           [&] { return count({.function = "ext4_function_number_7", .newest_first = true, .limit = 100}); });
  for (const auto& [by, name] :
       {std::pair(History::By::kLocation, "function:line"), std::pair(History::By::kFilesystem, "file system"),
        std::pair(History::By::kDevice, "device"), std::pair(History::By::kInode, "inode"),
        std::pair(History::By::kKernel, "kernel")}) {
    Question(fmt::format("hotspots by {}, all, 24 slices", name).c_str(),
             [&, by = by] { return Must(history->HotspotsBy(by, {}, {}, 10, 24)).spots.size(); });
  }
  Question("hotspots by function:line, 30 days, 24 slices", [&] {
    return Must(history->HotspotsBy(History::By::kLocation, last_utc_ns - 30 * 24 * kHour, last_utc_ns, 10, 24))
        .spots.size();
  });
  Question("file systems", [&] { return Must(history->Filesystems()).size(); });
  const auto status_of = [&](std::vector<FilesystemInfo> infos) {
    std::vector<FilesystemStatus> statuses;
    for (FilesystemInfo& info : infos) statuses.push_back({.info = std::move(info)});
    AddHistory(directory, kHost.boot_id, true, statuses);
    return static_cast<size_t>(
        std::ranges::count_if(statuses, [](const auto& one) { return one.history.has_value(); }));
  };
  Question("status of four file systems, with its History::Open", [&] {
    return status_of(
        {Errors::FilesystemOf(0), Errors::FilesystemOf(1), Errors::FilesystemOf(2), Errors::FilesystemOf(3)});
  });
  Question("status of one that the history does not have", [&] { return status_of({Errors::FilesystemOf(9)}); });
  Question("History::Open", [&] { return Must(History::Open(directory)) ? 1U : 0U; });
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const Scratch scratch(argc > 2 ? argv[2] : "/var/tmp");
  for (const char* name : {"/plain", "/singles"}) files::create_directory(scratch.path() + name);
  const double plain = MeasurePlain(scratch.path() + "/plain");
  const double singles = MeasureSingles(scratch.path() + "/singles");
  const std::string directory = scratch.path() + "/history";
  Errors errors(UtcNowNs() - static_cast<int64_t>(rows) * kApartNs);
  const double groups = MeasureGroups(directory, rows, errors);
  fmt::print("to the plain way: one at a time {:.2f}, in groups {:.0f} times as many a second\n", singles / plain,
             groups / plain);
  const auto bytes = static_cast<double>(files::file_size(directory + "/history.db"));
  fmt::print("{} rows, {:.1f} bytes a row, all tables\n", rows, bytes / static_cast<double>(rows));
  const auto begin = steady_clock::now();
  Store::Opening found;
  { const auto store = Must(Store::Open({.directory = directory}, &found)); }
  fmt::print("Store::Open with its check: {:.0f} ms\n", 1000 * SecondsSince(begin));
  MeasureQuestions(directory, UtcNowNs());
  return 0;
}
