// SPDX-License-Identifier: MIT
// FdStore: the descriptors that the service manager keeps for us from one process to the next (FileDescriptorStoreMax= of
// systemd.service(5)), or a keeper in its place (daemon/keeper.h): both speak sd_notify(3) and sd_listen_fds(3).
#pragma once

#include <set>
#include <vector>

#include "base/kept_fds.h"

namespace fsherald {

class FdStore {
 public:
  // Takes what was kept, and makes it ours alone: no child inherits it. Call it once, before anything opens descriptors.
  static KeptFds TakeKept();

  // Has those kept that are not yet. Where nobody keeps descriptors nothing happens.
  void Keep(const std::vector<FdToKeep>& fds);

 private:
  std::set<FdToKeep> kept_;
};

}  // namespace fsherald
