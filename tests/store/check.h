// SPDX-License-Identifier: MIT
// What both tests of the store say and ask.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/notification.h"

namespace fsherald::stress {

[[noreturn]] void Fail(const std::string& sentence);

bool IsLong();

// SQLite's own check of the whole file; empty: it is sound.
std::string IntegrityOf(const std::string& file);

// An error whose parts follow from its number, so that each row can be compared.
Notification ErrorNumber(uint64_t seq);

}  // namespace fsherald::stress
