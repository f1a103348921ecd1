// SPDX-License-Identifier: MIT
// What the guest has left in its folder /out: what `fsherald watch --json` told there, and the kernel's own word on it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fsherald::kernel_test {

using Json = nlohmann::json;

// The folder's copy on this machine; set once, before the tests run.
void SetOutput(const std::string& directory);

bool Exists(const std::string& name);
// A file of the guest; a failed test, and no text, where it is not there.
std::string Read(const std::string& name);
std::vector<std::string> Lines(const std::string& name);
uint64_t Number(const std::string& name);
// What the images' maker knows, of the file `facts`: "ENTRY_BLOCK", "inode_of many/7".
uint64_t Fact(const std::string& name);

// The notifications of one run of watch, those of the file system on /`filesystem` where it is named.
std::vector<Json> Told(const std::string& run, const std::string& filesystem = "");
uint64_t Sum(const std::vector<Json>& told);  // of the errors that they stand for
bool HasSource(const Json& told, const char* source);

// By how much the kernel's errors_count of a file system has grown (guest.sh, count_errors).
uint64_t Growth(const std::string& filesystem);
// The line of a function that the kernel's log (the file `log`) names on this device.
uint32_t LineOf(const std::string& function, const std::string& device);

// A test for each of the system tests that the guest was to run (the file `chosen`); none where there is no such file.
void RegisterScenarios();

}  // namespace fsherald::kernel_test
