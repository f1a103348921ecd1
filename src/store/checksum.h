// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli, RFC 3720 B.4), because SQLite's pages have no checksum of their own.
#pragma once

#include <cstdint>
#include <string_view>

namespace fsherald {

// Goes on from the checksum of what came before.
uint32_t Crc32c(std::string_view bytes, uint32_t before = 0);
// The same, as on a processor that has no instruction for it; for tests.
uint32_t Crc32cByTables(std::string_view bytes);

}  // namespace fsherald
