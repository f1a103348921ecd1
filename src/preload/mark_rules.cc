// SPDX-License-Identifier: MIT
#include "preload/mark_rules.h"

#include <bit>
#include <cerrno>

#include "record/rfc.h"
#include "source/fanotify_abi.h"

namespace fsherald::preload {
namespace {

constexpr unsigned kOfTheTime =
    FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_ENABLE_AUDIT | rfc::kFanPreallocQueue;
constexpr unsigned kOperations = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH;
constexpr unsigned kKinds = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM;

}  // namespace

bool MayBeRfcGroup(unsigned init_flags) {
  return (init_flags & rfc::kFanPreallocQueue) != 0 && (init_flags & ~kOfTheTime) == 0;
}

bool IsRfcMark(unsigned mark_flags, uint64_t mask) {
  return (mark_flags & FAN_MARK_FLUSH) == 0 && (mask & rfc::kFanError) != 0;
}

int CheckRfcMark(unsigned init_flags, unsigned mark_flags, uint64_t mask) {
  if (std::popcount(mark_flags & kOperations) != 1) return EINVAL;
  if ((mark_flags & FAN_MARK_FLUSH) != 0) return (mark_flags & ~(kOperations | kKinds)) == 0 ? 0 : EINVAL;
  if ((mark_flags & ~(kOperations | kKinds | FAN_MARK_DONT_FOLLOW | FAN_MARK_ONLYDIR)) != 0) return EINVAL;
  if (mask != rfc::kFanError || (mark_flags & kKinds) != FAN_MARK_FILESYSTEM) return EINVAL;
  return (init_flags & FAN_UNLIMITED_QUEUE) == 0 ? 0 : EINVAL;
}

}  // namespace fsherald::preload
