// SPDX-License-Identifier: MIT
#include "store/dictionary.h"

#include <cstring>
#include <functional>
#include <optional>

#include "store/checksum.h"
#include "store/state.h"

namespace fsherald {
namespace {

constexpr size_t kMostWords = 16'384;
constexpr size_t kMostBytes = size_t{4} << 20;
constexpr size_t kMostMet = 8'192;
constexpr uint64_t kRowsOfGeneration = uint64_t{1} << 18;
constexpr size_t kChecksumBytes = 4;

uint32_t WordChecksum(uint64_t identity, uint64_t id, int64_t kind, std::string_view value) {
  const uint64_t head[] = {identity, id, static_cast<uint64_t>(kind)};
  return Crc32c(value, Crc32c({reinterpret_cast<const char*>(head), sizeof head}));
}

}  // namespace

std::string SealWord(uint64_t identity, uint64_t id, WordKind kind, std::string_view value) {
  std::string sealed(value);
  // The identity's own has no identity to begin with.
  const uint32_t sum = WordChecksum(kind == WordKind::kIdentity ? 0 : identity, id, static_cast<int64_t>(kind), value);
  for (size_t i = 0; i < kChecksumBytes; ++i) sealed += static_cast<char>(sum >> 8 * i);
  return sealed;
}

std::optional<std::string_view> UnsealWord(uint64_t identity, uint64_t id, int64_t kind, std::string_view sealed) {
  if (sealed.size() < kChecksumBytes) return std::nullopt;
  const std::string_view value = sealed.substr(0, sealed.size() - kChecksumBytes);
  // The identity's own has no identity to begin with.
  const bool is_identity = kind == static_cast<int64_t>(WordKind::kIdentity);
  const uint32_t sum = WordChecksum(is_identity ? 0 : identity, id, kind, value);
  for (size_t i = 0; i < kChecksumBytes; ++i)
    if (static_cast<uint8_t>(sealed[value.size() + i]) != (sum >> 8 * i & 0xff)) return std::nullopt;
  return value;
}

Result<uint64_t> ReadIdentity(Database& database) {
  for (const char* table : {"dictionary", "dictionary_spare"}) {
    auto select = database.Prepare(std::string("SELECT kind, value FROM ") + table + " WHERE id=?");
    if (!select) continue;
    const auto row = select->Bind(kIdentityId).Step();
    if (!row || !*row || select->Int(0) != static_cast<int64_t>(WordKind::kIdentity)) continue;
    const auto value = UnsealWord(0, kIdentityId, select->Int(0), select->Blob(1));
    uint64_t identity = 0;
    if (!value || value->size() != sizeof identity) continue;
    std::memcpy(&identity, value->data(), sizeof identity);
    return identity;
  }
  const auto state = LoadState(database);
  if (!state) return state.error();
  if (!*state) return HistoryError("find the identity of", database.path(), EUCLEAN);
  return (*state)->identity;
}

Result<Dictionary> Dictionary::Open(Database& database, uint64_t identity) {
  Dictionary dictionary;
  dictionary.identity_ = identity;
  auto insert = database.Prepare("INSERT INTO dictionary VALUES(?,?,?)");
  if (!insert) return insert.error();
  auto insert_spare = database.Prepare("INSERT INTO dictionary_spare VALUES(?,?,?)");
  if (!insert_spare) return insert_spare.error();
  auto insert_generation = database.Prepare("INSERT OR REPLACE INTO generation VALUES(?,?)");
  if (!insert_generation) return insert_generation.error();
  dictionary.insert_ = std::move(*insert);
  dictionary.insert_spare_ = std::move(*insert_spare);
  dictionary.insert_generation_ = std::move(*insert_generation);

  const auto last =
      database.Number("SELECT max((SELECT max(id) FROM dictionary),(SELECT max(id) FROM dictionary_spare))");
  if (!last) return last.error();
  dictionary.next_id_ = static_cast<uint64_t>(*last) + 1;
  auto generation = database.Prepare("SELECT first_seq, first_id FROM generation ORDER BY first_seq DESC LIMIT 1");
  if (!generation) return generation.error();
  const auto row = generation->Step();
  if (!row) return row.error();
  if (!*row) return dictionary;
  dictionary.generation_seq_ = generation->Uint(0);
  auto words = database.Prepare("SELECT id, kind, value FROM dictionary WHERE id >= ? ORDER BY id LIMIT ?");
  if (!words) return words.error();
  words->Bind(generation->Uint(1)).Bind(static_cast<int64_t>(kMostWords));
  while (true) {
    const auto word = words->Step();
    if (!word) return word.error();
    if (!*word) break;
    // What is damaged is forgotten: the next row that needs it gets a new one.
    const auto value = UnsealWord(identity, words->Uint(0), words->Int(1), words->Blob(2));
    if (!value) continue;
    const std::string_view key = dictionary.KeyOf(static_cast<WordKind>(words->Int(1)), *value);
    dictionary.bytes_ += key.size();
    dictionary.ids_.emplace(key, words->Uint(0));
  }
  return dictionary;
}

Status Dictionary::BeginRow(uint64_t seq) {
  const bool ended = ids_.size() >= kMostWords || bytes_ >= kMostBytes || seq - generation_seq_ >= kRowsOfGeneration;
  if (generation_seq_ != 0 && !ended) return {};
  ids_.clear();
  bytes_ = 0;
  return BeginGeneration(seq, next_id_);
}

Status Dictionary::BeginGeneration(uint64_t first_seq, uint64_t first_id) {
  generation_seq_ = first_seq;
  return insert_generation_.Bind(first_seq).Bind(first_id).Run();
}

std::string_view Dictionary::KeyOf(WordKind kind, std::string_view value) {
  key_.assign(1, static_cast<char>(kind));
  return key_ += value;
}

uint64_t Dictionary::IdOf(WordKind kind, std::string_view value) {
  const auto known = ids_.find(KeyOf(kind, value));
  return known != ids_.end() ? known->second : Add(kind);
}

uint64_t Dictionary::IdIfRepeated(WordKind kind, std::string_view value) {
  const auto known = ids_.find(KeyOf(kind, value));
  if (known != ids_.end()) return known->second;
  if (met_.insert(std::hash<std::string_view>()(key_)).second) {
    if (met_.size() > kMostMet) met_.clear();
    return 0;
  }
  return Add(kind);
}

// Under key_.
uint64_t Dictionary::Add(WordKind kind) {
  const uint64_t id = next_id_++;
  if (auto written = Write(id, kind, std::string_view(key_).substr(1)); !written && failure_) failure_ = written;
  bytes_ += key_.size();
  ids_.emplace(key_, id);
  return id;
}

Status Dictionary::Write(uint64_t id, WordKind kind, std::string_view value) {
  const std::string sealed = SealWord(identity_, id, kind, value);
  if (auto run = insert_.Bind(id).Bind(static_cast<int>(kind)).BindBlob(sealed).Run(); !run) return run;
  return insert_spare_.Bind(id).Bind(static_cast<int>(kind)).BindBlob(sealed).Run();
}

Status Dictionary::TakeFailure() { return std::exchange(failure_, Status()); }

Result<StoredWords> StoredWords::Open(Database& database, uint64_t identity) {
  StoredWords words;
  words.identity_ = identity;
  auto select = database.Prepare("SELECT kind, value FROM dictionary WHERE id=?");
  if (!select) return select.error();
  auto spare = database.Prepare("SELECT kind, value FROM dictionary_spare WHERE id=?");
  if (!spare) return spare.error();
  words.select_ = std::move(*select);
  words.select_spare_ = std::move(*spare);
  return words;
}

const std::string* StoredWords::Find(WordKind kind, uint64_t id) {
  const auto known = words_.find(id);
  if (known != words_.end()) return known->second.kind == kind ? &known->second.value : nullptr;
  const std::string* value = Read(select_, kind, id);
  return value != nullptr ? value : Read(select_spare_, kind, id);
}

const std::string* StoredWords::Read(Statement& select, WordKind kind, uint64_t id) {
  const std::string* found = nullptr;
  const auto row = select.Bind(id).Step();
  if (row && *row && select.Int(0) == static_cast<int64_t>(kind)) {
    if (const auto value = UnsealWord(identity_, id, select.Int(0), select.Blob(1))) {
      if (words_.size() >= kMostWords || bytes_ >= kMostBytes) {
        words_.clear();
        bytes_ = 0;
      }
      bytes_ += value->size();
      found = &words_.emplace(id, Word{kind, std::string(*value)}).first->second.value;
    }
  }
  select.Reset();
  return found;
}

}  // namespace fsherald
