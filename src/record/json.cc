// SPDX-License-Identifier: MIT
#include "record/json.h"

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"

namespace fsherald {
namespace {

constexpr int kVersion = 1;

// The functions named Append... write a value; the keys, their order and the commas stand as literals where they are
// called.

template <std::integral T>
void AppendNumber(T value, std::string& out) {
  char digits[20];  // of the smallest int64_t and of the largest uint64_t
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

void AppendNull(std::string& out) { out.append("null"); }

template <std::integral T>
void AppendNumberOrNull(const std::optional<T>& value, std::string& out) {
  if (value) AppendNumber(*value, out);
  else AppendNull(out);
}

// For the strings of the record that are empty where they are not known.
void AppendFilledOrNull(std::string_view text, std::string& out) {
  if (text.empty()) AppendNull(out);
  else AppendJsonString(text, out);
}

void AppendStringOrNull(const std::optional<std::string>& text, std::string& out) {
  if (text) AppendJsonString(*text, out);
  else AppendNull(out);
}

// Of text that holds nothing to escape.
void AppendLiteral(std::string_view text, std::string& out) { out.append("\"").append(text).append("\""); }

template <typename T>
void AppendToStringOrNull(const std::optional<T>& value, std::string& out) {
  if (value) AppendLiteral(ToString(*value), out);
  else AppendNull(out);
}

void AppendListOrNull(const std::vector<std::string>& list, std::string& out) {
  if (list.empty()) return AppendNull(out);
  char before = '[';
  for (const std::string& text : list) {
    out.push_back(before);
    AppendJsonString(text, out);
    before = ',';
  }
  out.push_back(']');
}

// Writes `value` with leading zeros.
void PutDigits(char* to, size_t width, uint32_t value) {
  for (size_t i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// RFC 3339: "2026-11-20T10:31:07.412345678Z". By hand, because strftime costs as much as all the rest.
void AppendTime(int64_t utc_ns, std::string& out) {
  using namespace std::chrono;
  const auto [utc_seconds, utc_nanoseconds] = SplitUtcNs(utc_ns);
  const sys_seconds time{seconds(utc_seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[] = "\"0000-00-00T00:00:00.000000000Z\"";
  PutDigits(text + 1, 4, static_cast<uint32_t>(int{date.year()}));  // 1677 to 2262: what int64_t nanoseconds hold
  PutDigits(text + 6, 2, unsigned{date.month()});
  PutDigits(text + 9, 2, unsigned{date.day()});
  PutDigits(text + 12, 2, static_cast<uint32_t>(clock.hours().count()));
  PutDigits(text + 15, 2, static_cast<uint32_t>(clock.minutes().count()));
  PutDigits(text + 18, 2, static_cast<uint32_t>(clock.seconds().count()));
  PutDigits(text + 21, 9, utc_nanoseconds);
  out.append(text, sizeof text - 1);
}

void AppendFilesystem(const FilesystemInfo& filesystem, std::string& out) {
  out.append("{\"type\":");
  AppendFilledOrNull(filesystem.type, out);
  out.append(",\"device\":");
  AppendFilledOrNull(filesystem.device, out);
  out.append(",\"dev\":");
  AppendToStringOrNull(filesystem.dev, out);
  out.append(",\"uuid\":");
  AppendToStringOrNull(filesystem.uuid, out);
  out.append(",\"fsid\":");
  AppendToStringOrNull(filesystem.fsid, out);
  out.append(",\"mounts\":");
  AppendListOrNull(filesystem.mounts, out);
  out.push_back('}');
}

// A static literal of the C library, or null: it names no such errno.
void AppendErrnoWord(const char* word, std::string& out) {
  if (word != nullptr) AppendLiteral(word, out);
  else AppendNull(out);
}

void AppendBool(bool value, std::string& out) { out.append(value ? "true" : "false"); }

void AppendError(const ErrorInfo& error, uint64_t count, std::string& out) {
  out.append("{\"errno\":");
  AppendNumberOrNull(error.code, out);
  out.append(",\"name\":");
  AppendErrnoWord(error.code ? ::strerrorname_np(*error.code) : nullptr, out);
  out.append(",\"text\":");
  AppendErrnoWord(error.code ? ::strerrordesc_np(*error.code) : nullptr, out);
  out.append(",\"count\":");
  AppendNumber(count, out);
  out.push_back('}');
}

void AppendLocation(const Location& location, std::string_view kernel, std::string& out) {
  out.append("{\"function\":");
  AppendFilledOrNull(location.function, out);
  out.append(",\"line\":");
  AppendNumberOrNull(location.line, out);
  out.append(",\"file\":");
  AppendFilledOrNull(location.file, out);
  out.append(",\"kernel\":");
  AppendFilledOrNull(kernel, out);
  out.append(",\"stack\":");
  AppendListOrNull(location.stack, out);
  out.push_back('}');
}

void AppendField(const SpecificField& field, std::string& out) {
  out.push_back(',');
  AppendJsonString(field.name, out);
  out.push_back(':');
  if (const auto* number = std::get_if<uint64_t>(&field.value)) AppendNumber(*number, out);
  else if (const auto* text = std::get_if<std::string>(&field.value)) AppendJsonString(*text, out);
  else AppendNull(out);
}

void AppendHexString(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.push_back('"');
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  out.push_back('"');
}

void AppendSpecific(const Specific& specific, Origin origin, std::string& out) {
  out.append("{\"type\":");
  AppendFilledOrNull(specific.type, out);
  for (const SpecificField& field : specific.fields) AppendField(field, out);
  out.append(",\"message\":");
  AppendStringOrNull(specific.message, out);
  if (origin == Origin::kUser) {  // the kernel's file systems have none
    out.append(",\"blob\":");
    if (specific.blob) AppendHexString(*specific.blob, out);
    else AppendNull(out);
  }
  out.push_back('}');
}

void AppendObject(const ObjectInfo& object, std::string& out) {
  out.append("{\"inode\":");
  AppendNumberOrNull(object.inode, out);
  out.append(",\"generation\":");
  AppendNumberOrNull(object.generation, out);
  out.append(",\"path\":");
  AppendStringOrNull(object.path, out);
  out.append(",\"path_source\":");
  AppendFilledOrNull(object.path_source ? Name(*object.path_source) : std::string_view(), out);
  out.push_back('}');
}

void AppendRange(const Range& range, std::string& out) {
  out.append("{\"offset\":");
  AppendNumber(range.offset_bytes, out);
  out.append(",\"length\":");
  AppendNumberOrNull(range.length_bytes, out);
  out.push_back('}');
}

void AppendDeviceError(const DeviceError& error, std::string& out) {
  out.append("{\"device\":");
  AppendFilledOrNull(error.device, out);
  out.append(",\"dev\":");
  AppendToStringOrNull(error.dev, out);
  out.append(",\"operation\":");
  AppendFilledOrNull(Name(error.operation), out);
  out.append(",\"sector\":");
  AppendNumberOrNull(error.sector, out);
  out.append(",\"sectors\":");
  AppendNumberOrNull(error.sectors, out);
  out.append(",\"errno\":");
  AppendNumberOrNull(error.code, out);
  out.append(",\"name\":");
  AppendErrnoWord(error.code ? ::strerrorname_np(*error.code) : nullptr, out);
  out.append(",\"count\":");
  AppendNumber(error.count, out);
  out.push_back('}');
}

void AppendTask(const Task& task, std::string& out) {
  out.append("{\"pid\":");
  AppendNumberOrNull(task.pid, out);
  out.append(",\"tid\":");
  AppendNumberOrNull(task.tid, out);
  out.append(",\"comm\":");
  AppendFilledOrNull(task.comm, out);
  out.append(",\"cgroup\":");
  AppendStringOrNull(task.cgroup, out);
  out.push_back('}');
}

void AppendSources(SourceSet sources, std::string& out) {
  out.push_back('[');
  std::string_view before = "\"";
  for (int i = 0; i < kSourceCount; ++i) {
    const auto source = static_cast<SourceId>(i);
    if (!sources.Has(source)) continue;
    out.append(before).append(Name(source)).append("\"");
    before = ",\"";
  }
  out.push_back(']');
}

void AppendGap(const Gap& gap, std::string& out) {
  out.append("{\"source\":");
  AppendLiteral(Name(gap.source), out);
  out.append(",\"count\":");
  AppendNumberOrNull(gap.count, out);
  out.append(",\"exact\":");
  AppendBool(gap.exact && gap.count, out);
  out.append(",\"from\":");
  AppendTime(gap.from_utc_ns, out);
  out.append(",\"to\":");
  AppendTime(gap.to_utc_ns, out);
  out.push_back('}');
}

void AppendHealth(const HealthChange& change, std::string& out) {
  out.append("{\"from\":");
  AppendLiteral(Name(change.from), out);
  out.append(",\"to\":");
  AppendLiteral(Name(change.to), out);
  out.append(",\"rule\":");
  AppendLiteral(Name(change.rule), out);
  out.append(",\"since\":");
  if (change.since_utc_ns) AppendTime(*change.since_utc_ns, out);
  else AppendNull(out);
  out.append(",\"errors\":");
  AppendNumber(change.errors, out);
  out.append(",\"uid\":");
  AppendNumberOrNull(change.uid, out);
  out.append(",\"reason\":");
  AppendStringOrNull(change.reason, out);
  out.push_back('}');
}

// `append` writes the value of a part, where there is one.
template <typename T, typename Append>
void AppendPart(const std::optional<T>& part, std::string& out, Append append) {
  if (part) append(*part, out);
  else AppendNull(out);
}

}  // namespace

void AppendJson(const Notification& notification, const Host& host, std::string& out) {
  const bool is_gap = notification.kind == Kind::kGap;
  // What a program in user space reports, stands in its own code.
  const std::string_view kernel = notification.origin == Origin::kKernel ? host.kernel_release : std::string_view();
  const auto append_location = [kernel](const Location& location, std::string& to) {
    AppendLocation(location, kernel, to);
  };
  const auto append_specific = [&notification](const Specific& specific, std::string& to) {
    AppendSpecific(specific, notification.origin, to);
  };

  out.append("{\"v\":");
  AppendNumber(kVersion, out);
  out.append(",\"seq\":");
  AppendNumber(notification.seq, out);
  out.append(",\"filesystem_seq\":");
  if (notification.filesystem_seq != 0) AppendNumber(notification.filesystem_seq, out);
  else AppendNull(out);
  out.append(",\"time\":");
  AppendTime(notification.utc_ns, out);
  out.append(",\"boottime_ns\":");
  AppendNumberOrNull(notification.boottime_ns, out);
  out.append(",\"boot\":");
  AppendFilledOrNull(host.boot_id, out);
  out.append(",\"filesystem\":");
  AppendFilesystem(notification.filesystem, out);
  out.append(",\"error\":");
  AppendError(notification.error, ErrorCount(notification), out);
  out.append(",\"location\":");
  AppendPart(notification.location, out, append_location);
  out.append(",\"specific\":");
  AppendPart(notification.specific, out, append_specific);
  out.append(",\"object\":");
  AppendPart(notification.object, out, AppendObject);
  out.append(",\"range\":");
  AppendPart(notification.range, out, AppendRange);
  out.append(",\"device_error\":");
  AppendPart(notification.device_error, out, AppendDeviceError);
  out.append(",\"task\":");
  AppendPart(notification.task, out, AppendTask);
  out.append(",\"kind\":");
  AppendLiteral(Name(notification.kind), out);
  out.append(",\"origin\":");
  AppendLiteral(Name(notification.origin), out);
  out.append(",\"corrected\":");
  AppendBool(notification.corrected, out);
  out.append(",\"trusted\":");
  AppendBool(notification.trusted, out);
  out.append(",\"sources\":");
  AppendSources(notification.sources, out);
  out.append(",\"incident\":");
  AppendNumberOrNull(notification.incident, out);
  if (is_gap) {
    out.append(",\"gap\":");
    AppendPart(notification.gap, out, AppendGap);
  }
  if (notification.kind == Kind::kHealth) {
    out.append(",\"health\":");
    AppendPart(notification.health, out, AppendHealth);
  }
  out.append("}\n");
}

void AppendJsonFilesystem(const FilesystemInfo& filesystem, std::string& out) { AppendFilesystem(filesystem, out); }
void AppendJsonTime(int64_t utc_ns, std::string& out) { AppendTime(utc_ns, out); }

}  // namespace fsherald
