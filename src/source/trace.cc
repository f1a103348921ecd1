// SPDX-License-Identifier: MIT
#include "source/trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>

#include "base/clock.h"
#include "base/fd.h"
#include "bpf/records.h"
#include "detail.skel.h"
#include "fserror.skel.h"
#include "source/bpf_ring.h"
#include "storage.skel.h"
#include "trace.skel.h"
#include "xfs.skel.h"

namespace fsherald {
namespace {

constexpr size_t kMaxSymbols = 8192;
constexpr int kEnotsupp = 524;  // include/linux/errno.h: it leaks out of bpf(2), and strerror does not know it
constexpr size_t kCellsBytes = sizeof(fsh_cell) * FSH_CELLS;
// The names say what the programs are of, too: a service manager keeps each descriptor once, under whichever name came first.
constexpr char kRing[] = "ring";
constexpr char kRingWithExt4[] = "ring.ext4";
std::string DetailBss(const std::string& by) { return "detail." + by + ".bss"; }

struct DestroySkeleton {
  void operator()(trace_bpf* skeleton) const { trace_bpf__destroy(skeleton); }
  void operator()(detail_bpf* skeleton) const { detail_bpf__destroy(skeleton); }
  void operator()(storage_bpf* skeleton) const { storage_bpf__destroy(skeleton); }
  void operator()(xfs_bpf* skeleton) const { xfs_bpf__destroy(skeleton); }
  void operator()(fserror_bpf* skeleton) const { fserror_bpf__destroy(skeleton); }
};

// The layout of the program's symbol_request (bpf/trace.bpf.c).
struct SymbolRequest {
  uint64_t address;
  char name[96];
};

// Memory of a map that programs write and we read.
template <typename T>
class MappedMap {
 public:
  MappedMap() = default;
  MappedMap(const MappedMap&) = delete;
  ~MappedMap() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
  }
  Status Map(int map_fd, size_t bytes = sizeof(T)) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (memory == MAP_FAILED) return ErrnoError("map", "the memory of a BPF map");
    at_ = static_cast<T*>(memory);
    bytes_ = bytes;
    return {};
  }
  T* get() const { return at_; }
  T* operator->() const { return at_; }
  explicit operator bool() const { return at_ != nullptr; }

 private:
  T* at_ = nullptr;
  size_t bytes_ = 0;
};

// The programs of one build: descriptors that another build has left are not used, its records may be others.
std::string HashPrograms() {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  auto add = [&](const void* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<const uint8_t*>(bytes)[i]) * 0x100000001b3;
  };
  size_t size = 0;
  for (const void* (*bytes)(size_t*) : {trace_bpf__elf_bytes, detail_bpf__elf_bytes, storage_bpf__elf_bytes,
                                        xfs_bpf__elf_bytes, fserror_bpf__elf_bytes}) {
    const void* at = bytes(&size);
    add(at, size);
  }
  char words[17];
  std::snprintf(words, sizeof words, "%016llx", static_cast<unsigned long long>(hash));
  return words;
}

const std::string& BuildOfPrograms() {
  static const std::string build = HashPrograms();
  return build;
}

// libbpf talks to stderr; a library of ours does not. Its first words since they were cleared, which name the cause, are
// kept for the error that Open returns.
std::string& LibbpfWords() {
  static thread_local std::string words;
  return words;
}

int KeepLibbpfWords(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !LibbpfWords().empty()) return 0;
  char line[512];
  std::vsnprintf(line, sizeof line, format, arguments);
  LibbpfWords() = line;
  return 0;
}

bool HasTypes() { return ::access("/sys/kernel/btf/vmlinux", R_OK) == 0; }

bool HasExt4() { return ::access("/sys/fs/ext4", F_OK) == 0; }
bool HasXfs() { return ::access("/sys/fs/xfs", F_OK) == 0; }

// Where ext4 is a module its tracepoints are there once it is loaded. To ask for a file system by its type loads the module
// that has it, as the first mount(2) would: better now than to be blind to that mount.
void LoadExt4() {
  if (!HasExt4()) Fd context(::fsopen("ext4", FSOPEN_CLOEXEC));
}

Error LoadError(int code) {
  if (!HasTypes())
    return Error{
        "the kernel's type information (/sys/kernel/btf/vmlinux) is not there: a kernel built with "
        "CONFIG_DEBUG_INFO_BTF, and /sys mounted, are needed",
        0};
  if (code == EPERM || code == EACCES)
    return Error{
        "the kernel refused to load BPF programs: CAP_BPF and CAP_PERFMON, for a file system in a module CAP_SYS_ADMIN "
        "too "
        "(or root), and no lockdown in confidentiality mode, are needed",
        code};
  // The verifier's answer where lockdown takes the helpers that read the kernel's memory: an unknown function.
  if (code == EINVAL)
    return Error{
        "the kernel refused what the BPF programs do: lockdown in confidentiality mode takes them their right to read "
        "the "
        "kernel's memory",
        0};
  return Error{"load BPF programs (" + LibbpfWords().substr(0, LibbpfWords().find('\n')) + ")", code};
}

}  // namespace

class TraceSource::Impl {
 public:
  enum class Ext4 { kTyped, kRaw, kNone };

  Status Open(const Options& options) {
    libbpf_set_print(KeepLibbpfWords);
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    LoadExt4();
    Status loaded = Load(options, HasExt4() ? Ext4::kTyped : Ext4::kNone);
    // Typed programs need the type information of the module that ext4 may be; raw ones only the kernel's own.
    if (!loaded && loaded.error().code == ESRCH && HasTypes() && HasExt4()) loaded = Load(options, Ext4::kRaw);
    if (!loaded) return loaded;
    if (options.detail && HasExt4()) OpenDetail();
    OpenStorage();
    OpenXfs();
    OpenFserror();
    return {};
  }

  Status Load(const Options& options, Ext4 ext4) {
    LibbpfWords().clear();
    skeleton_.reset(trace_bpf__open());
    if (!skeleton_) return ErrnoError("open", "the BPF programs");
    bpf_map__set_max_entries(skeleton_->maps.ring, options.ring_bytes);
    SetPrefixes(options.log_prefixes);
    bpf_program__set_autoload(skeleton_->progs.ext4_error, ext4 == Ext4::kTyped);
    bpf_program__set_autoload(skeleton_->progs.ext4_shutdown, ext4 == Ext4::kTyped);
    bpf_program__set_autoload(skeleton_->progs.raw_ext4_error, ext4 == Ext4::kRaw);
    bpf_program__set_autoload(skeleton_->progs.raw_ext4_shutdown, ext4 == Ext4::kRaw);
    if (int code = trace_bpf__load(skeleton_.get()); code != 0) return LoadError(-code);
    maps_ = {bpf_map__fd(skeleton_->maps.ring), bpf_map__fd(skeleton_->maps.cells), bpf_map__fd(skeleton_->maps.points),
             bpf_map__fd(skeleton_->maps.cell_count)};
    symbol_program_ = bpf_program__fd(skeleton_->progs.symbol);
    if (Status mapped = MapAll(bpf_map__fd(skeleton_->maps.bss)); !mapped) return mapped;
    if (int code = trace_bpf__attach(skeleton_.get()); code != 0)
      return ErrnoError("attach BPF programs", LibbpfWords(), -code);
    has_ext4_ = ext4 != Ext4::kNone;
    Keep(has_ext4_ ? kRingWithExt4 : kRing, maps_.ring);
    Keep("cells", maps_.cells);
    Keep("points", maps_.points);
    Keep("count", maps_.cell_count);
    Keep("symbol", symbol_program_);
    KeepLinks(*skeleton_, "trace.bss");
    return {};
  }

  // The programs of an earlier process, which have gone on meanwhile. False: there are none, or they are of another build.
  bool TakeOver(KeptFds& kept) {
    auto take = [&](const char* name) -> int {
      Fd fd = kept.Take(Named(name));
      if (!fd) return -1;
      Keep(name, fd.get());
      return owned_.emplace_back(std::move(fd)).get();
    };
    if (!kept.Has(Named("link"))) return false;
    has_ext4_ = kept.Has(Named(kRingWithExt4));
    maps_ = {take(has_ext4_ ? kRingWithExt4 : kRing), take("cells"), take("points"), take("count")};
    symbol_program_ = take("symbol");
    const int bss = take("trace.bss");
    if (std::min({maps_.ring, maps_.cells, maps_.points, maps_.cell_count, symbol_program_, bss}) < 0) return false;
    if (!MapAll(bss)) return false;
    auto map = [&](const char* name, auto& memory) {
      const int fd = take(name);
      return fd >= 0 && memory.Map(fd);
    };
    (void)map("storage.bss", storage_bss_);
    (void)map("xfs.bss", xfs_bss_);
    (void)map("fserror.bss", fserror_bss_);
    for (const char* by : {"fentry", "kprobe"})
      if (map(DetailBss(by).c_str(), detail_bss_)) detail_by_ = by;
    if (detail_by_.empty()) detail_refused_ = "refused to the process that loaded the programs";
    for (Fd& link : kept.TakeAll(Named("link"))) {
      Keep("link", link.get());
      owned_.push_back(std::move(link));
    }
    for (uint32_t cell = 0; cell < CellCount(); ++cell) SetQuiet(cell, false);
    return true;
  }

  int fd() const { return maps_.ring; }

  bool Drain(const std::function<void(TraceRecord&&)>& handler) {
    return ring_->Read([&](Bytes bytes) { OnRecord(bytes, handler); });
  }

  void Release() { ring_->Release(); }

  std::vector<std::pair<uint32_t, uint64_t>> folded() const {
    std::vector<std::pair<uint32_t, uint64_t>> folded;
    for (uint32_t cell = 0; cell < CellCount(); ++cell)
      if (folded_told_[cell] > 0) folded.emplace_back(cell, folded_told_[cell]);
    return folded;
  }

  uint64_t position() const { return ring_->position(); }

  bool is_taken_over() const { return skeleton_ == nullptr; }

  // In a ring of other programs it would be amid a record, and what is read there as a length would never end.
  bool Resume(uint64_t position, const std::vector<std::pair<uint32_t, uint64_t>>& folded) {
    if (!is_taken_over()) return false;
    for (auto [cell, told] : folded)
      if (cell < CellCount() && told <= __atomic_load_n(&cells_.get()[cell].folded, __ATOMIC_ACQUIRE))
        folded_told_[cell] = told;
    return ring_->SkipTo(position);
  }

  std::vector<TraceFold> Folds() {
    std::vector<TraceFold> folds;
    for (uint32_t cell = 0; cell < CellCount(); ++cell) {
      // Pairs with the program's atomic add, which comes before the kernel tells fanotify of the same error.
      uint64_t folded = __atomic_load_n(&cells_.get()[cell].folded, __ATOMIC_ACQUIRE);
      if (folded == folded_told_[cell]) continue;
      folds.push_back(MakeFold(cell, folded - folded_told_[cell]));
      folded_told_[cell] = folded;
      hot_.insert(cell);
    }
    // Quiet for two windows: the next error opens a window of its own, is told by a record and wakes us.
    std::erase_if(hot_, [&, now_ns = BoottimeNowNs()](uint32_t cell) {
      return now_ns - std::min(now_ns, static_cast<uint64_t>(cells_.get()[cell].window_ns)) > 2 * FSH_WINDOW_NS;
    });
    return folds;
  }

  bool hot() const { return !hot_.empty(); }

  void SetQuiet(uint32_t cell, bool quiet) {
    __atomic_store_n(&cells_.get()[cell].quiet, quiet ? 1U : 0U, __ATOMIC_RELAXED);
  }

  Losses losses() const {
    return {.errors_uncounted = bss_->errors_uncounted + (storage_bss_ ? storage_bss_->events_uncounted : 0) +
                                (xfs_bss_ ? xfs_bss_->events_uncounted : 0) +
                                (fserror_bss_ ? fserror_bss_->events_uncounted : 0),
            .lines_dropped = bss_->lines_dropped,
            .details_dropped = detail_bss_ ? detail_bss_->details_dropped : 0,
            .records_refused = refused_};
  }

  std::vector<std::string> Symbolize(const std::vector<uint64_t>& addresses) {
    std::vector<std::string> names;
    names.reserve(addresses.size());
    for (uint64_t address : addresses) names.push_back(Symbol(address));
    return names;
  }

  bool Covers(std::string_view type) const {
    if (type == "ext4" || type == "ext3" || type == "ext2") return has_ext4_;
    return type == "xfs" && xfs_bss_;
  }

  void Arrived(std::string_view type) {
    if (type == "xfs" && !xfs_bss_) OpenXfs();
  }

  const std::vector<FdToKeep>& descriptors() const { return to_keep_; }

  std::string detail_by_;
  std::string detail_refused_;
  std::string storage_refused_;

 private:
  struct Maps {
    int ring = -1;
    int cells = -1;
    int points = -1;
    int cell_count = -1;
  };

  std::string Named(const char* name) const { return "trace." + build_ + '.' + name; }
  void Keep(const char* name, int fd) { to_keep_.push_back({Named(name), fd}); }

  // The links of an object, and the memory in which its programs count.
  template <typename Skeleton>
  void KeepLinks(const Skeleton& skeleton, const std::string& bss) {
    const bpf_object_skeleton& all = *skeleton.skeleton;
    for (int i = 0; i < all.prog_cnt; ++i)
      if (const bpf_link* link = *all.progs[i].link; link != nullptr) Keep("link", bpf_link__fd(link));
    Keep(bss.c_str(), bpf_map__fd(skeleton.maps.bss));
  }

  void OnRecord(Bytes bytes, const std::function<void(TraceRecord&&)>& handler) {
    std::optional<TraceRecord> record = ParseTraceRecord(bytes);
    if (!record) {
      ++refused_;
      return;
    }
    auto heat = [this](const auto& with_cell) {
      if (with_cell.more && with_cell.cell) hot_.insert(*with_cell.cell);
    };
    if (auto* error = std::get_if<TraceErrorRecord>(&*record)) heat(*error);
    if (auto* event = std::get_if<TraceEventRecord>(&*record)) heat(*event);
    handler(std::move(*record));
  }

  // One table of beginnings for the BPF program: as much of each as it compares.
  struct Beginnings {
    std::vector<uint64_t> values;
    std::vector<uint64_t> masks;

    void Add(std::string_view prefix) {
      uint64_t value = 0;
      uint64_t mask = 0;
      const size_t bytes = std::min(prefix.size(), sizeof value);
      std::memcpy(&value, prefix.data(), bytes);
      std::memset(&mask, 0xff, bytes);
      for (size_t i = 0; i < values.size(); ++i)
        if (values[i] == value && masks[i] == mask) return;
      values.push_back(value);
      masks.push_back(mask);
    }
    template <typename Values, typename Count>
    void Store(Values& to_values, Values& to_masks, Count& to_count) const {
      to_count = static_cast<Count>(std::min<size_t>(values.size(), FSH_PREFIXES));
      std::copy_n(values.begin(), to_count, to_values);
      std::copy_n(masks.begin(), to_count, to_masks);
    }
  };

  void SetPrefixes(const std::vector<std::string_view>& prefixes) {
    Beginnings first;
    Beginnings later;
    for (std::string_view prefix : prefixes) {
      if (prefix.starts_with(": ")) later.Add(prefix.substr(2));
      else first.Add(prefix);
    }
    auto* rodata = skeleton_->rodata;
    first.Store(rodata->prefixes, rodata->prefix_masks, rodata->prefix_count);
    later.Store(rodata->later_prefixes, rodata->later_prefix_masks, rodata->later_prefix_count);
    bpf_program__set_autoload(skeleton_->progs.console, !prefixes.empty());
  }

  Status MapAll(int bss_map) {
    auto ring = BpfRing::Open(maps_.ring);
    if (!ring) return ring.error();
    ring_.emplace(std::move(*ring));
    folded_told_.resize(FSH_CELLS);
    if (Status mapped = cells_.Map(maps_.cells, kCellsBytes); !mapped) return mapped;
    if (Status mapped = cell_count_.Map(maps_.cell_count); !mapped) return mapped;
    return bss_.Map(bss_map);
  }

  // The error handler's arguments, where the kernel allows to hook a function: fentry, else a kprobe.
  void OpenDetail() {
    for (bool fentry : {true, false}) {
      LibbpfWords().clear();
      std::unique_ptr<detail_bpf, DestroySkeleton> detail(detail_bpf__open());
      if (!detail) return;
      ShareMaps(*detail);
      bpf_program__set_autoload(detail->progs.fentry_handle_error, fentry);
      bpf_program__set_autoload(detail->progs.kprobe_handle_error, !fentry);
      int code = detail_bpf__load(detail.get());
      if (code == 0) code = detail_bpf__attach(detail.get());
      if (code == 0) {
        detail_ = std::move(detail);
        detail_by_ = fentry ? "fentry" : "kprobe";
        Adopt(*detail_, DetailBss(detail_by_), detail_bss_);
        detail_refused_.clear();
        return;
      }
      if (code == -kEnotsupp || (!fentry && code == -ENOENT)) code = -EOPNOTSUPP;  // no kprobes: no place to make one
      if (!detail_refused_.empty()) detail_refused_ += "; ";
      detail_refused_ += Error{fentry ? "fentry" : "kprobe", -code}.ToString();
    }
  }

  // The trace's maps in the place of an object's own.
  template <typename Skeleton>
  void ShareMaps(Skeleton& skeleton) const {
    bpf_map__reuse_fd(skeleton.maps.ring, maps_.ring);
    bpf_map__reuse_fd(skeleton.maps.cells, maps_.cells);
    bpf_map__reuse_fd(skeleton.maps.points, maps_.points);
    bpf_map__reuse_fd(skeleton.maps.cell_count, maps_.cell_count);
  }

  template <typename Skeleton, typename Memory>
  void Adopt(const Skeleton& skeleton, const std::string& bss, Memory& memory) {
    KeepLinks(skeleton, bss);
    (void)memory.Map(bpf_map__fd(skeleton.maps.bss));
  }

  // Failed requests of disks, and failed write-back. What is missing here costs nothing elsewhere.
  void OpenStorage() {
    LibbpfWords().clear();
    std::unique_ptr<storage_bpf, DestroySkeleton> storage(storage_bpf__open());
    if (!storage) return;
    ShareMaps(*storage);
    int code = storage_bpf__load(storage.get());
    if (code == 0) code = storage_bpf__attach(storage.get());
    if (code == 0) {
      storage_ = std::move(storage);
      Adopt(*storage_, "storage.bss", storage_bss_);
    } else storage_refused_ = LoadError(-code).ToString();
  }

  // XFS's tracepoints, once XFS is in the kernel: those for groups have other names before Linux 6.13.
  void OpenXfs() {
    if (!HasXfs()) return;
    for (bool groups : {true, false}) {
      LibbpfWords().clear();
      std::unique_ptr<xfs_bpf, DestroySkeleton> xfs(xfs_bpf__open());
      if (!xfs) return;
      ShareMaps(*xfs);
      for (bpf_program* program :
           {xfs->progs.xfs_group_mark_sick, xfs->progs.xfs_group_mark_corrupt, xfs->progs.xfs_group_mark_healthy,
            xfs->progs.xfs_group_unfixed_corruption, xfs->progs.xfs_fs_mark_corrupt, xfs->progs.xfs_inode_mark_corrupt,
            xfs->progs.xfs_inode_unfixed_corruption})
        bpf_program__set_autoload(program, groups);
      for (bpf_program* program :
           {xfs->progs.xfs_ag_mark_sick, xfs->progs.xfs_ag_mark_healthy, xfs->progs.xfs_ag_unfixed_corruption})
        bpf_program__set_autoload(program, !groups);
      if (xfs_bpf__load(xfs.get()) != 0 || xfs_bpf__attach(xfs.get()) != 0) continue;
      xfs_ = std::move(xfs);
      Adopt(*xfs_, "xfs.bss", xfs_bss_);
      return;
    }
  }

  // What file systems hand to fanotify, where the kernel has that function and lets it be hooked; else it is not there.
  void OpenFserror() {
    for (bool fentry : {true, false}) {
      LibbpfWords().clear();
      std::unique_ptr<fserror_bpf, DestroySkeleton> fserror(fserror_bpf__open());
      if (!fserror) return;
      ShareMaps(*fserror);
      bpf_program__set_autoload(fserror->progs.fentry_fserror_report, fentry);
      bpf_program__set_autoload(fserror->progs.kprobe_fserror_report, !fentry);
      const int code = fserror_bpf__load(fserror.get());
      if (code == -ESRCH) return;  // the kernel's types know no such function
      if (code != 0 || fserror_bpf__attach(fserror.get()) != 0) continue;
      fserror_ = std::move(fserror);
      Adopt(*fserror_, "fserror.bss", fserror_bss_);
      return;
    }
  }

  uint32_t CellCount() const {
    return static_cast<uint32_t>(std::min<uint64_t>(__atomic_load_n(cell_count_.get(), __ATOMIC_RELAXED), FSH_CELLS));
  }

  TraceFold MakeFold(uint32_t index, uint64_t count) const {
    const fsh_cell& cell = cells_.get()[index];
    TraceFold fold;
    fold.cell = index;
    fold.point = cell.point == 0 || cell.point > kLastTracePoint ? std::nullopt
                                                                 : std::optional(static_cast<TracePoint>(cell.point));
    fold.filesystem_type =
        fold.point ? std::string(cell.type, ::strnlen(cell.type, sizeof cell.type)) : std::string(kTracedFilesystem);
    fold.dev = DeviceNumber{cell.dev >> 20, cell.dev & 0xfffff};
    std::copy(std::begin(cell.uuid), std::end(cell.uuid), fold.uuid.bytes.begin());
    fold.device.assign(cell.device, ::strnlen(cell.device, sizeof cell.device));
    fold.function.assign(cell.function, ::strnlen(cell.function, sizeof cell.function));
    fold.line = cell.line;
    fold.count = count;
    return fold;
  }

  const std::string& Symbol(uint64_t address) {
    if (symbols_.size() > kMaxSymbols) symbols_.clear();
    auto [entry, fresh] = symbols_.try_emplace(address);
    if (!fresh) return entry->second;
    SymbolRequest request{address, {}};
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.ctx_in = &request;
    options.ctx_size_in = sizeof request;
    if (bpf_prog_test_run_opts(symbol_program_, &options) == 0)
      entry->second.assign(request.name, ::strnlen(request.name, sizeof request.name));
    return entry->second;
  }

  std::unique_ptr<trace_bpf, DestroySkeleton> skeleton_;
  std::unique_ptr<detail_bpf, DestroySkeleton> detail_;
  std::unique_ptr<storage_bpf, DestroySkeleton> storage_;  // each null where it is not to be had
  std::unique_ptr<xfs_bpf, DestroySkeleton> xfs_;
  std::unique_ptr<fserror_bpf, DestroySkeleton> fserror_;
  // Taken over, they are descriptors alone, which keep what the skeletons above would.
  const std::string& build_ = BuildOfPrograms();
  std::vector<Fd> owned_;
  std::vector<FdToKeep> to_keep_;
  Maps maps_;
  int symbol_program_ = -1;
  std::optional<BpfRing> ring_;
  MappedMap<trace_bpf::trace_bpf__bss> bss_;
  MappedMap<storage_bpf::storage_bpf__bss> storage_bss_;
  MappedMap<xfs_bpf::xfs_bpf__bss> xfs_bss_;
  MappedMap<fserror_bpf::fserror_bpf__bss> fserror_bss_;
  MappedMap<detail_bpf::detail_bpf__bss> detail_bss_;
  MappedMap<fsh_cell> cells_;
  MappedMap<uint64_t> cell_count_;
  bool has_ext4_ = false;
  std::vector<uint64_t> folded_told_;  // by cell
  std::set<uint32_t> hot_;
  uint64_t refused_ = 0;
  std::unordered_map<uint64_t, std::string> symbols_;
};

TraceSource::TraceSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceSource::~TraceSource() = default;

Result<std::unique_ptr<TraceSource>> TraceSource::Open(const Options& options, KeptFds* kept) {
  auto impl = std::make_unique<Impl>();
  if (kept != nullptr) {
    if (impl->TakeOver(*kept)) return std::unique_ptr<TraceSource>(new TraceSource(std::move(impl)));
    impl = std::make_unique<Impl>();  // what it had taken is closed
  }
  if (Status opened = impl->Open(options); !opened) return opened.error();
  return std::unique_ptr<TraceSource>(new TraceSource(std::move(impl)));
}

int TraceSource::fd() const { return impl_->fd(); }
bool TraceSource::Drain(const std::function<void(TraceRecord&&)>& handler) { return impl_->Drain(handler); }
void TraceSource::Release() { impl_->Release(); }
TraceSource::Position TraceSource::position() const { return {impl_->position(), impl_->folded()}; }
bool TraceSource::is_taken_over() const { return impl_->is_taken_over(); }
bool TraceSource::Resume(const Position& position) { return impl_->Resume(position.ring, position.folded); }
const std::vector<FdToKeep>& TraceSource::descriptors() const { return impl_->descriptors(); }
std::vector<TraceFold> TraceSource::Folds() { return impl_->Folds(); }
bool TraceSource::hot() const { return impl_->hot(); }
void TraceSource::SetQuiet(uint32_t cell, bool quiet) { impl_->SetQuiet(cell, quiet); }
TraceSource::Losses TraceSource::losses() const { return impl_->losses(); }
std::vector<std::string> TraceSource::Symbolize(const std::vector<uint64_t>& addresses) {
  return impl_->Symbolize(addresses);
}
bool TraceSource::Covers(std::string_view type) const { return impl_->Covers(type); }
void TraceSource::Arrived(std::string_view type) { impl_->Arrived(type); }
const std::string& TraceSource::storage_refused() const { return impl_->storage_refused_; }
const std::string& TraceSource::detail_by() const { return impl_->detail_by_; }
const std::string& TraceSource::detail_refused() const { return impl_->detail_refused_; }

}  // namespace fsherald
