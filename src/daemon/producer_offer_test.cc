// SPDX-License-Identifier: MIT
#include "daemon/producer_offer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "ring/layout.h"

namespace fsherald {
namespace {

constexpr uint64_t kBytes = ring::SegmentBytes(2, 16384);
const OfferedDescriptors kGood{.seals = F_SEAL_SHRINK, .is_plain_memory = true, .bytes = kBytes, .is_eventfd = true};
const std::set<std::string> kKernelTypes{"ext4", "proc"};

protocol::Packet PacketOf(const protocol::Offer& offer, size_t descriptors) {
  protocol::Packet packet;
  const auto bytes = std::as_bytes(std::span(&offer, 1));
  packet.bytes.assign(bytes.begin(), bytes.end());
  packet.descriptors.resize(descriptors);
  return packet;
}

protocol::Offer OfferOf(const char* type, const char* name, uint32_t flags = 0) {
  protocol::Offer offer{};
  offer.head = {.type = protocol::kOffer, .bytes = sizeof offer};
  offer.flags = flags;
  ::strncpy(offer.type, type, sizeof offer.type - 1);
  ::strncpy(offer.name, name, sizeof offer.name - 1);
  return offer;
}

int CodeOf(const protocol::Packet& packet, const OfferedDescriptors& descriptors = kGood) {
  const auto judged = JudgeOffer(packet, descriptors, kKernelTypes);
  return judged ? 0 : judged.error().code;
}

TEST(ProducerOfferTest, OfATypeAndANameIsTaken) {
  const auto judged = JudgeOffer(PacketOf(OfferOf("mydb", "orders"), 2), kGood, kKernelTypes);
  ASSERT_TRUE(judged) << judged.error().ToString();
  EXPECT_FALSE(judged->of_mount);
  EXPECT_EQ(judged->type, "mydb");
  EXPECT_EQ(judged->name, "orders");
}

TEST(ProducerOfferTest, OfAMountIsTakenWithAThirdDescriptor) {
  const auto offer = OfferOf("", "", protocol::kOfMount);
  const auto judged = JudgeOffer(PacketOf(offer, 3), kGood, kKernelTypes);
  ASSERT_TRUE(judged) << judged.error().ToString();
  EXPECT_TRUE(judged->of_mount);
  EXPECT_EQ(CodeOf(PacketOf(offer, 2)), EINVAL);
}

TEST(ProducerOfferTest, NamesThatAreMissingOrNeverEndAreRefused) {
  EXPECT_EQ(CodeOf(PacketOf(OfferOf("", "orders"), 2)), EINVAL);
  EXPECT_EQ(CodeOf(PacketOf(OfferOf("mydb", ""), 2)), EINVAL);
  EXPECT_EQ(CodeOf(PacketOf(OfferOf("mydb", "orders", protocol::kOfMount), 3)), EINVAL);
  auto endless = OfferOf("mydb", "orders");
  std::memset(endless.name, 'x', sizeof endless.name);
  EXPECT_EQ(CodeOf(PacketOf(endless, 2)), EINVAL);
}

TEST(ProducerOfferTest, ATypeOfTheKernelsIsRefused) {
  for (const char* type : {"ext4", "fuse", "fuse.sshfs", "fuseblk"})
    EXPECT_EQ(CodeOf(PacketOf(OfferOf(type, "orders"), 2)), EINVAL) << type;
  EXPECT_EQ(CodeOf(PacketOf(OfferOf("fusion", "orders"), 2)), 0);
}

TEST(ProducerOfferTest, AnyOtherPacketIsRefused) {
  const auto good = OfferOf("mydb", "orders");
  auto changed = good;
  changed.flags = 2;
  EXPECT_EQ(CodeOf(PacketOf(changed, 2)), EINVAL);
  changed = good;
  changed.reserved = 1;
  EXPECT_EQ(CodeOf(PacketOf(changed, 2)), EINVAL);
  changed = good;
  changed.head.type = protocol::kOpen;
  EXPECT_EQ(CodeOf(PacketOf(changed, 2)), EINVAL);
  protocol::Packet half = PacketOf(good, 2);
  half.bytes.resize(40);
  EXPECT_EQ(CodeOf(half), EINVAL);
  for (size_t descriptors : {0, 1, 3}) EXPECT_EQ(CodeOf(PacketOf(good, descriptors)), EINVAL) << descriptors;
}

TEST(ProducerOfferTest, MemoryThatCouldHarmIsRefused) {
  const auto packet = PacketOf(OfferOf("mydb", "orders"), 2);
  OfferedDescriptors no_memfd = kGood;
  no_memfd.seals.reset();
  EXPECT_EQ(CodeOf(packet, no_memfd), EINVAL);
  OfferedDescriptors unsealed = kGood;
  unsealed.seals = F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_EQ(CodeOf(packet, unsealed), EINVAL);
  OfferedDescriptors huge_pages = kGood;
  huge_pages.is_plain_memory = false;
  EXPECT_EQ(CodeOf(packet, huge_pages), EINVAL);
  OfferedDescriptors small = kGood;
  small.bytes = ring::SegmentBytes(1, ring::kMinLaneBytes) - 1;
  EXPECT_EQ(CodeOf(packet, small), EINVAL);
  OfferedDescriptors huge = kGood;
  huge.bytes = uint64_t{1} << 40;
  EXPECT_EQ(CodeOf(packet, huge), EINVAL);
  OfferedDescriptors no_eventfd = kGood;
  no_eventfd.is_eventfd = false;
  EXPECT_EQ(CodeOf(packet, no_eventfd), EINVAL);
}

TEST(ProducerOfferTest, DescriptorsAreDescribedAsTheyAre) {
  protocol::Packet packet;
  packet.descriptors.emplace_back(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  packet.descriptors.emplace_back(::eventfd(0, EFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(packet.descriptors[0].get(), 12345), 0);
  OfferedDescriptors described = DescribeDescriptors(packet, "/proc");
  EXPECT_EQ(described.seals, 0);
  EXPECT_EQ(described.bytes, 12345U);
  EXPECT_TRUE(described.is_plain_memory);
  EXPECT_TRUE(described.is_eventfd);
  ASSERT_EQ(::fcntl(packet.descriptors[0].get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  EXPECT_EQ(DescribeDescriptors(packet, "/proc").seals, F_SEAL_SHRINK);

  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  packet.descriptors[0].Reset(pipe[0]);
  packet.descriptors[1].Reset(pipe[1]);
  described = DescribeDescriptors(packet, "/proc");
  EXPECT_FALSE(described.seals);
  EXPECT_FALSE(described.is_eventfd);
}

TEST(JudgeMountTest, OnlyRootAndWhoMountedMaySpeakForAFuseMount) {
  const DescriptorMount mount{.type = "fuse.sshfs", .mount_point = "/mnt", .super_options = "rw,user_id=1000"};
  EXPECT_TRUE(JudgeMount(mount, {.uid = 0}));
  EXPECT_TRUE(JudgeMount(mount, {.uid = 1000}));
  EXPECT_EQ(JudgeMount(mount, {.uid = 1001}).error().code, EPERM);
}

TEST(JudgeMountTest, NobodySpeaksForTheKernel) {
  EXPECT_EQ(JudgeMount({.type = "ext4", .mount_point = "/"}, {.uid = 0}).error().code, EPERM);
}

TEST(KernelTypesTest, AreThoseOfProc) {
  EXPECT_TRUE(KernelTypes("/proc").contains("proc"));
  EXPECT_FALSE(KernelTypes("/proc").contains("mydb"));
}

}  // namespace
}  // namespace fsherald
