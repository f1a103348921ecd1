// SPDX-License-Identifier: MIT
// Where the benchmarks break things: a mount namespace of their own with file systems in memory, on loop devices. It
// vanishes with the process, and the console gets back its loglevel, also after Ctrl-C.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "cli/damage.h"

namespace fsherald::bench {

// Call it first: enters the namespace, makes the console quiet (a line on a serial console takes a millisecond of the
// failing task), takes the signals that end us. Pins this process to `cpu`, if >= 0.
void EnterTestbed(int cpu);

// The machine and the moment, for the head of a report.
void PrintMachine();

struct ImageOptions {
  std::string name = "fs";
  uint64_t size_bytes = 8 << 20;
  std::vector<std::string> mke2fs = {};    // options
  std::vector<std::string> requests = {};  // of debugfs, on the image
};
// Makes the image /mnt/NAME.img; returns its path. Metadata carries no checksums.
std::string MakeImage(const ImageOptions& options);

// An image, mounted on /mnt/NAME with errors=continue.
class Filesystem {
 public:
  Filesystem(const std::string& image, const std::string& name);

  const std::string& directory() const { return directory_; }
  std::string device() const { return loop_.path().substr(5); }  // "loop3"
  std::string attribute_path(const std::string& name) const { return "/sys/fs/ext4/" + device() + "/" + name; }
  uint64_t ErrorsCount() const;
  // The kernel's own counter follows an error a moment later: waits for it, for ten seconds at the most.
  uint64_t ErrorsCountOnceAtLeast(uint64_t count) const;
  // How many lines the kernel prints of its errors: as many as there are, or ten in five seconds, as by default.
  void PrintEveryError(bool every) const;

 private:
  std::string directory_;
  LoopDevice loop_;
  ScopedMount mount_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& text);

}  // namespace fsherald::bench
