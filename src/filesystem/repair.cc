// SPDX-License-Identifier: MIT
#include "filesystem/repair.h"

namespace fsherald {
namespace {

using Trouble = Patient::Trouble;

std::string At(const Patient& patient) { return patient.mount_point.empty() ? "MOUNT" : patient.mount_point; }

std::vector<std::string> UnmountedCheck(const Patient& patient, const std::string& command) {
  if (patient.is_root) return {"boot another system, and there: " + command};
  return {"umount " + At(patient), command};
}

std::vector<std::string> Ext4Steps(const Patient& patient) {
  const std::string check = "e2fsck -f " + patient.node;
  if (patient.is_root) return {"boot once with fsck.mode=force, or from another system: " + check};
  return UnmountedCheck(patient, check);
}

std::vector<std::string> XfsSteps(const Patient& patient) {
  std::vector<std::string> steps = UnmountedCheck(patient, "xfs_repair -n " + patient.node);
  steps.push_back("if that finds damage: mount and unmount it once (the log is replayed), then xfs_repair " +
                  patient.node);
  return steps;
}

std::vector<std::string> BtrfsSteps(const Patient& patient, Trouble trouble) {
  std::vector<std::string> steps = {"btrfs device stats " + At(patient)};
  if (trouble == Trouble::kErrors) {
    steps.push_back("btrfs scrub start -B " + At(patient));
    steps.push_back("when all is repaired: btrfs device stats -z " + At(patient));
  } else {
    steps.push_back("save what is not saved elsewhere: it can still be read");
    for (std::string& step : UnmountedCheck(patient, "btrfs check --readonly " + patient.node))
      steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

std::vector<std::string> NextSteps(const Patient& patient, Trouble trouble) {
  std::vector<std::string> steps = {"see what the kernel said: fsherald doctor " + At(patient) + ", or dmesg"};
  auto add = [&](std::vector<std::string> more) { steps.insert(steps.end(), more.begin(), more.end()); };
  const std::string_view type = patient.type;
  if (type == "ext4" || type == "ext3" || type == "ext2") add(Ext4Steps(patient));
  else if (type == "xfs") add(XfsSteps(patient));
  else if (type == "btrfs") add(BtrfsSteps(patient, trouble));
  else add(UnmountedCheck(patient, "fsck." + std::string(type) + " " + patient.node));
  return steps;
}

}  // namespace fsherald
