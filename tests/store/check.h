// SPDX-License-Identifier: MIT
// What all tests of the store say and ask.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "record/notification.h"
#include "store/store.h"

namespace fsherald::stress {

[[noreturn]] void Fail(const std::string& sentence);

// With FSHERALD_LONG=1 the second; a tenth of it in the sanitizer's build, which is that much slower.
uint64_t HowMany(uint64_t ordinarily, uint64_t long_run);

// For tests in which no real power goes: memory is as good as a disk, and much faster. Before the first TestDirectory.
void WorkInMemory();

// SQLite's own check of the whole file; empty: it is sound.
std::string IntegrityOf(const std::string& file);

// The store after the power came back; `point` says in which case. Fails where it does not open, or was taken for damaged.
std::unique_ptr<Store> OpenSound(const std::string& directory, const std::string& point);
// Fails where its rows are not the ErrorNumbers from 1 to `last`, or the file is not sound.
void CheckRows(const std::string& directory, uint64_t last, const std::string& point);

// An error whose parts follow from its number, so that each row can be compared.
Notification ErrorNumber(uint64_t seq);

}  // namespace fsherald::stress
