// Takes in one sorted run of a transaction that is too large for intents (design §9).
//
// What an intent's staging checks of one write is checked here of all rows, once: nobody else has
// locked, staged or laid a row of theirs, each was made from what is there, and where a row must be
// absent it is. From then on the run stands for a lock on each of them, so that all of it holds
// until the transaction ends; the record keeps what the versions say of the lowest timestamp. Reads
// see nothing of a run before it is staged: those that come first push its timestamp.
#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/commit_checks.h"
#include "range/eval/runs.h"

namespace quorate::range {

namespace {

using storage::RunReader;
using storage::RunRow;

// Where committed rows lie much closer than the run's, they are looked up one by one.
constexpr size_t kWalkFactor = 4;

struct Lay {
  Evaluation& e;
  const LayRunRequest& request;
  const RunReader& run;
  std::vector<std::pair<uint64_t, RunReader>> own;  // earlier runs that overlap; the latest first
  Timestamp floor;
  std::optional<Bytes> taken;
};

Verdict meet_others(Lay& l) {
  Evaluation& e = l.e;
  const KeySpan span{l.request.first, key_successor(l.request.last)};
  if (e.look_for_intents()) {
    auto it = e.view->plains(storage::Keyspace::kIntent, span);
    for (; it->valid(); it->next()) {
      if (!l.run.find(it->key())) continue;
      auto intent = parse_intent(it->value());
      if (!intent.ok()) return e.fail(intent.status());
      if (intent->txn != e.txn.id) return e.block_on_intent(it->key(), *intent);
    }
    if (!it->status().ok()) return e.fail(it->status());
  }
  auto has = [&l](BytesView key) { return l.run.find(key).has_value(); };
  if (auto key = e.state.locks.held_by_others(l.request.first, l.request.last, e.txn.id, has))
    return e.block_on_lock(*key, LockMode::kExclusive);
  for (const auto& [stored, other] : e.state.runs.runs()) {
    if (other.first > l.request.last) break;
    if (other.last < l.request.first) continue;
    if (other.txn == e.txn.id && e.txn.own.undid(other.sequence)) continue;
    auto reader = open_run(e, stored);
    if (!reader.ok()) return e.fail(reader.status());
    if (other.txn == e.txn.id) {
      l.own.emplace_back(other.sequence, *reader);
      continue;
    }
    for (size_t i = l.run.lower_bound(other.first); i < l.run.rows(); ++i) {
      const BytesView key = l.run.key(i);
      if (key > other.last) break;
      if (!reader->find(key)) continue;
      e.state.locks.add_staged(key, other.header());
      return e.block_on_lock(key, LockMode::kExclusive);
    }
  }
  std::sort(l.own.begin(), l.own.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  return Verdict::kDone;
}

std::optional<RunRow> own_row(const Lay& l, BytesView key) {
  for (const auto& [sequence, run] : l.own) {
    if (auto row = run.find(key)) return row;
  }
  return std::nullopt;
}

Verdict check_row(Lay& l, const RunRow& row, const std::optional<storage::Version>& newest) {
  if (newest) l.floor.forward(newest->ts);
  if (!l.own.empty()) {
    // What the transaction has written itself is what counts, and was checked then.
    if (auto mine = own_row(l, row.key)) {
      if (row.absent && !mine->deleted) l.taken = Bytes(row.key);
      return Verdict::kDone;
    }
  }
  if (row.absent) {
    if (newest && !newest->deleted) l.taken = Bytes(row.key);
    return Verdict::kDone;
  }
  if (row.base && !l.e.planted.ignore_lost_locks && !base_holds(l.e, *row.base, newest)) {
    return l.e.fail(concurrent_update(row.key, newest && newest->deleted ? "delete" : "update"));
  }
  return Verdict::kDone;
}

Verdict check_rows(Lay& l) {
  Evaluation& e = l.e;
  storage::RowIteratorOptions options;
  options.span = {l.request.first, key_successor(l.request.last)};
  options.ts = Timestamp::max();
  options.with_deleted = true;
  auto there = e.view->rows(options);
  size_t walked = 0, i = 0;
  for (; i < l.run.rows() && !l.taken; ++i) {
    const RunRow row = l.run.row(i);
    while (there->valid() && there->key() < row.key && walked <= kWalkFactor * l.run.rows()) {
      there->next();
      ++walked;
    }
    if (walked > kWalkFactor * l.run.rows()) break;
    std::optional<storage::Version> newest;
    if (there->valid() && there->key() == row.key) {
      // The iterator does not tell tombstones from empty rows.
      auto version = e.view->newest(row.key);
      if (!version.ok()) return e.fail(version.status());
      newest = *version;
    }
    if (Verdict v = check_row(l, row, newest); v != Verdict::kDone) return v;
  }
  if (!there->status().ok()) return e.fail(there->status());
  there.reset();
  for (; i < l.run.rows() && !l.taken; ++i) {
    const RunRow row = l.run.row(i);
    auto newest = e.view->newest(row.key);
    if (!newest.ok()) return e.fail(newest.status());
    if (Verdict v = check_row(l, row, *newest); v != Verdict::kDone) return v;
  }
  return Verdict::kDone;
}

Status check_body(const LayRunRequest& request, const RunReader& run) {
  RETURN_IF_ERROR(run.check());
  if (run.key(0) != request.first || run.key(run.rows() - 1) != request.last)
    return internal_error("a run does not reach from its first key to its last");
  return Status();
}

bool grows(const RunReader& run) {
  for (size_t i = 0; i < run.rows(); ++i)
    if (!run.row(i).deleted) return true;
  return false;
}

}  // namespace

Verdict eval_lay_run(Evaluation& e, const LayRunRequest& request, LayRunResponse& out) {
  if (!e.txn.id || e.txn.anchor.empty() || request.sequence > UINT32_MAX)
    return e.fail(internal_error("a run needs its transaction's anchor"));
  const Bytes key = run_key(request.first, e.txn.id, request.sequence);
  if (e.state.runs.find(key) != nullptr) {
    MARK("range: a run is sent again");
    return Verdict::kDone;
  }
  auto run = RunReader::open(request.body);
  if (!run.ok()) return e.fail(run.status());
  if (Status s = check_body(request, *run); !s.ok()) return e.fail(std::move(s));
  if (e.context.space() != storage::Space::kPlenty) {
    if (Status s = check_space(e, grows(*run)); !s.ok()) return e.fail(std::move(s));
  }
  if (e.state.runs.size() >= e.context.limits().runs)
    return e.fail(resource_exhausted("too many bulk writes wait for their transactions in range " +
                                         e.context.descriptor().id.to_string(),
                                     sqlstate::kOutOfMemory));
  Lay lay{e, request, *run, {}, Timestamp(), {}};
  if (Verdict v = meet_others(lay); v != Verdict::kDone) return v;
  if (Verdict v = check_rows(lay); v != Verdict::kDone) return v;
  if (lay.taken) {
    MARK("range: a row that is loaded is there already");
    out.taken = std::move(lay.taken);
    return Verdict::kDone;
  }
  RunRecord record;
  record.txn = e.txn.id;
  record.anchor = e.txn.anchor;
  record.sequence = request.sequence;
  record.first = request.first;
  record.last = request.last;
  record.rows = run->rows();
  record.bytes = request.body.size();
  record.floor = lay.floor;
  record.began = e.txn.began;
  record.coordinator = e.txn.coordinator;
  record.coordinator_epoch = e.txn.coordinator_epoch;
  e.writes.put(storage::Keyspace::kRun, key, encode(record));
  e.writes.put(storage::Keyspace::kRunBody, key, request.body);
  e.effects.runs.emplace_back(key, std::move(record));
  return Verdict::kDone;
}

}  // namespace quorate::range
