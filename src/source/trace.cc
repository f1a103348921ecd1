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
#include "trace.skel.h"

namespace fsherald {
namespace {

constexpr size_t kMaxSymbols = 8192;
constexpr int kEnotsupp = 524;  // include/linux/errno.h: it leaks out of bpf(2), and strerror does not know it
constexpr size_t kCellsBytes = sizeof(fsh_cell) * FSH_CELLS;

struct DestroySkeleton {
  void operator()(trace_bpf* skeleton) const { trace_bpf__destroy(skeleton); }
  void operator()(detail_bpf* skeleton) const { detail_bpf__destroy(skeleton); }
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

// The layout of the program's symbol_request (bpf/trace.bpf.c).
struct SymbolRequest {
  uint64_t address;
  char name[96];
};

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
        "the kernel refused to load BPF programs: CAP_BPF and CAP_PERFMON (or root), and no lockdown in "
        "confidentiality mode, are needed",
        code};
  if (!HasExt4())
    return Error{"ext4 is not in the kernel, and its module could not be loaded: start again after `modprobe ext4`", 0};
  return Error{"load BPF programs (" + LibbpfWords().substr(0, LibbpfWords().find('\n')) + ")", code};
}

}  // namespace

class TraceSource::Impl {
 public:
  ~Impl() {
    ring_.reset();
    if (cells_ != nullptr) ::munmap(cells_, kCellsBytes);
  }

  Status Open(const Options& options) {
    libbpf_set_print(KeepLibbpfWords);
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    LoadExt4();
    Status loaded = Load(options, true);
    // Typed programs need the type information of the module that ext4 may be; raw ones only the kernel's own.
    if (!loaded && loaded.error().code == ESRCH && HasTypes() && HasExt4()) loaded = Load(options, false);
    if (!loaded) return loaded;
    ring_.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.ring), &Impl::OnRecord, this, nullptr));
    if (!ring_) return ErrnoError("open", "the BPF ring buffer");
    if (options.detail) OpenDetail();
    return {};
  }

  Status Load(const Options& options, bool typed) {
    LibbpfWords().clear();
    skeleton_.reset(trace_bpf__open());
    if (!skeleton_) return ErrnoError("open", "the BPF programs");
    bpf_map__set_max_entries(skeleton_->maps.ring, options.ring_bytes);
    SetPrefixes(options.log_prefixes);
    bpf_program__set_autoload(skeleton_->progs.ext4_error, typed);
    bpf_program__set_autoload(skeleton_->progs.ext4_shutdown, typed);
    bpf_program__set_autoload(skeleton_->progs.raw_ext4_error, !typed);
    bpf_program__set_autoload(skeleton_->progs.raw_ext4_shutdown, !typed);
    if (int code = trace_bpf__load(skeleton_.get()); code != 0) return LoadError(-code);
    if (Status mapped = MapCells(); !mapped) return mapped;
    if (int code = trace_bpf__attach(skeleton_.get()); code != 0)
      return ErrnoError("attach BPF programs", LibbpfWords(), -code);
    return {};
  }

  int fd() const { return ring_buffer__epoll_fd(ring_.get()); }

  void Drain(const std::function<void(TraceRecord&&)>& handler) {
    handler_ = &handler;
    ring_buffer__consume(ring_.get());
    handler_ = nullptr;
  }

  std::vector<TraceFold> Folds() {
    std::vector<TraceFold> folds;
    for (uint32_t cell = 0; cell < CellCount(); ++cell) {
      // Pairs with the program's atomic add, which comes before the kernel tells fanotify of the same error.
      uint64_t folded = __atomic_load_n(&cells_[cell].folded, __ATOMIC_ACQUIRE);
      if (folded == folded_told_[cell]) continue;
      folds.push_back(MakeFold(cell, folded - folded_told_[cell]));
      folded_told_[cell] = folded;
      hot_.insert(cell);
    }
    // Quiet for two windows: the next error opens a window of its own and is told by a record.
    std::erase_if(hot_, [&, now_ns = BoottimeNowNs()](uint32_t cell) {
      return now_ns - std::min(now_ns, static_cast<uint64_t>(cells_[cell].window_ns)) > 2 * FSH_WINDOW_NS;
    });
    return folds;
  }

  bool hot() const { return !hot_.empty(); }

  void SetQuiet(uint32_t cell, bool quiet) { __atomic_store_n(&cells_[cell].quiet, quiet ? 1U : 0U, __ATOMIC_RELAXED); }

  Losses losses() const {
    return {.errors_uncounted = skeleton_->bss->errors_uncounted,
            .lines_dropped = skeleton_->bss->lines_dropped,
            .details_dropped = detail_ ? detail_->bss->details_dropped : 0,
            .records_refused = refused_};
  }

  std::vector<std::string> Symbolize(const std::vector<uint64_t>& addresses) {
    std::vector<std::string> names;
    names.reserve(addresses.size());
    for (uint64_t address : addresses) names.push_back(Symbol(address));
    return names;
  }

  std::string detail_by_;
  std::string detail_refused_;

 private:
  static int OnRecord(void* context, void* data, size_t size) {
    auto* self = static_cast<Impl*>(context);
    std::optional<TraceRecord> record = ParseTraceRecord(Bytes(static_cast<const std::byte*>(data), size));
    if (!record) {
      ++self->refused_;
      return 0;
    }
    auto* error = std::get_if<TraceErrorRecord>(&*record);
    if (error != nullptr && error->more && error->cell) self->hot_.insert(*error->cell);
    (*self->handler_)(std::move(*record));
    return 0;
  }

  void SetPrefixes(const std::vector<std::string_view>& prefixes) {
    uint32_t count = 0;
    for (std::string_view prefix : prefixes) {
      if (prefix.size() < sizeof(uint64_t) || count == FSH_PREFIXES) continue;
      uint64_t beginning;
      std::memcpy(&beginning, prefix.data(), sizeof beginning);
      auto* end = skeleton_->rodata->prefixes + count;
      if (std::find(skeleton_->rodata->prefixes, end, beginning) != end) continue;
      skeleton_->rodata->prefixes[count++] = beginning;
    }
    skeleton_->rodata->prefix_count = count;
    bpf_program__set_autoload(skeleton_->progs.console, count > 0);
  }

  Status MapCells() {
    void* memory =
        ::mmap(nullptr, kCellsBytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skeleton_->maps.cells), 0);
    if (memory == MAP_FAILED) return ErrnoError("map", "the BPF cells");
    cells_ = static_cast<fsh_cell*>(memory);
    folded_told_.resize(FSH_CELLS);
    return {};
  }

  // The error handler's arguments, where the kernel allows to hook a function: fentry, else a kprobe.
  void OpenDetail() {
    for (bool fentry : {true, false}) {
      LibbpfWords().clear();
      std::unique_ptr<detail_bpf, DestroySkeleton> detail(detail_bpf__open());
      if (!detail) return;
      bpf_map__reuse_fd(detail->maps.ring, bpf_map__fd(skeleton_->maps.ring));
      bpf_map__reuse_fd(detail->maps.cells, bpf_map__fd(skeleton_->maps.cells));
      bpf_map__reuse_fd(detail->maps.points, bpf_map__fd(skeleton_->maps.points));
      bpf_program__set_autoload(detail->progs.fentry_handle_error, fentry);
      bpf_program__set_autoload(detail->progs.kprobe_handle_error, !fentry);
      int code = detail_bpf__load(detail.get());
      if (code == 0) code = detail_bpf__attach(detail.get());
      if (code == 0) {
        detail_ = std::move(detail);
        detail_by_ = fentry ? "fentry" : "kprobe";
        detail_refused_.clear();
        return;
      }
      if (code == -kEnotsupp || (!fentry && code == -ENOENT)) code = -EOPNOTSUPP;  // no kprobes: no place to make one
      if (!detail_refused_.empty()) detail_refused_ += "; ";
      detail_refused_ += Error{fentry ? "fentry" : "kprobe", -code}.ToString();
    }
  }

  uint32_t CellCount() const { return std::min<uint32_t>(skeleton_->bss->cell_count, FSH_CELLS); }

  TraceFold MakeFold(uint32_t index, uint64_t count) const {
    const fsh_cell& cell = cells_[index];
    TraceFold fold;
    fold.cell = index;
    fold.filesystem_type = kTracedFilesystem;
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
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.symbol), &options) == 0)
      entry->second.assign(request.name, ::strnlen(request.name, sizeof request.name));
    return entry->second;
  }

  std::unique_ptr<trace_bpf, DestroySkeleton> skeleton_;
  std::unique_ptr<detail_bpf, DestroySkeleton> detail_;
  std::unique_ptr<ring_buffer, DestroySkeleton> ring_;
  fsh_cell* cells_ = nullptr;
  std::vector<uint64_t> folded_told_;  // by cell
  std::set<uint32_t> hot_;
  uint64_t refused_ = 0;
  std::unordered_map<uint64_t, std::string> symbols_;
  const std::function<void(TraceRecord&&)>* handler_ = nullptr;
};

TraceSource::TraceSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceSource::~TraceSource() = default;

Result<std::unique_ptr<TraceSource>> TraceSource::Open(const Options& options) {
  auto impl = std::make_unique<Impl>();
  if (Status opened = impl->Open(options); !opened) return opened.error();
  return std::unique_ptr<TraceSource>(new TraceSource(std::move(impl)));
}

int TraceSource::fd() const { return impl_->fd(); }
void TraceSource::Drain(const std::function<void(TraceRecord&&)>& handler) { impl_->Drain(handler); }
std::vector<TraceFold> TraceSource::Folds() { return impl_->Folds(); }
bool TraceSource::hot() const { return impl_->hot(); }
void TraceSource::SetQuiet(uint32_t cell, bool quiet) { impl_->SetQuiet(cell, quiet); }
TraceSource::Losses TraceSource::losses() const { return impl_->losses(); }
std::vector<std::string> TraceSource::Symbolize(const std::vector<uint64_t>& addresses) {
  return impl_->Symbolize(addresses);
}
const std::string& TraceSource::detail_by() const { return impl_->detail_by_; }
const std::string& TraceSource::detail_refused() const { return impl_->detail_refused_; }

}  // namespace fsherald
