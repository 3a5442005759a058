#include "txn/testing/list_workload.h"

#include "runtime/sim/sim_clock.h"
#include "runtime/sim/sim_executor.h"
#include "runtime/sim/sim_world.h"
#include "txn/node_client.h"

namespace quorate::txn {

using runtime::Random;
using runtime::Task;
using Fate = HistoryTxn::Fate;

namespace {

// One node: its clock and its client. All share the executor.
struct Node {
  Node(runtime::SimWorld& world, runtime::SimExecutor& executor, FakeRanges& ranges,
       Metrics& metrics, const ListWorkload& w, uint64_t number)
      : clock(world),
        hlc(clock, w.max_offset_us),
        random(world.fork_random("node" + std::to_string(number))),
        id(number),
        sessions(executor) {
    clock.set_offset(random.between(-w.clock_skew_us, w.clock_skew_us));
    env.executor = &executor;
    env.clock = &clock;
    env.random = &random;
    env.metrics = &metrics;
    NodeOptions options;
    options.node = id;
    options.bugs = w.bugs;
    client = std::make_unique<NodeClient>(ranges, hlc, env, options);
  }
  runtime::SimClock clock;
  runtime::Hlc hlc;
  Random random;
  runtime::Env env;
  NodeId id;
  std::unique_ptr<NodeClient> client;
  runtime::TaskScope sessions;  // goes first
};

struct Run {
  explicit Run(const ListWorkload& workload)
      : w(workload),
        world(w.seed),
        executor(world, "n1"),
        true_clock(world),
        ranges(executor, true_clock, w.seed) {}
  Bytes key(uint64_t i) const { return "k" + std::to_string(i); }
  const ListWorkload& w;
  runtime::SimWorld world;
  runtime::SimExecutor executor;
  runtime::SimClock true_clock;
  FakeRanges ranges;
  History history;
  Metrics metrics;
  std::vector<std::unique_ptr<Node>> nodes;
  int sessions_done = 0;
};

struct Op {
  enum Kind : uint8_t { kGet, kGetMany, kScan, kAppend } kind;
  std::vector<Bytes> keys;
  bool lock = false;
  bool reverse = false;
};

std::vector<Op> draw_ops(Run& run, Random& random) {
  std::vector<Op> ops;
  size_t n = 1 + random.below(4);
  for (size_t i = 0; i < n; ++i) {
    Op op;
    uint64_t dice = random.below(10);
    op.kind = dice < 3 ? Op::kGet : dice < 4 ? Op::kGetMany : dice < 5 ? Op::kScan : Op::kAppend;
    uint64_t keys = op.kind == Op::kGetMany ? 3 : op.kind == Op::kScan ? 2 : 1;
    for (uint64_t k = 0; k < keys; ++k) op.keys.push_back(run.key(random.below(run.w.keys)));
    op.lock = random.chance(run.w.lock_chance);
    op.reverse = random.chance(0.5);
    ops.push_back(std::move(op));
  }
  return ops;
}

void note(HistoryTxn& t, const std::set<Bytes>& written, BytesView key, BytesView value) {
  if (written.contains(Bytes(key))) return;
  t.reads.emplace(Bytes(key), decode_list(value));
}

Task<Status> run_scan(Run& run, Transaction& t, Op op, uint32_t number, std::set<Bytes> written) {
  ScanOptions options;
  std::sort(op.keys.begin(), op.keys.end());
  options.span = {op.keys[0], key_successor(op.keys[1])};
  options.reverse = op.reverse;
  options.rows_max = 2;
  std::map<Bytes, Bytes> rows;
  while (!options.span.empty()) {
    KeySpan rest;
    Result<range::RowSet> got = co_await t.scan(options, &rest);
    if (!got.ok()) co_return got.status();
    for (size_t i = 0; i < got->size(); ++i) rows[Bytes(got->key(i))] = Bytes(got->value(i));
    options.span = rest;
  }
  for (int i = 0; i < run.w.keys; ++i) {
    Bytes key = run.key(i);
    if (key < op.keys[0] || key > op.keys[1]) continue;
    note(run.history.at(number), written, key, rows.contains(key) ? rows[key] : Bytes());
  }
  co_return Status();
}

Task<Status> run_op(Run& run, Transaction& t, Op op, uint32_t number, std::set<Bytes>* written) {
  t.begin_statement();
  if (op.kind == Op::kScan) co_return co_await run_scan(run, t, std::move(op), number, *written);
  ReadOptions options;
  if (op.kind == Op::kAppend && op.lock) options.lock = LockMode::kExclusive;
  Result<range::RowSet> got = co_await t.get(op.keys, options);
  if (!got.ok()) co_return got.status();
  for (size_t i = 0; i < got->size(); ++i) {
    CHECK(got->key(i) == op.keys[i]);
    note(run.history.at(number), *written, got->key(i), got->value(i));
  }
  if (op.kind != Op::kAppend) co_return Status();
  List list = decode_list(got->present(0) ? got->value(0) : BytesView());
  if (!list.empty() && list.back() == number) co_return Status();  // once is enough
  list.push_back(number);
  Timestamp base = got->ts(0);
  Status s = t.put(op.keys[0], encode_list(list), range::kAllColumns, base);
  if (!s.ok()) co_return s;
  if (written->insert(op.keys[0]).second) run.history.at(number).appends.push_back(op.keys[0]);
  co_return Status();
}

Level level_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::kSerializable:
      return Level::kSerializable;
    case Isolation::kRepeatableRead:
      return Level::kSnapshot;
    case Isolation::kReadCommitted:
      break;
  }
  return Level::kReadCommitted;
}

Task<Status> run_ops(Run& run, Transaction& t, std::vector<Op> ops, uint32_t number) {
  std::set<Bytes> written;
  run.history.at(number).reads.clear();
  run.history.at(number).appends.clear();
  for (const Op& op : ops) {
    Status s = co_await run_op(run, t, op, number, &written);
    while (!s.ok() && t.can_retry_statement(s)) {
      t.retry_statement();
      s = co_await run_op(run, t, op, number, &written);
    }
    if (!s.ok()) co_return s;
  }
  co_return co_await t.commit();
}

Task<void> session(Run* run, Node* node, uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < run->w.txns_each; ++i) {
    std::vector<Op> ops = draw_ops(*run, random);
    TxnOptions options;
    options.isolation = run->w.isolation;
    HistoryTxn& begun = run->history.begin(run->executor.now());
    begun.level = level_of(run->w.isolation);
    const uint32_t number = begun.number;
    std::unique_ptr<Transaction> t = node->client->begin(options);
    Status s = co_await run_ops(*run, *t, ops, number);
    while (!s.ok() && t->can_restart(s)) {
      Status again = co_await t->restart();
      if (!again.ok()) break;
      s = co_await run_ops(*run, *t, ops, number);
    }
    HistoryTxn& h = run->history.at(number);
    h.ended = run->executor.now();
    h.fate = s.ok()                               ? Fate::kCommitted
             : s.code() == StatusCode::kAmbiguous ? Fate::kUnknown
                                                  : Fate::kFailed;
    if (h.fate == Fate::kFailed) co_await t->rollback();
  }
  ++run->sessions_done;
}

void start_node(Run& run, Random& random) {
  uint64_t number = run.nodes.size() + 1;
  run.nodes.push_back(
      std::make_unique<Node>(run.world, run.executor, run.ranges, run.metrics, run.w, number));
  Node& node = *run.nodes.back();
  for (int c = 0; c < run.w.clients / 2; ++c) {
    node.sessions.spawn(session(&run, &node, random.next()));
  }
}

// The node is gone in the middle of whatever it did; what it left is finished by others. Its
// transactions stay kOpen in the history: they may have happened or not.
void crash_node(Run& run, Node& node) {
  node.sessions.cancel_all();
  node.client.reset();
  run.ranges.node_died(node.id);
}

}  // namespace

ListOutcome run_lists(const ListWorkload& w) {
  Run run(w);
  Random random = run.world.fork_random("lists");
  for (int r = 1; r < w.ranges; ++r) run.ranges.split(run.key(r * w.keys / w.ranges));
  run.ranges.faults = w.faults;
  start_node(run, random);
  start_node(run, random);
  int expected = 2 * (w.clients / 2);
  for (int c = 0; c < w.crashes; ++c) {
    run.world.run_for(std::chrono::milliseconds(20 + random.below(60)));
    Node& victim = *run.nodes[run.nodes.size() - 2];
    if (victim.sessions.size() == 0) break;
    expected += w.clients / 2 - static_cast<int>(victim.sessions.size());
    crash_node(run, victim);
    start_node(run, random);
  }
  auto idle = [&run, expected] {
    if (run.sessions_done < expected) return false;
    for (const auto& node : run.nodes) {
      if (node->client && node->client->background() > 0) return false;
    }
    return true;
  };
  ListOutcome out;
  if (!run.world.run_until(idle, std::chrono::minutes(30))) {
    out.wrong = "sessions or background work hang";
    return out;
  }
  // Requests that were given up may still arrive.
  run.world.run_for(std::chrono::seconds(1));
  out.locks_left = run.ranges.locks();
  out.intents_left = run.ranges.intents();
  std::map<Bytes, List> last;
  for (int k = 0; k < w.keys; ++k) {
    std::optional<Bytes> value = run.ranges.settled_value(run.key(k));
    if (value) last[run.key(k)] = decode_list(*value);
  }
  out.wrong = run.history.judge(last, level_of(w.isolation), true);
  out.committed = run.history.count(Fate::kCommitted);
  out.failed = run.history.count(Fate::kFailed);
  out.unknown = run.history.count(Fate::kUnknown) + run.history.count(Fate::kOpen);
  NodeCounters counters(run.metrics);
  out.restarts = counters.restarts.value();
  out.refreshes = counters.refreshes.value();
  out.parallel = counters.parallel.value();
  out.one_phase = counters.one_phase.value();
  out.commit_lost = counters.commit_lost.value();
  out.splits = run.ranges.splits();
  return out;
}

}  // namespace quorate::txn
