// A cluster of ranges in one object, as range/api.h says they behave: locks, timestamp cache,
// intents, records, refresh, recovery of abandoned transactions. Simple, slow and strict; with the
// faults of a real one: requests and answers lost, requests that arrive long after they were given
// up, ranges that split meanwhile, pushes, slowness, records that are collected.
//
// Every request is evaluated in one step, so latches are not needed. Who waits for a lock looks
// again every millisecond; a deadlock is ended by the younger giving up.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "range/router.h"
#include "runtime/hlc.h"
#include "runtime/random.h"
#include "runtime/sync.h"

namespace quorate::txn {

struct FakeFaults {
  double lose_request = 0;     // it never arrives
  double late_request = 0;     // given up by the sender, arrives up to 50 ms later
  double lose_answer = 0;      // it happened, nobody hears
  double split = 0;            // a range splits before a request arrives
  double push = 0;             // a commit is asked for a later timestamp for no reason
  double collect_records = 0;  // records of one-range commits go at once after they are written
  double lose_locks = 0;       // a leaseholder changes and forgets its locks
  uint64_t delay_us_max = 300;
};

class FakeRanges : public range::Router {
 public:
  FakeRanges(runtime::Executor& executor, const runtime::Clock& clock, uint64_t seed);
  ~FakeRanges() override;

  void split(const Bytes& at);
  FakeFaults faults;
  // Locks of this node's coordinators are orphans from now on.
  void node_died(NodeId node) { dead_.insert(node); }

  // The newest committed value of `key`, after all intents are settled.
  std::optional<Bytes> settled_value(const Bytes& key);
  size_t intents() const;
  size_t locks() const;
  size_t unfinished_records() const;  // STAGING
  uint64_t batches() const { return batches_; }
  uint64_t heartbeats() const { return heartbeats_; }
  uint64_t splits() const { return descriptors_.size() - 1; }

  runtime::Task<Result<range::RangeDescriptor>> locate(Bytes key,
                                                       runtime::CancelToken token) override;
  const range::RangeDescriptor* cached(BytesView key) override;
  runtime::Task<range::BatchResponse> send(range::BatchRequest request,
                                           runtime::CancelToken token) override;

 private:
  struct Version {
    bool deleted = false;
    Bytes value;
    range::ColumnSet changed = range::kAllColumns;
    TxnId writer;
  };
  struct Intent {
    range::TxnHeader txn;
    Timestamp ts, attempt;
    bool lock_only = false;
    range::RowWrite write;
  };
  struct Row {
    std::map<Timestamp, Version> versions;
    std::optional<Intent> intent;
    std::optional<range::TxnHeader> exclusive;
    std::vector<range::TxnHeader> shared;
    Timestamp newest() const { return versions.empty() ? Timestamp() : versions.rbegin()->first; }
  };
  struct ReadMark {
    KeySpan span;
    Timestamp ts;
    TxnId txn;
  };
  // Why an evaluation could not end: somebody holds something.
  struct Blocked {
    range::TxnHeader holder;
    bool intent = false;
  };
  using Evaluation = std::variant<range::BatchResponse, Blocked>;

  runtime::Task<range::BatchResponse> serve(range::BatchRequest batch, runtime::CancelToken token);
  runtime::Task<void> serve_late(range::BatchRequest batch);
  runtime::Task<void> delay(uint64_t us_max);
  Evaluation evaluate(const range::BatchRequest& batch, const KeySpan& span);
  Evaluation get(const range::BatchRequest& b, const range::GetRequest& q);
  Evaluation scan(const range::BatchRequest& b, const range::ScanRequest& q);
  Evaluation refresh(const range::BatchRequest& b, const range::RefreshRequest& q);
  Evaluation commit(const range::BatchRequest& b, const range::CommitRequest& q,
                    const KeySpan& span);
  Evaluation end_txn(const range::BatchRequest& b, const range::EndTxnRequest& q);
  Evaluation resolve_all(const range::BatchRequest& b, const KeySpan& span);
  void forget(std::map<TxnId, range::TxnRecord>::iterator record);
  std::optional<Evaluation> read_row(const range::BatchRequest& b, const Bytes& key,
                                     range::LockMode lock, range::WaitPolicy wait, bool* skip,
                                     Timestamp* need);
  std::optional<Evaluation> commit_checks(const range::BatchRequest& b,
                                          const range::CommitRequest& q, Timestamp* least);
  std::optional<Evaluation> unchanged(const range::BatchRequest& b,
                                      const std::vector<range::ReadSpan>& reads, Timestamp to,
                                      Bytes* conflict);
  std::optional<Blocked> lock_conflict(const Row& row, TxnId id, range::LockMode lock) const;
  Timestamp floor(const Bytes& key, TxnId except) const;
  void mark(KeySpan span, Timestamp ts, TxnId txn) { marks_.push_back({std::move(span), ts, txn}); }
  void resolve(TxnId txn, const Bytes& key, bool commit, Timestamp ts);
  void recover(const range::TxnHeader& txn);
  void unlock(TxnId txn, const KeySpan& span);
  range::BatchResponse base_response(const range::BatchRequest& b);
  range::BatchResponse error(const range::BatchRequest& b, Status s);
  range::BatchResponse need(const range::BatchRequest& b, Timestamp ts);

  runtime::Executor& executor_;
  runtime::Hlc clock_;
  runtime::Random random_;
  std::map<Bytes, range::RangeDescriptor> descriptors_;  // by start
  uint64_t next_range_ = 2;
  std::map<Bytes, Row> rows_;
  std::vector<ReadMark> marks_;
  std::map<TxnId, range::TxnRecord> records_;
  std::map<TxnId, Timestamp> collected_;  // attempts of records that are gone
  std::set<NodeId> dead_;
  uint64_t batches_ = 0;
  uint64_t heartbeats_ = 0;
  runtime::TaskScope late_;
};

}  // namespace quorate::txn
