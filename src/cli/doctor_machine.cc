// SPDX-License-Identifier: MIT
#include "cli/doctor_machine.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fsherald {
namespace {

// CAP_PERFMON and CAP_BPF are of Linux 5.8; older headers lack them.
constexpr unsigned kPerfmonBit = 38;
constexpr unsigned kBpfBit = 39;

constexpr NeededCapability kNeeded[] = {
    {"CAP_SYS_ADMIN", CAP_SYS_ADMIN, "fanotify"},
    {"CAP_BPF", kBpfBit, "trace", true},
    {"CAP_PERFMON", kPerfmonBit, "trace", true},
    {"CAP_SYSLOG", CAP_SYSLOG, "kmsg"},
    {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, "the paths of files and cgroups"},
};

std::string FirstLine(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// The value of "NAME:\tVALUE" in a status file, as proc(5) has it.
std::string StatusField(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

// "REAL\tEFFECTIVE\t...".
std::optional<uint32_t> EffectiveUid(const std::string& uids) {
  std::istringstream fields(uids);
  uint32_t real = 0;
  uint32_t effective = 0;
  if (!(fields >> real >> effective)) return std::nullopt;
  return effective;
}

// The first user namespace maps every id to itself.
bool IsMappedNamespace(const std::string& map_path) {
  std::ifstream file(map_path);
  uint64_t inside = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
  if (!(file >> inside >> outside >> count)) return false;
  return inside != 0 || outside != 0 || count != 0xffffffff;
}

// The file holds all modes, the one in force in brackets: "none [integrity] confidentiality".
Result<std::string> ReadLockdown(const std::string& sys_root) {
  const std::string directory = sys_root + "/kernel/security";
  std::string modes = FirstLine(directory + "/lockdown");
  const size_t open = modes.find('[');
  const size_t close = modes.find(']', open);
  if (open != modes.npos && close != modes.npos) return modes.substr(open + 1, close - open - 1);
  std::error_code failed;
  const bool is_empty = std::filesystem::is_empty(directory, failed);
  if (failed || is_empty) return Error{"securityfs is not mounted on " + directory, 0};
  if (std::filesystem::exists(directory + "/lockdown", failed))
    return Error{directory + "/lockdown is not readable", 0};
  return std::string("none");
}

}  // namespace

std::span<const NeededCapability> NeededCapabilities() { return kNeeded; }

Machine ReadMachine(const std::string& proc_root, const std::string& sys_root) {
  const std::string status = proc_root + "/self/status";
  Machine machine;
  machine.kernel_release = FirstLine(proc_root + "/sys/kernel/osrelease");
  machine.uid = EffectiveUid(StatusField(status, "Uid"));
  const std::string effective = StatusField(status, "CapEff");
  std::from_chars(effective.data(), effective.data() + effective.size(), machine.capabilities, 16);
  machine.in_user_namespace = IsMappedNamespace(proc_root + "/self/uid_map");
  machine.has_btf = ::access((sys_root + "/kernel/btf/vmlinux").c_str(), R_OK) == 0;
  machine.lockdown = ReadLockdown(sys_root);
  return machine;
}

std::vector<std::string> MachineAdvice(const Machine& machine) {
  std::vector<std::string> advice;
  std::string missing;
  const bool is_admin = (machine.capabilities >> CAP_SYS_ADMIN & 1) != 0;
  for (const NeededCapability& capability : kNeeded) {
    if (!machine.Has(capability) && !(capability.has_sys_admin_too && is_admin))
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", capability.name);
  }
  if (!missing.empty()) advice.push_back(fmt::format("run it as root: {} would be added", missing));
  if (machine.in_user_namespace) {
    advice.push_back(
        "run it outside of this user namespace (on the host, not in an unprivileged container): "
        "fanotify and BPF ask for capabilities of the host");
  }
  if (!machine.has_btf) {
    advice.push_back(
        "boot a kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys: the source trace needs "
        "/sys/kernel/btf/vmlinux");
  }
  if (machine.lockdown && *machine.lockdown == "confidentiality") {
    advice.push_back(
        "boot with lockdown=integrity or without: in confidentiality mode the kernel refuses what the source "
        "trace does");
  }
  return advice;
}

}  // namespace fsherald
