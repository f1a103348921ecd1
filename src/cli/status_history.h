// SPDX-License-Identifier: MIT
// What `fsherald status` has from the history, where there is one.
#pragma once

#include <string>
#include <vector>

#include "cli/status_report.h"

namespace fsherald {

// Adds what the history in the directory has of each, and lets the daemon's last word decide on its state where that holds
// (health/health.h). A file system is found by its uuid; without one by type and device, as long as it is of this boot. No history
// is no error; one that cannot be read is told in `not_read`. `with_unmounted`: also adds those that the daemon told in this boot to
// be not well, and that are not mounted.
void AddHistory(const std::string& directory, const std::string& boot_id, bool with_unmounted,
                std::vector<FilesystemStatus>& statuses);

}  // namespace fsherald
