#include "range/testing/conversation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "range/eval/records.h"

namespace quorate::range {
namespace {

using runtime::CancelToken;
using runtime::Task;
using Script = testing::Command;

// Shorter than the grace before a staged transaction is pushed, so that a script sees it wait.
constexpr runtime::Duration kSettle = std::chrono::microseconds(500);

Timestamp ts_of(const Script& c, const char* key, uint64_t fallback = 0) {
  return Timestamp(c.get_u64(key, fallback));
}

LockMode mode_of(const Script& c) {
  const std::string lock = c.get("lock", "");
  if (lock.empty()) return LockMode::kNone;
  return lock == "s" ? LockMode::kShared : LockMode::kExclusive;
}

WaitPolicy policy_of(const Script& c) {
  const std::string wait = c.get("wait", "");
  if (wait == "nowait") return WaitPolicy::kNoWait;
  return wait == "skip" ? WaitPolicy::kSkipLocked : WaitPolicy::kBlock;
}

// "a@10", "b..d@10" or with "/3" for the columns used.
ReadSpan read_of(const std::string& text) {
  const size_t at = text.find('@'), slash = text.find('/');
  const std::string span = text.substr(0, at);
  const size_t dots = span.find("..");
  ReadSpan read;
  read.span = dots == std::string::npos ? KeySpan::point(span)
                                        : KeySpan{span.substr(0, dots), span.substr(dots + 2)};
  read.from = Timestamp(std::strtoull(text.c_str() + at + 1, nullptr, 10));
  if (slash != std::string::npos)
    read.columns = std::strtoull(text.c_str() + slash + 1, nullptr, 10);
  return read;
}

// "key:value:base".
RowWrite write_of(const std::string& text, ColumnSet changed) {
  const size_t first = text.find(':'), second = text.find(':', first + 1);
  RowWrite write;
  write.key = text.substr(0, first);
  write.value = text.substr(first + 1, second - first - 1);
  write.deleted = write.value == "-";
  write.changed = changed;
  if (write.deleted) write.value.clear();
  const std::string base = text.substr(second + 1);
  if (base != "?") write.base = Timestamp(std::strtoull(base.c_str(), nullptr, 10));
  return write;
}

const char* status_name(TxnStatus status) {
  switch (status) {
    case TxnStatus::kUnknown:
      return "unknown";
    case TxnStatus::kPending:
      return "pending";
    case TxnStatus::kStaging:
      return "staging";
    case TxnStatus::kCommitted:
      return "committed";
    case TxnStatus::kAborted:
      return "aborted";
  }
  return "?";
}

// What a lease's clock gave is far above what scripts choose, and no property.
std::string at(Timestamp t) {
  return t.packed < (uint64_t{1} << 40) ? fmt::format("@{}", t.packed) : "@now";
}

std::string error_text(const Status& s) {
  std::string out = fmt::format("error {}: {}", s.sqlstate().view(), s.message());
  if (!s.fields().detail.empty()) out += " (" + s.fields().detail + ")";
  return out;
}

std::string rows_text(const RowSet& rows) {
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows.present(i)) {
      out += fmt::format(" {}={}{}", escape_bytes(rows.key(i)), escape_bytes(rows.value(i)),
                         at(rows.ts(i)));
    } else {
      out += fmt::format(" {} absent", escape_bytes(rows.key(i)));
      if (rows.ts(i)) out += at(rows.ts(i));
    }
  }
  return out.empty() ? " nothing" : out;
}

}  // namespace

Conversation::Conversation(PlantedBugs planted) : planted_(planted) { make({""}); }
Conversation::~Conversation() { scope_.reset(); }

void Conversation::make(std::vector<Bytes> starts) {
  scope_.reset();
  ranges_ = std::make_unique<LocalRanges>(1, std::move(starts), planted_);
  scope_ = std::make_unique<runtime::TaskScope>(ranges_->executor());
}

std::string Conversation::name_of(const TxnId& id) const {
  for (const auto& [name, txn] : txns_) {
    if (txn.header.id == id) return name;
  }
  return "T?";
}

Conversation::Txn& Conversation::txn(const Script& c) {
  EXPECT_FALSE(c.args.empty()) << c.where << ": which transaction?";
  auto it = txns_.find(c.args[0].first);
  EXPECT_TRUE(it != txns_.end()) << c.where << ": no such transaction";
  return it->second;
}

std::string Conversation::handle(const Script& c) {
  if (std::string shown = show(c); !shown.empty()) return shown;
  if (change_world(c)) return settle(kSettle);
  TxnHeader header;
  if (c.name != "gc" && c.name != "split" && c.name != "clear") header = txn(c).header;
  Request request;
  Bytes key = request_of(c, header, request);
  send(c, header, std::move(key), std::move(request));
  return settle(kSettle);
}

std::string Conversation::show(const Script& c) {
  if (c.name == "locks") return locks();
  if (c.name == "state") return state();
  if (c.name == "advance") return settle(std::chrono::milliseconds(c.get_u64("ms")));
  return "";
}

// What is not a request to a range.
bool Conversation::change_world(const Script& c) {
  const size_t range = c.get_u64("range", 0);
  if (c.name == "ranges") {
    std::vector<Bytes> starts;
    for (const std::string& s : c.list("starts")) starts.emplace_back(s);
    make(std::move(starts));
  } else if (c.name == "txn") {
    Txn made;
    made.name = c.args[0].first;
    made.header.id = {next_txn_, next_txn_};
    made.header.read_ts = ts_of(c, "ts");
    made.header.uncertainty = ts_of(c, "uncertainty", made.header.read_ts.packed);
    made.header.began = made.header.read_ts;
    made.header.anchor = c.get("anchor", "");
    made.header.coordinator = NodeId(c.get_u64("node", 1));
    const std::string isolation = c.get("isolation", "");
    if (isolation == "rr") made.header.isolation = Isolation::kRepeatableRead;
    if (isolation == "rc") made.header.isolation = Isolation::kReadCommitted;
    ++next_txn_;
    txns_[made.name] = made;
  } else if (c.name == "move") {
    txn(c).header.read_ts = ts_of(c, "ts");
    txn(c).header.uncertainty = ts_of(c, "ts");
  } else if (c.name == "lease") {
    ranges_->change_lease(range, c.has("hand_over"));
  } else if (c.name == "pause") {
    ranges_->replica(range).paused = true;
  } else if (c.name == "resume") {
    ranges_->replica(range).resume();
  } else if (c.name == "fail") {
    ranges_->replica(range).fail_pending(c.has("ambiguous") ? ambiguous("the entry may be there")
                                                            : unavailable("the entry is dropped"));
    ranges_->replica(range).resume();
  } else if (c.name == "dead") {
    for (size_t i = 0; i < ranges_->size(); ++i)
      ranges_->replica(i).dead_nodes.insert(c.get_u64("node"));
  } else if (c.name == "cancel") {
    waiting_.at(c.args[0].first).cancel(cancelled());
  } else if (c.name == "victim") {
    for (size_t i = 0; i < ranges_->size(); ++i)
      ranges_->leaseholder(i).abort_waits(
          txn(c).header.id, aborted("deadlock detected", sqlstate::kDeadlockDetected));
  } else if (c.name == "space") {
    const std::string left = c.get("left");
    for (size_t i = 0; i < ranges_->size(); ++i) {
      ranges_->replica(i).room = left == "plenty" ? storage::Space::kPlenty
                                 : left == "low"  ? storage::Space::kLow
                                                  : storage::Space::kOut;
    }
  } else {
    return false;
  }
  return true;
}

// The request, and a key that tells its range.
Bytes Conversation::request_of(const Script& c, TxnHeader& header, Request& request) {
  if (c.name == "get") {
    GetRequest get;
    for (const std::string& k : c.list("keys")) get.keys.emplace_back(k);
    get.columns = c.get_u64("columns", kAllColumns);
    get.lock = mode_of(c);
    get.wait = policy_of(c);
    Bytes key = get.keys[0];
    request = std::move(get);
    return key;
  }
  if (c.name == "scan") {
    ScanRequest scan;
    scan.span = {c.get("from", ""), c.get("to", "")};
    scan.reverse = c.has("reverse");
    scan.rows_max = c.get_u64("rows", 0);
    scan.columns = c.get_u64("columns", kAllColumns);
    scan.lock = mode_of(c);
    scan.wait = policy_of(c);
    request = scan;
    return scan.span.start;
  }
  if (c.name == "refresh") {
    RefreshRequest refresh;
    for (const std::string& r : c.list("reads")) refresh.reads.push_back(read_of(r));
    refresh.to = ts_of(c, "to");
    Bytes key = refresh.reads[0].span.start;
    request = std::move(refresh);
    return key;
  }
  if (c.name == "commit") {
    CommitRequest commit = commit_of(c, header);
    Bytes key = !commit.writes.empty()         ? commit.writes[0].key
                : !commit.locked_reads.empty() ? commit.locked_reads[0]
                                               : header.anchor;
    request = std::move(commit);
    return key;
  }
  if (c.name == "end") {
    EndTxnRequest end;
    end.commit = c.has("commit");
    end.commit_ts = ts_of(c, "at");
    end.attempt = ts_of(c, "attempt");
    end.first_attempt = ts_of(c, "first");
    for (const std::string& k : c.list("resolve")) end.resolve.emplace_back(k);
    request = end;
    return header.anchor;
  }
  if (c.name == "resolve") {
    ResolveRequest resolve;
    resolve.txn = header.id;
    for (const std::string& k : c.list("keys")) resolve.keys.emplace_back(k);
    resolve.status = c.has("commit") ? TxnStatus::kCommitted : TxnStatus::kAborted;
    resolve.commit_ts = ts_of(c, "commit");
    resolve.remove_record = c.has("remove_record");
    resolve.anchor = header.anchor;
    Bytes key = resolve.keys.empty() ? header.anchor : resolve.keys[0];
    request = std::move(resolve);
    header = TxnHeader();
    return key;
  }
  if (c.name == "push") {
    request = PushRequest{header.id, c.get("key", Bytes(header.anchor))};
    Bytes key = c.get("key", Bytes(header.anchor));
    header = TxnHeader();
    return key;
  }
  if (c.name == "heartbeat") {
    request = HeartbeatRequest{header.id, Bytes(header.anchor)};
    Bytes key = header.anchor;
    header = TxnHeader();
    return key;
  }
  if (c.name == "query") {
    request = QueryIntentRequest{header.id, c.get("key"), ts_of(c, "ts")};
    header = TxnHeader();
    return c.get("key");
  }
  if (c.name == "unlock") {
    request = UnlockRequest();
    return c.get("key", "");
  }
  if (c.name == "split") {
    request = SplitRequest{c.get("at"), RangeId()};
    const size_t i = ranges_->index_of(c.get("at"));
    ranges_->replica(i).on_split = [this](SplitRequest split) { ranges_->split(split.at); };
    return c.get("at");
  }
  if (c.name == "clear") {
    request = ClearRequest{{c.get("from"), c.get("to")}, ts_of(c, "dropped")};
    return c.get("from");
  }
  EXPECT_EQ(c.name, "gc") << c.where << ": no such command";
  request = GcRequest{ts_of(c, "threshold"), ts_of(c, "mark")};
  return c.get("key", "");
}

CommitRequest Conversation::commit_of(const Script& c, TxnHeader& header) {
  CommitRequest commit;
  const std::string kind = c.get("kind", "");
  const bool staged = !kind.empty();
  if (kind == "anchor") commit.kind = CommitKind::kStageAnchor;
  if (kind == "stage") commit.kind = CommitKind::kStage;
  commit.attempt = ts_of(c, "attempt", header.read_ts.packed);
  commit.first_attempt = ts_of(c, "first");
  for (const std::string& w : c.list("writes"))
    commit.writes.push_back(write_of(w, c.get_u64("changed", kAllColumns)));
  for (const std::string& k : c.list("all")) commit.all_keys.emplace_back(k);
  for (const std::string& r : c.list("refresh")) commit.refresh.push_back(read_of(r));
  for (const std::string& k : c.list("locked_reads")) commit.locked_reads.emplace_back(k);
  commit.commit_ts = ts_of(c, "at", staged ? header.read_ts.packed : Timestamp::max().packed);
  commit.deadline = ts_of(c, "deadline", Timestamp::max().packed);
  if (header.anchor.empty() && !commit.writes.empty()) header.anchor = commit.writes[0].key;
  txns_.at(name_of(header.id)).header.anchor = header.anchor;
  return commit;
}

void Conversation::send(const Script& c, const TxnHeader& header, Bytes key, Request request) {
  BatchRequest batch;
  batch.txn = header;
  batch.lock_timeout_ms = c.get_u64("lock_timeout", 0);
  batch.patience_ms = c.get_u64("patience", 10'000);
  batch.requests.push_back(std::move(request));
  const std::string name = c.get("as", c.args.empty() ? c.name : c.args[0].first);
  EXPECT_FALSE(waiting_.contains(name)) << c.where << ": " << name << " still waits";
  CancelToken token = waiting_[name].token();
  scope_->spawn(call(this, name, std::move(key), std::move(batch), token));
}

Task<void> Conversation::call(Conversation* self, std::string name, Bytes key, BatchRequest batch,
                              CancelToken token) {
  BatchResponse response = co_await self->ranges_->serve(key, std::move(batch), token);
  self->answers_.insert(name + ":" + self->text_of(response) + "\n");
  self->waiting_.erase(name);
}

std::string Conversation::settle(runtime::Duration d) {
  ranges_->world().run_for(d);
  std::string out;
  for (const std::string& answer : std::exchange(answers_, {})) out += answer;
  for (const auto& [name, source] : waiting_) out += name + " waits\n";
  return out.empty() ? "ok\n" : out;
}

std::string Conversation::text_of(const BatchResponse& r) const {
  switch (r.outcome) {
    case Outcome::kOk: {
      std::string out;
      for (const Response& one : r.responses) out += text_of(one);
      return out;
    }
    case Outcome::kError:
      return " " + error_text(r.error);
    case Outcome::kNotLeaseholder:
      return " not leaseholder";
    case Outcome::kRangeMismatch: {
      std::string out = " range mismatch:";
      for (const RangeDescriptor& d : r.descriptors) out += " " + d.span.to_string();
      return out;
    }
    case Outcome::kNeedTimestamp:
      return " needs " + at(r.need);
  }
  return " ?";
}

std::string Conversation::text_of(const Response& r) const {
  if (auto* get = std::get_if<GetResponse>(&r))
    return rows_text(get->rows) + (get->floor ? " floor " + at(get->floor) : "");
  if (auto* scan = std::get_if<ScanResponse>(&r))
    return rows_text(scan->rows) + (scan->resume ? " resume " + scan->resume->to_string() : "");
  if (auto* refresh = std::get_if<RefreshResponse>(&r))
    return refresh->unchanged ? " unchanged" : " changed: " + escape_bytes(refresh->conflict);
  if (auto* commit = std::get_if<CommitResponse>(&r)) return " commits " + at(commit->commit_ts);
  if (auto* end = std::get_if<EndTxnResponse>(&r))
    return fmt::format(" {} {}", status_name(end->status), at(end->commit_ts));
  if (auto* push = std::get_if<PushResponse>(&r))
    return fmt::format(" {}{}", status_name(push->record.status),
                       push->abandoned ? ", abandoned" : "");
  if (auto* query = std::get_if<QueryIntentResponse>(&r))
    return query->found ? " found" : " missing, prevented";
  return " done";
}

std::string Conversation::locks() const {
  std::string out;
  for (size_t i = 0; i < ranges_->size(); ++i) {
    for (const LockInfo& lock : ranges_->leaseholder(i).locks()) {
      out += fmt::format("r{} {}: {} {}", i, escape_bytes(lock.key), name_of(lock.holder.id),
                         lock.mode == LockMode::kShared ? "shared" : "exclusive");
      for (size_t w = 0; w < lock.waiters.size(); ++w) {
        out += fmt::format(" <- {} {}", name_of(lock.waiters[w].id),
                           lock.waiter_modes[w] == LockMode::kShared ? "shared" : "exclusive");
      }
      out += "\n";
    }
  }
  return out.empty() ? "no locks\n" : out;
}

// Everything that is replicated: versions, intents, records.
std::string Conversation::state() const {
  std::string out;
  const MemoryEngine& engine = ranges_->engine();
  for (const auto& [key, versions] : engine.rows()) {
    out += escape_bytes(key) + ":";
    for (const MemoryEngine::Cell& v : versions)
      out += " " + (v.deleted ? std::string("deleted") : escape_bytes(v.value)) + at(v.ts);
    out += "\n";
  }
  for (const auto& [key, value] : engine.plains(storage::Keyspace::kIntent)) {
    Result<Intent> intent = parse_intent(value);
    out += fmt::format("intent {}: {} {}{}\n", escape_bytes(key), name_of(intent->txn),
                       intent->lock_only ? "lock"
                       : intent->deleted ? "delete"
                                         : escape_bytes(intent->value),
                       at(intent->ts));
  }
  for (const auto& [key, value] : engine.plains(storage::Keyspace::kTxnRecord)) {
    Result<TxnRecord> record = parse_record(value);
    out += fmt::format("record {}: {} {}", escape_bytes(BytesView(key).substr(0, key.size() - 16)),
                       status_name(record->status), at(record->commit_ts));
    for (const Bytes& k : record->keys) out += " " + escape_bytes(k);
    out += "\n";
  }
  return out.empty() ? "nothing\n" : out;
}

}  // namespace quorate::range
