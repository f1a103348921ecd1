// SPDX-License-Identifier: MIT
// The system tests as the guest ran them, each a test here: passed, failed or skipped as there, and failed where the guest
// has not come to its end.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>

#include "../guest_output.h"

namespace fsherald::kernel_test {
namespace {

struct Result {
  std::string verdict;  // "OK ... (12 ms)", "FAILED ...", "SKIPPED ..."; empty: it has not ended
  std::string said;
};

// By name ("IsToldAsItIs/abort"), from GoogleTest's own output: unlike its report in a file, that is there however it ends.
std::map<std::string, Result> ReadResults() {
  constexpr std::string_view kRun = "[ RUN      ] Damaged/Image.";
  std::map<std::string, Result> results;
  Result* running = nullptr;
  for (const std::string& line : Lines("stdout")) {
    if (line.starts_with(kRun)) {
      running = &results[line.substr(kRun.size())];
    } else if (running != nullptr && line.starts_with("[  ") && line.find("] Damaged/Image.") != std::string::npos) {
      running->verdict = line.substr(line.find_first_not_of(" ["));
      running = nullptr;
    } else if (running != nullptr) {
      running->said += line + "\n";
    }
  }
  return results;
}

class Scenario : public testing::Test {
 public:
  explicit Scenario(std::string name) : name_(std::move(name)) {}

  void TestBody() override {
    static const std::map<std::string, Result> results = ReadResults();
    const auto found = results.find(name_);
    ASSERT_TRUE(found != results.end()) << "the guest has not run it";
    const auto& [verdict, said] = found->second;
    if (verdict.starts_with("SKIPPED")) GTEST_SKIP() << said;
    ASSERT_TRUE(verdict.starts_with("OK ")) << (verdict.empty() ? "it has not ended" : verdict) << "\n" << said;
    std::printf("in the guest: %s\n", verdict.substr(verdict.rfind('(')).c_str());
  }

 private:
  std::string name_;
};

}  // namespace

void RegisterScenarios() {
  if (!Exists("chosen")) return;
  for (const std::string& name : Lines("chosen")) {
    testing::RegisterTest("Scenario", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> testing::Test* { return new Scenario(name); });
  }
}

}  // namespace fsherald::kernel_test
