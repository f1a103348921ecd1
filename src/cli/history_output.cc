// SPDX-License-Identifier: MIT
#include "cli/history_output.h"

#include "cli/entry_json.h"
#include "record/text.h"

namespace fsherald {
namespace {

constexpr size_t kMeasuredRows = 256;

}  // namespace

HistoryOutput::HistoryOutput(int fd, int stop_fd, HistoryOptions::Form form, bool color)
    : form_(form), color_(color), table_(color), buffer_(fd, stop_fd) {}

void HistoryOutput::Add(const Entry& entry) {
  ++rows_;
  if (form_ != HistoryOptions::Form::kTable || begun_) return Append(entry);
  table_.Measure(entry);
  measured_.push_back(entry);
  if (measured_.size() == kMeasuredRows) BeginTable();
}

void HistoryOutput::BeginTable() {
  begun_ = true;
  buffer_.text() += table_.Heading();
  for (const Entry& entry : measured_) Append(entry);
  measured_ = {};
}

void HistoryOutput::Append(const Entry& entry) {
  std::string& text = buffer_.text();
  switch (form_) {
    case HistoryOptions::Form::kTable: text += table_.Row(entry); break;
    case HistoryOptions::Form::kBlocks:
      AppendText(entry.notification, entry.host, {.color = color_, .dated = true}, text);
      break;
    case HistoryOptions::Form::kJson: AppendEntryJson(entry, text); break;
    case HistoryOptions::Form::kCsv:
      if (!begun_) text += CsvHeading();
      begun_ = true;
      text += CsvRow(entry);
      break;
  }
  buffer_.End();
}

Status HistoryOutput::Flush() {
  if (form_ == HistoryOptions::Form::kTable && !measured_.empty()) BeginTable();
  if (form_ == HistoryOptions::Form::kCsv && !begun_) {
    begun_ = true;
    buffer_.text() += CsvHeading();
    buffer_.End();
  }
  return buffer_.Flush();
}

}  // namespace fsherald
