// SPDX-License-Identifier: MIT
#include "notify/host.h"

#include <sys/utsname.h>

#include <fstream>

namespace fsherald {

Host ReadHost(const std::string& proc_root) {
  Host host;
  std::ifstream(proc_root + "/sys/kernel/random/boot_id") >> host.boot_id;
  utsname name{};
  if (::uname(&name) == 0) host.kernel_release = name.release;
  return host;
}

}  // namespace fsherald
