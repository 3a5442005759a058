// What tests of single transactions begin with: one node's client over two fake ranges, which meet
// at "m", all in one thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "txn/node_client.h"
#include "txn/testing/fake_ranges.h"
#include "txn/testing/hooked_router.h"
#include "txn/testing/local_executor.h"

namespace quorate::txn {

class NodeFixture : public ::testing::Test {
 protected:
  NodeFixture();
  // Makes the client, which is node 1's.
  void start(NodeOptions options = {});

  template <class T>
  T run(runtime::Task<T> task) {
    return run_task(executor_, std::move(task));
  }
  // Until nothing runs behind answers any more.
  void settle();
  // Writes a row in a statement of its own; unless `lock` is kNone it is read under it first.
  runtime::Task<Status> write_row(Transaction* t, Bytes key, Bytes value, LockMode lock);
  // Writes rows so in a transaction of their own.
  runtime::Task<Status> write_rows(std::vector<Bytes> keys, Bytes value, LockMode lock);

  LocalExecutor executor_;
  runtime::Random random_{1};
  Metrics metrics_;
  runtime::Env env_;
  runtime::Hlc hlc_;
  FakeRanges ranges_;
  HookedRouter router_;  // from the client to the ranges
  std::unique_ptr<NodeClient> client_;
};

}  // namespace quorate::txn
