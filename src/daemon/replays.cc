// SPDX-License-Identifier: MIT
#include "daemon/replays.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "base/clock.h"
#include "fsherald/record.h"
#include "record/gap.h"
#include "record/stream.h"

namespace fsherald {
namespace {

// All of them in one, of no single file system.
Notification Sum(const std::vector<const Notification*>& gaps) {
  Notification sum = *gaps.front();
  sum.filesystem = {};
  sum.filesystem_seq = 0;
  for (const Notification* one : gaps | std::views::drop(1)) AddTo(*sum.gap, *one);
  return sum;
}

}  // namespace

class Replays::One final : public Replay {
 public:
  One(Replays& all, uint64_t id, uint64_t since) : all_(all), id_(id), line_(std::min(since, all.options_.told())) {
    all_.all_.emplace(id_, this);
  }
  ~One() override { all_.all_.erase(id_); }

  Came Read(size_t most, std::string& out) override {
    while (!is_asking_) {
      if (taken_ < piece_.ends.size()) {
        TakeOfPiece(most, out);
        return Came::kSome;
      }
      piece_ = {};
      taken_ = 0;
      if (!IsInMemory()) {
        Ask();
        break;
      }
      if (ReadMemory(most, out)) return Came::kSome;
      End(most, out);
      return Came::kAll;
    }
    return Came::kLater;
  }

  void Answer(HistoryPiece piece) {
    is_asking_ = false;
    line_ = piece.line;
    if (piece.is_last) looked_to_seq_ = asked_to_seq_;
    piece_ = std::move(piece);
  }

 private:
  // Above this all that was stored may be in the store alone.
  uint64_t kept_after_seq() const { return std::max(all_.journal_->kept_after_seq(), all_.options_.begun_seq); }
  bool IsInMemory() const { return std::max(line_.position(), looked_to_seq_) >= kept_after_seq(); }

  // What has left the memory by now is stored by now.
  void Ask() {
    asked_to_seq_ = kept_after_seq();
    is_asking_ = true;
    all_.reader_->Ask(id_, line_);
  }

  void TakeOfPiece(size_t most, std::string& out) {
    const size_t from = taken_ == 0 ? 0 : piece_.ends[taken_ - 1];
    size_t to = from;
    for (; taken_ < piece_.ends.size() && piece_.ends[taken_] - from <= most; ++taken_) to = piece_.ends[taken_];
    out.append(piece_.bytes, from, to - from);
  }

  // False: there is nothing more.
  bool ReadMemory(size_t most, std::string& out) {
    const size_t before = out.size();
    while (most - (out.size() - before) >= 2 * FSHERALD_MAX_NOTIFICATION_BYTES) {  // a gap may come before it
      const auto next = all_.journal_->Next(at_, line_.position());
      if (!next) break;
      at_ = next->next;
      if (const auto parsed = ParseStream(next->bytes)) line_.Add({parsed->notification, parsed->host}, out);
    }
    return out.size() > before;
  }

  // What was told and not even the journal has is told by its count.
  void End(size_t most, std::string& out) {
    std::vector<const Notification*> gaps = all_.options_.unstored();
    std::erase_if(gaps, [this](const Notification* gap) { return gap->seq <= line_.position(); });
    std::string counted;
    ReplayLine line = line_;
    for (const Notification* gap : gaps) line.Add({*gap, all_.options_.host}, counted);
    if (counted.size() + FSHERALD_MAX_NOTIFICATION_BYTES > most) {
      counted.clear();
      line = line_;
      line.Add({Sum(gaps), all_.options_.host}, counted);
    }
    line.End(all_.options_.told(), UtcNowNs(), all_.options_.host, counted);
    line_ = line;
    out += counted;
  }

  Replays& all_;
  uint64_t id_;
  ReplayLine line_;
  HistoryPiece piece_;
  size_t taken_ = 0;            // of piece_.ends
  uint64_t at_ = 0;             // in the journal
  uint64_t looked_to_seq_ = 0;  // what is stored up to here was read, as far as it is there
  uint64_t asked_to_seq_ = 0;
  bool is_asking_ = false;
};

Replays::Replays(Options options, std::shared_ptr<Journal> journal, std::unique_ptr<HistoryReader> reader)
    : options_(std::move(options)), journal_(std::move(journal)), reader_(std::move(reader)) {}
Replays::~Replays() = default;

Result<std::unique_ptr<Replays>> Replays::Start(Options options, std::shared_ptr<Journal> journal) {
  auto reader = HistoryReader::Start(options.store, options.second);
  if (!reader) return reader.error();
  return std::unique_ptr<Replays>(new Replays(std::move(options), std::move(journal), std::move(*reader)));
}

std::unique_ptr<Replay> Replays::Begin(uint64_t since) { return std::make_unique<One>(*this, ++begun_, since); }

int Replays::fd() const { return reader_->fd(); }

void Replays::Pump() {
  for (HistoryReader::Answer& answer : reader_->Take())
    if (auto found = all_.find(answer.who); found != all_.end()) found->second->Answer(std::move(answer.piece));
}

}  // namespace fsherald
