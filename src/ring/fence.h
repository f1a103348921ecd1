// SPDX-License-Identifier: MIT
#pragma once

namespace fsherald::ring {

// What std::atomic_thread_fence(std::memory_order_seq_cst) is; that one g++ refuses to compile for ThreadSanitizer, which
// does not know fences. No plain access relies on this one, so there is nothing for it to miss.
inline void FullFence() noexcept { __sync_synchronize(); }

}  // namespace fsherald::ring
