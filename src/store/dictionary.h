// SPDX-License-Identifier: MIT
// The dictionary: what many rows have in common is stored once, and they name it by its id (schema.sql).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "store/sqlite.h"

namespace fsherald {

enum class WordKind { kIdentity = 1, kFilesystem, kLocation, kHost, kShape, kText };
inline constexpr uint64_t kIdentityId = 1;  // the entry that holds the file's identity

// `value` with its checksum behind it, and back: empty where the checksum is another.
std::string SealWord(uint64_t identity, uint64_t id, WordKind kind, std::string_view value);
std::optional<std::string_view> UnsealWord(uint64_t identity, uint64_t id, int64_t kind, std::string_view sealed);

// The file's identity, from whichever place of it is whole.
Result<uint64_t> ReadIdentity(Database& database);

// Where the packing of rows takes ids from, and their reading values.
class WordIds {
 public:
  virtual ~WordIds() = default;
  virtual uint64_t IdOf(WordKind kind, std::string_view value) = 0;
  // 0 where it has not been met lately: then it is not worth an entry yet.
  virtual uint64_t IdIfRepeated(WordKind kind, std::string_view value) = 0;
};
class Words {
 public:
  virtual ~Words() = default;
  // Null: there is no such entry, or it is damaged, or of another kind. Valid until the next call.
  virtual const std::string* Find(WordKind kind, uint64_t id) = 0;
};

// The writer's. Writes each new entry at once, into the transaction that is open.
class Dictionary : public WordIds {
 public:
  // Reads the entries of the latest generation.
  static Result<Dictionary> Open(Database& database, uint64_t identity);

  // To be called before the words of each row. A generation ends when what is remembered has grown too large, or with very
  // many rows, so that retention can give back its entries.
  Status BeginRow(uint64_t seq);
  Status BeginGeneration(uint64_t first_seq, uint64_t first_id);
  uint64_t IdOf(WordKind kind, std::string_view value) override;
  uint64_t IdIfRepeated(WordKind kind, std::string_view value) override;
  // Of all calls since the last one: the two above cannot tell it.
  Status TakeFailure();

 private:
  // So that a view is looked up without a copy.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  Dictionary() = default;
  std::string_view KeyOf(WordKind kind, std::string_view value);
  uint64_t Add(WordKind kind);
  Status Write(uint64_t id, WordKind kind, std::string_view value);

  uint64_t identity_ = 0;
  uint64_t next_id_ = kIdentityId + 1;
  uint64_t generation_seq_ = 0;  // its first row
  Statement insert_;
  Statement insert_spare_;
  Statement insert_generation_;
  std::string key_;  // of the latest call: a byte of kind and the value
  std::unordered_map<std::string, uint64_t, Hash, std::equal_to<>> ids_;  // by the key
  size_t bytes_ = 0;                                                      // of the keys
  std::unordered_set<uint64_t> met_;                                      // hashes of what was met once
  Status failure_;
};

// The readers': from the file, whichever of the two copies is whole, remembered.
class StoredWords : public Words {
 public:
  static Result<StoredWords> Open(Database& database, uint64_t identity);
  const std::string* Find(WordKind kind, uint64_t id) override;

 private:
  StoredWords() = default;
  const std::string* Read(Statement& select, WordKind kind, uint64_t id);

  uint64_t identity_ = 0;
  Statement select_;
  Statement select_spare_;
  struct Word {
    WordKind kind;
    std::string value;
  };
  std::unordered_map<uint64_t, Word> words_;
  size_t bytes_ = 0;
};

}  // namespace fsherald
