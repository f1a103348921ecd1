// SPDX-License-Identifier: MIT
// StateWatch: when to look at the mount options again, and which state found there is to be told. No event tells what a file
// system makes of itself, and nobody looks while nothing happens: so it is looked after errors, once they are over and once
// more. What a line or an event has told already is not told again.
//
// Pure: the clock is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "filesystem/mount_state.h"
#include "source/signal.h"

namespace fsherald {

class StateWatch {
 public:
  struct Options {
    uint64_t quiet_ns = 100'000'000;     // after the last error
    uint64_t latest_ns = 1'000'000'000;  // after the first of a flood
    uint64_t again_ns = 1'000'000'000;   // after that look, for the last time
    uint64_t hold_ns = 300'000'000;      // from a look to its telling: what is being told of it comes first
    uint64_t slack_ns = 1'000'000'000;   // from what was told to the first look that sees it
  };
  StateWatch() : StateWatch(Options{}) {}
  explicit StateWatch(Options options) : options_(options) {}

  // A file system is watched from now on; its state as it stands is nothing new.
  void Begin(FilesystemKey key, const MountLook& look);
  // It is gone. What was seen of it before is still told.
  void End(FilesystemKey key);

  // This of it has been told.
  void Told(FilesystemKey key, Kind kind, uint64_t now_ns);

  // A look at the mount table: Look for what shows differently, then Looked. It is due also before anything is told: a remount
  // sets the file system first and the mount after it, and between the two it looks like what an error does. A state that does not last until then is not told.
  void Look(FilesystemKey key, const MountLook& look, uint64_t now_ns);
  void Looked(uint64_t now_ns);
  bool IsDue(uint64_t now_ns) const;

  // What is to be told now, or all.
  struct State {
    FilesystemKey filesystem;
    Kind kind = Kind::kReadOnly;
    uint64_t seen_boottime_ns = 0;
  };
  std::vector<State> Take(uint64_t now_ns, bool all = false);

  // When to look, or to take; empty: when the next error has been told.
  std::optional<uint64_t> due_ns() const;

 private:
  struct Filesystem {
    std::string type;
    std::string super_options;
    size_t read_only_mounts = 0;
    std::optional<uint64_t> told_read_only_ns;  // or worse
    std::optional<uint64_t> told_shutdown_ns;
  };
  struct Held {
    State state;
    size_t read_only_mounts = 0;  // when it was seen
    uint64_t before_ns = 0;       // the look that saw the state before
  };
  bool IsHeldDue(const Held& held, uint64_t now_ns) const;
  bool IsTold(const Held& held) const;

  Options options_;
  std::map<FilesystemKey, Filesystem> filesystems_;
  std::vector<Held> held_;
  std::map<FilesystemKey, Filesystem> gone_;  // for as long as anything of them is held
  uint64_t looked_ns_ = 0;
  std::optional<uint64_t> first_error_ns_;
  std::optional<uint64_t> quiet_due_ns_;
  std::optional<uint64_t> again_due_ns_;
};

}  // namespace fsherald
