// Makes a node's transactions over the cluster's ranges. One a node; the router, the clock and the
// environment outlive it, and it outlives its transactions. Ends of transactions run on behind
// their answers, at most limits::kTxnBackgroundMax; destroying the client drops them, which is what
// a crash does too.
#pragma once

#include "txn/node_parts.h"
#include "txn/transaction.h"

namespace quorate::txn {

class NodeClient : public Client {
 public:
  NodeClient(range::Router& router, runtime::Hlc& clock, runtime::Env& env, NodeOptions options)
      : Client(options.bugs), parts_(router, clock, env, options), env_(env) {}

  std::unique_ptr<Transaction> begin(TxnOptions options) override;
  bool try_get(std::span<const Bytes> keys, ColumnSet columns, range::RowSet* out) override;
  bool try_scan(const ScanOptions& options, KeySpan* rest, range::RowSet* out) override;
  runtime::Task<Result<KeySpan>> clear(KeySpan span, Timestamp dropped) override;
  Timestamp now() override { return parts_.sender.clock().now(); }
  runtime::Env& env() override { return env_; }

  // Whether an attempt of that id, begun here, has not ended yet. A lock that a delayed request
  // took for one that has is nobody's.
  bool is_open(const TxnId& txn) const { return parts_.open.contains(txn); }
  // Nothing that is open here reads below it; zero where nothing is open.
  Timestamp oldest_read() const;
  // As a crash does it: what runs behind answers stops where it is.
  void stop_background() { parts_.background.cancel_all(); }
  const NodeCounters& counters() const { return parts_.counters; }
  // Ends that still run; a node that drains waits until there is none.
  size_t background() const { return parts_.background.size(); }

 private:
  range::TxnHeader read_header();

  NodeParts parts_;
  runtime::Env& env_;
  // Used again by every read in place.
  range::GetResponse got_;
  range::ScanResponse scanned_;
};

}  // namespace quorate::txn
