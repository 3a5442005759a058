// A node on a thread of its own, told to end by others at moments nobody chose: before its reactor
// runs, while it starts, while it serves. Worth most under ThreadSanitizer.
#include "server/node_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace quorate::server {
namespace {

using namespace std::chrono_literals;

class NodeThreadTest : public testing::Test {
 protected:
  NodeThreadTest()
      : path_((std::filesystem::temp_directory_path() / "quorate_node_XXXXXX").string()) {
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~NodeThreadTest() override { std::filesystem::remove_all(path_); }

  std::unique_ptr<NodeThread> made() const {
    NodeThread::Options options;
    options.env.data_directory = path_;
    options.first = true;
    options.node.sql_listen = "127.0.0.1:0";
    // Its name stays the same in all its lives; nobody dials it.
    options.node.kv.address = "127.0.0.1:1";
    options.node.kv.listen = "127.0.0.1:0";
    options.node.kv.single = true;
    return std::make_unique<NodeThread>(std::move(options));
  }

  std::string path_;
};

TEST_F(NodeThreadTest, ends_at_once_after_it_was_opened) {
  for (int i = 0; i < 50; ++i) {
    auto node = made();
    ASSERT_TRUE(node->open().ok());
    node->stop(false);
    EXPECT_TRUE(node->join().ok() || node->join().code() == StatusCode::kCancelled);
  }
}

TEST_F(NodeThreadTest, runs_what_is_posted_right_after_it_was_opened) {
  auto node = made();
  ASSERT_TRUE(node->open().ok());
  std::promise<void> ran;
  node->post([&](Node&) { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(10s), std::future_status::ready);
  node->stop(false);
}

TEST_F(NodeThreadTest, ends_while_it_starts_and_is_told_by_another_thread) {
  for (int i = 0; i < 10; ++i) {
    auto node = made();
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(3 * i));
      node->request_stop(i % 2 == 0);
    });
    Status opened = node->open();
    other.join();
    EXPECT_TRUE(opened.ok() || opened.code() == StatusCode::kCancelled) << opened.to_string();
    (void)node->join();
  }
}

}  // namespace
}  // namespace quorate::server
