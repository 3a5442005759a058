// Brings requests of transactions to ranges: finds the ranges of keys and spans, stamps batches
// with the node's clock and carries the answers' clocks over. Stateless; one a node, beneath all
// its transactions.
#pragma once

#include <vector>

#include "range/router.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/sync.h"

namespace quorate::txn {

// A range as its sender believes in it.
struct Target {
  RangeId id;
  uint64_t generation = 0;
  KeySpan span;
};

// Keys [begin, end) of a sorted list lie in one range.
struct KeyGroup {
  Target target;
  size_t begin = 0, end = 0;
};

// Reads, cut at the borders of the range that they lie in.
struct SpanGroup {
  Target target;
  std::vector<range::ReadSpan> reads;
};

class RangeSender {
 public:
  RangeSender(range::Router& router, runtime::Hlc& clock, runtime::Env& env, NodeId node)
      : router_(router), clock_(clock), env_(env), node_(node) {}

  // Outcome kOk has one response of the right kind a request; everything else is as in
  // range/router.h.
  runtime::Task<range::BatchResponse> send(range::BatchRequest batch, runtime::CancelToken token);

  runtime::Task<Result<Target>> locate(Bytes key, runtime::CancelToken token);
  // The range of the greatest keys below `end`; empty: the last range.
  runtime::Task<Result<Target>> locate_below(Bytes end, runtime::CancelToken token);
  // The range at which a scan of `span` begins.
  runtime::Task<Result<Target>> locate_near(KeySpan span, bool reverse, runtime::CancelToken token);
  // `sorted` stays until it returns.
  runtime::Task<Result<std::vector<KeyGroup>>> group_keys(const std::vector<BytesView>* sorted,
                                                          runtime::CancelToken token);
  // `reads` sorted by start; groups by start, one a range.
  runtime::Task<Result<std::vector<SpanGroup>>> group_spans(std::vector<range::ReadSpan> reads,
                                                            runtime::CancelToken token);

  const range::RangeDescriptor* cached(BytesView key) { return router_.cached(key); }
  range::Router::Local local(BytesView key) { return router_.local(key); }
  runtime::Hlc& clock() { return clock_; }
  runtime::Env& env() { return env_; }
  runtime::Executor& executor() { return *env_.executor; }
  NodeId node() const { return node_; }

 private:
  range::Router& router_;
  runtime::Hlc& clock_;
  runtime::Env& env_;
  const NodeId node_;
};

}  // namespace quorate::txn
