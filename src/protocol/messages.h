// SPDX-License-Identifier: MIT
// What goes over the daemon's two UNIX sockets, <runtime dir>/report and <runtime dir>/subscribe: SOCK_SEQPACKET, one message a
// packet. Each message begins with a Head; both sides check that the packet is as long as its type needs, and end the
// connection where it is not. Descriptors come along by SCM_RIGHTS.
//
//   report     client: Offer {ring memfd, its eventfd, for a mount also an O_PATH descriptor of it}
//              daemon: Answer. Then nothing more: the connection stays open for as long as both live.
//   subscribe  client: Open or OpenSince; daemon: Answer. Then the client's Mark (each answered, in order), Acknowledge and Close,
//              and the daemon's Notifications, in any order with its answers. Clear needs no Open.
//
// The daemon takes who the client is from SO_PEERCRED alone.
#pragma once

#include <cstdint>

namespace fsherald::protocol {

inline constexpr char kReportSocket[] = "report";
inline constexpr char kSubscribeSocket[] = "subscribe";
inline constexpr char kRuntimeDir[] = "/run/fsherald";
inline constexpr char kRuntimeDirVariable[] = "FSHERALD_RUNTIME_DIR";

inline constexpr uint32_t kMaxMessageBytes = 65536;
inline constexpr uint32_t kMaxNameBytes = 31;
inline constexpr uint32_t kMaxGroupNameBytes = 63;
inline constexpr uint32_t kMaxDescriptors = 3;
inline constexpr uint32_t kMaxClearNameBytes = 255;
inline constexpr uint32_t kMaxReasonBytes = 255;

enum Type : uint32_t {
  kOffer = 1,
  kAnswer = 2,
  kOpen = 3,
  kMark = 4,
  kAcknowledge = 5,
  kClose = 6,
  kNotifications = 7,
  kClear = 8,
  kOpenSince = 9,
};

struct Head {
  uint32_t type;
  uint32_t bytes;  // of the whole message, this Head included
};
static_assert(sizeof(Head) == 8);

// Descriptors: 0 the memfd of the ring, sealed against shrinking; 1 the eventfd that wakes its consumer; with kOfMount 2: a
// descriptor on the mount.
struct Offer {
  Head head;
  uint32_t flags;
  uint32_t reserved;  // 0
  char type[kMaxNameBytes + 1];  // NUL-terminated; both empty with kOfMount
  char name[kMaxNameBytes + 1];
};
static_assert(sizeof(Offer) == 80);
inline constexpr uint32_t kOfMount = 1;

struct Answer {
  Head head;
  int32_t error;      // 0, or an errno, positive
  uint32_t reserved;  // 0
  // then a text: of an error, a sentence; of Open: what the daemon watches, in lines
};
static_assert(sizeof(Answer) == 16);

struct Open {
  Head head;
  uint32_t flags;     // 0
  uint32_t reserved;  // 0
  char name[kMaxGroupNameBytes + 1];  // empty: the group ends with the connection
};
static_assert(sizeof(Open) == 80);

// Opens a group that is first told what the history has above number `since`, then goes on live, without a hole or a repeat. It has
// marked all file systems, and has no other marks: Mark fails with EOPNOTSUPP. A group of that name that has no reader ends, and
// this one takes its place. Errors: EOPNOTSUPP: this daemon keeps no history.
struct OpenSince {
  Head head;
  uint32_t flags;     // 0
  uint32_t reserved;  // 0
  uint64_t since;
  char name[kMaxGroupNameBytes + 1];  // as of Open
};
static_assert(sizeof(OpenSince) == 88);

enum MarkOp : uint32_t { kAdd = 1, kRemove = 2, kFlush = 3 };
enum MarkTarget : uint32_t {
  kOnDescriptor = 1,  // descriptor 0: anything on the file system
  kOnName = 2,        // type, name, uid
  kOnAll = 3,
};

struct Mark {
  Head head;
  uint32_t op;
  uint32_t target;  // not looked at for kFlush
  uint32_t uid;     // all ones: any
  uint32_t reserved;  // 0
  char type[kMaxNameBytes + 1];
  char name[kMaxNameBytes + 1];
};
static_assert(sizeof(Mark) == 88);

struct Acknowledge {
  Head head;
  uint64_t seq;
};
static_assert(sizeof(Acknowledge) == 16);

struct Close {
  Head head;
};

// The operator says that a file system is well; root alone may. Errors: EPERM; ENOENT: no such file system is known. The text of
// the answer: what it was and is.
struct Clear {
  Head head;
  uint32_t target;    // kOnDescriptor or kOnName
  uint32_t reserved;  // 0
  char name[kMaxClearNameBytes + 1];  // kOnName: a uuid, or the name of a device
  char reason[kMaxReasonBytes + 1];   // not empty
};
static_assert(sizeof(Clear) == 528);

struct Notifications {
  Head head;
  // then whole notifications, include/fsherald/record.h
};

}  // namespace fsherald::protocol
