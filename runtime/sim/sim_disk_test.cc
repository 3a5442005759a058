// The simulated disk: what was synced must survive a power cut, what was not must be lost often
// enough that a program which forgets a sync fails its tests.
#include "runtime/sim/sim_disk.h"

#include <gtest/gtest.h>

#include "runtime/sim/sim_env.h"

namespace quorate::runtime {
namespace {

using std::chrono::milliseconds;

Task<Status> write_at(Disk* disk, std::string path, uint64_t offset, Bytes bytes) {
  Task<Result<std::unique_ptr<File>>> opening = disk->open(path, {.create = true});
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await opening);
  Task<Status> writing = file->write_and_sync(offset, bytes, SyncPlace::kInPlace);
  co_return co_await writing;
}
Task<void> write_soon(Disk* disk, std::string path, uint64_t offset, Bytes bytes) {
  (void)co_await write_at(disk, path, offset, std::move(bytes));
}
Task<Result<Bytes>> read_at(Disk* disk, std::string path, uint64_t offset, size_t length) {
  Task<Result<std::unique_ptr<File>>> opening = disk->open(path, {});
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await opening);
  Task<Result<Bytes>> reading = file->read_at(offset, length);
  co_return co_await reading;
}
Task<Status> allocate(Disk* disk, std::string path, uint64_t size) {
  Task<Result<std::unique_ptr<File>>> opening = disk->open(path, {.create = true});
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await opening);
  co_return co_await file->allocate(size);
}

TEST(SimDisk, what_was_synced_survives_every_power_cut) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimWorld world(seed);
    Bytes bytes(40'000, 'a');
    {
      SimNodeEnv node(world, "n");
      ASSERT_TRUE(node.run(node.env().disk->make_directory("log/old")).ok());
      ASSERT_TRUE(node.run(write_at(node.env().disk, "log/1", 100, bytes)).ok());
      node.crash(SimCrash::kPower);
    }
    SimNodeEnv node(world, "n");
    EXPECT_EQ(*node.run(read_at(node.env().disk, "log/1", 100, 50'000)), bytes);
    EXPECT_EQ(*node.run(node.env().disk->list("log")), (std::vector<std::string>{"1", "old"}));
  }
}

TEST(SimDisk, an_unfinished_write_is_torn_in_any_order_by_a_power_cut_only) {
  int untouched = 0, whole = 0, torn = 0, later_without_earlier = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    bool power = seed % 4 != 0;
    SimWorld world(seed);
    {
      SimNodeEnv node(world, "n");
      TaskScope scope(node.executor());
      ASSERT_TRUE(node.run(write_at(node.env().disk, "f", 0, Bytes(3 * 4096, 'a'))).ok());
      node.disk().faults().sync_min = milliseconds(5);
      node.disk().faults().sync_max = milliseconds(5);
      scope.spawn_now(write_soon(node.env().disk, "f", 0, Bytes(3 * 4096, 'b')));
      node.crash(power ? SimCrash::kPower : SimCrash::kProcess);
    }
    world.run_for(milliseconds(100));
    Bytes after = *world.machine("n").disk().peek("f");
    ASSERT_EQ(after.size(), 3 * 4096u);
    std::string blocks{after[0], after[4096], after[8192]};
    if (!power) {
      EXPECT_EQ(blocks, "bbb");
      continue;
    }
    untouched += blocks == "aaa";
    whole += blocks == "bbb";
    torn += blocks != "aaa" && blocks != "bbb";
    later_without_earlier += blocks == "aab" || blocks == "aba" || blocks == "abb";
  }
  EXPECT_GT(untouched, 0);
  EXPECT_GT(whole, 0);
  EXPECT_GT(torn, 0);
  EXPECT_GT(later_without_earlier, 0);
}

TEST(SimDisk, a_failed_sync_leaves_data_that_later_syncs_do_not_save) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimWorld world(seed);
    {
      SimNodeEnv node(world, "n");
      ASSERT_TRUE(node.run(write_at(node.env().disk, "f", 0, "old")).ok());
      node.disk().fail_next_syncs(1);
      EXPECT_FALSE(node.run(write_at(node.env().disk, "f", 0, "new")).ok());
      EXPECT_EQ(*node.disk().peek("f"), "new");
      EXPECT_TRUE(node.run(write_at(node.env().disk, "f", 8192, "more")).ok());
      node.crash(SimCrash::kPower);
    }
    lost += world.machine("n").disk().peek("f")->substr(0, 3) == "old";
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 45);
}

TEST(SimDisk, write_file_is_old_or_new_after_a_power_cut) {
  int old_ones = 0, new_ones = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimWorld world(seed);
    SimNodeEnv node(world, "n");
    struct Run {
      static Task<void> write(Disk* disk, Bytes content) {
        (void)co_await disk->write_file("f", content);
      }
    };
    TaskScope scope(node.executor());
    ASSERT_TRUE(node.run(node.env().disk->write_file("f", "old")).ok());
    scope.spawn_now(Run::write(node.env().disk, "new"));
    node.crash(SimCrash::kPower);
    Bytes after = *node.disk().peek("f");
    old_ones += after == "old";
    new_ones += after == "new";
  }
  EXPECT_EQ(old_ones + new_ones, 50);
  EXPECT_GT(old_ones, 5);
  EXPECT_GT(new_ones, 5);
}

TEST(SimDisk, a_full_disk_refuses_growth_with_53100_and_still_overwrites) {
  SimWorld world(1);
  SimNodeEnv node(world, "n");
  node.disk().set_capacity(100'000);
  ASSERT_TRUE(node.run(allocate(node.env().disk, "log", 80'000)).ok());
  EXPECT_EQ(node.env().disk->free_bytes(), 20'000u);
  Status s = node.run(allocate(node.env().disk, "more", 30'000));
  EXPECT_EQ(s.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(s.sqlstate().view(), "53100");
  EXPECT_FALSE(node.run(write_at(node.env().disk, "more", 0, Bytes(30'000, 'x'))).ok());
  EXPECT_TRUE(node.run(write_at(node.env().disk, "log", 40'000, Bytes(40'000, 'x'))).ok());
  EXPECT_TRUE(node.run(node.env().disk->remove("log")).ok());
  EXPECT_TRUE(node.run(allocate(node.env().disk, "more", 30'000)).ok());
}

TEST(SimDisk, names_are_renamed_removed_and_missed) {
  SimWorld world(1);
  SimNodeEnv node(world, "n");
  Disk* disk = node.env().disk;
  EXPECT_EQ(node.run(disk->open("a", {})).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(node.run(write_at(disk, "a", 0, "x")).ok());
  ASSERT_TRUE(node.run(disk->rename("a", "b")).ok());
  EXPECT_EQ(*node.run(disk->list("")), std::vector<std::string>{"b"});
  ASSERT_TRUE(node.run(disk->remove("b")).ok());
  EXPECT_EQ(node.run(disk->remove("b")).code(), StatusCode::kNotFound);
  EXPECT_EQ(node.run(disk->open("no/such", {.create = true})).status().code(),
            StatusCode::kNotFound);
}

TEST(SimDisk, a_flipped_bit_is_read_back_flipped) {
  SimWorld world(1);
  SimNodeEnv node(world, "n");
  ASSERT_TRUE(node.run(write_at(node.env().disk, "f", 0, Bytes(10'000, '\0'))).ok());
  ASSERT_TRUE(node.disk().flip_random_bit("f"));
  Bytes after = *node.disk().peek("f");
  EXPECT_EQ(std::count(after.begin(), after.end(), '\0'), 9'999);
  EXPECT_FALSE(node.disk().flip_random_bit("none"));
}

TEST(SimDisk, a_bit_of_the_last_write_is_of_nothing_else) {
  SimWorld world(1);
  SimNodeEnv node(world, "n");
  ASSERT_TRUE(node.run(write_at(node.env().disk, "log.2", 0, Bytes(10'000, '\0'))).ok());
  ASSERT_TRUE(node.run(write_at(node.env().disk, "log.1", 0, Bytes(10'000, '\0'))).ok());
  ASSERT_TRUE(node.run(write_at(node.env().disk, "log.1", 5'000, Bytes(10, '\0'))).ok());
  ASSERT_TRUE(node.run(write_at(node.env().disk, "other", 0, Bytes(10'000, '\0'))).ok());
  for (int i = 0; i < 20; ++i) {
    const Bytes before = *node.disk().peek("log.1");
    ASSERT_TRUE(node.disk().flip_bit_of_last_write("log"));
    const Bytes after = *node.disk().peek("log.1");
    EXPECT_NE(before.substr(5'000, 10), after.substr(5'000, 10));
    EXPECT_EQ(before.substr(0, 5'000), after.substr(0, 5'000));
    EXPECT_EQ(before.substr(5'010), after.substr(5'010));
  }
  EXPECT_FALSE(node.disk().flip_bit_of_last_write("none"));
}

TEST(SimDisk, a_sync_in_place_holds_the_executor) {
  SimWorld world(1);
  SimNodeEnv node(world, "n");
  ASSERT_TRUE(node.run(write_at(node.env().disk, "f", 0, "x")).ok());
  node.disk().faults().sync_min = node.disk().faults().sync_max = milliseconds(10);
  TaskScope scope(node.executor());
  scope.spawn_now(write_soon(node.env().disk, "f", 0, "y"));
  Instant ran = Instant::never();
  node.executor().post([&] { ran = world.now(); });
  Instant before = world.now();
  world.run_for(milliseconds(20));
  EXPECT_GE(ran - before, milliseconds(10));
}

}  // namespace
}  // namespace quorate::runtime
