// SPDX-License-Identifier: MIT
#include "filesystem/block_layer.h"

#include <array>
#include <cerrno>
#include <charconv>

#include "filesystem/line_scanner.h"

namespace fsherald {
namespace {

// Linux, block/blk-core.c, blk_errors[]: the words before "error, dev".
struct StatusWords {
  std::string_view words;
  int code;
};
constexpr StatusWords kStatusWords[] = {
    {"I/O error, dev ", EIO},
    {"critical medium error, dev ", ENODATA},
    {"critical target error, dev ", EREMOTEIO},
    {"critical space allocation error, dev ", ENOSPC},
    {"critical nexus error, dev ", EBADE},
    {"protection error, dev ", EILSEQ},
    {"timeout error, dev ", ETIMEDOUT},
    {"recoverable transport error, dev ", ENOLINK},
    {"device offline error, dev ", ENODEV},
};

constexpr std::string_view kPrefixes[] = {
    "I/O error, dev ",
    "critical ",
    "protection error, dev ",
    "timeout error, dev ",
    "recoverable transport error, dev ",
    "device offline error, dev ",
    "Buffer I/O error on dev",
    "VFS: busy inodes on changed media ",
    "blk_update_request: ",  // kernels before 5.16 begin all of the above but "Buffer" with it
};

// Linux, include/linux/blk_types.h: REQ_OP_... and REQ_RAHEAD, the same since 4.19.
constexpr uint64_t kOperationMask = 0xff;
constexpr uint64_t kReadAhead = 1U << 19;

DeviceError::Operation OperationOf(uint64_t operation) {
  switch (operation & kOperationMask) {
    case 0: return DeviceError::Operation::kRead;
    case 1:
    case 7:  // zone append
    case 9:  // write zeroes
      return DeviceError::Operation::kWrite;
    case 2: return DeviceError::Operation::kFlush;
    case 3:
    case 5:  // secure erase
      return DeviceError::Operation::kDiscard;
    default: return DeviceError::Operation::kUnknown;
  }
}

// Whether whoever asks for it does without where the device cannot do it: discard, secure erase, write zeroes.
bool IsOptional(uint64_t operation) {
  operation &= kOperationMask;
  return operation == 3 || operation == 5 || operation == 9;
}

std::optional<uint64_t> HexAfter(LineScanner& scanner, std::string_view before) {
  LineScanner ahead = scanner;
  if (!ahead.Until(before)) return std::nullopt;
  uint64_t value = 0;
  const std::string_view digits = ahead.rest();
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value, 16).ec != std::errc()) return std::nullopt;
  scanner = ahead;
  return value;
}

std::optional<uint64_t> HexBetween(LineScanner& scanner, std::string_view before, std::string_view after) {
  LineScanner ahead = scanner;
  const std::optional<uint64_t> value = HexAfter(ahead, before);
  if (!value || !ahead.Until(after)) return std::nullopt;
  scanner = ahead;
  return value;
}

std::optional<Range> RangeOf(const DeviceError& error) {
  if (!error.sector || *error.sector > UINT64_MAX / 512) return std::nullopt;
  Range range{.offset_bytes = *error.sector * 512};
  if (error.sectors && *error.sectors <= UINT64_MAX / 512) range.length_bytes = *error.sectors * 512;
  return range;
}

std::optional<ErrorReport> ParseRequestLine(std::string_view line) {
  for (const StatusWords& status : kStatusWords) {
    LineScanner scanner(line);
    if (!scanner.Skip(status.words)) continue;
    std::optional<std::string_view> device = scanner.Until(", sector ");
    if (!device || device->empty()) return std::nullopt;
    ErrorReport report{
        .device = std::string(*device), .kind = Kind::kDevice, .code = status.code, .message = std::string(line)};
    DeviceError error{.device = report.device, .code = status.code};
    // A sector is 512 bytes, whatever the device's own are; the line does not say how many.
    error.sector = scanner.Number();
    if (std::optional<uint64_t> operation = HexBetween(scanner, " op 0x", ":")) {
      error.operation = OperationOf(*operation);
      report.speculative = (HexAfter(scanner, " flags 0x").value_or(0) & kReadAhead) != 0;
    }
    report.range = RangeOf(error);
    report.device_error = std::move(error);
    return report;
  }
  return std::nullopt;
}

// "Buffer I/O error on dev" is the buffer cache's (", async page read", ", lost async page write", ", lost sync page
// write"), "on device" is ext4's own for each block of a page that it could not write back.
std::optional<ErrorReport> ParseBufferLine(std::string_view line) {
  LineScanner scanner(line);
  if (!scanner.Skip("Buffer I/O error on dev")) return std::nullopt;
  const bool of_a_page = scanner.Skip("ice ");
  if (!of_a_page && !scanner.Skip(" ")) return std::nullopt;
  std::optional<std::string_view> device = scanner.Until(", logical block ");
  if (!device || device->empty()) return std::nullopt;
  std::optional<uint64_t> block = scanner.Number();
  const bool written_back = of_a_page || scanner.rest().starts_with(", lost ");
  // ext4 prints its lines behind what it says of the file.
  return ErrorReport{.device = std::string(*device),
                     .kind = written_back ? Kind::kWriteback : Kind::kDevice,
                     .code = EIO,
                     .block = block,
                     .message = std::string(line),
                     .follows = of_a_page,
                     .task_is_any = true};
}

// "loop0": another medium is in the device, or none, and the file system on it was not told (before Linux 6.5; later its device
// is marked dead, and it shuts itself down if it can). No request has failed yet.
std::optional<ErrorReport> ParseChangedLine(std::string_view line) {
  LineScanner scanner(line);
  if (!scanner.Skip("VFS: busy inodes on changed media ") || scanner.rest().empty()) return std::nullopt;
  return ErrorReport{.device = std::string(scanner.rest()), .kind = Kind::kDevice, .message = std::string(line)};
}

}  // namespace

std::span<const std::string_view> BlockLayerPrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParseBlockEvent(const TraceEvent& event) {
  const auto [status, sector, bytes, flags, disk, of_stack] = event.values;
  if (ErrnoOfBlockStatus(status) == EOPNOTSUPP && IsOptional(flags)) return std::nullopt;
  DeviceError error{.dev = DeviceNumber{static_cast<uint32_t>(disk >> 20), static_cast<uint32_t>(disk & 0xfffff)},
                    .operation = OperationOf(flags),
                    .sector = sector,
                    .sectors = bytes == 0 ? std::nullopt : std::optional(bytes / 512),
                    .code = ErrnoOfBlockStatus(status)};
  ErrorReport report{.kind = Kind::kDevice, .code = error.code, .range = RangeOf(error)};
  report.speculative = (flags & kReadAhead) != 0;
  report.device_error = std::move(error);
  report.of_stack = of_stack != 0;
  report.task_is_any = true;
  return report;
}

std::optional<ErrorReport> ParseBlockLayerLine(std::string_view line) {
  if (line.starts_with("Buffer ")) return ParseBufferLine(line);
  if (line.starts_with("VFS: ")) return ParseChangedLine(line);
  LineScanner scanner(line);
  scanner.Skip("blk_update_request: ");
  return ParseRequestLine(scanner.rest());
}

std::string KernelName(std::string_view node) {
  constexpr std::string_view kDirectory = "/dev/";
  if (!node.starts_with(kDirectory)) return {};
  node.remove_prefix(kDirectory.size());
  return node.find('/') == std::string_view::npos ? std::string(node) : std::string();
}

std::optional<int> ErrnoOfBlockStatus(uint64_t status) {
  // Linux, include/linux/blk_types.h; the numbers above BLK_STS_IOERR have changed between kernels.
  constexpr std::array<int, 11> kCodes = {0,     EOPNOTSUPP, ETIMEDOUT, ENOSPC, ENOLINK, EREMOTEIO,
                                          EBADE, ENODATA,    EILSEQ,    ENOMEM, EIO};
  if (status == 0 || status >= kCodes.size()) return std::nullopt;
  return kCodes[status];
}

}  // namespace fsherald
