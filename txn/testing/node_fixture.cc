#include "txn/testing/node_fixture.h"

namespace quorate::txn {

using runtime::Task;

NodeFixture::NodeFixture()
    : hlc_(executor_, 5'000), ranges_(executor_, executor_, 1), router_(ranges_) {
  env_.executor = &executor_;
  env_.clock = &executor_;
  env_.random = &random_;
  env_.metrics = &metrics_;
  ranges_.split("m");
}

void NodeFixture::start(NodeOptions options) {
  options.node = NodeId(1);
  client_ = std::make_unique<NodeClient>(router_, hlc_, env_, options);
}

void NodeFixture::settle() {
  while (client_->background() > 0) CHECK(executor_.step());
}

Task<Status> NodeFixture::write_row(Transaction* t, Bytes key, Bytes value, LockMode lock) {
  t->begin_statement();
  std::optional<Timestamp> base;
  if (lock != LockMode::kNone) {
    std::vector<Bytes> keys{key};
    ReadOptions options;
    options.lock = lock;
    Result<range::RowSet> row = co_await t->get(keys, options);
    if (!row.ok()) co_return row.status();
    base = row->ts(0);
  }
  co_return t->put(key, value, range::kAllColumns, base);
}

Task<Status> NodeFixture::write_rows(std::vector<Bytes> keys, Bytes value, LockMode lock) {
  auto t = client_->begin({});
  for (const Bytes& key : keys) CO_RETURN_IF_ERROR(co_await write_row(t.get(), key, value, lock));
  co_return co_await t->commit();
}

}  // namespace quorate::txn
