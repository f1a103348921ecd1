// SPDX-License-Identifier: MIT
#include "record/notification.h"

namespace fsherald {
namespace {

// By hand, because these are on the hot path of every rendering.
void AppendHex(uint32_t value, int digits, std::string& out) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

}  // namespace

std::string_view Name(Kind kind) {
  switch (kind) {
    case Kind::kMetadata: return "metadata";
    case Kind::kDataRead: return "data_read";
    case Kind::kDataWrite: return "data_write";
    case Kind::kWriteback: return "writeback";
    case Kind::kShutdown: return "shutdown";
    case Kind::kReadOnly: return "read_only";
    case Kind::kDevice: return "device";
    case Kind::kCounter: return "counter";
    case Kind::kGap: return "gap";
    case Kind::kHealth: return "health";
  }
  return "";
}

std::string_view Name(PathSource source) {
  switch (source) {
    case PathSource::kHandle: return "handle";
    case PathSource::kOpenFile: return "open_file";
    case PathSource::kWalk: return "walk";
    case PathSource::kProducer: return "producer";
    case PathSource::kIoctl: return "ioctl";
  }
  return "";
}

std::string_view Name(Origin origin) { return origin == Origin::kKernel ? "kernel" : "user"; }

std::string_view Name(SourceId source) {
  switch (source) {
    case SourceId::kFanotify: return "fanotify";
    case SourceId::kTrace: return "trace";
    case SourceId::kKmsg: return "kmsg";
    case SourceId::kCounters: return "counters";
    case SourceId::kProducer: return "producer";
    case SourceId::kGroup: return "group";
    case SourceId::kMounts: return "mounts";
    case SourceId::kHealth: return "health";
  }
  return "";
}

std::string_view Name(DeviceError::Operation operation) {
  switch (operation) {
    case DeviceError::Operation::kUnknown: return "";
    case DeviceError::Operation::kRead: return "read";
    case DeviceError::Operation::kWrite: return "write";
    case DeviceError::Operation::kFlush: return "flush";
    case DeviceError::Operation::kDiscard: return "discard";
  }
  return "";
}

std::string_view Name(HealthState state) {
  switch (state) {
    case HealthState::kNotCovered: return "not_covered";
    case HealthState::kWell: return "well";
    case HealthState::kPastErrors: return "past_errors";
    case HealthState::kErrors: return "errors";
    case HealthState::kReadOnly: return "read_only";
    case HealthState::kShutDown: return "shut_down";
    case HealthState::kGone: return "gone";
    case HealthState::kUnknown: return "unknown";
  }
  return "";
}

std::string_view Name(HealthRule rule) {
  switch (rule) {
    case HealthRule::kErrors: return "errors";
    case HealthRule::kReadOnly: return "read_only";
    case HealthRule::kShutdown: return "shutdown";
    case HealthRule::kGone: return "gone";
    case HealthRule::kFound: return "found";
    case HealthRule::kRemounted: return "remounted";
    case HealthRule::kCountersReset: return "counters_reset";
    case HealthRule::kRepaired: return "repaired";
    case HealthRule::kScrubbed: return "scrubbed";
    case HealthRule::kMountedAgain: return "mounted_again";
    case HealthRule::kCleared: return "cleared";
  }
  return "";
}

std::string ToString(DeviceNumber dev) { return std::to_string(dev.major) + ":" + std::to_string(dev.minor); }

std::string ToString(Fsid fsid) {
  std::string text;
  AppendHex(fsid.word0, 8, text);
  text += ':';
  AppendHex(fsid.word1, 8, text);
  return text;
}

std::string ToString(const Uuid& uuid) {
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    AppendHex(uuid.bytes[i], 2, text);
  }
  return text;
}

std::optional<Uuid> ParseUuid(std::string_view text) {
  Uuid uuid;
  size_t digits = 0;
  for (char c : text) {
    if (c == '-') continue;
    int value;
    if (c >= '0' && c <= '9') value = c - '0';
    else if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    else return std::nullopt;
    if (digits == 32) return std::nullopt;
    uint8_t& byte = uuid.bytes[digits / 2];
    byte = static_cast<uint8_t>(byte << 4 | value);
    ++digits;
  }
  if (digits != 32) return std::nullopt;
  return uuid;
}

}  // namespace fsherald
