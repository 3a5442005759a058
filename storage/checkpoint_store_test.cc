// The contract of CheckpointStore, held against both implementations: LMDB in a real directory, and
// the simulator's model of it. What could go wrong: the model is kinder than LMDB, so that the
// simulator proves nothing.
#include "storage/checkpoint_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/sim/sim_env.h"
#include "storage/lmdb_env.h"
#include "storage/testing/map_checkpoint_store.h"

namespace quorate::storage {
namespace {

// The simulated disk with a real directory under it, for LMDB alone.
class HostDisk : public runtime::Disk {
 public:
  HostDisk(runtime::Disk& under, std::string root) : under_(under), root_(std::move(root)) {}
  runtime::Task<Result<std::unique_ptr<runtime::File>>> open(std::string p,
                                                             runtime::OpenOptions o) override {
    return under_.open(p, o);
  }
  runtime::Task<Status> rename(std::string a, std::string b) override {
    return under_.rename(a, b);
  }
  runtime::Task<Status> remove(std::string p) override { return under_.remove(p); }
  runtime::Task<Result<std::vector<std::string>>> list(std::string d) override {
    return under_.list(d);
  }
  runtime::Task<Status> make_directory(std::string p) override {
    std::filesystem::create_directories(root_ + "/" + p);
    return under_.make_directory(p);
  }
  runtime::Task<Result<Bytes>> read_file(std::string p) override { return under_.read_file(p); }
  runtime::Task<Status> write_file(std::string p, Bytes c) override {
    return under_.write_file(p, c);
  }
  uint64_t free_bytes() override { return under_.free_bytes(); }
  runtime::Task<void> run_blocking(runtime::Callback work) override {
    return under_.run_blocking(std::move(work));
  }
  std::string host_path(const std::string& p) const override { return root_ + "/" + p; }

 private:
  runtime::Disk& under_;
  const std::string root_;
};

enum class Kind { kMap, kLmdb };

class CheckpointStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/quorate-lmdb-XXXXXX";
    if (GetParam() == Kind::kLmdb) root_ = ::mkdtemp(name);
    open();
  }
  void TearDown() override {
    store_.reset();
    env_.reset();
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }
  void open() {
    store_.reset();
    env_.reset();
    env_ = std::make_unique<runtime::SimNodeEnv>(world_, "n1");
    if (GetParam() == Kind::kMap) {
      store_ = make_map_checkpoint_store(env_->env(), map_);
      return;
    }
    host_ = std::make_unique<HostDisk>(*env_->env().disk, root_);
    env_->env().disk = host_.get();
    LmdbOptions options;
    options.map_bytes = 8u << 20;
    auto opened = env_->run(open_lmdb(env_->env(), "lmdb", options));
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    store_ = std::move(*opened);
  }
  Status write(std::function<Status(CheckpointWriter&)> fill) {
    return env_->run(store_->write(std::move(fill)));
  }
  std::vector<std::string> walk(CheckpointReader& reader) {
    std::vector<std::string> out;
    auto c = reader.cursor();
    for (bool more = c->seek("a"); more; more = c->next()) {
      out.push_back(Bytes(c->key()) + "=" + Bytes(c->value()));
    }
    return out;
  }

  runtime::SimWorld world_{1};
  std::unique_ptr<runtime::SimNodeEnv> env_;
  std::unique_ptr<HostDisk> host_;
  std::string root_;
  std::shared_ptr<MapCheckpointDisk> map_ = std::make_shared<MapCheckpointDisk>();
  std::unique_ptr<CheckpointStore> store_;
};

using Strings = std::vector<std::string>;

TEST_P(CheckpointStoreTest, a_write_is_all_or_nothing_and_survives) {
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                RETURN_IF_ERROR(w.put("a", "1"));
                EXPECT_EQ(w.get("a"), "1");
                return w.put("b", "2");
              }).ok());
  EXPECT_FALSE(write([](CheckpointWriter& w) {
                 RETURN_IF_ERROR(w.put("c", "3"));
                 return internal_error("no");
               }).ok());
  for (int round = 0; round < 2; ++round) {
    auto reader = store_->read();
    EXPECT_EQ(walk(*reader), (Strings{"a=1", "b=2"}));
    EXPECT_EQ(reader->get("c"), std::nullopt);
    EXPECT_GT(store_->used_bytes(), 0u);
    reader.reset();
    if (round == 0) open();
  }
}

TEST_P(CheckpointStoreTest, a_reader_sees_the_moment_it_was_made) {
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.put("a", "1"); }).ok());
  auto old_reader = store_->read();
  auto old_cursor = old_reader->cursor();
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                RETURN_IF_ERROR(w.put("a", "2"));
                return w.put("b", "3");
              }).ok());
  EXPECT_EQ(old_reader->get("a"), "1");
  EXPECT_EQ(walk(*old_reader), Strings{"a=1"});
  EXPECT_TRUE(old_cursor->seek("a"));
  EXPECT_FALSE(old_cursor->next());
  old_cursor.reset();
  old_reader.reset();
  auto reader = store_->read();
  EXPECT_EQ(walk(*reader), (Strings{"a=2", "b=3"}));
}

TEST_P(CheckpointStoreTest, cursors_walk_both_ways_from_any_key) {
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                for (Bytes k : {"b", "d", "f"}) RETURN_IF_ERROR(w.put(k, k));
                return Status();
              }).ok());
  auto reader = store_->read();
  auto c = reader->cursor();
  EXPECT_TRUE(c->seek("c"));
  EXPECT_EQ(c->key(), "d");
  EXPECT_TRUE(c->prev());
  EXPECT_EQ(c->key(), "b");
  EXPECT_FALSE(c->prev());
  EXPECT_FALSE(c->valid());
  EXPECT_TRUE(c->seek_before("f"));
  EXPECT_EQ(c->key(), "d");
  EXPECT_TRUE(c->seek_before("z"));
  EXPECT_EQ(c->key(), "f");
  EXPECT_TRUE(c->seek_before(""));
  EXPECT_EQ(c->key(), "f");
  EXPECT_FALSE(c->next());
  EXPECT_FALSE(c->seek_before("b"));
  EXPECT_FALSE(c->seek("g"));
}

TEST_P(CheckpointStoreTest, a_write_walks_its_own_changes_both_ways) {
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                for (Bytes k : {"b", "d", "f", "h"}) RETURN_IF_ERROR(w.put(k, "old"));
                return Status();
              }).ok());
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                for (Bytes k : {"a", "d", "g"}) RETURN_IF_ERROR(w.put(k, "new"));
                RETURN_IF_ERROR(w.remove("f"));
                RETURN_IF_ERROR(w.remove("h"));
                EXPECT_EQ(w.get("f"), std::nullopt);
                auto c = w.cursor();
                Strings up, down;
                for (bool more = c->seek("a"); more; more = c->next())
                  up.push_back(Bytes(c->key()) + "=" + Bytes(c->value()));
                EXPECT_EQ(up, (Strings{"a=new", "b=old", "d=new", "g=new"}));
                for (bool more = c->seek_before("z"); more; more = c->prev())
                  down.push_back(Bytes(c->key()));
                EXPECT_EQ(down, (Strings{"g", "d", "b", "a"}));
                return Status();
              }).ok());
  EXPECT_EQ(walk(*store_->read()), (Strings{"a=new", "b=old", "d=new", "g=new"}));
}

TEST_P(CheckpointStoreTest, spans_are_removed_with_their_ends_right) {
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                for (int i = 0; i < 500; ++i) {
                  RETURN_IF_ERROR(w.put(fmt::format("k{:03}", i), Bytes(50, 'v')));
                }
                return Status();
              }).ok());
  ASSERT_TRUE(write([](CheckpointWriter& w) {
                RETURN_IF_ERROR(w.remove_span("k010", "k490"));
                RETURN_IF_ERROR(w.remove("nothing"));
                EXPECT_EQ(w.get("k010"), std::nullopt);
                auto c = w.cursor();
                EXPECT_TRUE(c->seek("k010"));
                EXPECT_EQ(c->key(), "k490");
                return w.remove("k000");
              }).ok());
  EXPECT_EQ(walk(*store_->read()).size(), 19u);
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.remove_span("k5", ""); }).ok());
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.remove_span("a", ""); }).ok());
  EXPECT_TRUE(walk(*store_->read()).empty());
}

TEST_P(CheckpointStoreTest, large_values_and_the_longest_key_are_kept) {
  const Bytes key(511, 'k'), value(3u << 20, 'v');
  ASSERT_TRUE(write([&](CheckpointWriter& w) { return w.put(key, value); }).ok());
  EXPECT_EQ(store_->read()->get(key), value);
}

INSTANTIATE_TEST_SUITE_P(Both, CheckpointStoreTest, ::testing::Values(Kind::kMap, Kind::kLmdb),
                         [](const auto& p) { return p.param == Kind::kMap ? "map" : "lmdb"; });

using LmdbTest = CheckpointStoreTest;
INSTANTIATE_TEST_SUITE_P(Lmdb, LmdbTest, ::testing::Values(Kind::kLmdb),
                         [](const auto&) { return "lmdb"; });

TEST_P(LmdbTest, a_full_map_is_53100_and_leaves_the_store_as_it_was) {
  if (GetParam() != Kind::kLmdb) GTEST_SKIP();
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.put("a", "1"); }).ok());
  Status full = write([](CheckpointWriter& w) {
    for (int i = 0; i < 100; ++i) {
      RETURN_IF_ERROR(w.put(fmt::format("k{}", i), Bytes(200'000, 'v')));
    }
    return Status();
  });
  EXPECT_EQ(full.sqlstate(), sqlstate::kDiskFull);
  EXPECT_EQ(walk(*store_->read()), Strings{"a=1"});
  EXPECT_TRUE(write([](CheckpointWriter& w) { return w.put("b", "2"); }).ok());
}

TEST_P(LmdbTest, pages_that_became_free_count_as_free_space) {
  if (GetParam() != Kind::kLmdb) GTEST_SKIP();
  const uint64_t before = store_->free_bytes();
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.put("a", Bytes(2u << 20, 'v')); }).ok());
  EXPECT_LT(store_->free_bytes(), before - (1u << 20));
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.remove("a"); }).ok());
  ASSERT_TRUE(write([](CheckpointWriter& w) { return w.put("b", "1"); }).ok());
  EXPECT_GT(store_->free_bytes(), before - (1u << 18));
}

}  // namespace
}  // namespace quorate::storage
