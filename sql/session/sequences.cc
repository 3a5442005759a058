#include "sql/session/sequences.h"

#include "base/archive.h"
#include "base/mark.h"
#include "runtime/sync.h"

namespace quorate::sql {
namespace {

using runtime::Task;

constexpr int kAttemptsMax = 50;

struct Row {
  SequenceState state;
  std::optional<Timestamp> base;
};

Task<Result<Row>> read_row(txn::Transaction* txn, Oid sequence) {
  std::vector<Bytes> keys;
  keys.push_back(catalog_store::sequence_key(sequence));
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  Result<range::RowSet> rows = co_await txn->get(std::move(keys), options);
  if (!rows.ok()) co_return rows.status();
  if (rows->size() == 0 || !rows->present(0)) co_return not_found("the sequence has no row");
  Row out;
  CO_RETURN_IF_ERROR(decode(rows->value(0), out.state));
  out.base = rows->ts(0);
  co_return out;
}

Status write_row(txn::Transaction* txn, Oid sequence, const Row& row) {
  return txn->put(catalog_store::sequence_key(sequence), encode(row.state), range::kAllColumns,
                  row.base);
}

Status at_the_end(const SequenceDescriptor& s) {
  bool up = s.increment > 0;
  return Status(StatusCode::kFailedPrecondition, sqlstate::kSequenceGeneratorLimitExceeded,
                "nextval: reached " + std::string(up ? "maximum" : "minimum") +
                    " value of sequence \"" + s.name + "\" (" + std::to_string(up ? s.max : s.min) +
                    ")");
}

Status check_bounds(const SequenceDescriptor& s, int64_t value) {
  if (value >= s.min && value <= s.max) return Status();
  return Status(StatusCode::kInvalidArgument, sqlstate::kNumericValueOutOfRange,
                "setval: value " + std::to_string(value) + " is out of bounds for sequence \"" +
                    s.name + "\" (" + std::to_string(s.min) + ".." + std::to_string(s.max) + ")");
}

}  // namespace

Result<int64_t> advance_sequence(const SequenceDescriptor& s, SequenceState* state,
                                 int64_t* wanted) {
  __int128 first =
      state->is_called ? __int128{state->last_value} + s.increment : __int128{state->last_value};
  if (first > s.max || first < s.min) {
    if (!s.cycle) return at_the_end(s);
    first = s.increment > 0 ? s.min : s.max;
  }
  __int128 room = s.increment > 0 ? (__int128{s.max} - first) / s.increment + 1
                                  : (first - __int128{s.min}) / -__int128{s.increment} + 1;
  if (room < *wanted) *wanted = static_cast<int64_t>(room);
  state->last_value = static_cast<int64_t>(first + (__int128{*wanted} - 1) * __int128{s.increment});
  state->is_called = true;
  return static_cast<int64_t>(first);
}

std::optional<int64_t> SequenceCache::next(const SequenceDescriptor& sequence) {
  auto it = blocks_.find(sequence.oid);
  if (it == blocks_.end() || it->second.left == 0) return std::nullopt;
  Block& b = it->second;
  int64_t v = b.next;
  if (--b.left > 0) b.next += sequence.increment;
  return v;
}

Task<Status> SequenceCache::take_once(SequencePtr sequence, int64_t wanted, Block* out) {
  txn::TxnOptions options;
  std::unique_ptr<txn::Transaction> txn = client_.begin(options);
  txn->begin_statement();
  Result<Row> row = co_await read_row(txn.get(), sequence->oid);
  Status s = row.status();
  if (row.ok()) {
    int64_t count = wanted;
    Result<int64_t> first = advance_sequence(*sequence, &row->state, &count);
    s = first.status();
    if (first.ok()) {
      *out = {.next = *first, .left = count, .length = wanted, .taken = {}};
      s = write_row(txn.get(), sequence->oid, *row);
      if (s.ok()) s = co_await txn->commit();
      // Not known whether these values are taken: then others are.
      if (s.code() == StatusCode::kAmbiguous) {
        MARK("sql: a block of a sequence may be lost");
        s = aborted("a sequence's block may be lost");
      }
      if (client_.planted.use_failed_block) s = Status();
      co_return s;
    }
  }
  co_await txn->rollback();
  co_return s;
}

Task<Status> SequenceCache::take_block(SequencePtr sequence) {
  runtime::Executor& executor = *client_.env().executor;
  for (int attempt = 0;; ++attempt) {
    Block& known = blocks_[sequence->oid];
    if (known.left > 0) co_return Status();  // another session was faster
    bool busy = known.length > 0 && executor.now() - known.taken < std::chrono::seconds(1);
    int64_t wanted = busy ? std::min(known.length * 2, kBlockMax) : 1;
    wanted = std::max(wanted, sequence->cache);
    const uint64_t before = known.number, forgotten = forgotten_;
    Block fresh;
    Status s = co_await take_once(sequence, wanted, &fresh);
    if (s.ok()) {
      Block& now = blocks_[sequence->oid];
      // Another session of this node has taken one meanwhile, and it may be a later one, of which a
      // session has had a value: this one is left as a gap.
      if (now.number != before || forgotten_ != forgotten) {
        MARK("sql: a block of a sequence comes too late");
        continue;
      }
      fresh.taken = executor.now();
      fresh.number = before + 1;
      now = fresh;
      co_return s;
    }
    if (s.code() != StatusCode::kAborted || attempt >= kAttemptsMax) co_return s;
    MARK("sql: a block of a sequence is taken again");
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(executor, std::chrono::microseconds(200 << (attempt % 6))));
  }
}

Task<Status> SequenceCache::set(SequencePtr sequence, int64_t value, bool is_called) {
  CO_RETURN_IF_ERROR(check_bounds(*sequence, value));
  for (int attempt = 0;; ++attempt) {
    txn::TxnOptions options;
    std::unique_ptr<txn::Transaction> txn = client_.begin(options);
    txn->begin_statement();
    Status s = co_await set_in(txn.get(), sequence, value, is_called);
    if (s.ok())
      s = co_await txn->commit();
    else
      co_await txn->rollback();
    blocks_.erase(sequence->oid);
    ++forgotten_;
    if (s.code() != StatusCode::kAborted || attempt >= kAttemptsMax) co_return s;
  }
}

Task<Result<int64_t>> SequenceCache::next_in(txn::Transaction* txn, SequencePtr sequence,
                                             std::optional<SequenceState>* state) {
  Row row;
  if (state->has_value()) {
    row.state = **state;
  } else {
    Result<Row> read = co_await read_row(txn, sequence->oid);
    if (!read.ok()) co_return read.status();
    row = *read;
  }
  int64_t one = 1;
  Result<int64_t> v = advance_sequence(*sequence, &row.state, &one);
  if (!v.ok()) co_return v.status();
  CO_RETURN_IF_ERROR(write_row(txn, sequence->oid, row));
  *state = row.state;
  co_return *v;
}

Task<Status> SequenceCache::set_in(txn::Transaction* txn, SequencePtr sequence, int64_t value,
                                   bool is_called) {
  CO_RETURN_IF_ERROR(check_bounds(*sequence, value));
  Result<Row> row = co_await read_row(txn, sequence->oid);
  if (!row.ok()) co_return row.status();
  row->state.last_value = value;
  row->state.is_called = is_called;
  co_return write_row(txn, sequence->oid, *row);
}

}  // namespace quorate::sql
