// SPDX-License-Identifier: MIT
// `fsherald watch --json`, run as a user would, and what it has told.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ext4_filesystem.h"
#include "process.h"

namespace fsherald::system_test {

using Json = nlohmann::json;

// The program under test: built beside the tests, or what the environment variable FSHERALD names.
std::string Program();

class Watcher {
 public:
  // Starts it and waits until it says that it is ready. `arguments` follow `watch --json`.
  // `as`: what goes before it, to run it as somebody else.
  explicit Watcher(const std::vector<std::string>& arguments = {}, const std::vector<std::string>& as = {});

  // Reads until `done` says true; false: not before the deadline, or the program has ended.
  bool WaitUntil(const std::function<bool()>& done, Deadline deadline);
  // Raises an error on another file system and waits until that is told: whatever was to be told before, now is (but
  // for what waits for a path, which Stop waits for).
  void WaitUntilToldUpToNow(const Ext4Filesystem& sentinel);
  // Asks it to end (Ctrl-C), reads what still comes; its exit code.
  int Stop();

  // All lines but the changes of health, in the order told.
  const std::vector<Json>& lines() const { return lines_; }
  // What a daemon has told of states (docs/health.md).
  const std::vector<Json>& changes() const { return changes_; }
  // Of lines(), those about one file system.
  std::vector<Json> About(const Ext4Filesystem& filesystem) const;
  // The same of one that has this uuid (empty: none), on a device of this name.
  std::vector<Json> About(const std::string& uuid, const std::string& device) const;
  // From the moment of the error, as the line says it, to the moment that we read the line; empty: it says none.
  std::optional<int64_t> LatencyNs(const Json& line) const;
  const std::string& talk() const { return talk_; }  // stderr
  pid_t pid() const { return process_.pid(); }

 private:
  void Read(Deadline deadline);
  void TakeLines();

  Pipe out_;
  Pipe err_;
  Process process_;
  bool out_open_ = true;
  bool err_open_ = true;
  std::string rest_;
  std::string talk_;
  std::vector<Json> lines_;
  std::vector<Json> changes_;
  std::vector<int64_t> read_boottime_ns_;  // of each line
};

// How many errors those lines stand for that the file system counts itself (design.md, promise 1).
uint64_t CountedErrors(const std::vector<Json>& lines);

}  // namespace fsherald::system_test
