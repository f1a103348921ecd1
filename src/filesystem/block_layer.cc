// SPDX-License-Identifier: MIT
#include "filesystem/block_layer.h"

#include <array>
#include <cerrno>

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
    "blk_update_request: ",  // kernels before 5.16 begin all of the above but "Buffer" with it
};

std::optional<LogMessage> ParseRequestLine(std::string_view line) {
  for (const StatusWords& status : kStatusWords) {
    LineScanner scanner(line);
    if (!scanner.Skip(status.words)) continue;
    std::optional<std::string_view> device = scanner.Until(", sector ");
    if (!device || device->empty()) return std::nullopt;
    LogMessage message{
        .device = std::string(*device), .kind = Kind::kDevice, .code = status.code, .message = std::string(line)};
    // A sector is 512 bytes, whatever the device's own are; the line does not say how many.
    std::optional<uint64_t> sector = scanner.Number();
    if (sector && *sector <= UINT64_MAX / 512) message.range = Range{.offset_bytes = *sector * 512};
    return message;
  }
  return std::nullopt;
}

// "Buffer I/O error on dev" is the buffer cache's (", async page read", ", lost async page write", ", lost sync page
// write"), "on device" is ext4's own for each block of a page that it could not write back.
std::optional<LogMessage> ParseBufferLine(std::string_view line) {
  LineScanner scanner(line);
  if (!scanner.Skip("Buffer I/O error on dev")) return std::nullopt;
  bool written_back = scanner.Skip("ice ");
  if (!written_back && !scanner.Skip(" ")) return std::nullopt;
  std::optional<std::string_view> device = scanner.Until(", logical block ");
  if (!device || device->empty()) return std::nullopt;
  std::optional<uint64_t> block = scanner.Number();
  if (scanner.rest().starts_with(", lost ")) written_back = true;
  return LogMessage{.device = std::string(*device),
                    .kind = written_back ? Kind::kWriteback : Kind::kDevice,
                    .code = EIO,
                    .block = block,
                    .message = std::string(line)};
}

}  // namespace

std::span<const std::string_view> BlockLayerPrefixes() { return kPrefixes; }

std::optional<LogMessage> ParseBlockLayerLine(std::string_view line) {
  if (line.starts_with("Buffer ")) return ParseBufferLine(line);
  LineScanner scanner(line);
  scanner.Skip("blk_update_request: ");
  return ParseRequestLine(scanner.rest());
}

std::optional<int> ErrnoOfBlockStatus(uint64_t status) {
  // Linux, include/linux/blk_types.h; the numbers above BLK_STS_IOERR have changed between kernels.
  constexpr std::array<int, 11> kCodes = {0,     EOPNOTSUPP, ETIMEDOUT, ENOSPC, ENOLINK, EREMOTEIO,
                                          EBADE, ENODATA,    EILSEQ,    ENOMEM, EIO};
  if (status == 0 || status >= kCodes.size()) return std::nullopt;
  return kCodes[status];
}

}  // namespace fsherald
