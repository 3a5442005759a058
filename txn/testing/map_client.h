// Transactions over an ordered map in one process: for tests of what stands above txn/ (SQL,
// sessions) without a cluster.
//
//     MapClient client;
//     auto txn = client.begin({});
//     txn->begin_statement();
//     auto rows = run_task(client.executor(), txn->get({"k"}, {}));
//
// Keeps every version for ever; reads see a snapshot. Locks are not taken: who commits first wins,
// and the other gets 40001 at its locking read or at COMMIT. SERIALIZABLE also proves at COMMIT
// that no row in a span it read has changed. Savepoints and statement sequences are the real ones
// (txn/write_buffer.h). Every read gives way to the executor once, so that a caller which forgets
// that the world changes over a co_await is found.
#pragma once

#include <map>

#include "runtime/hlc.h"
#include "runtime/sync.h"
#include "txn/testing/local_executor.h"
#include "txn/transaction.h"

namespace quorate::txn {

class MapClient : public Client {
 public:
  MapClient();
  // Over another environment: executor() is then not to be used.
  explicit MapClient(const runtime::Env& env);
  std::unique_ptr<Transaction> begin(TxnOptions options) override;
  runtime::Task<Result<KeySpan>> clear(KeySpan span, Timestamp dropped) override;
  Timestamp now() override { return hlc_.now(); }
  runtime::Env& env() override { return env_; }
  LocalExecutor& executor() { return executor_; }

  struct Version {
    bool deleted = false;
    Bytes value;
  };
  using Versions = std::map<Timestamp, Version>;
  std::map<Bytes, Versions, std::less<>> rows;

  // The newest version of `key` at or below `at`, or nullptr.
  const Versions::value_type* read(BytesView key, Timestamp at) const;
  // The first row of `span` with a version above `since`, if any.
  std::optional<Bytes> changed_since(const KeySpan& span, Timestamp since) const;
  // The next commits fail with this status, each once.
  std::vector<Status> fail_commits;

 private:
  LocalExecutor executor_;
  runtime::Hlc hlc_;
  runtime::Random random_{1};
  Metrics metrics_;
  runtime::Env env_;
};

}  // namespace quorate::txn
