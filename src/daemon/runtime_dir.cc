// SPDX-License-Identifier: MIT
#include "daemon/runtime_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/peer.h"

namespace fsherald {

Result<RuntimeDir> RuntimeDir::Take(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return ErrnoError("make the runtime directory", path);
  const std::string lock = path + "/lock";
  Fd fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return ErrnoError("open", lock);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Error{"another fsherald daemon serves " + path + " already: end it first, or choose another --runtime-dir",
                   0};
    return ErrnoError("lock", lock);
  }
  return RuntimeDir(path, std::move(fd));
}

RuntimeDir::~RuntimeDir() {
  for (const std::string& socket : sockets_) ::unlink(socket.c_str());
}

Result<Fd> RuntimeDir::Listen(const char* name, Fd kept) {
  struct stat status {};
  const bool stands = kept && ::stat((path_ + '/' + name).c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
  auto socket = stands ? Result<Fd>(std::move(kept)) : fsherald::Listen(path_, name);
  if (socket) sockets_.push_back(path_ + '/' + name);
  return socket;
}

// A change of the mode to what it is changes the time of the last change.
void RuntimeDir::Touch(const char* name) const { (void)::chmod((path_ + '/' + name).c_str(), kSocketMode); }

}  // namespace fsherald
