// SPDX-License-Identifier: MIT
// What fsherald costs a file system that is well: fio's random 4 KiB, direct, one after the other, on ext4 and XFS. A round is
// three short runs: without fsherald, with it, without it. So what drifts slowly cancels out, and the two runs without show the
// noise. The figure of a run is its median latency: what others run beside it delays some operations by milliseconds, but few.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/fd.h"
#include "figures.h"
#include "healthy_io_picture.h"
#include "process.h"
#include "testbed.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

constexpr uint64_t kImageBytes = 512 << 20;  // sparse; XFS takes no less than 300 MB

std::string Run(const std::vector<std::string>& command) {
  auto output = RunProgram(command);
  if (!output) Fail(output.error().ToString());
  if (output->exit_code != 0) Fail(command[0] + " failed: " + output->text);
  return output->text;
}

LoopDevice MakeDevice(const std::string& type) {
  const std::string image = "/mnt/" + type + ".img";
  WriteFile(image, "");
  if (::truncate(image.c_str(), static_cast<off_t>(kImageBytes)) != 0) Fail("cannot size " + image);
  if (type == "ext4") Run({"mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", image});
  else Run({"mkfs.xfs", "-q", image});
  auto device = LoopDevice::Attach(image);
  if (!device) Fail(device.error().ToString());
  return std::move(*device);
}

ScopedMount MountOn(const std::string& device, const std::string& type) {
  const std::string directory = "/mnt/" + type;
  ::mkdir(directory.c_str(), 0755);
  auto mounted = ScopedMount::Mount(device, directory, type, "");
  if (!mounted) Fail(mounted.error().ToString());
  return std::move(*mounted);
}

// The median latency, us.
double Fio(const std::string& directory, const std::string& operation, int milliseconds, uint64_t& operations) {
  const std::string text =
      Run({"fio", "--name=healthy", "--filename=" + directory + "/file", "--size=64m", "--rw=" + operation, "--bs=4k",
           "--direct=1", "--ioengine=psync", "--time_based", fmt::format("--runtime={}ms", milliseconds),
           "--output-format=json", "--randrepeat=0", "--fallocate=none"});
  const auto json = nlohmann::json::parse(text.substr(text.find('{')));
  operations = json.at("jobs").at(0).at(operation == "randread" ? "read" : "write").at("total_ios").get<uint64_t>();
  const auto& latency = json.at("jobs").at(0).at(operation == "randread" ? "read" : "write").at("clat_ns");
  return latency.at("percentile").at("50.000000").get<double>() / 1000;
}

double Fio(const std::string& directory, const std::string& operation, int milliseconds) {
  uint64_t unused = 0;
  return Fio(directory, operation, milliseconds, unused);
}

// How often BPF programs of tracepoints ran, and how long, by the kernel's own count (BPF_ENABLE_STATS): a figure that no noise
// touches.
struct BpfRuns {
  uint64_t runs = 0;
  uint64_t ns = 0;
};

BpfRuns ReadBpfRuns() {
  BpfRuns all;
  for (uint32_t id = 0; ::bpf_prog_get_next_id(id, &id) == 0;) {
    const Fd fd(::bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    uint32_t bytes = sizeof info;
    if (!fd || ::bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    all.runs += info.run_cnt;
    all.ns += info.run_time_ns;
  }
  return all;
}

struct Setting {
  std::string type;
  std::string operation;
  Figures plain = {};
  Figures watched = {};
  BpfRuns bpf = {};         // while it was watched
  uint64_t operations = 0;  // meanwhile
  HealthyRow row = {};
};

void Round(Setting& setting, int milliseconds) {
  const std::string directory = "/mnt/" + setting.type;
  const double before = Fio(directory, setting.operation, milliseconds);
  double watched = 0;
  {
    const Reader reader(FsheraldWatch({}));
    const BpfRuns begin = ReadBpfRuns();
    uint64_t operations = 0;
    watched = Fio(directory, setting.operation, milliseconds, operations);
    const BpfRuns end = ReadBpfRuns();
    setting.bpf.runs += end.runs - begin.runs;
    setting.bpf.ns += end.ns - begin.ns;
    setting.operations += operations;
  }
  const double after = Fio(directory, setting.operation, milliseconds);
  setting.plain.Add(before);
  setting.plain.Add(after);
  setting.watched.Add(watched);
  setting.row.watched.Add(watched / std::sqrt(before * after));
  setting.row.noise.Add(after / before);
}

void Print(const Setting& setting) {
  fmt::print("| {} | {:.1f} | {:.1f} | {:.3f} ({:.2f} to {:.2f}) | {:.3f} ({:.2f} to {:.2f}) |\n", setting.row.name,
             setting.plain.median(), setting.watched.median(), setting.row.watched.median(), setting.row.watched.min(),
             setting.row.watched.max(), setting.row.noise.median(), setting.row.noise.min(), setting.row.noise.max());
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  const int milliseconds = argc > 2 ? std::atoi(argv[2]) : 500;
  EnterTestbed(-1);
  PrintMachine();
  const LoopDevice ext4 = MakeDevice("ext4");
  const LoopDevice xfs = MakeDevice("xfs");
  const ScopedMount on_ext4 = MountOn(ext4.path(), "ext4");
  const ScopedMount on_xfs = MountOn(xfs.path(), "xfs");
  const Fd stats(::bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!stats) Fail("the kernel does not count the runs of BPF programs");
  std::vector<Setting> settings;
  for (const char* type : {"ext4", "xfs"})
    for (const char* operation : {"randread", "randwrite"}) {
      Setting& setting = settings.emplace_back(Setting{type, operation});
      setting.row.name = std::string(type) + (setting.operation == "randread" ? ", reads" : ", writes");
      Fio(std::string("/mnt/") + type, "randwrite", milliseconds);  // the file is made
    }
  for (int round = 0; round < rounds; ++round)
    for (Setting& setting : settings) Round(setting, milliseconds);
  fmt::print("{} rounds, {} ms a run; median latency, us\n", rounds, milliseconds);
  fmt::print("| | without | with | with to without | without to without |\n|---|---|---|---|---|\n");
  std::vector<HealthyRow> rows;
  for (const Setting& setting : settings) {
    Print(setting);
    rows.push_back(setting.row);
  }
  fmt::print(
      "\n| | operations while watched | runs of BPF programs an operation | ns of them an operation "
      "|\n|---|---|---|---|\n");
  for (const Setting& setting : settings)
    fmt::print("| {} | {} | {:.3f} | {:.1f} |\n", setting.row.name, setting.operations,
               static_cast<double>(setting.bpf.runs) / static_cast<double>(setting.operations),
               static_cast<double>(setting.bpf.ns) / static_cast<double>(setting.operations));
  PrintMachine();
  if (argc > 3) WriteFile(argv[3], HealthyPicture(rows));
}
