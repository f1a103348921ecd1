// SPDX-License-Identifier: MIT
// XFS's row of the table of file systems.
#pragma once

#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

// From Linux 7.0 (fs/xfs/xfs_health.c: each mark of what is sick calls fserror_report).
bool XfsSendsFanotify(std::string_view kernel_release);

FilesystemModule XfsModule();

// The functions behind the row, where they are not in xfs_log.h and xfs_event.h.
bool IsXfsReportingHelper(std::string_view function);
bool IsXfsReadAhead(std::string_view function);
// Fields: domain, ag, inode, daddr, length, structure, sick, reason; always all, null where not known.
Specific XfsSpecific(const ErrorReport& report);
bool XfsObjectIsLoadable(const ErrorReport& report);

}  // namespace fsherald
