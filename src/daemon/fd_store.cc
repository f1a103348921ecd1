// SPDX-License-Identifier: MIT
#include "daemon/fd_store.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <string>

namespace fsherald {

KeptFds FdStore::TakeKept() {
  KeptFds kept;
  char** names = nullptr;
  const int count =
      ::sd_listen_fds_with_names(1, &names);  // sets FD_CLOEXEC, and takes its variables from the environment
  for (int i = 0; i < count; ++i) {
    kept.Add(names[i], Fd(SD_LISTEN_FDS_START + i));
    std::free(names[i]);
  }
  std::free(names);
  return kept;
}

void FdStore::Keep(const std::vector<FdToKeep>& fds) {
  for (const FdToKeep& fd : fds) {
    if (!kept_.insert(fd).second) continue;
    // Not watched for EOF or errors: a listening socket and a BPF map have none, and a fanotify group would never go.
    const std::string words = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + fd.name;
    (void)::sd_pid_notify_with_fds(0, 0, words.c_str(), &fd.fd, 1);
  }
}

}  // namespace fsherald
