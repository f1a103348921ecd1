// SPDX-License-Identifier: MIT
#include <fsherald/fsherald.hpp>

#include <iostream>
#include <utility>

int main() {
  fsherald::Reporter opened = fsherald::Reporter::OfName("consumer", "of the package");
  const fsherald::Reporter reporter = std::move(opened);
  fsherald::ErrorReport error;
  error.kind = FSHERALD_KIND_DATA_READ;
  error.inode = 12;
  error.offset_bytes = 4096;
  error.path = std::string_view("a/b/c").substr(0, 3);
  if (reporter.Report(error) != fsherald::Reported::kWhole) return 1;
  error.code = ENOSPC;
  if (reporter.Report(error) != fsherald::Reported::kWhole) return 2;
  error.code = 0;
  if (reporter.Report(error) != fsherald::Reported::kInvalid) return 3;
  if (reporter.Flush(std::chrono::milliseconds(1))) return 4;
  try {
    fsherald::Reporter::OfMount("/not/there");
    return 5;
  } catch (const std::system_error& no_mount) {
    if (no_mount.code() != std::errc::no_such_file_or_directory) return 6;
  }
  const bool wait = reporter.GetState().waiting_bytes > 0 && reporter.GetState().counted == 0;
  std::cout << "fsherald " << fsherald::Version() << ": " << (wait ? "2" : "no") << " errors wait\n";
}
