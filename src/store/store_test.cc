// SPDX-License-Identifier: MIT
#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/test_history.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(StoreTest, WhatWasAppendedIsThereWhenItIsOpenedAnew) {
  const TestDirectory directory;
  Store::Opening found;
  {
    auto store = OpenStore(directory.path(), &found);
    ASSERT_TRUE(store);
    EXPECT_TRUE(found.is_new);
    EXPECT_EQ(store->last_seq(), 0u);
    ASSERT_TRUE(store->Append(std::vector{TestError(1), TestError(2)}, kTestHost, "cursors"));
    EXPECT_EQ(store->last_seq(), 2u);
  }
  auto store = OpenStore(directory.path(), &found);
  ASSERT_TRUE(store);
  EXPECT_FALSE(found.is_new);
  EXPECT_EQ(found.set_aside, "");
  EXPECT_EQ(store->last_seq(), 2u);
  EXPECT_EQ(store->cursors(), "cursors");
  const std::vector<Entry> entries = Entries(directory.path());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].notification, TestError(1));
  EXPECT_EQ(entries[1].notification, TestError(2));
  EXPECT_EQ(entries[1].host.boot_id, kTestHost.boot_id);
  EXPECT_EQ(entries[1].host.kernel_release, kTestHost.kernel_release);
  EXPECT_EQ(entries[1].rows, 1u);
}

TEST(StoreTest, EveryFieldOfEveryNotificationComesBackAsItWas) {
  const TestDirectory directory;
  auto store = OpenStore(directory.path());
  ASSERT_TRUE(store);
  AnyNotification any(1);
  std::vector<Notification> all;
  std::vector<Host> hosts;
  uint64_t seq = 0;
  for (int group = 0; group < 60; ++group) {
    std::vector<Notification> notifications;
    const uint64_t size = any.Below(60);
    for (uint64_t i = 0; i < size; ++i) {
      // Some again, so that the dictionary has them.
      Notification n = !all.empty() && any.Chance() ? all[any.Below(all.size())] : any.Next(0);
      n.seq = seq += 1 + any.Below(3);
      notifications.push_back(n);
      all.push_back(n);
    }
    const Host host = any.AnyHost();
    hosts.insert(hosts.end(), size, host);
    ASSERT_TRUE(store->Append(notifications, host, any.Text()));
    if (any.Below(10) == 0) {
      store.reset();
      store = OpenStore(directory.path());
      ASSERT_TRUE(store);
    }
  }
  const std::vector<Entry> entries = Entries(directory.path());
  ASSERT_EQ(entries.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(entries[i].notification, all[i]) << i;
    ASSERT_EQ(entries[i].host.boot_id, hosts[i].boot_id) << i;
    ASSERT_EQ(entries[i].host.kernel_release, hosts[i].kernel_release) << i;
  }
}

TEST(StoreTest, WhatIsReplayedIsSkipped) {
  const TestDirectory directory;
  auto store = OpenStore(directory.path());
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->Append(std::vector{TestError(1), TestError(5)}, kTestHost, "a"));
  ASSERT_TRUE(store->Append(std::vector{TestError(4, 99), TestError(5, 99), TestError(6)}, kTestHost, "b"));
  EXPECT_EQ(store->last_seq(), 6u);
  EXPECT_EQ(store->cursors(), "b");
  EXPECT_THAT(Seqs(directory.path()), ElementsAre(1, 5, 6));
  EXPECT_EQ(Entries(directory.path())[1].notification, TestError(5));
}

TEST(StoreTest, CursorsAloneAreStored) {
  const TestDirectory directory;
  {
    auto store = OpenStore(directory.path());
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->Append({}, kTestHost, std::string("a\0b", 3)));
  }
  auto store = OpenStore(directory.path());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->cursors(), std::string("a\0b", 3));
  EXPECT_EQ(store->last_seq(), 0u);
}

TEST(StoreTest, ADirectoryHasOneWriter) {
  const TestDirectory directory;
  auto store = OpenStore(directory.path());
  ASSERT_TRUE(store);
  Store::Opening found;
  Store::Options options;
  options.directory = directory.path();
  const auto second = Store::Open(options, &found);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_THAT(second.error().what, HasSubstr(directory.path()));
  store.reset();
  EXPECT_TRUE(Store::Open(options, &found));
}

TEST(StoreTest, ADirectoryWhoseParentIsMissingIsAnErrorThatNamesIt) {
  const TestDirectory directory;
  Store::Opening found;
  Store::Options options;
  options.directory = directory.path() + "/a/b";
  const auto store = Store::Open(options, &found);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ENOENT);
  EXPECT_THAT(store.error().what, HasSubstr(options.directory));
}

}  // namespace
}  // namespace fsherald
