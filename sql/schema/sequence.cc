#include "sql/schema/sequence.h"

#include "runtime/sync.h"

namespace quorate::sql {

using runtime::Task;

Result<SequenceBlock> advance_sequence(const SequenceDescriptor& s, uint64_t wanted,
                                       SequenceState* state) {
  bool up = s.increment > 0;
  uint64_t step = up ? static_cast<uint64_t>(s.increment) : -static_cast<uint64_t>(s.increment);
  // Distances are unsigned: a sequence may span all of int8.
  auto room = [&](int64_t from) {
    return up ? static_cast<uint64_t>(s.max) - static_cast<uint64_t>(from)
              : static_cast<uint64_t>(from) - static_cast<uint64_t>(s.min);
  };
  int64_t first = state->last_value;
  if (state->is_called) {
    if (room(first) < step) {
      if (!s.cycle)
        return Status(StatusCode::kFailedPrecondition, sqlstate::kSequenceGeneratorLimitExceeded,
                      std::string("nextval: reached ") + (up ? "maximum" : "minimum") +
                          " value of sequence \"" + s.name + "\" (" +
                          std::to_string(up ? s.max : s.min) + ")");
      first = up ? s.min : s.max;
    } else {
      first =
          static_cast<int64_t>(static_cast<uint64_t>(first) + static_cast<uint64_t>(s.increment));
    }
  }
  SequenceBlock out;
  out.first = first;
  out.increment = s.increment;
  out.count = std::min<uint64_t>(std::max<uint64_t>(wanted, 1) - 1, room(first) / step) + 1;
  state->last_value = static_cast<int64_t>(static_cast<uint64_t>(first) +
                                           (out.count - 1) * static_cast<uint64_t>(s.increment));
  state->is_called = true;
  return out;
}

namespace {

struct Row {
  SequenceState state;
  Timestamp base;
};

Task<Result<Row>> read_row(txn::Transaction* txn, Oid sequence, txn::LockMode lock) {
  std::vector<Bytes> keys;
  keys.push_back(catalog_store::sequence_key(sequence));
  txn::ReadOptions options;
  options.lock = lock;
  auto rows = co_await txn->get(std::move(keys), options);
  if (!rows.ok()) co_return rows.status();
  if (!rows->present(0))
    co_return Status(StatusCode::kNotFound, sqlstate::kUndefinedTable,
                     "the sequence does not exist any more");
  Row out;
  out.base = rows->ts(0);
  CO_RETURN_IF_ERROR(decode(rows->value(0), out.state));
  co_return out;
}

Task<Result<SequenceBlock>> take_once(txn::Client* client, SequencePtr sequence, uint64_t wanted) {
  auto txn = client->begin({});
  txn->begin_statement();
  auto row = co_await read_row(txn.get(), sequence->oid, txn::LockMode::kExclusive);
  if (!row.ok()) co_return row.status();
  auto block = advance_sequence(*sequence, wanted, &row->state);
  if (!block.ok()) {
    co_await txn->rollback();
    co_return block.status();
  }
  CO_RETURN_IF_ERROR(txn->put(catalog_store::sequence_key(sequence->oid), encode(row->state),
                              range::kAllColumns, row->base));
  CO_RETURN_IF_ERROR(co_await txn->commit());
  co_return *block;
}

Task<Status> set_once(txn::Client* client, Oid sequence, SequenceState state) {
  auto txn = client->begin({});
  txn->begin_statement();
  auto row = co_await read_row(txn.get(), sequence, txn::LockMode::kExclusive);
  if (!row.ok()) co_return row.status();
  CO_RETURN_IF_ERROR(txn->put(catalog_store::sequence_key(sequence), encode(state),
                              range::kAllColumns, row->base));
  co_return co_await txn->commit();
}

// An ambiguous commit may have taken the values: they become a gap.
bool may_repeat(const Status& s) {
  return s.code() == StatusCode::kAborted || s.code() == StatusCode::kUnavailable ||
         s.code() == StatusCode::kAmbiguous;
}

}  // namespace

Task<Result<SequenceBlock>> take_sequence_values(txn::Client* client, SequencePtr sequence,
                                                 uint64_t wanted, runtime::CancelToken cancel) {
  for (;;) {
    auto block = co_await take_once(client, sequence, wanted);
    if (block.ok() || !may_repeat(block.status())) co_return block;
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(*client->env().executor, std::chrono::milliseconds(1), cancel));
  }
}

Task<Status> set_sequence(txn::Client* client, SequencePtr sequence, int64_t value, bool is_called,
                          runtime::CancelToken cancel) {
  if (value < sequence->min || value > sequence->max)
    co_return Status(StatusCode::kInvalidArgument, sqlstate::kNumericValueOutOfRange,
                     "setval: value " + std::to_string(value) +
                         " is out of bounds for sequence \"" + sequence->name + "\" (" +
                         std::to_string(sequence->min) + ".." + std::to_string(sequence->max) +
                         ")");
  SequenceState state;
  state.last_value = value;
  state.is_called = is_called;
  for (;;) {
    Status s = co_await set_once(client, sequence->oid, state);
    if (s.ok() || !may_repeat(s)) co_return s;
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(*client->env().executor, std::chrono::milliseconds(1), cancel));
  }
}

Task<Result<SequenceState>> read_sequence(txn::Transaction* txn, Oid sequence) {
  auto row = co_await read_row(txn, sequence, txn::LockMode::kNone);
  if (!row.ok()) co_return row.status();
  co_return row->state;
}

}  // namespace quorate::sql
