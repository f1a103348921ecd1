// SPDX-License-Identifier: MIT
#include "filesystem/xfs_terms.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(XfsSickWords, NameEachBitOfItsDomain) {
  EXPECT_EQ(XfsSickWords(XfsDomain::kInode, 0x1), "core");
  EXPECT_EQ(XfsSickWords(XfsDomain::kInode, 0x10), "dir");
  EXPECT_EQ(XfsSickWords(XfsDomain::kGroup, 0x10), "bnobt");
  EXPECT_EQ(XfsSickWords(XfsDomain::kGroup, 0x30), "bnobt,cntbt");
  EXPECT_EQ(XfsSickWords(XfsDomain::kGroup, 0x400), "inodes");
  EXPECT_EQ(XfsSickWords(XfsDomain::kRealtimeGroup, 0x2), "bitmap");
  EXPECT_EQ(XfsSickWords(XfsDomain::kFilesystem, 0x21), "counters,nlinks");
  EXPECT_EQ(XfsSickWords(XfsDomain::kInode, 0), "");
}

TEST(XfsSickWords, LeaveWhatHasNoNameANumber) {
  EXPECT_EQ(XfsSickWords(XfsDomain::kGroup, 0x802), "agf,0x800");
  EXPECT_EQ(XfsSickWords(XfsDomain::kGroup, ~uint64_t{0} << 63), "0x8000000000000000");
}

TEST(XfsSickWords, LeaveOutWhatIsNotSick) { EXPECT_EQ(XfsSickWords(XfsDomain::kInode, 0x1001), "core"); }

TEST(XfsShutdown, IsRequestedWhateverElseTheFlagsSay) {
  EXPECT_EQ(XfsShutdownReason(0x6), "requested");
  EXPECT_EQ(XfsShutdownCode(0x6), ESHUTDOWN);
}

TEST(XfsShutdown, HasAReasonAndAnErrno) {
  EXPECT_EQ(XfsShutdownReason(0x8), "corruption");
  EXPECT_EQ(XfsShutdownCode(0x8), EUCLEAN);
  EXPECT_EQ(XfsShutdownReason(0x2), "log I/O error");
  EXPECT_EQ(XfsShutdownCode(0x2), EIO);
  EXPECT_EQ(XfsShutdownReason(0x1), "metadata I/O error");
  EXPECT_EQ(XfsShutdownCode(0x1), EIO);
  EXPECT_EQ(XfsShutdownReason(0x20), "device removed");
  EXPECT_EQ(XfsShutdownReason(0x40), "");
  EXPECT_EQ(XfsShutdownCode(0x40), std::nullopt);
}

}  // namespace
}  // namespace fsherald
