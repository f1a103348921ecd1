// SPDX-License-Identifier: MIT
#include "filesystem/repair.h"

#include "filesystem/filesystem.h"

namespace fsherald {

std::vector<std::string> NextSteps(const Patient& patient, Patient::Trouble trouble) {
  std::vector<std::string> steps = {"see what the kernel said: fsherald doctor " + MountPointOf(patient) +
                                    ", or dmesg"};
  const Advice* advice = ModuleOf(patient.type).advice;
  const std::vector<std::string> own =
      advice != nullptr ? advice->steps(patient, trouble)
                        : Unmounted(patient, {"fsck." + std::string(patient.type) + " " + patient.node});
  steps.insert(steps.end(), own.begin(), own.end());
  return steps;
}

}  // namespace fsherald
