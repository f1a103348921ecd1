// SPDX-License-Identifier: MIT
#include "store/row_format.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "store/test_history.h"

namespace fsherald {
namespace {

constexpr uint64_t kIdentity = 77;

// A dictionary in memory.
class TestWords : public WordIds, public Words {
 public:
  uint64_t IdOf(WordKind kind, std::string_view value) override {
    const auto [known, is_new] = ids_.try_emplace({kind, std::string(value)}, ids_.size() + 1);
    if (is_new) words_[known->second] = {kind, std::string(value)};
    return known->second;
  }
  uint64_t IdIfRepeated(WordKind kind, std::string_view value) override {
    return ids_.contains({kind, std::string(value)}) || !met_.insert({kind, std::string(value)}).second
               ? IdOf(kind, value)
               : 0;
  }
  const std::string* Find(WordKind kind, uint64_t id) override {
    const auto found = words_.find(id);
    return found != words_.end() && found->second.first == kind ? &found->second.second : nullptr;
  }

 private:
  std::map<std::pair<WordKind, std::string>, uint64_t> ids_;
  std::set<std::pair<WordKind, std::string>> met_;
  std::map<uint64_t, std::pair<WordKind, std::string>> words_;
};

TEST(RowFormatTest, AnyNotificationComesBackAsItWas) {
  AnyNotification any(11);
  TestWords words;
  for (uint64_t seq = 1; seq <= 5000; ++seq) {
    const Notification n = any.Next(seq);
    const Host host = any.AnyHost();
    const Row row = PackRow({n, host}, kIdentity, words);
    const auto entry = UnpackRow(row, kIdentity, words);
    ASSERT_TRUE(entry) << seq;
    ASSERT_EQ(entry->notification, n) << seq;
    ASSERT_EQ(entry->host.boot_id, host.boot_id);
    ASSERT_EQ(entry->host.kernel_release, host.kernel_release);
    ASSERT_EQ(entry->rows, 1u);
    ASSERT_EQ(entry->last_seq, seq);
  }
}

TEST(RowFormatTest, EachChangedBitOfARowIsSeen) {
  TestWords words;
  const Row row = PackRow({TestError(1), kTestHost}, kIdentity, words);
  ASSERT_TRUE(IsWhole(row, kIdentity));
  EXPECT_FALSE(IsWhole(row, kIdentity + 1));
  for (size_t bit = 0; bit < 8 * row.detail.size(); ++bit) {
    Row changed = row;
    changed.detail[bit / 8] = static_cast<char>(changed.detail[bit / 8] ^ 1 << bit % 8);
    ASSERT_FALSE(IsWhole(changed, kIdentity)) << bit;
  }
  Row changed = row;
  ++changed.errors;
  EXPECT_FALSE(IsWhole(changed, kIdentity));
  changed = row;
  changed.code.reset();
  EXPECT_FALSE(IsWhole(changed, kIdentity));
}

// A detail with a good checksum that holds anything: it is refused or read, and nothing is read beyond it.
TEST(RowFormatTest, AnyDetailIsReadOrRefused) {
  AnyNotification any(12);
  TestWords words;
  for (int i = 0; i < 20'000; ++i) {
    Row row = PackRow({TestError(1), kTestHost}, kIdentity, words);
    row.detail.resize(row.detail.size() - 4);
    const std::string put = any.Text();
    row.detail.insert(any.Below(row.detail.size()), put);
    row.detail.resize(any.Below(row.detail.size()) + 1);
    row.detail += "sum.";
    row.rows = 1 + any.Below(2);
    // MergedRow takes the sum off and puts a good one behind.
    (void)UnpackRow(MergedRow(row, 5, 6, kIdentity), kIdentity, words);
  }
}

TEST(RowFormatTest, AMergedRowSaysHowFarItReaches) {
  TestWords words;
  Row row = PackRow({TestError(10), kTestHost}, kIdentity, words);
  row.rows = 5;
  row.errors = 50;
  const auto entry = UnpackRow(MergedRow(row, 20, TestError(19).utc_ns, kIdentity), kIdentity, words);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->notification, TestError(10, 50));
  EXPECT_EQ(entry->rows, 5u);
  EXPECT_EQ(entry->last_seq, 20u);
  EXPECT_EQ(entry->last_utc_ns, TestError(19).utc_ns);
}

TEST(RowFormatTest, WithoutItsWordsARowIsRefused) {
  TestWords words;
  TestWords without;
  const Row row = PackRow({TestError(1), kTestHost}, kIdentity, words);
  EXPECT_FALSE(UnpackRow(row, kIdentity, without));
}

}  // namespace
}  // namespace fsherald
