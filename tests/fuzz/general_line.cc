// SPDX-License-Identifier: MIT
// The input goes behind each head of the lines of the file systems that are tables, so that no time is spent on guessing
// them.
#include <cstdlib>
#include <string>

#include "filesystem/filesystem.h"

namespace {

void CheckLine(const std::string& line) {
  const auto parsed = fsherald::ParseLog(line);
  if (!parsed) return;
  const fsherald::ErrorReport& report = parsed->report;
  if (report.message.size() > line.size() || report.topic.ends_with('#')) std::abort();
  if (report.code && (*report.code <= 0 || *report.code > 4095)) std::abort();
  if (report.device.find(' ') != report.device.npos || report.function.find(' ') != report.function.npos) std::abort();
  if (parsed->module != nullptr) parsed->module->specific(report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  for (const char* beginning :
       {"erofs (device a): ", "erofs: (device a): ", "SQUASHFS error: ", "UDF-fs: error (device a): f: ",
        "UDF-fs: warning (device a): f: ", "ISOFS: ", "iso9660: ", "isofs_fill_super: ", "rock: ", "F2FS-fs (a): ",
        "FAT-fs (a): ", "exFAT-fs (a): ", "ntfs3: a: ", "ntfs3(a): ", "overlayfs: ", "nfs: server ",
        "NFS: ", "a: lost file I/O error report for ino "})
    CheckLine(beginning + input);
  return 0;
}
