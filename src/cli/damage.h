// SPDX-License-Identifier: MIT
// Makes small file systems and damages them, for `demo` and for tests: with their own programs (of ext4: mke2fs and debugfs,
// package e2fsprogs), on a loop device, in a mount namespace of this process alone. All of it vanishes with the process, also
// when it is killed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

struct ProgramOutput {
  int exit_code = 0;  // 128 + N: killed by signal N
  std::string text;   // stdout and stderr as they came
};

// Runs a program to its end, without a shell, with nothing to read. argv[0] is a name, looked for in the system's
// directories (the sbin ones too, whatever PATH says). Errors: a sentence if there is no such program.
Result<ProgramOutput> RunProgram(const std::vector<std::string>& argv);

// The same for a program that has to succeed: else what it said is the error.
Status RunOrFail(const std::vector<std::string>& argv);

// Makes the file, or makes it new, all zero, without taking room for it.
Status MakeSparseFile(const std::string& path, uint64_t size_bytes);

// Writes into a file that is there.
Status WriteBytes(const std::string& path, uint64_t offset_bytes, std::string_view bytes);

// Makes an ext4 of `size_bytes` in the file `image` (made, or overwritten), with a copy of the folder `tree` in it.
// Without metadata checksums: so each damage is told as what it is, and not as a bad checksum.
Status MakeExt4Image(const std::string& image, uint64_t size_bytes, const std::string& tree);

// Has debugfs change an image that is not mounted; each request is a line of debugfs(8).
Status ChangeExt4Image(const std::string& image, const std::vector<std::string>& requests);

// From here on, what this thread (and what it starts) mounts is seen by nobody else, and goes with the last of them.
// Needs CAP_SYS_ADMIN.
Status EnterPrivateMountNamespace();

// A block device on an image. Gives the device back when destroyed, or when its last mount goes, whichever is later; a
// process that is killed gives it back too.
class LoopDevice {
 public:
  static Result<LoopDevice> Attach(const std::string& image);
  const std::string& path() const { return path_; }  // "/dev/loop3"

 private:
  LoopDevice(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

// A mount that ends with this object.
class ScopedMount {
 public:
  static Result<ScopedMount> Mount(const std::string& source, const std::string& target, const std::string& type,
                                   const std::string& options);
  ScopedMount(ScopedMount&& other) noexcept : target_(std::exchange(other.target_, std::string())) {}
  ScopedMount& operator=(ScopedMount&&) = delete;
  ~ScopedMount();

 private:
  explicit ScopedMount(std::string target) : target_(std::move(target)) {}
  std::string target_;  // empty: moved from
};

}  // namespace fsherald
