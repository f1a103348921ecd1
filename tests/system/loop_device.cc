// SPDX-License-Identifier: MIT
#include "loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include "process.h"

namespace fsherald::system_test {

LoopDevice::LoopDevice(const std::string& file, bool read_only) {
  const Fd backing(open(file.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!backing) FailErrno("open " + file);
  const Fd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) FailErrno("open /dev/loop-control");
  // Others take free devices too: between asking for one and taking it, it may be gone (EBUSY).
  const Deadline deadline = After(std::chrono::seconds(10));
  while (MillisecondsUntil(deadline) > 0) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) FailErrno("find a free loop device");
    path_ = "/dev/loop" + std::to_string(number);
    fd_.Reset(open(path_.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!fd_) continue;
    loop_config config{};
    config.fd = static_cast<unsigned>(backing.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0);
    if (ioctl(fd_.get(), LOOP_CONFIGURE, &config) == 0) return;
    if (errno != EBUSY && errno != ENXIO) FailErrno("make " + path_ + " of " + file);
  }
  Fail("no free loop device within ten seconds");
}

}  // namespace fsherald::system_test
