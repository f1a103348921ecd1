// SPDX-License-Identifier: MIT
// What all tests of the store say and ask.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/notification.h"

namespace fsherald::stress {

[[noreturn]] void Fail(const std::string& sentence);

// With FSHERALD_LONG=1 the second; a tenth of it in the sanitizer's build, which is that much slower.
uint64_t HowMany(uint64_t ordinarily, uint64_t long_run);

// For tests in which no real power goes: memory is as good as a disk, and much faster. Before the first TestDirectory.
void WorkInMemory();

// SQLite's own check of the whole file; empty: it is sound.
std::string IntegrityOf(const std::string& file);

// An error whose parts follow from its number, so that each row can be compared.
Notification ErrorNumber(uint64_t seq);

}  // namespace fsherald::stress
