// SPDX-License-Identifier: MIT
// Result<T>: a value, or what we tried to do, to which object, and the errno it ended with.
//
//   Result<Fd> OpenDevice(const std::string& path) {
//     Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
//     if (!fd) return ErrnoError("open", path);          // errno is taken here, on the line after the call
//     return fd;
//   }
//   auto fd = OpenDevice("/dev/sda");
//   if (!fd) return fd.error();                          // hand it on
//   Use(*fd);
//
// No other way to fail exists in this code base; exceptions only where nothing can go on (out of memory).
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <utility>

namespace fsherald {

struct Error {
  std::string what;  // "open /dev/sda", or a whole sentence where no system call failed
  int code = 0;      // errno, positive; 0 where no system call failed

  // One sentence: "open /dev/sda: No such file or directory".
  std::string ToString() const;

  friend bool operator==(const Error&, const Error&) = default;
};

// Takes errno at once: call it on the line after the system call that failed.
Error ErrnoError(std::string_view action, std::string_view object, int code = errno);

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpected(std::move(error))) {}  // NOLINT: implicit by intent
};

// A Result without a value.
using Status = Result<void>;

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
  Result() = default;
  Result(Error error) : std::expected<void, Error>(std::unexpected(std::move(error))) {}  // NOLINT: implicit by intent
};

}  // namespace fsherald
