// SPDX-License-Identifier: MIT
// DecodedNotification: a notification as the C API gives it, and what its pointers point to.
#pragma once

#include <fsherald/fsherald.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "record/stream.h"

namespace fsherald {

// One thread. It stays where it is: the C struct points into it.
class DecodedNotification {
 public:
  DecodedNotification() = default;
  DecodedNotification(const DecodedNotification&) = delete;
  DecodedNotification& operator=(const DecodedNotification&) = delete;

  // Takes the first notification of `bytes`, in place of the last. False: there is none (record/stream.h), get() is as
  // it was.
  bool Decode(Bytes bytes);

  // Until the next Decode.
  const fsherald_notification& get() const { return c_; }
  size_t bytes() const { return c_.bytes_len; }  // of the stream, that it took

 private:
  void FillError();
  void FillPlace();
  void FillObject();
  void FillDeviceError();
  void FillWords();
  void FillGap();
  void FillHealth();

  StreamNotification from_;
  std::string bytes_;
  std::vector<const char*> mounts_;  // each list ended by a null pointer
  std::vector<const char*> stack_;
  fsherald_notification c_{};
};

}  // namespace fsherald
