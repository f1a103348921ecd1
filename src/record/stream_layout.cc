// SPDX-License-Identifier: MIT
// Nothing but proofs: the layout of include/fsherald/record.h, and that notification.h numbers its enums as it does.
#include <fsherald/record.h>

#include <cstddef>

#include "record/notification.h"

namespace fsherald {

// Programs read these by other compilers and other languages: the header's sizes hold there, these offsets too.
#define ASSERT_OFFSET(type, member, bytes) static_assert(offsetof(type, member) == (bytes), #type "." #member)
ASSERT_OFFSET(fsherald_metadata, event_len, 0);
ASSERT_OFFSET(fsherald_metadata, vers, 4);
ASSERT_OFFSET(fsherald_metadata, reserved, 5);
ASSERT_OFFSET(fsherald_metadata, metadata_len, 6);
ASSERT_OFFSET(fsherald_metadata, mask, 8);
ASSERT_OFFSET(fsherald_metadata, fd, 16);
ASSERT_OFFSET(fsherald_metadata, pid, 20);
ASSERT_OFFSET(fsherald_info, type, 0);
ASSERT_OFFSET(fsherald_info, pad, 1);
ASSERT_OFFSET(fsherald_info, len, 2);
ASSERT_OFFSET(fsherald_fid, fsid, 4);
ASSERT_OFFSET(fsherald_fid, handle_bytes, 12);
ASSERT_OFFSET(fsherald_fid, handle_type, 16);
ASSERT_OFFSET(fsherald_error, error, 4);
ASSERT_OFFSET(fsherald_error, error_count, 8);
ASSERT_OFFSET(fsherald_sequence, kind, 4);
ASSERT_OFFSET(fsherald_sequence, origin, 5);
ASSERT_OFFSET(fsherald_sequence, sources, 6);
ASSERT_OFFSET(fsherald_sequence, flags, 7);
ASSERT_OFFSET(fsherald_sequence, seq, 8);
ASSERT_OFFSET(fsherald_sequence, filesystem_seq, 16);
ASSERT_OFFSET(fsherald_sequence, count, 24);
ASSERT_OFFSET(fsherald_sequence, utc_ns, 32);
ASSERT_OFFSET(fsherald_sequence, boottime_ns, 40);
ASSERT_OFFSET(fsherald_filesystem, type_len, 4);
ASSERT_OFFSET(fsherald_filesystem, device_len, 6);
ASSERT_OFFSET(fsherald_filesystem, dev_major, 8);
ASSERT_OFFSET(fsherald_filesystem, dev_minor, 12);
ASSERT_OFFSET(fsherald_filesystem, flags, 16);
ASSERT_OFFSET(fsherald_filesystem, reserved, 20);
ASSERT_OFFSET(fsherald_filesystem, uuid, 24);
ASSERT_OFFSET(fsherald_location, function_len, 4);
ASSERT_OFFSET(fsherald_location, reserved, 6);
ASSERT_OFFSET(fsherald_location, line, 8);
ASSERT_OFFSET(fsherald_location, reserved2, 12);
ASSERT_OFFSET(fsherald_stack, frames, 4);
ASSERT_OFFSET(fsherald_stack, text_len, 6);
ASSERT_OFFSET(fsherald_specific, type_len, 4);
ASSERT_OFFSET(fsherald_specific, fields, 6);
ASSERT_OFFSET(fsherald_specific, blob_len, 8);
ASSERT_OFFSET(fsherald_specific, reserved, 10);
ASSERT_OFFSET(fsherald_specific, fields_len, 12);
ASSERT_OFFSET(fsherald_field, type, 0);
ASSERT_OFFSET(fsherald_field, name_len, 2);
ASSERT_OFFSET(fsherald_field, text_len, 4);
ASSERT_OFFSET(fsherald_field, reserved, 6);
ASSERT_OFFSET(fsherald_field, number, 8);
ASSERT_OFFSET(fsherald_range, flags, 4);
ASSERT_OFFSET(fsherald_range, offset_bytes, 8);
ASSERT_OFFSET(fsherald_range, length_bytes, 16);
ASSERT_OFFSET(fsherald_task, comm_len, 4);
ASSERT_OFFSET(fsherald_task, cgroup_len, 6);
ASSERT_OFFSET(fsherald_task, pid, 8);
ASSERT_OFFSET(fsherald_task, tid, 12);
ASSERT_OFFSET(fsherald_task, flags, 16);
ASSERT_OFFSET(fsherald_task, reserved, 20);
ASSERT_OFFSET(fsherald_message, text_len, 4);
ASSERT_OFFSET(fsherald_gap, source, 4);
ASSERT_OFFSET(fsherald_gap, certainty, 6);
ASSERT_OFFSET(fsherald_gap, count, 8);
ASSERT_OFFSET(fsherald_gap, from_utc_ns, 16);
ASSERT_OFFSET(fsherald_gap, to_utc_ns, 24);
ASSERT_OFFSET(fsherald_object, path_len, 4);
ASSERT_OFFSET(fsherald_object, path_source, 6);
ASSERT_OFFSET(fsherald_object, flags, 7);
ASSERT_OFFSET(fsherald_object, inode, 8);
ASSERT_OFFSET(fsherald_object, generation, 16);
ASSERT_OFFSET(fsherald_object, reserved, 20);
ASSERT_OFFSET(fsherald_mount, path_len, 4);
ASSERT_OFFSET(fsherald_host, boot_id_len, 4);
ASSERT_OFFSET(fsherald_host, kernel_len, 6);
ASSERT_OFFSET(fsherald_device_error, device_len, 4);
ASSERT_OFFSET(fsherald_device_error, operation, 6);
ASSERT_OFFSET(fsherald_device_error, flags, 7);
ASSERT_OFFSET(fsherald_device_error, dev_major, 8);
ASSERT_OFFSET(fsherald_device_error, dev_minor, 12);
ASSERT_OFFSET(fsherald_device_error, sector, 16);
ASSERT_OFFSET(fsherald_device_error, sectors, 24);
ASSERT_OFFSET(fsherald_device_error, count, 32);
ASSERT_OFFSET(fsherald_device_error, error, 40);
ASSERT_OFFSET(fsherald_device_error, reserved, 44);
ASSERT_OFFSET(fsherald_source_file, text_len, 4);
ASSERT_OFFSET(fsherald_incident, reserved, 4);
ASSERT_OFFSET(fsherald_incident, first_seq, 8);
ASSERT_OFFSET(fsherald_health, from, 4);
ASSERT_OFFSET(fsherald_health, to, 5);
ASSERT_OFFSET(fsherald_health, rule, 6);
ASSERT_OFFSET(fsherald_health, flags, 7);
ASSERT_OFFSET(fsherald_health, uid, 8);
ASSERT_OFFSET(fsherald_health, reason_len, 12);
ASSERT_OFFSET(fsherald_health, reserved, 14);
ASSERT_OFFSET(fsherald_health, since_utc_ns, 16);
ASSERT_OFFSET(fsherald_health, errors, 24);
#undef ASSERT_OFFSET

// The enums of notification.h are the numbers of record.h.
static_assert(static_cast<int>(Kind::kMetadata) == FSHERALD_KIND_METADATA);
static_assert(static_cast<int>(Kind::kDataRead) == FSHERALD_KIND_DATA_READ);
static_assert(static_cast<int>(Kind::kDataWrite) == FSHERALD_KIND_DATA_WRITE);
static_assert(static_cast<int>(Kind::kWriteback) == FSHERALD_KIND_WRITEBACK);
static_assert(static_cast<int>(Kind::kShutdown) == FSHERALD_KIND_SHUTDOWN);
static_assert(static_cast<int>(Kind::kReadOnly) == FSHERALD_KIND_READ_ONLY);
static_assert(static_cast<int>(Kind::kDevice) == FSHERALD_KIND_DEVICE);
static_assert(static_cast<int>(Kind::kCounter) == FSHERALD_KIND_COUNTER);
static_assert(static_cast<int>(Kind::kGap) == FSHERALD_KIND_GAP);
static_assert(static_cast<int>(Kind::kHealth) == FSHERALD_KIND_HEALTH);
static_assert(static_cast<int>(Origin::kKernel) == FSHERALD_ORIGIN_KERNEL);
static_assert(static_cast<int>(Origin::kUser) == FSHERALD_ORIGIN_USER);
static_assert(static_cast<int>(SourceId::kFanotify) == FSHERALD_SOURCE_FANOTIFY);
static_assert(static_cast<int>(SourceId::kTrace) == FSHERALD_SOURCE_TRACE);
static_assert(static_cast<int>(SourceId::kKmsg) == FSHERALD_SOURCE_KMSG);
static_assert(static_cast<int>(SourceId::kCounters) == FSHERALD_SOURCE_COUNTERS);
static_assert(static_cast<int>(SourceId::kProducer) == FSHERALD_SOURCE_PRODUCER);
static_assert(static_cast<int>(SourceId::kGroup) == FSHERALD_SOURCE_GROUP);
static_assert(static_cast<int>(SourceId::kMounts) == FSHERALD_SOURCE_MOUNTS);
static_assert(static_cast<int>(SourceId::kHealth) == FSHERALD_SOURCE_HEALTH);
static_assert(kSourceCount == FSHERALD_SOURCE_HEALTH + 1);
static_assert(static_cast<int>(PathSource::kHandle) + 1 == FSHERALD_PATH_HANDLE);
static_assert(static_cast<int>(PathSource::kOpenFile) + 1 == FSHERALD_PATH_OPEN_FILE);
static_assert(static_cast<int>(PathSource::kWalk) + 1 == FSHERALD_PATH_WALK);
static_assert(static_cast<int>(PathSource::kProducer) + 1 == FSHERALD_PATH_PRODUCER);
static_assert(static_cast<int>(PathSource::kIoctl) + 1 == FSHERALD_PATH_IOCTL);
static_assert(static_cast<int>(DeviceError::Operation::kUnknown) == FSHERALD_OPERATION_UNKNOWN);
static_assert(static_cast<int>(DeviceError::Operation::kRead) == FSHERALD_OPERATION_READ);
static_assert(static_cast<int>(DeviceError::Operation::kWrite) == FSHERALD_OPERATION_WRITE);
static_assert(static_cast<int>(DeviceError::Operation::kFlush) == FSHERALD_OPERATION_FLUSH);
static_assert(static_cast<int>(DeviceError::Operation::kDiscard) == FSHERALD_OPERATION_DISCARD);
static_assert(static_cast<int>(HealthState::kNotCovered) == FSHERALD_STATE_NOT_COVERED);
static_assert(static_cast<int>(HealthState::kWell) == FSHERALD_STATE_WELL);
static_assert(static_cast<int>(HealthState::kPastErrors) == FSHERALD_STATE_PAST_ERRORS);
static_assert(static_cast<int>(HealthState::kErrors) == FSHERALD_STATE_ERRORS);
static_assert(static_cast<int>(HealthState::kReadOnly) == FSHERALD_STATE_READ_ONLY);
static_assert(static_cast<int>(HealthState::kShutDown) == FSHERALD_STATE_SHUT_DOWN);
static_assert(static_cast<int>(HealthState::kGone) == FSHERALD_STATE_GONE);
static_assert(static_cast<int>(HealthState::kUnknown) == FSHERALD_STATE_UNKNOWN);
static_assert(kHealthStateCount == FSHERALD_STATE_UNKNOWN + 1);
static_assert(static_cast<int>(HealthRule::kErrors) == FSHERALD_RULE_ERRORS);
static_assert(static_cast<int>(HealthRule::kReadOnly) == FSHERALD_RULE_READ_ONLY);
static_assert(static_cast<int>(HealthRule::kShutdown) == FSHERALD_RULE_SHUTDOWN);
static_assert(static_cast<int>(HealthRule::kGone) == FSHERALD_RULE_GONE);
static_assert(static_cast<int>(HealthRule::kFound) == FSHERALD_RULE_FOUND);
static_assert(static_cast<int>(HealthRule::kRemounted) == FSHERALD_RULE_REMOUNTED);
static_assert(static_cast<int>(HealthRule::kCountersReset) == FSHERALD_RULE_COUNTERS_RESET);
static_assert(static_cast<int>(HealthRule::kRepaired) == FSHERALD_RULE_REPAIRED);
static_assert(static_cast<int>(HealthRule::kScrubbed) == FSHERALD_RULE_SCRUBBED);
static_assert(static_cast<int>(HealthRule::kMountedAgain) == FSHERALD_RULE_MOUNTED_AGAIN);
static_assert(static_cast<int>(HealthRule::kCleared) == FSHERALD_RULE_CLEARED);
static_assert(kHealthRuleCount == FSHERALD_RULE_CLEARED + 1);

}  // namespace fsherald
