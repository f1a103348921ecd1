// SPDX-License-Identifier: MIT
#include "filesystem/table_advice.h"

#include <cerrno>

namespace fsherald {
namespace {

using Steps = std::vector<std::string>;
using Trouble = Patient::Trouble;

Steps F2fsSteps(const Patient& patient, Trouble /*trouble*/) {
  return Unmounted(patient, {"fsck.f2fs --dry-run " + patient.node, "fsck.f2fs -f " + patient.node});
}
Steps VfatSteps(const Patient& patient, Trouble /*trouble*/) {
  return Unmounted(patient, {"fsck.vfat -n " + patient.node, "fsck.vfat -r " + patient.node});
}
Steps ExfatSteps(const Patient& patient, Trouble /*trouble*/) {
  return Unmounted(patient, {"fsck.exfat -n " + patient.node, "fsck.exfat -r " + patient.node});
}
Steps Ntfs3Steps(const Patient& patient, Trouble /*trouble*/) {
  Steps steps = Unmounted(patient, {});
  steps.push_back("in Windows: chkdsk /f on the volume (Linux has no tool that repairs NTFS)");
  return steps;
}
Steps ImageSteps(const Patient& patient, Trouble /*trouble*/) {
  return {"compare the image with its source (a checksum, or a second reading of the disc): " + patient.node,
          "copy or make it anew: it is never written, so there is nothing to repair"};
}
Steps OverlaySteps(const Patient& patient, Trouble /*trouble*/) {
  return {"see its lower, upper and work directories: findmnt -o OPTIONS " + MountPointOf(patient),
          "see the file systems that those lie on: fsherald status"};
}
Steps NfsSteps(const Patient& patient, Trouble /*trouble*/) {
  return {"see how it is mounted, and whether the server answers: nfsstat -m; rpcinfo -t SERVER nfs",
          "on the server: fsherald status, for the file system that it exports as " + MountPointOf(patient)};
}
Steps FuseSteps(const Patient& patient, Trouble /*trouble*/) {
  return {"see the log of the process that serves it, and whether it still runs",
          "if it has ended: fusermount3 -u " + MountPointOf(patient) + " (or umount), then start it again"};
}

constexpr std::string_view kFsckNever[] = {"never run fsck while it is mounted"};
constexpr std::string_view kNtfs3Never[] = {
    "ntfsfix is no repair: it clears the mark that a check is due, and empties the journal",
};
constexpr std::string_view kOverlayNever[] = {
    "do not write to the lower or upper directory while the overlay is mounted: what it then shows is undefined",
};
constexpr CodeNote kOverlayCodes[] = {
    {ESTALE,
     "a lower file is not the one that it was when it was copied up: a lower directory has been changed or moved."},
    {EIO, "mostly the answer of a file system below."},
};
constexpr CodeNote kNfsCodes[] = {
    {ESTALE,
     "the server no longer knows the file: it was removed there, or another file system is exported in its place."},
    {ETIMEDOUT,
     "a server did not answer a soft mount in time: the request is given up, and a write with it. Mount hard what is "
     "written to."},
    {EIO, "a server's answer, or a soft mount that gave up: a program's write may be lost."},
    {ENOSPC, "the server has no room. Programs are told of it at fsync or close, not by write."},
    {EDQUOT, "the quota on the server is used up. Programs are told of it at fsync or close, not by write."},
};
constexpr std::string_view kNfsNever[] = {
    "do not mount soft what is written to: a server that is slow for a minute becomes lost data",
};
constexpr CodeNote kFuseCodes[] = {
    {ENOTCONN, "the process that served it has ended: everything is answered so until it is unmounted."},
};

}  // namespace

const Advice kF2fsAdvice{.codes = {}, .never = kFsckNever, .steps = F2fsSteps};
const Advice kVfatAdvice{.codes = {}, .never = kFsckNever, .steps = VfatSteps};
const Advice kExfatAdvice{.codes = {}, .never = kFsckNever, .steps = ExfatSteps};
const Advice kNtfs3Advice{.codes = {}, .never = kNtfs3Never, .steps = Ntfs3Steps};
const Advice kImageAdvice{.codes = {}, .steps = ImageSteps};
const Advice kOverlayAdvice{.codes = kOverlayCodes, .never = kOverlayNever, .steps = OverlaySteps};
const Advice kNfsAdvice{.codes = kNfsCodes, .never = kNfsNever, .steps = NfsSteps};
const Advice kFuseAdvice{.codes = kFuseCodes, .steps = FuseSteps};

}  // namespace fsherald
