// SPDX-License-Identifier: MIT
// The C functions of the report half. No exception leaves them.
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>

#include "base/clock.h"
#include "client/options.h"
#include "client/reporter.h"
#include "client/reporter_keeper.h"

namespace {

using namespace fsherald;

// The caller's errno stays as it was.
class ErrnoKept {
 public:
  ErrnoKept() : kept_(errno) {}
  ~ErrnoKept() { errno = kept_; }

 private:
  int kept_;
};

int CodeOf(const Error& error) { return error.code != 0 ? -error.code : -EINVAL; }

// Of a caller who has fewer members than we have: the others are zero.
fsherald_report Completed(const fsherald_report& given) {
  fsherald_report known{};
  std::memcpy(&known, &given, std::min(given.size, sizeof known));
  return known;
}

int Open(fsherald_reporter** reporter, const fsherald_reporter_options& options) {
  auto made = fsherald_reporter::Make(options);
  if (!made) return CodeOf(made.error());
  if (Status added = ReporterKeeper::Instance().Add(made->get()); !added) return CodeOf(added.error());
  *reporter = made->release();
  return 0;
}

bool WaitUntilReached(const fsherald_reporter& reporter, const fsherald_reporter::Mark& mark, int timeout_ms) {
  constexpr uint64_t kMs = 1'000'000;
  const uint64_t begin_ns = BoottimeNowNs();
  // The reader has been woken, and is done in microseconds mostly; it tells nobody.
  for (uint64_t pause_ns = kMs / 16; !reporter.Reached(mark); pause_ns = std::min(2 * pause_ns, 8 * kMs)) {
    if (timeout_ms >= 0 && BoottimeNowNs() - begin_ns >= static_cast<uint64_t>(timeout_ms) * kMs) return false;
    const timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(pause_ns)};
    ::nanosleep(&pause, nullptr);
  }
  return true;
}

}  // namespace

extern "C" {

const char* fsherald_version(void) { return FSHERALD_VERSION; }

int fsherald_reporter_open(fsherald_reporter** reporter, const fsherald_reporter_options* options) {
  const ErrnoKept kept;
  if (reporter == nullptr || options == nullptr) return -EINVAL;
  const auto known = KnownOptions(*options, offsetof(fsherald_reporter_options, name));
  if (!known) return -EINVAL;
  try {
    return Open(reporter, *known);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

void fsherald_reporter_close(fsherald_reporter* reporter) {
  if (reporter == nullptr) return;
  const ErrnoKept kept;
  ReporterKeeper::Instance().Remove(reporter);
  delete reporter;
}

int fsherald_report_error(fsherald_reporter* reporter, const fsherald_report* report) {
  if (reporter == nullptr || report == nullptr || report->size < offsetof(fsherald_report, inode)) return -EINVAL;
  if (report->size >= sizeof *report) [[likely]]
    return reporter->Report(*report);
  return reporter->Report(Completed(*report));
}

int fsherald_reporter_get_state(fsherald_reporter* reporter, fsherald_reporter_state* state) {
  const ErrnoKept kept;
  if (reporter == nullptr || state == nullptr || state->size < offsetof(fsherald_reporter_state, waiting_bytes))
    return -EINVAL;
  if (!reporter->is_ours()) return -ESTALE;
  fsherald_reporter_state now{};
  now.size = state->size;
  now.attached = ReporterKeeper::Instance().StateOf(*reporter);
  now.waiting_bytes = reporter->waiting_bytes();
  now.counted = reporter->counted();
  const size_t ours = std::min(state->size, sizeof now);
  std::memset(reinterpret_cast<char*>(state) + ours, 0, state->size - ours);
  std::memcpy(state, &now, ours);
  return 0;
}

int fsherald_reporter_flush(fsherald_reporter* reporter, int timeout_ms) {
  const ErrnoKept kept;
  if (reporter == nullptr) return -EINVAL;
  if (!reporter->is_ours()) return -ESTALE;
  fsherald_reporter::Mark mark;
  reporter->Take(mark);
  return WaitUntilReached(*reporter, mark, timeout_ms) ? 0 : -ETIMEDOUT;
}

}  // extern "C"
