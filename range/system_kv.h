// Single keys of the directory and the system span, outside of any SQL transaction: descriptors,
// node records, counters. Each write is conditional on the version that was read, so that racing
// writers don't undo each other.
#pragma once

#include <optional>

#include "range/router.h"
#include "runtime/env.h"
#include "runtime/hlc.h"

namespace quorate::range {

class SystemKv {
 public:
  SystemKv(runtime::Env& env, runtime::Hlc& clock, Router& router, NodeId node)
      : env_(env), clock_(clock), router_(router), node_(node) {}

  static constexpr uint64_t kPatienceMs = 10'000;
  struct Entry {
    Bytes key, value;
    Timestamp version;
  };
  // nullopt-like: `version` zero and an empty value where there is none (a tombstone keeps its
  // version).
  runtime::Task<Result<Entry>> get(Bytes key);
  // The last entry of `span` at or before its end; an empty key where there is none.
  runtime::Task<Result<Entry>> last(KeySpan span, uint64_t patience_ms = kPatienceMs);
  runtime::Task<Result<std::vector<Entry>>> scan(KeySpan span);
  // kAborted when the newest version is not `version`; ambiguous outcomes are told.
  runtime::Task<Status> put(Bytes key, Bytes value, Timestamp version);
  // Adds `by` to a counter that starts at `first`, retrying while others race; gives the value
  // before.
  runtime::Task<Result<uint64_t>> take(Bytes counter, uint64_t by, uint64_t first);

 private:
  runtime::Task<Result<BatchResponse>> send(Bytes key, BatchRequest request);
  runtime::Env& env_;
  runtime::Hlc& clock_;
  Router& router_;
  const NodeId node_;
};

}  // namespace quorate::range
