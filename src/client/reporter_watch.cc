// SPDX-License-Identifier: MIT
#include "client/reporter_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace fsherald {
namespace {

constexpr uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::string Parent(const std::string& dir) {
  const size_t slash = dir.find_last_of('/');
  if (slash == std::string::npos) return dir == "." ? "/" : ".";
  return slash == 0 ? "/" : dir.substr(0, slash);
}

}  // namespace

// Looks again after each new watch: what was made before it, it does not tell. The watches on the way stay until the next
// Watch: one of them may serve another directory too.
bool ReporterWatch::WatchNearest(const std::string& wanted) {
  for (std::string nearest;;) {
    std::string dir = wanted;
    while (::inotify_add_watch(inotify_.get(), dir.c_str(), kEvents) < 0) {
      if ((errno != ENOENT && errno != ENOTDIR) || dir == "/") return false;
      dir = Parent(dir);
    }
    if (dir == nearest || dir == wanted) return true;
    nearest = dir;
  }
}

bool ReporterWatch::Watch(const std::set<std::string>& runtime_dirs) {
  if (runtime_dirs == watched_ && !stale_) return all_;
  watched_ = runtime_dirs;
  stale_ = false;
  all_ = true;
  inotify_.Reset();
  if (watched_.empty()) return true;
  inotify_.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  all_ = static_cast<bool>(inotify_);
  for (const std::string& dir : watched_) all_ = inotify_ && WatchNearest(dir) && all_;
  return all_;
}

void ReporterWatch::Read() {
  std::array<char, 4096> buffer;
  while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) stale_ = true;
}

}  // namespace fsherald
