// SPDX-License-Identifier: MIT
#include "store/checksum.h"

#include <array>
#include <cstring>

namespace fsherald {
namespace {

// Eight tables, so that eight bytes are one step: entry [k][b] is the checksum of byte b with k zero bytes behind it.
constexpr std::array<std::array<uint32_t, 256>, 8> MakeTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0x82f63b78U : value >> 1;
    tables[0][byte] = value;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = shorter >> 8 ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}
constexpr auto kTables = MakeTables();

uint32_t LittleEndian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

uint32_t ByTables(std::string_view bytes, uint32_t crc) {
  while (bytes.size() >= 8) {
    const uint32_t low = LittleEndian(bytes.data()) ^ crc;
    const uint32_t high = LittleEndian(bytes.data() + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^ kTables[4][low >> 24] ^
          kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^ kTables[1][high >> 16 & 0xff] ^
          kTables[0][high >> 24];
    bytes.remove_prefix(8);
  }
  for (const char byte : bytes) crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t ByInstruction(std::string_view bytes, uint32_t crc) {
  uint64_t wide = crc;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes.data(), sizeof eight);
    wide = __builtin_ia32_crc32di(wide, eight);
  }
  crc = static_cast<uint32_t>(wide);
  for (const char byte : bytes) crc = __builtin_ia32_crc32qi(crc, static_cast<uint8_t>(byte));
  return crc;
}
const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#else
uint32_t ByInstruction(std::string_view bytes, uint32_t crc) { return ByTables(bytes, crc); }
constexpr bool kHasInstruction = false;
#endif

}  // namespace

uint32_t Crc32c(std::string_view bytes, uint32_t before) {
  return ~(kHasInstruction ? ByInstruction(bytes, ~before) : ByTables(bytes, ~before));
}

uint32_t Crc32cByTables(std::string_view bytes) { return ~ByTables(bytes, ~uint32_t{0}); }

}  // namespace fsherald
