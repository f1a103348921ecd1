/* SPDX-License-Identifier: MIT */
/* libfsherald for C++17 and later: owners, std::string_view, exceptions, and no macro. A thin layer over fsherald.h, which says
 * what each call does; all of it is in this header.
 *
 *   auto reporter = fsherald::Reporter::OfName("mydb", "orders");
 *   fsherald::ErrorReport error;
 *   error.code = EIO;
 *   error.kind = FSHERALD_KIND_DATA_READ;
 *   error.path = "pages/17";
 *   reporter.Report(error);                       // with the function and the line of this call
 *
 *   fsherald::Monitor monitor;
 *   monitor.MarkPath("/data");
 *   while (monitor.Wait())
 *     while (const auto* told = monitor.Next()) std::cout << fsherald::Format(*told);
 *
 * What fails throws std::system_error with the errno that fsherald.h names, but Report, which never throws. Since 0.1.
 */
#ifndef FSHERALD_FSHERALD_HPP
#define FSHERALD_FSHERALD_HPP

#include <fsherald/fsherald.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace fsherald {
// Names of their own for the linker: libfsherald.a has other classes of these names inside.
inline namespace api {

namespace detail {

inline void Check(int code, const char* what) {
  if (code < 0) throw std::system_error(-code, std::generic_category(), what);
}

// A view as a NUL-terminated string, cut to what fits; without memory of the heap.
template <std::size_t kBytes>
class Terminated {
 public:
  explicit Terminated(std::string_view text) noexcept : is_whole_(text.size() < kBytes), is_empty_(text.empty()) {
    const std::size_t size = is_whole_ ? text.size() : kBytes - 1;
    if (size > 0) std::memcpy(text_, text.data(), size);
    text_[size] = '\0';
  }
  bool is_whole() const noexcept { return is_whole_; }
  const char* get() const noexcept { return is_empty_ ? nullptr : text_; }

 private:
  bool is_whole_;
  bool is_empty_;
  char text_[kBytes];
};

}  // namespace detail

// "0.1.0", of the library that runs.
inline std::string_view Version() { return fsherald_version(); }

// ---- report ---------------------------------------------------------------------------------------------------------

// One error: struct fsherald_report. What is empty is not known.
struct ErrorReport {
  int code = EIO;  // errno
  fsherald_kind kind = FSHERALD_KIND_METADATA;
  std::optional<std::uint64_t> inode = {};
  std::optional<std::uint32_t> generation = {};
  std::optional<std::uint64_t> offset_bytes = {};
  std::optional<std::uint64_t> length_bytes = {};  // counts only with an offset
  std::string_view path = {};                      // up to 1023 bytes, a longer one is left out
  std::string_view message = {};                   // up to 255 bytes, the rest is cut
  const void* blob = nullptr;
  std::size_t blob_len = 0;  // up to FSHERALD_MAX_BLOB_BYTES
};

enum class Reported {
  kWhole,    // it waits to be read
  kCounted,  // there was no room: it is only counted
  kInvalid,  // it contradicts the rules of fsherald_report_error, or this is a child that cannot report: nothing was counted
};

struct ReporterOptions {
  std::uint32_t thread_bytes = 0;  // as in struct fsherald_reporter_options
  std::uint32_t threads = 0;
  std::string runtime_dir = {};  // empty: the default
};

// One file system's way to report. Moved from, it may only be destroyed or assigned to.
class Reporter {
 public:
  // Of a mounted file system, by a path on it.
  static Reporter OfMount(const std::string& path, const ReporterOptions& options = {}) {
    fsherald_reporter_options c{};
    c.mount = path.c_str();
    return Open(c, options);
  }
  // Of one without a mount.
  static Reporter OfName(const std::string& type, const std::string& name, const ReporterOptions& options = {}) {
    fsherald_reporter_options c{};
    c.type = type.c_str();
    c.name = name.c_str();
    return Open(c, options);
  }

  // Reports, with the place of the call unless another is named. Allocates nothing and takes no lock; any thread, signal
  // handlers too.
  Reported Report(const ErrorReport& error, const char* function = __builtin_FUNCTION(),
                  unsigned line = __builtin_LINE()) const noexcept {
    const detail::Terminated<1024> path(error.path);
    const detail::Terminated<256> message(error.message);
    fsherald_report c{};
    c.size = sizeof c;
    c.error = error.code;
    c.kind = static_cast<std::uint32_t>(error.kind);
    c.inode = error.inode.value_or(0);
    c.generation = error.generation.value_or(0);
    c.offset_bytes = error.offset_bytes.value_or(0);
    c.length_bytes = error.length_bytes.value_or(0);
    c.flags = Flags(error);
    c.function = function;
    c.line = line;
    if (error.blob_len > FSHERALD_MAX_BLOB_BYTES) return Reported::kInvalid;
    c.blob = error.blob;
    c.blob_len = static_cast<std::uint32_t>(error.blob_len);
    c.path = path.is_whole() ? path.get() : nullptr;
    c.message = message.get();
    const int code = fsherald_report_error(reporter_.get(), &c);
    return code == 0 ? Reported::kWhole : code > 0 ? Reported::kCounted : Reported::kInvalid;
  }

  fsherald_reporter_state GetState() const {
    fsherald_reporter_state state{};
    state.size = sizeof state;
    detail::Check(fsherald_reporter_get_state(reporter_.get(), &state), "fsherald_reporter_get_state");
    return state;
  }

  // Waits until the daemon has read all that was reported; false: not in that time. Negative: without a limit.
  bool Flush(std::chrono::milliseconds timeout) const {
    const int code = fsherald_reporter_flush(reporter_.get(), static_cast<int>(timeout.count()));
    if (code == -ETIMEDOUT) return false;
    detail::Check(code, "fsherald_reporter_flush");
    return true;
  }

  fsherald_reporter* get() const noexcept { return reporter_.get(); }

 private:
  struct Close {
    void operator()(fsherald_reporter* reporter) const noexcept { fsherald_reporter_close(reporter); }
  };

  static Reporter Open(fsherald_reporter_options c, const ReporterOptions& options) {
    c.size = sizeof c;
    c.thread_bytes = options.thread_bytes;
    c.threads = options.threads;
    c.runtime_dir = options.runtime_dir.empty() ? nullptr : options.runtime_dir.c_str();
    fsherald_reporter* opened = nullptr;
    detail::Check(fsherald_reporter_open(&opened, &c), "fsherald_reporter_open");
    return Reporter(opened);
  }
  explicit Reporter(fsherald_reporter* reporter) noexcept : reporter_(reporter) {}

  static std::uint32_t Flags(const ErrorReport& error) noexcept {
    std::uint32_t flags = 0;
    if (error.inode) flags |= FSHERALD_REPORT_HAS_INODE;
    if (error.generation) flags |= FSHERALD_REPORT_HAS_GENERATION;
    if (error.offset_bytes) flags |= FSHERALD_REPORT_HAS_RANGE;
    if (error.offset_bytes && error.length_bytes) flags |= FSHERALD_REPORT_HAS_LENGTH;
    return flags;
  }

  std::unique_ptr<fsherald_reporter, Close> reporter_;
};

// ---- subscribe ------------------------------------------------------------------------------------------------------

struct MonitorOptions {
  std::uint32_t flags = 0;                  // FSHERALD_MONITOR_...
  std::string name = {};                    // of a group that outlives its reader; empty: none
  std::string runtime_dir = {};             // empty: the default
  std::optional<std::uint64_t> since = {};  // first what the daemon has told above this number (FSHERALD_MONITOR_SINCE)
};

// A group with its marks. One thread at a time. Moved from, it may only be destroyed or assigned to.
class Monitor {
 public:
  explicit Monitor(const MonitorOptions& options = {}) {
    fsherald_monitor_options c{};
    c.size = sizeof c;
    c.flags = options.flags;
    c.name = options.name.empty() ? nullptr : options.name.c_str();
    c.runtime_dir = options.runtime_dir.empty() ? nullptr : options.runtime_dir.c_str();
    if (options.since) c.flags |= FSHERALD_MONITOR_SINCE;
    c.since = options.since.value_or(0);
    fsherald_monitor* opened = nullptr;
    detail::Check(fsherald_monitor_open(&opened, &c), "fsherald_monitor_open");
    monitor_.reset(opened);
  }

  // Marks whole file systems; what can be marked can be unmarked by FSHERALD_MARK_REMOVE.
  void MarkPath(const std::string& path, fsherald_mark_op op = FSHERALD_MARK_ADD) {
    detail::Check(fsherald_mark_path(get(), op, path.c_str()), "fsherald_mark_path");
  }
  void MarkFd(int fd, fsherald_mark_op op = FSHERALD_MARK_ADD) {
    detail::Check(fsherald_mark_fd(get(), op, fd), "fsherald_mark_fd");
  }
  void MarkName(const std::string& type, const std::string& name, uid_t uid = static_cast<uid_t>(-1),
                fsherald_mark_op op = FSHERALD_MARK_ADD) {
    detail::Check(fsherald_mark_name(get(), op, type.c_str(), name.c_str(), uid), "fsherald_mark_name");
  }
  void MarkAll(fsherald_mark_op op = FSHERALD_MARK_ADD) {
    detail::Check(fsherald_mark_all(get(), op), "fsherald_mark_all");
  }
  void FlushMarks() { detail::Check(fsherald_mark_flush(get()), "fsherald_mark_flush"); }

  bool has_daemon() const noexcept { return fsherald_monitor_has_daemon(get()) == 1; }
  // For poll(2) and its like: readable when Next may have something.
  int fd() const noexcept { return fsherald_monitor_fd(get()); }

  // Waits until Next may have something; false: not in that time, or a signal came. Negative: without a limit.
  bool Wait(std::chrono::milliseconds timeout = std::chrono::milliseconds(-1)) const {
    pollfd readable{};
    readable.fd = fd();
    readable.events = POLLIN;
    const int ready = poll(&readable, 1, static_cast<int>(timeout.count()));
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    return ready > 0;
  }

  // The next notification; it lives until the next call with this monitor. Null: none now. Never waits.
  const fsherald_notification* Next() {
    const fsherald_notification* notification = nullptr;
    const int code = fsherald_monitor_next(get(), &notification);
    detail::Check(code, "fsherald_monitor_next");
    return code > 0 ? notification : nullptr;
  }

  // Whole notifications as bytes (record.h), as many as fit; the count of bytes, 0: there are none now. Never waits.
  std::size_t Read(void* buffer, std::size_t size) {
    const ssize_t bytes = fsherald_monitor_read(get(), buffer, size);
    if (bytes == -EAGAIN) return 0;
    detail::Check(bytes < 0 ? static_cast<int>(bytes) : 0, "fsherald_monitor_read");
    return static_cast<std::size_t>(bytes);
  }

  // All up to this sequence number are done with.
  void Acknowledge(std::uint64_t seq) {
    detail::Check(fsherald_monitor_acknowledge(get(), seq), "fsherald_monitor_acknowledge");
  }

  fsherald_monitor* get() const noexcept { return monitor_.get(); }

 private:
  struct Close {
    void operator()(fsherald_monitor* monitor) const noexcept { fsherald_monitor_close(monitor); }
  };
  std::unique_ptr<fsherald_monitor, Close> monitor_;
};

// A notification as `fsherald watch` prints it: a block for people, or one line of JSON.
enum class Form { kText = 0, kJson = 1 };
inline std::string Format(const fsherald_notification& notification, Form form = Form::kText) {
  const int json = static_cast<int>(form);
  const ssize_t size = fsherald_format(notification.bytes, notification.bytes_len, json, nullptr, 0);
  detail::Check(size < 0 ? static_cast<int>(size) : 0, "fsherald_format");
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  fsherald_format(notification.bytes, notification.bytes_len, json, text.data(), text.size());
  text.pop_back();
  return text;
}

}  // namespace api
}  // namespace fsherald

#endif
