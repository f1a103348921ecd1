// SPDX-License-Identifier: MIT
// examples/fuse/checksum_fs, mounted below the sandbox.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process.h"

namespace fsherald::system_test {

// A user and a group by number: who runs the file system.
struct Account {
  uid_t user = 0;
  gid_t group = 0;
};

class CheckedMount {
 public:
  // `options`: more of its arguments, as FUSE has them.
  explicit CheckedMount(const std::string& name = "checked", std::optional<Account> account = {},
                        const std::vector<std::string>& options = {});
  // Unmounts it; the program then ends by itself.
  ~CheckedMount();
  CheckedMount(const CheckedMount&) = delete;
  CheckedMount& operator=(const CheckedMount&) = delete;

  const std::string& directory() const { return directory_; }
  std::string Backing(const std::string& file) const { return backing_ + "/" + file; }
  pid_t pid() const { return process_.pid(); }

 private:
  std::string backing_;
  std::string directory_;
  Process process_;
};

// What goes before a command that is run as somebody else.
std::vector<std::string> As(const Account& account);

// Changes one byte of a file.
void Damage(const std::string& path, uint64_t offset_bytes);

}  // namespace fsherald::system_test
