// SPDX-License-Identifier: MIT
// Translator: makes the join's signals of what the sources bring: knows which mounting a device carried, names the
// addresses of a stack, puts the pieces of log lines together and asks filesystem/ what they mean.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "join/join.h"
#include "mount/mount_table.h"
#include "source/cgroup_names.h"
#include "source/line_assembler.h"
#include "source/signal.h"
#include "source/trace.h"

namespace fsherald {

// One thread. The mount table must outlive it.
class Translator {
 public:
  // `refresh` may read the mount table again: called whenever a superblock or a device is not in it, with the moment at which it
  // was there.
  Translator(MountTable& mounts, std::string proc_root, std::function<void(uint64_t boottime_ns)> refresh)
      : mounts_(mounts), cgroups_(std::move(proc_root)), refresh_(std::move(refresh)) {}

  // What a record says; may be several signals (pieces of lines that end together) or none.
  std::vector<Signal> Translate(TraceRecord record, Symbolizer& symbolizer);
  std::optional<Signal> Translate(const TraceFold& fold);
  // A line that filesystem/ has understood. Empty: it tells of no error.
  std::optional<Signal> Translate(LogSignal line);
  // Lines that stayed unfinished.
  std::vector<Signal> ExpireLines(uint64_t boottime_ns, Symbolizer& symbolizer);
  bool waits_for_pieces() const { return !lines_.empty(); }

  // Whether a line said, or an unknown device suggests, that the mount table has changed; asking forgets it.
  bool TakeMountHint() { return std::exchange(mount_hint_, false); }

  // Scrubs that a line told of since it was last asked.
  struct Scrub {
    FilesystemKey filesystem;
    uint64_t device = 0;  // ErrorReport::scrubbed
    bool has_ended = false;
  };
  std::vector<Scrub> TakeScrubs() { return std::exchange(scrubs_, {}); }

  // What is known of a file system that is in no mount table (its mount(2) has not returned, or was refused); of one that is in
  // it, the uuid.
  FilesystemInfo Seen(FilesystemKey key) const;
  // Where the mount table looked too late to learn it, the superblock tells it with the error. Empty: not known.
  std::optional<Uuid> UuidOf(const Mounting& mounting) const;
  // Of one that was in no mount table when its error came, what is by now; null: nothing, or the key is a mounting's.
  const Mounting* MountedByNow(FilesystemKey key, uint64_t boottime_ns);
  // Errors told under such a key for the device that is a mounting by now; nothing new
  // comes under the key.
  std::optional<FilesystemKey> TakeUnmounted(const FilesystemInfo& info);

  // How the code behind a cell reports, once a stack has told.
  std::optional<Reporter> CellReporter(uint32_t cell) const;

 private:
  static constexpr uint32_t kFirstUnmountedKey = 0x80000000;

  // The superblocks on a device, as the programs saw them.
  struct Traced {
    std::optional<FilesystemKey> last;  // empty: it is mounted by now, under another key
    uint64_t last_boottime_ns = 0;
    std::deque<Uuid> uuids;  // the latest first
  };
  Traced& TracedOn(const std::string& device);
  void RememberUuid(const FilesystemInfo& seen);
  // Whether what was found by device and time is that superblock's mounting; learns its uuid.
  bool IsOf(const Mounting& mounting, const FilesystemInfo& seen);
  // The mounting of a superblock as the programs saw it; null: it is in no mount table.
  const Mounting* MountedAs(const FilesystemInfo& seen, uint64_t boottime_ns);
  FilesystemKey KeyOfSuperblock(FilesystemInfo seen, uint64_t boottime_ns);
  // Of the device that a line names: what the tracepoint before the line said of it, else the mount table.
  FilesystemKey KeyOfName(const std::string& device, std::string_view type, std::span<const std::string> stack,
                          uint64_t boottime_ns);
  // What the mount table has on that device and can have said so; null: nothing.
  const Mounting* MountedOn(const std::string& device, std::string_view type, uint64_t boottime_ns) const;
  // Of a line that names no device.
  FilesystemKey KeyOfType(const ErrorReport& report, std::span<const std::string> stack, uint64_t boottime_ns);
  // The one mounted file system that it can be of; null: none, or any of several.
  const Mounting* OnlyMounted(const ErrorReport& report) const;
  std::optional<FilesystemKey> FindUnmounted(const FilesystemInfo& info) const;
  FilesystemKey UnmountedKey(FilesystemInfo info);
  // A stack by its names; kept, since errors repeat and their stacks with them.
  struct NamedStack {
    std::vector<std::string> complete;
    std::vector<std::string> visible;  // from the function that met the error on, without the functions' sizes
    bool of_user_line = false;         // see IsUserLine
    bool of_read_ahead = false;        // see IsReadAhead
    bool of_completion = false;        // see IsCompletion
  };
  const NamedStack& Named(const std::vector<uint64_t>& addresses, Symbolizer& symbolizer);
  Signal TranslateError(TraceErrorRecord record, Symbolizer& symbolizer);
  std::optional<Signal> TranslateEvent(TraceEventRecord record, Symbolizer& symbolizer);
  std::optional<Signal> TranslateEvents(const TraceFold& fold);
  std::optional<Signal> TranslateForged(LogSignal line);
  std::optional<Signal> TranslateLost(const LogSignal& line);
  FilesystemKey KeyOfDisk(const std::string& device, DeviceNumber disk, ErrorReport& report, uint64_t boottime_ns);
  FilesystemKey KeyOfLine(LogSignal& line);
  std::optional<Signal> TranslateWhole(TraceLineRecord line, Symbolizer& symbolizer);
  Task NamedTask(TraceRecordHead& head);

  MountTable& mounts_;
  CgroupNames cgroups_;
  std::function<void(uint64_t boottime_ns)> refresh_;
  LineAssembler lines_;
  std::map<uint32_t, Reporter> reporters_;              // by cell
  std::map<std::vector<uint64_t>, NamedStack> stacks_;  // by addresses
  std::map<std::string, Traced> traced_;                // by device
  std::map<FilesystemKey, FilesystemInfo> unmounted_;
  std::set<FilesystemKey> taken_;          // of those: mounted by now, under another key
  std::map<FilesystemKey, Uuid> learned_;  // of mountings whose uuid the mount table does not know
  uint32_t next_unmounted_ = kFirstUnmountedKey;
  bool mount_hint_ = false;
  std::vector<Scrub> scrubs_;
};

}  // namespace fsherald
