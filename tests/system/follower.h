// SPDX-License-Identifier: MIT
// `fsherald history -f --json`, run as a user would.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "process.h"
#include "watcher.h"

namespace fsherald::system_test {

// The objects among the lines of an output, each parsed.
std::vector<Json> JsonLines(const std::string& output);

class Follower {
 public:
  // Follows the history in that directory; `arguments` follow.
  explicit Follower(const std::string& directory, const std::vector<std::string>& arguments = {});

  // Reads until it holds, or until there are so many lines. Fails the test if nothing comes for a while.
  void ReadUntil(const std::function<bool()>& holds);
  void ReadLines(size_t count);
  // Reads until so many changes of the state of this file system are there; all of them.
  std::vector<Json> ReadChanges(const std::string& uuid, size_t count);
  int Stop();  // by SIGINT; the exit code

  const std::vector<Json>& lines() const { return lines_; }

 private:
  std::vector<Json> ChangesOf(const std::string& uuid) const;
  void ReadMore();

  Pipe out_ = MakePipe();
  std::string output_;
  std::vector<Json> lines_;
  Process process_;
};

}  // namespace fsherald::system_test
