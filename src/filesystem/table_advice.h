// SPDX-License-Identifier: MIT
// What is known of the errors of the file systems that are tables (general.h) by those who repair them.
#pragma once

#include "filesystem/advice.h"

namespace fsherald {

extern const Advice kF2fsAdvice;
extern const Advice kVfatAdvice;
extern const Advice kExfatAdvice;
extern const Advice kNtfs3Advice;
extern const Advice kImageAdvice;  // erofs, squashfs, iso9660, udf
extern const Advice kOverlayAdvice;
extern const Advice kNfsAdvice;
extern const Advice kFuseAdvice;

}  // namespace fsherald
