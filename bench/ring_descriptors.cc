// SPDX-License-Identifier: MIT
// What the kernel offers: a pipe, and a UNIX datagram socket. One write or send a record; the reader never blocks.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/fd.h"
#include "ring_subjects.h"

namespace fsherald::bench {
namespace {

class Descriptors : public Subject {
 public:
  size_t Push(int, size_t count) override {
    size_t accepted = 0;
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      accepted += ::write(in_.get(), &record, sizeof record) == sizeof record;
    }
    return accepted;
  }

  size_t Drain() override {
    size_t count = 0;
    for (Record record; ::read(out_.get(), &record, sizeof record) == sizeof record;) ++count;
    return count;
  }

 protected:
  void Own(int in, int out) {
    in_.Reset(in);
    out_.Reset(out);
  }

  Fd in_;
  Fd out_;
};

class Pipe : public Descriptors {
 public:
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    Own(ends[1], ends[0]);
    ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  }
};

class Datagram : public Descriptors {
 public:
  Datagram() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
    Own(ends[1], ends[0]);
    const int bytes = 1 << 23;
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    std::ifstream("/proc/sys/net/unix/max_dgram_qlen") >> queue_;
  }

  size_t burst() const override { return std::clamp<size_t>(queue_ / 2, 1, kMaxBurst); }

 private:
  size_t queue_ = 10;
};

}  // namespace

std::unique_ptr<Subject> MakePipe() { return std::make_unique<Pipe>(); }
std::unique_ptr<Subject> MakeDatagram() { return std::make_unique<Datagram>(); }

}  // namespace fsherald::bench
