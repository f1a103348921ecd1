// SPDX-License-Identifier: MIT
// The counters of a file system's devices (btrfs: device stats), as several voices tell of them: lines that give absolute
// numbers, lines that are themselves one error of a counter, and readings. Each error is counted once, by the voice that
// brought it first; the sum of what is given out equals what the counters have grown by.
//
//   1. What is new is the difference to the last number known of that counter: lines are rate-limited, numbers lose nothing.
//   2. A line that is one error of a counter claims it; the number that comes after it pays the claim, and is not new.
//   3. Where nothing is known of a device yet, a line that repeats old numbers is where counting begins; any other is one
//      error, and counting begins with it.
//   4. A line that is older than the reading that counting began with is one error all the same, and what the reading has
//      beyond it is new.
//   5. A number that is lower than the known one: the line of another processor, a moment late; much later, the counters have
//      been made zero since.
//
// Pure, like the join that owns it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "filesystem/filesystem.h"

namespace fsherald {

class DeviceCounts {
 public:
  struct Growth {
    DeviceCounter counter;
    uint64_t count = 0;
  };

  // Counting begins with this reading.
  void Start(const std::vector<DeviceCounter>& base, uint64_t boottime_ns);

  // One error of the counter of that name, of whichever device.
  void Claim(const std::string& name, uint64_t boottime_ns);

  // What is new by a line's numbers (ErrorReport::counters).
  std::vector<Growth> AddLine(const std::vector<DeviceCounter>& counters, bool are_old, uint64_t boottime_ns);

  // The counters as they are known: where another one goes on.
  std::vector<DeviceCounter> known() const;

  // What is new by a reading, which the caller took before it drained the sources. Claims that it does not pay were never
  // counted.
  std::vector<Growth> AddReading(const std::vector<DeviceCounter>& counters, uint64_t boottime_ns);

 private:
  static constexpr uint64_t kSettledNs = 100'000'000;  // a line, or the number behind a claim, comes sooner
  static constexpr size_t kMaxKnown = 65536;

  struct Known {
    DeviceCounter counter;
    uint64_t boottime_ns = 0;  // when it stood there
    bool is_base = false;
  };
  struct Claims {
    uint64_t open = 0;
    uint64_t last_boottime_ns = 0;
  };
  // The device and the counter; a device is known by the number that the file system gives it, else by its name.
  using Id = std::pair<std::string, std::string>;

  Id IdOf(const DeviceCounter& counter) const;
  void Name(const DeviceCounter& counter);
  void Learn(const DeviceCounter& counter, uint64_t boottime_ns, bool is_base);
  bool BeginsWith(const std::vector<DeviceCounter>& counters, uint64_t boottime_ns) const;
  void Begin(const std::vector<DeviceCounter>& counters, bool are_old, uint64_t boottime_ns,
             std::vector<Growth>& growth);
  const DeviceCounter* Likeliest(const std::vector<DeviceCounter>& counters) const;
  void Grow(const DeviceCounter& counter, uint64_t grown, std::vector<Growth>& growth);

  bool has_nameless_ = false;  // of such a device a line cannot be told from another's
  std::map<Id, Known> known_;
  std::map<std::string, std::string> numbers_;  // of devices, by their names
  std::map<std::string, Claims> claims_;        // by counter
};

}  // namespace fsherald
