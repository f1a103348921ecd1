// SPDX-License-Identifier: MIT
#include "store/page_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace fsherald {
namespace {

constexpr size_t kFileHeader = 100;  // before the first page's own
constexpr size_t kWalHeader = 32;
constexpr size_t kFrameHeader = 24;
constexpr uint32_t kWalMagic = 0x377f0682;  // the lowest bit: checksums of big-endian words
constexpr uint8_t kTableLeaf = 13;
constexpr uint64_t kMostPayload = uint64_t{16} << 20;
constexpr size_t kMostColumns = 16;

uint32_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

bool ReadAt(const Fd& fd, uint64_t offset, size_t size, std::string& bytes) {
  bytes.resize(size);
  return ::pread(fd.get(), bytes.data(), size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

uint64_t SizeOf(const Fd& fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

// The WAL's running checksum.
class WalSum {
 public:
  explicit WalSum(bool big_endian) : big_endian_(big_endian) {}
  void Add(std::string_view bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a_ += Word(bytes, at) + b_;
      b_ += Word(bytes, at + 4) + a_;
    }
  }
  bool Is(std::string_view bytes, size_t at) const {
    return BigEndian(bytes, at, 4) == a_ && BigEndian(bytes, at + 4, 4) == b_;
  }

 private:
  uint32_t Word(std::string_view bytes, size_t at) const {
    const uint32_t word = BigEndian(bytes, at, 4);
    return big_endian_ ? word : __builtin_bswap32(word);
  }
  bool big_endian_;
  uint32_t a_ = 0;
  uint32_t b_ = 0;
};

// Takes SQLite's own numbers, and knows where it is.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  // At most nine bytes, the highest seven bits first; the ninth has eight.
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int i = 0; i < 9; ++i) {
      if (at_ >= bytes_.size()) return std::nullopt;
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      if (i == 8) return value << 8 | byte;
      value = value << 7 | (byte & 0x7f);
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> Take(uint64_t size) {
    if (size > bytes_.size() - at_) return std::nullopt;
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

std::optional<SqliteValue> ReadValue(Cursor& body, uint64_t type) {
  static constexpr std::array<size_t, 8> kIntegerBytes = {0, 1, 2, 3, 4, 6, 8, 8};
  if (type == 8 || type == 9) return SqliteValue(static_cast<int64_t>(type - 8));
  if (type == 10 || type == 11) return std::nullopt;
  const auto bytes = body.Take(type < 8 ? kIntegerBytes[type] : (type - 12) / 2);
  if (!bytes) return std::nullopt;
  if (type >= 12) return SqliteValue(std::string(*bytes));
  if (type == 0 || type == 7) return SqliteValue();
  uint64_t value = (*bytes)[0] < 0 ? ~uint64_t{0} : 0;
  for (const char byte : *bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return SqliteValue(static_cast<int64_t>(value));
}

std::optional<std::vector<SqliteValue>> ReadRecord(std::string_view record) {
  Cursor head(record);
  const auto head_bytes = head.Varint();
  if (!head_bytes || *head_bytes > record.size()) return std::nullopt;
  Cursor body(record);
  (void)body.Take(*head_bytes);
  std::vector<SqliteValue> columns;
  while (head.at() < *head_bytes) {
    const auto type = head.Varint();
    if (!type || columns.size() >= kMostColumns) return std::nullopt;
    auto value = ReadValue(body, *type);
    if (!value) return std::nullopt;
    columns.push_back(std::move(*value));
  }
  return columns;
}

// How much of a payload is on the leaf itself (file format, 1.6); our pages have no reserved bytes.
uint64_t LocalBytes(uint64_t payload) {
  constexpr uint64_t kMost = kPageBytes - 35;
  constexpr uint64_t kLeast = (kPageBytes - 12) * 32 / 255 - 23;
  if (payload <= kMost) return payload;
  const uint64_t local = kLeast + (payload - kLeast) % (kPageBytes - 4);
  return local <= kMost ? local : kLeast;
}

// The rest of a payload, along its chain of pages, of which it cannot need more than its size says.
bool ReadOverflow(uint32_t page, uint64_t left, const std::function<bool(uint32_t, std::string&)>& overflow,
                  std::string& payload) {
  std::string bytes;
  while (left > 0) {
    if (page == 0 || !overflow(page, bytes)) return false;
    const uint64_t here = std::min<uint64_t>(left, kPageBytes - 4);
    payload.append(bytes, 4, here);
    left -= here;
    page = BigEndian(bytes, 0, 4);
  }
  return true;
}

std::optional<SqliteRow> ReadCell(std::string_view cell, const std::function<bool(uint32_t, std::string&)>& overflow) {
  Cursor cursor(cell);
  const auto payload_bytes = cursor.Varint();
  const auto rowid = cursor.Varint();
  if (!payload_bytes || !rowid || *payload_bytes > kMostPayload) return std::nullopt;
  const auto local = cursor.Take(LocalBytes(*payload_bytes));
  if (!local) return std::nullopt;
  std::string payload(*local);
  if (payload.size() < *payload_bytes) {
    const auto next = cursor.Take(4);
    if (!next || !ReadOverflow(BigEndian(*next, 0, 4), *payload_bytes - payload.size(), overflow, payload))
      return std::nullopt;
  }
  auto columns = ReadRecord(payload);
  if (!columns) return std::nullopt;
  return SqliteRow{static_cast<int64_t>(*rowid), std::move(*columns)};
}

}  // namespace

Result<PageFile> PageFile::Open(const std::string& path) {
  PageFile file;
  file.file_.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.file_) return ErrnoError("open", path);
  file.page_count_ = static_cast<uint32_t>(std::min<uint64_t>(SizeOf(file.file_) / kPageBytes, UINT32_MAX - 1));
  file.wal_.Reset(::open((path + "-wal").c_str(), O_RDONLY | O_CLOEXEC));
  if (file.wal_) file.ReadWalIndex();
  return file;
}

bool PageFile::ReadFile(uint32_t page, std::string& bytes) const {
  return page != 0 && ReadAt(file_, (uint64_t{page} - 1) * kPageBytes, kPageBytes, bytes);
}

bool PageFile::ReadWal(uint64_t offset, std::string& bytes) const { return ReadAt(wal_, offset, kPageBytes, bytes); }

void PageFile::ReadWalIndex() {
  std::string head;
  if (!ReadAt(wal_, 0, kWalHeader, head) || (BigEndian(head, 0, 4) & ~1U) != kWalMagic) return;
  WalSum sum((BigEndian(head, 0, 4) & 1) != 0);
  sum.Add(std::string_view(head).substr(0, 24));
  bool whole = sum.Is(head, 24) && BigEndian(head, 8, 4) == kPageBytes;
  std::vector<std::pair<uint32_t, uint64_t>> uncommitted;
  std::string frame;
  const uint64_t size = SizeOf(wal_);
  for (uint64_t at = kWalHeader; at + kFrameHeader + kPageBytes <= size; at += kFrameHeader + kPageBytes) {
    if (!ReadAt(wal_, at, kFrameHeader + kPageBytes, frame)) break;
    // Frames of an earlier round of the WAL have other salts: they are in the file by now.
    if (std::string_view(frame).substr(8, 8) != std::string_view(head).substr(16, 8)) {
      whole = false;
      continue;
    }
    const uint32_t page = BigEndian(frame, 0, 4);
    if (whole) {
      sum.Add(std::string_view(frame).substr(0, 8));
      sum.Add(std::string_view(frame).substr(kFrameHeader));
      whole = sum.Is(frame, 16) && page != 0;
    }
    if (!whole) {
      doubtful_.push_back(at + kFrameHeader);
      continue;
    }
    uncommitted.emplace_back(page, at + kFrameHeader);
    if (BigEndian(frame, 4, 4) == 0) continue;
    for (const auto& [number, offset] : uncommitted) committed_[number] = offset;
    uncommitted.clear();
  }
}

void ForEachRow(std::string_view bytes, uint32_t page, const std::function<bool(uint32_t, std::string&)>& overflow,
                const std::function<void(const SqliteRow&)>& each) {
  const size_t head = page == 1 ? kFileHeader : 0;
  if (bytes.size() != kPageBytes || static_cast<uint8_t>(bytes[head]) != kTableLeaf) return;
  const size_t cells = std::min<size_t>(BigEndian(bytes, head + 3, 2), (kPageBytes - head - 8) / 2);
  for (size_t i = 0; i < cells; ++i) {
    const size_t at = BigEndian(bytes, head + 8 + 2 * i, 2);
    if (at >= bytes.size()) continue;
    if (const auto row = ReadCell(bytes.substr(at), overflow)) each(*row);
  }
}

}  // namespace fsherald
