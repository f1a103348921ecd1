// SPDX-License-Identifier: MIT
// For tests: a reporter as a client of the report socket, made by hand, so that it can also do what no honest one does.
#pragma once

#include <fcntl.h>
#include <fsherald/fsherald.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/packet.h"
#include "ring/ring_writer.h"
#include "source/producer_record.h"

namespace fsherald {

class TestReporter {
 public:
  static constexpr uint32_t kLaneBytes = 16384;

  explicit TestReporter(uint32_t lanes = 2, int seals = F_SEAL_SHRINK | F_SEAL_GROW)
      : bytes_(ring::SegmentBytes(lanes, kLaneBytes)),
        memfd_(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)),
        eventfd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (::ftruncate(memfd_.get(), static_cast<off_t>(bytes_)) != 0) std::abort();
    if (seals != 0 && ::fcntl(memfd_.get(), F_ADD_SEALS, seals) != 0) std::abort();
    memory_ = static_cast<std::byte*>(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_.get(), 0));
    ring::FormatSegment({memory_, bytes_}, lanes, kLaneBytes, ring::kBoottimeNs, true);
    writer_ = std::make_unique<ring::RingWriter>(std::span(memory_, bytes_), eventfd_.get());
  }
  ~TestReporter() { ::munmap(memory_, bytes_); }
  TestReporter(const TestReporter&) = delete;
  TestReporter& operator=(const TestReporter&) = delete;

  // Connects and sends an offer of these descriptors; nobody needs to have accepted yet. False: so many have connected that this
  // one could not.
  bool Offer(const std::string& dir, const char* type, const char* name, std::vector<int> descriptors,
             uint32_t flags = 0) {
    auto socket = protocol::Connect(dir, protocol::kReportSocket);
    if (!socket) return false;
    socket_ = std::move(*socket);
    protocol::Offer offer{};
    offer.head = {.type = protocol::kOffer, .bytes = sizeof offer};
    offer.flags = flags;
    ::strncpy(offer.type, type, sizeof offer.type - 1);
    ::strncpy(offer.name, name, sizeof offer.name - 1);
    return static_cast<bool>(protocol::Send(socket_.get(), std::as_bytes(std::span(&offer, 1)), descriptors));
  }
  bool Offer(const std::string& dir, const char* type = "mydb", const char* name = "orders") {
    return Offer(dir, type, name, {memfd_.get(), eventfd_.get()});
  }
  // The error of the answer that has come, 0: attached; empty: none has, or the connection has ended.
  std::optional<int> Answer(std::string* text = nullptr) {
    auto packet = protocol::Receive(socket_.get());
    if (!packet) return std::nullopt;
    Bytes rest;
    const auto answer = protocol::As<protocol::Answer>(*packet, protocol::kAnswer, &rest);
    if (!answer) return std::nullopt;
    if (text != nullptr) text->assign(reinterpret_cast<const char*>(rest.data()), rest.size());
    return answer->error;
  }
  bool HasHungUp() const {
    pollfd fd{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&fd, 1, 0) == 1 && (fd.revents & POLLHUP) != 0;
  }
  void HangUp() { socket_.Reset(); }

  ring::Submitted Report(int code) { return Submit({.error = code, .line = 1}); }
  ring::Submitted Submit(ProducerRecord record, const std::string& path = "", const std::string& message = "") {
    record.path_bytes = static_cast<uint16_t>(path.size());
    record.message_bytes = static_cast<uint16_t>(message.size());
    return writer_->Submit(sizeof record + path.size() + message.size(), [&](std::byte* to) {
      std::memcpy(to, &record, sizeof record);
      std::memcpy(to + sizeof record, path.data(), path.size());
      std::memcpy(to + sizeof record + path.size(), message.data(), message.size());
    });
  }

  std::span<std::byte> memory() { return {memory_, bytes_}; }
  ring::SegmentHeader& header() { return *reinterpret_cast<ring::SegmentHeader*>(memory_); }
  ring::Lane& lane(size_t index) { return reinterpret_cast<ring::Lane*>(&header() + 1)[index]; }
  uint64_t counted() const { return writer_->counted(); }
  int memfd() const { return memfd_.get(); }
  int eventfd() const { return eventfd_.get(); }
  int socket() const { return socket_.get(); }

 private:
  size_t bytes_;
  Fd memfd_;
  Fd eventfd_;
  std::byte* memory_ = nullptr;
  std::unique_ptr<ring::RingWriter> writer_;
  Fd socket_;
};

}  // namespace fsherald
