// SPDX-License-Identifier: MIT
// Packets of the two sockets: connecting, sending and receiving them with their descriptors. Who receives checks.
#pragma once

#include <sys/un.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "protocol/messages.h"

namespace fsherald::protocol {

// $FSHERALD_RUNTIME_DIR where `wanted` is empty, else /run/fsherald; in a program with more privileges than its caller the
// variable is not looked at (secure_getenv).
std::string RuntimeDir(const char* wanted);

// Error: ENAMETOOLONG and a sentence.
Result<sockaddr_un> SocketAddress(const std::string& path);

// Connects a non-blocking socket. Errors: as connect(2); ECONNREFUSED also where there is no such socket.
Result<Fd> Connect(const std::string& runtime_dir, const char* socket_name);

// One packet. Never waits: EAGAIN where it does not fit now. Never raises SIGPIPE.
Status Send(int socket, Bytes packet, std::span<const int> descriptors = {});

struct Packet {
  std::vector<std::byte> bytes;  // empty: the peer has closed
  std::vector<Fd> descriptors;   // CLOEXEC
};

// The next packet; never waits: EAGAIN where there is none. EBADMSG: longer than kMaxMessageBytes, shorter than a Head, its
// head.bytes is not its length, or too many descriptors. `kRefused`: descriptors that come along are dropped by the kernel, for
// they may not be ours to close: close(2) asks a file system in user space, and waits for its answer.
enum class Descriptors { kTaken, kRefused };
Result<Packet> Receive(int socket, Descriptors descriptors = Descriptors::kTaken);

// The message of a packet, if it is of this type and exactly as long as T, or at least where `tail` asks for what is behind it.
template <typename T>
std::optional<T> As(const Packet& packet, Type type, Bytes* tail = nullptr) {
  ByteReader reader(packet.bytes);
  std::optional<T> message = reader.Read<T>();
  if (!message || message->head.type != type || (tail == nullptr && reader.remaining() != 0)) return std::nullopt;
  if (tail != nullptr) *tail = reader.rest();
  return message;
}

// The text in a fixed array. Empty optional: it is not NUL-terminated.
std::optional<std::string> Text(std::span<const char> characters);

}  // namespace fsherald::protocol
