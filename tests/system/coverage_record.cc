// SPDX-License-Identifier: MIT
#include "coverage_record.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "process.h"

namespace fsherald::system_test {
namespace {

// Which of the three records of the RFC a notification has.
Json Records(const Json& line) {
  Json records = Json::array({"generic"});
  if (!line.at("location").is_null()) records.push_back("location");
  if (!line.at("specific").is_null()) records.push_back("specific");
  return records;
}

}  // namespace

void RecordCoverage(const Scenario& scenario, const Watcher& watcher, const std::vector<Json>& told) {
  const char* const directory = std::getenv("FSHERALD_COVERAGE_DIR");
  if (directory == nullptr) return;
  utsname kernel{};
  uname(&kernel);
  Json notifications = Json::array();
  for (const Json& line : told) {
    const auto latency_ns = watcher.LatencyNs(line);
    notifications.push_back({{"kind", line.at("kind")},
                             {"count", line.at("error").at("count")},
                             {"errno", line.at("error").at("name")},
                             {"sources", line.at("sources")},
                             {"records", Records(line)},
                             {"object", !line.at("object").is_null()},
                             {"device_error", !line.at("device_error").is_null()},
                             {"corrected", line.at("corrected")},
                             {"latency_us", latency_ns ? Json(*latency_ns / 1000) : Json()}});
  }
  const std::filesystem::path folder(scenario.folder);
  const Json record{{"kernel", kernel.release},
                    {"scenario", folder.filename()},
                    {"type", scenario.type},
                    {"fault", scenario.fault},
                    {"told", notifications}};
  std::filesystem::create_directories(directory);
  WriteFile(std::string(directory) + "/" + folder.filename().string() + ".json", record.dump() + "\n");
}

}  // namespace fsherald::system_test
