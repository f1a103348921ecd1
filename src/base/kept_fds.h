// SPDX-License-Identifier: MIT
// KeptFds: descriptors that a service manager has kept from an earlier process of the same service, by the names under which
// they were given to it (sd_listen_fds_with_names(3)). What nobody takes is closed.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace fsherald {

class KeptFds {
 public:
  void Add(std::string name, Fd fd) { fds_.emplace(std::move(name), std::move(fd)); }

  // Empty: none of this name (any more).
  Fd Take(const std::string& name) {
    auto found = fds_.find(name);
    if (found == fds_.end()) return Fd();
    Fd fd = std::move(found->second);
    fds_.erase(found);
    return fd;
  }
  std::vector<Fd> TakeAll(const std::string& name) {
    std::vector<Fd> all;
    for (Fd fd = Take(name); fd; fd = Take(name)) all.push_back(std::move(fd));
    return all;
  }
  bool Has(const std::string& name) const { return fds_.contains(name); }
  bool empty() const { return fds_.empty(); }

 private:
  std::multimap<std::string, Fd> fds_;
};

// What is to be kept: a name, and a descriptor that stays its owner's.
struct FdToKeep {
  std::string name;
  int fd = -1;
  friend auto operator<=>(const FdToKeep&, const FdToKeep&) = default;
};

}  // namespace fsherald
