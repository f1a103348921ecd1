// SPDX-License-Identifier: MIT
// RuntimeDir: the directory of a daemon's sockets. It is one daemon's at a time, by a lock that ends with the process, however
// that ends.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

class RuntimeDir {
 public:
  // Makes it where it is missing (mode 0755, not its parents). Errors: code 0 and a sentence: another daemon has it; as mkdir(2)
  // and open(2) give them.
  static Result<RuntimeDir> Take(const std::string& path);
  RuntimeDir(RuntimeDir&&) = default;
  RuntimeDir& operator=(RuntimeDir&&) = default;
  // Removes the sockets; the directory and its lock stay.
  ~RuntimeDir();

  // A listening socket in it (daemon/peer.h). `kept`: the one that an earlier process had made there, or none: it is used where
  // its name still stands, so that whoever has connected meanwhile is served.
  Result<Fd> Listen(const char* name, Fd kept = Fd());

  // Makes a socket of it look new to who waits for a change (IN_ATTRIB): what he was refused he may get now.
  void Touch(const char* name) const;

  const std::string& path() const { return path_; }

 private:
  RuntimeDir(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
  std::vector<std::string> sockets_;
};

}  // namespace fsherald
