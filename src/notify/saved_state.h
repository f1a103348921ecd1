// SPDX-License-Identifier: MIT
// SavedState: what a monitor needs to go on where an earlier one stood, as bytes: how far each source has been taken in, where
// the bookkeeping of each file system stands, and what was still being put together, as it would have been told.
//
// What is of a boot (positions in the kernel's queues) means nothing after the next; what the file systems keep on their devices
// does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "filesystem/filesystem.h"
#include "record/notification.h"
#include "source/fanotify.h"
#include "source/trace.h"

namespace fsherald {

struct SavedState {
  // One file system, by what the next process finds it by.
  struct Filesystem {
    FilesystemInfo info;              // without mount points
    std::optional<uint64_t> counted;  // its counter, as far as its errors were told
    uint64_t fanotify_debt = 0;       // errors told that fanotify has yet to tell
    std::vector<DeviceCounter> devices;
  };

  std::string boot_id;
  int64_t utc_s = 0;  // when it was saved
  std::optional<TraceSource::Position> trace;
  TraceSource::Losses losses;         // of the trace, that were told
  std::optional<uint64_t> kmsg_next;  // sequence number of the first record that was not taken in
  uint64_t reads_next = 0;            // RawReads::next
  std::vector<FanotifySource::Place> places;
  std::vector<Filesystem> filesystems;
  std::vector<std::string> rest;  // notifications, each as a stream (record/stream.h): not numbered
};

std::string Encode(const SavedState& state);
// Empty: these are not the bytes of a state, or of another version's.
std::optional<SavedState> DecodeSavedState(Bytes bytes);

// Puts the counts of `rest` in its place: a gap for each file system, of which there may be very many, or one for all. So what is
// saved takes little room; what was known of each error is in none of it.
void CountRest(SavedState& state, const Host& host);

// Whether both are the same file system on the same device; of one that names itself its name decides.
bool IsSame(const FilesystemInfo& saved, const FilesystemInfo& found);

}  // namespace fsherald
