// A workload: clients of a cluster whose answers can be judged.
//
//   setup (once, before any fault)  ->  sessions on every node, again after each restart
//     -> stop, heal  ->  check: what the sessions saw against what is there in the end
//
// What sessions learn is kept here, outside of the nodes that die: an operation whose session died
// with its node may or may not have happened.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/random.h"
#include "server/kv_node.h"
#include "sim/sim_cluster.h"
#include "sim/timeline/event_log.h"

namespace quorate::sim {

class Workload {
 public:
  struct Counts {
    uint64_t committed = 0, failed = 0, unknown = 0;
  };
  // Draws how its clients pace themselves.
  explicit Workload(runtime::Random& random);
  virtual ~Workload() = default;
  virtual std::string_view name() const = 0;
  virtual runtime::Task<Status> setup(server::KvNode* node) = 0;
  // One client until stop(). One inside of a node is destroyed at any wait when its node dies.
  runtime::Task<void> session(server::KvNode* node, uint64_t seed);
  // Clients on a machine of their own, which no fault befalls, and which reach the nodes by streams
  // to these addresses; `node` is null wherever it is passed then.
  virtual bool outside() const { return false; }
  void attach(runtime::Env* env, std::vector<std::string> addresses) {
    env_ = env;
    addresses_ = std::move(addresses);
  }
  // Transactions are told to `log` from now on.
  void listen(EventLog* log) { log_ = log; }
  // What such a cluster's nodes are.
  virtual SimCluster::MakeNode node_maker() const { return nullptr; }
  // Violations; empty: all is well. The cluster is healed and no session runs any more.
  virtual runtime::Task<Result<std::string>> check(server::KvNode* node) = 0;
  // A key at which a split hurts.
  virtual Bytes split_key(runtime::Random& random) const = 0;

  void stop() { stopped_ = true; }
  size_t sessions() const { return sessions_; }
  // Set when clocks were beyond their bound: real-time order is then not promised (safety 9).
  void forgive_real_time() { real_time_ = false; }
  // Reads of the past go back to here and no further.
  void begin_history(Timestamp from) { past_from_ = from; }
  const Counts& counts() const { return counts_; }

 protected:
  // One operation: a transaction with its retries, and its entry in the history.
  virtual runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) = 0;
  // What a session does: operations one after the other.
  virtual runtime::Task<void> serve(server::KvNode* node, runtime::Random* random);
  bool stopped() const { return stopped_; }
  runtime::Env& env() { return *env_; }
  const std::vector<std::string>& addresses() const { return addresses_; }
  using Rows = std::map<Bytes, Bytes>;
  // A transaction of reads alone.
  struct Look {
    std::string_view what;  // in the trace, should it fail
    std::string_view step;  // in the timeline
    txn::TxnOptions options;
    // Once an attempt, in a statement of its own.
    std::function<runtime::Task<Result<Rows>>(txn::Transaction*)> read;
    std::function<std::string(const Rows&)> judge;  // of a committed one's rows; empty: all is well
    std::function<std::string(const Rows&)> tell;   // in the timeline
  };
  // `wanted`, tried again until it commits; counted, and judged: see violation().
  runtime::Task<void> look(server::KvNode* node, Trail trail, Look wanted);
  // The first thing wrong that a session saw; empty: nothing.
  const std::string& violation() const { return violation_; }
  void violated(std::string how) {
    if (violation_.empty()) violation_ = std::move(how);
  }
  // Failures go into the trace of `env`.
  void count(runtime::Env& env, const Status& outcome, std::string_view what, uint64_t number);
  // Between a transaction's statements a client may take its time, so that faults, lease moves and
  // other transactions come in between.
  runtime::Task<void> think(server::KvNode* node, runtime::Random* random);
  void think_at_most(runtime::Duration most) { think_most_ = std::min(think_most_, most); }
  // Now and then options of a transaction that reads as of some seconds ago, when the rows of the
  // set-up were there.
  txn::TxnOptions perhaps_past(server::KvNode* node, runtime::Random* random) const;
  bool real_time() const { return real_time_; }
  EventLog* log() { return log_; }  // null: nobody listens
  // A transaction of a client in `node`, or of one outside where that is null.
  template <class F>
  Trail trail(server::KvNode* node, F&& label) {
    if (log_ == nullptr) return {};
    return Trail(log_, log_->begin_transaction(host_of(node), label()));
  }
  Counts counts_;

 private:
  int host_of(server::KvNode* node);
  runtime::Env* env_ = nullptr;
  EventLog* log_ = nullptr;
  std::vector<std::string> addresses_;
  bool stopped_ = false;
  bool real_time_ = true;
  Timestamp past_from_;
  std::string violation_;
  size_t sessions_ = 0;
  double think_chance_ = 0;
  runtime::Duration think_most_{0};
};

// Row `n` of the simulator's table `table`. No row's key extends another's.
Bytes sim_row(uint64_t table, uint64_t n);
KeySpan sim_table(uint64_t table);

// Every row of `span` in one transaction, tried again until it commits.
runtime::Task<Result<std::map<Bytes, Bytes>>> read_all(server::KvNode* node, KeySpan span);
// Inserts rows that are absent, in one transaction each.
runtime::Task<Status> insert_rows(server::KvNode* node, std::map<Bytes, Bytes> rows);
// As sessions read: in place where that goes, else with a wait.
runtime::Task<Result<range::RowSet>> read_rows(txn::Transaction* txn, std::vector<Bytes> keys,
                                               txn::ReadOptions options);
// The scan of a whole span within `txn`.
runtime::Task<Result<std::map<Bytes, Bytes>>> scan_rows(txn::Transaction* txn, KeySpan span);
// After a failed attempt: whether to run the body again, from a fresh start.
runtime::Task<bool> try_again(txn::Transaction* txn, Status failure);

struct WorkloadKind {
  std::string_view name;
  // Sizes and mixes are drawn from `random`.
  std::unique_ptr<Workload> (*make)(runtime::Random random);
};
// Those of key-value batches; workloads of SQL are in sim/sql/sql_workloads.h.
std::span<const WorkloadKind> workload_kinds();

}  // namespace quorate::sim
