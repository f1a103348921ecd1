// SPDX-License-Identifier: MIT
#include "sink/sink.h"

#include <utility>

#include "record/json.h"
#include "sink/write_buffer.h"

namespace fsherald {
namespace {

class JsonSink : public Sink {
 public:
  JsonSink(int fd, Host host, int stop_fd) : host_(std::move(host)), buffer_(fd, stop_fd) {}

  void Add(const Notification& notification) override {
    AppendJson(notification, host_, buffer_.text());
    buffer_.End();
  }
  Status Flush() override { return buffer_.Flush(); }

 private:
  const Host host_;
  WriteBuffer buffer_;
};

class TerminalSink : public Sink {
 public:
  TerminalSink(int fd, Host host, TextOptions options, int stop_fd)
      : host_(std::move(host)), options_(options), buffer_(fd, stop_fd) {}

  void Add(const Notification& notification) override {
    AppendText(notification, host_, options_, buffer_.text());
    buffer_.End();
  }
  Status Flush() override { return buffer_.Flush(); }

 private:
  const Host host_;
  const TextOptions options_;
  WriteBuffer buffer_;
};

}  // namespace

std::unique_ptr<Sink> MakeJsonSink(int fd, Host host, int stop_fd) {
  return std::make_unique<JsonSink>(fd, std::move(host), stop_fd);
}

std::unique_ptr<Sink> MakeTerminalSink(int fd, Host host, TextOptions options, int stop_fd) {
  return std::make_unique<TerminalSink>(fd, std::move(host), options, stop_fd);
}

}  // namespace fsherald
