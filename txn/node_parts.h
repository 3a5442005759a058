// What all transactions of a node share. Owned by NodeClient; outlives them and their background
// work.
#pragma once

#include <map>

#include "base/limits.h"
#include "base/planted.h"
#include "txn/admission.h"
#include "txn/range_sender.h"
#include "txn/resolve_queue.h"

namespace quorate::txn {

struct NodeOptions {
  NodeId node;
  uint64_t epoch = 0;  // of the node's life: locks of an earlier one are dropped (orphan-locks)
  size_t buffer_bytes_max = limits::kTxnBufferBytesMax;
  size_t spill_bytes = limits::kTxnSpillBytes;
  size_t run_bytes = limits::kRunBytes;
  size_t load_bytes_max = limits::kTxnLoadBytesMax;
  PlantedBugs bugs;
};

struct NodeCounters {
  explicit NodeCounters(Metrics& m)
      : begun(m.counter("quorate_txn_begun_total", "Transactions begun")),
        committed(m.counter("quorate_txn_committed_total", "Transactions committed with writes")),
        one_phase(m.counter("quorate_txn_one_phase_total", "Commits within one range")),
        parallel(m.counter("quorate_txn_parallel_total", "Commits over several ranges")),
        aborted(m.counter("quorate_txn_aborted_total", "Failures with 40001 or 40P01")),
        ambiguous(m.counter("quorate_txn_ambiguous_total", "Commits with unknown outcome")),
        restarts(m.counter("quorate_txn_restarts_total", "Transactions run again inside")),
        refreshes(m.counter("quorate_txn_refreshes_total", "Proofs of reads up to a later time")),
        refresh_failed(m.counter("quorate_txn_refresh_failed_total", "Proofs that found a change")),
        requests(m.counter("quorate_txn_requests_total", "Batches sent to ranges")),
        in_place(m.counter("quorate_txn_in_place_total", "Reads without a transaction, in place")),
        commit_lost(m.counter("quorate_txn_commit_lost_total",
                              "Commits that were answered and then found aborted: always 0")) {}
  Counter &begun, &committed, &one_phase, &parallel, &aborted, &ambiguous, &restarts, &refreshes,
      &refresh_failed, &requests, &in_place, &commit_lost;
};

struct NodeParts {
  NodeParts(range::Router& router, runtime::Hlc& clock, runtime::Env& env, NodeOptions o)
      : sender(router, clock, env, o.node),
        options(o),
        counters(*env.metrics),
        random(env.random->fork("txn")),
        admission(*env.executor),
        resolutions(sender, background),
        background(*env.executor) {}
  RangeSender sender;
  const NodeOptions options;
  NodeCounters counters;
  runtime::Random random;
  Admission admission;
  // Attempts whose locks still mean something: what a delayed request locks for any other goes.
  // Their headers live in their transactions.
  std::map<TxnId, const range::TxnHeader*> open;
  ResolveQueue resolutions;
  // Ends of transactions that run behind the answer. Last: its tasks use the rest.
  runtime::TaskScope background;
};

}  // namespace quorate::txn
