// SPDX-License-Identifier: MIT
// A disk with bad sectors: a FUSE file system of one file, backed by an image, that answers EIO where it is told to.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fsherald::system_test {

class FaultyDisk {
 public:
  // Serves `image` as a file below `directory`, from a thread of its own.
  FaultyDisk(const std::string& image, const std::string& directory);
  // Ends when the last user of the file has gone: destroy the loop device on it first.
  ~FaultyDisk();

  std::string path() const;

  enum class Access { kRead, kWrite };
  // From now on every such access that touches the bytes [offset, offset + length) fails.
  void Break(Access access, uint64_t offset_bytes, uint64_t length_bytes);
  // From now on every access fails, and so does every flush: as of a disk that has been pulled out.
  void Vanish();
  void Repair();  // forgets all faults

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace fsherald::system_test
