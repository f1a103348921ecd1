// SPDX-License-Identifier: MIT
// ReporterWatch: waits for daemons' sockets to appear, by inotify on their directories, and where one does not exist yet, on
// the nearest one above it that does.
#pragma once

#include <set>
#include <string>

#include "base/fd.h"

namespace fsherald {

// One thread.
class ReporterWatch {
 public:
  // Watches for the sockets of these directories, and for nothing else. False: not all of them can be watched.
  bool Watch(const std::set<std::string>& runtime_dirs);

  int fd() const { return inotify_.get(); }  // -1: nothing is watched

  // Takes what it says: try again, and call Watch again.
  void Read();

 private:
  bool WatchNearest(const std::string& dir);

  std::set<std::string> watched_;
  bool all_ = true;
  bool stale_ = false;  // something was seen since Watch: what is nearest may be another one
  Fd inotify_;
};

}  // namespace fsherald
