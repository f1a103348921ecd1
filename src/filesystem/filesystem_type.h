// SPDX-License-Identifier: MIT
// What the type of a mount ("ext4", as the mount table names it) says before anything is known of the file system. Pure.
#pragma once

#include <string_view>

namespace fsherald {

// Whether a file system of this type has no storage of its own whose errors could be told: it is made by the kernel, lies
// in memory, or only joins directories of other file systems, whose errors are told for those (overlay). A type that is
// not known has storage.
bool IsPseudoFilesystem(std::string_view type);

// Whether it is another machine or a process that answers for a file system of this type, or may be: any call on it
// (stat, statfs, open, a path walk through it) then waits as long as no answer comes, perhaps for ever.
bool IsRemoteOrUser(std::string_view type);

// Whether a process of this machine is the file system (FUSE): of its errors the kernel knows nothing.
bool IsServedByProcess(std::string_view type);

}  // namespace fsherald
