#include "txn/run_writer.h"

#include <algorithm>

#include "base/mark.h"
#include "range/keys.h"
#include "txn/ender.h"
#include "txn/retry.h"

namespace quorate::txn {

using range::BatchResponse;
using range::LayRunRequest;
using range::LayRunResponse;
using range::Outcome;
using range::Request;
using range::RunRef;
using range::TxnHeader;
using range::TxnStatus;
using runtime::Task;
using storage::RunRow;

namespace {

// Runs that are on their way beside each other.
constexpr size_t kBeside = 4;
constexpr size_t kPrefixBytes = 7;  // table and index, with the keyspace's own byte
constexpr auto kHeartbeat = std::chrono::seconds(1);
constexpr int kResolveTriesMax = 40;

BytesView prefix_of(BytesView key) {
  const bool table = !key.empty() && key.front() == range::keys::kTablePrefix;
  return key.substr(0, table ? kPrefixBytes : 1);
}

// One that the session has ended is not kept alive. The record is asked for as of the time it was
// first made: one that was aborted and collected meanwhile is not made again (safety: record-mark).
Task<void> keep_alive(NodeParts* node, TxnHeader header, Timestamp begun) {
  for (;;) {
    Status slept = co_await runtime::sleep_for(node->sender.executor(), kHeartbeat);
    if (!slept.ok() || !node->open.contains(header.id)) co_return;
    Status beat = co_await keep_pending(*node, header, begun);
    if (beat.code() == StatusCode::kAborted) {
      MARK("txn: a heartbeat finds its transaction aborted");
      co_return;  // the commit will find out
    }
  }
}

}  // namespace

void RunWriter::add(const RunRow& row) {
  const BytesView prefix = prefix_of(row.key);
  if (last_pile_ == nullptr || prefix != last_prefix_) {
    auto it = piles_.find(prefix);
    if (it == piles_.end()) it = piles_.emplace(Bytes(prefix), Pile()).first;
    last_pile_ = &it->second;
    last_prefix_ = it->first;
  }
  Pile& pile = *last_pile_;
  if (!pile.offsets.empty() && pile.sorted) {
    RunRow before;
    size_t end = 0;
    CHECK(storage::parse_run_row(pile.rows, pile.last_at, before, &end));
    if (before.key >= row.key) pile.sorted = false;
  }
  pile.last_at = pile.rows.size();
  pile.offsets.push_back(static_cast<uint32_t>(pile.last_at));
  storage::append_run_row(row, pile.rows);
  piled_ += pile.rows.size() - pile.last_at;
  if (pile.sorted && pile.rows.size() >= kBeside * run_bytes()) sorted_full_ = true;
}

void RunWriter::clear() {
  piles_.clear();
  last_pile_ = nullptr;
  piled_ = 0;
  sorted_full_ = false;
}

RunWriter::Piles RunWriter::take_piles() {
  Piles out{std::move(piles_), piled_, sorted_full_};
  clear();
  return out;
}

void RunWriter::put_back(Piles piles) {
  CHECK(empty());
  piles_ = std::move(piles.piles);
  piled_ = piles.bytes;
  sorted_full_ = piles.sorted_full;
  last_pile_ = nullptr;
}

bool RunWriter::sent_after(uint64_t sequence) const {
  return std::any_of(laid_.begin(), laid_.end(),
                     [&](const RunRef& r) { return r.sequence > sequence; });
}

// Sorts the pile where it must, and cuts it into runs.
Status RunWriter::cut_pile(Pile* pile, bool all, std::vector<Cut>* out, WriteBuffer* numbers,
                           uint64_t fixed) {
  const size_t whole = run_bytes();
  if (pile->offsets.empty()) return Status();
  if (!all && pile->rows.size() < (pile->sorted ? kBeside * whole : bytes_max() / 4))
    return Status();
  std::vector<std::pair<BytesView, uint32_t>> order;
  RunRow row;
  size_t end = 0;
  if (!pile->sorted) {
    order.reserve(pile->offsets.size());
    for (uint32_t at : pile->offsets) {
      CHECK(storage::parse_run_row(pile->rows, at, row, &end));
      order.emplace_back(row.key, at);
    }
    // Of equal keys the one that came later stays behind.
    std::sort(order.begin(), order.end());
  }
  storage::RunBuilder builder;
  Cut cut;
  BytesView last;
  auto finish = [&] {
    cut.last = last;
    cut.rows = builder.rows();
    cut.body = builder.finish();
    cut.sequence = fixed != 0 ? fixed : numbers->next_sequence();
    out->push_back(std::move(cut));
    cut = Cut();
  };
  for (size_t i = 0; i < pile->offsets.size(); ++i) {
    const uint32_t at = pile->sorted ? pile->offsets[i] : order[i].second;
    CHECK(storage::parse_run_row(pile->rows, at, row, &end));
    if (!pile->sorted && i + 1 < order.size() && order[i + 1].first == row.key) {
      RunRow next;
      size_t next_end = 0;
      CHECK(storage::parse_run_row(pile->rows, order[i + 1].second, next, &next_end));
      if (next.absent && !row.deleted) {
        MARK("txn: a load has one key twice");
        taken_ = {Bytes(next.key), Bytes(next.value)};
        return Status(StatusCode::kAlreadyExists, sqlstate::kUniqueViolation, "duplicate key");
      }
      continue;
    }
    if (builder.rows() == 0) {
      cut.first = row.key;
      builder.reserve(0, std::min(whole, pile->rows.size()) + 1024);
    }
    builder.add(BytesView(pile->rows).substr(at, end - at));
    last = row.key;
    if (builder.bytes() >= whole) finish();
  }
  if (builder.rows() > 0) finish();
  piled_ -= pile->rows.size();
  pile->rows.clear();
  pile->offsets.clear();
  pile->sorted = true;
  return Status();
}

Task<Status> RunWriter::send(bool all, WriteBuffer* numbers, uint64_t fixed) {
  while (!empty() && (all || full())) {
    std::vector<Cut> cuts;
    const bool everything = all || piled_ >= bytes_max();
    sorted_full_ = false;
    for (auto& [prefix, pile] : piles_)
      CO_RETURN_IF_ERROR(cut_pile(&pile, everything, &cuts, numbers, fixed));
    if (cuts.empty()) co_return Status();
    if (!begun_) CO_RETURN_IF_ERROR(co_await begin(cuts.front().first));
    for (size_t i = 0; i < cuts.size();) {
      std::vector<Task<Status>> sends;
      for (; i < cuts.size() && sends.size() < kBeside; ++i)
        sends.push_back(lay(std::move(cuts[i])));
      std::vector<Status> sent =
          co_await runtime::when_all(channel_.node().sender.executor(), std::move(sends));
      for (Status& s : sent) {
        if (!s.ok()) co_return std::move(s);
      }
    }
  }
  co_return Status();
}

Task<Status> RunWriter::begin(Bytes first_key) {
  NodeParts& node = channel_.node();
  TxnHeader& header = channel_.header;
  if (header.anchor.empty()) header.anchor = std::move(first_key);
  begun_ = true;
  const Timestamp begun = node.sender.clock().now();
  Status beat = co_await keep_pending(node, header, begun);
  if (beat.code() == StatusCode::kAmbiguous) beat = unavailable(beat.message());
  if (!beat.ok()) co_return beat;
  node.background.spawn(keep_alive(&node, header, begun));
  co_return Status();
}

Task<Status> RunWriter::lay(Cut cut) {
  NodeParts& node = channel_.node();
  RangeSender& sender = node.sender;
  int lost = 0, moved = 0;
  // Known before it is sent: it may lie there and its answer be lost.
  laid_.push_back({cut.sequence, cut.first, cut.last});
  for (int n = 0;; ++n) {
    Result<Target> target = co_await sender.locate(cut.first, channel_.token);
    if (!target.ok()) co_return target.status();
    if (!target->span.contains(cut.last)) {
      std::erase_if(laid_, [&](const RunRef& r) {
        return r.sequence == cut.sequence && r.first == cut.first;
      });
      MARK("txn: a run reaches over its range's end");
      const KeySpan border = target->span;
      co_return co_await lay_parts(std::move(cut), &border);
    }
    LayRunRequest request{cut.sequence, cut.first, cut.last, cut.body};
    std::vector<Request> requests;
    requests.emplace_back(std::move(request));
    BatchResponse response =
        co_await channel_.send(target->id, target->generation, std::move(requests), channel_.token);
    if (response.outcome == Outcome::kOk) {
      auto& answer = std::get<LayRunResponse>(response.responses[0]);
      if (answer.taken) {
        MARK("txn: a row of a load is there already");
        auto run = storage::RunReader::open(cut.body);
        std::optional<RunRow> row;
        if (run.ok()) row = run->find(*answer.taken);
        taken_ = {std::move(*answer.taken), row ? Bytes(row->value) : Bytes()};
        co_return Status(StatusCode::kAlreadyExists, sqlstate::kUniqueViolation, "duplicate key");
      }
      rows_sent_ += cut.rows;
      co_return Status();
    }
    Status s = channel_.token.status();
    if (!s.ok()) co_return s;
    if (response.outcome == Outcome::kRangeMismatch) {
      if (++moved > kRegroupsMax) co_return unavailable("the ranges written to keep moving");
    } else {
      if (response.outcome != Outcome::kError) co_return internal_error("a run was not answered");
      const StatusCode code = response.error.code();
      const bool waited = code == StatusCode::kDeadlineExceeded &&
                          response.error.sqlstate() != sqlstate::kLockNotAvailable;
      const bool unknown = code == StatusCode::kAmbiguous || code == StatusCode::kUnavailable;
      MARK_IF(unknown, "txn: the answer to a run is lost");
      // Laid twice it is there once.
      if (!waited && (!unknown || ++lost >= kCommitSendsMax)) {
        if (code == StatusCode::kAmbiguous) co_return unavailable(response.error.message());
        co_return std::move(response.error);
      }
    }
    s = co_await runtime::sleep_for(sender.executor(), backoff(n, node.random), channel_.token);
    if (!s.ok()) co_return s;
  }
}

// A run that reaches over its range's end: its part there, and the rest.
Task<Status> RunWriter::lay_parts(Cut cut, const KeySpan* border) {
  Result<storage::RunReader> run = storage::RunReader::open(cut.body);
  CHECK(run.ok());
  const Bytes end = border->end;
  Cut parts[2];
  storage::RunBuilder builders[2];
  Bytes encoded;
  for (size_t i = 0; i < run->rows(); ++i) {
    const RunRow row = run->row(i);
    const size_t part = row.key < end ? 0 : 1;
    if (builders[part].rows() == 0) parts[part].first = row.key;
    parts[part].last.assign(row.key);
    encoded.clear();
    storage::append_run_row(row, encoded);
    builders[part].add(encoded);
  }
  for (size_t p = 0; p < 2; ++p) {
    parts[p].rows = builders[p].rows();
    parts[p].body = builders[p].finish();
    parts[p].sequence = cut.sequence;
  }
  cut.body.clear();
  CHECK(parts[0].rows > 0 && parts[1].rows > 0);
  Status s = co_await lay(std::move(parts[0]));
  if (!s.ok()) co_return s;
  co_return co_await lay(std::move(parts[1]));
}

std::vector<RunRef> RunWriter::laid() const {
  std::vector<RunRef> out;
  for (const RunRef& r : laid_) {
    if (!channel_.header.own.undid(r.sequence)) out.push_back(r);
  }
  std::sort(out.begin(), out.end(), [](const RunRef& a, const RunRef& b) {
    return a.first != b.first ? a.first < b.first : a.sequence < b.sequence;
  });
  return out;
}

// One span an index, from its least key to its greatest.
std::vector<KeySpan> RunWriter::spans() const {
  std::map<BytesView, KeySpan> by_prefix;
  for (const RunRef& r : laid_) {
    KeySpan& span = by_prefix[prefix_of(r.first)];
    const Bytes end = key_successor(r.last);
    if (span.end.empty() || r.first < span.start) span.start = r.first;
    if (span.end.empty() || end > span.end) span.end = end;
  }
  std::vector<KeySpan> out;
  for (auto& [prefix, span] : by_prefix) out.push_back(std::move(span));
  return out;
}

namespace {

Task<BatchResponse> resolve_in(NodeParts* node, Target target, TxnHeader header,
                               range::ResolveRunsRequest request) {
  for (;;) {
    range::BatchRequest batch;
    batch.range = target.id;
    batch.generation = target.generation;
    batch.txn = header;
    batch.requests.emplace_back(request);
    BatchResponse response = co_await node->sender.send(std::move(batch), {});
    if (response.outcome != Outcome::kOk) co_return response;
    if (std::get<range::ResolveRunsResponse>(response.responses[0]).left == 0) co_return response;
  }
}

}  // namespace

Task<bool> resolve_runs(NodeParts* node, TxnHeader header, std::vector<KeySpan> spans,
                        TxnStatus status, Timestamp commit_ts) {
  for (int n = 0; n < kResolveTriesMax && !spans.empty(); ++n) {
    if (n > 0) (void)co_await runtime::sleep_for(node->sender.executor(), backoff(n, node->random));
    std::vector<range::ReadSpan> reads;
    for (const KeySpan& s : spans) reads.push_back({s, Timestamp(), range::kAllColumns});
    Result<std::vector<SpanGroup>> groups = co_await node->sender.group_spans(std::move(reads), {});
    if (!groups.ok()) continue;
    std::vector<Task<BatchResponse>> sends;
    std::vector<KeySpan> parts;
    for (const SpanGroup& g : *groups) {
      for (const range::ReadSpan& r : g.reads) {
        range::ResolveRunsRequest request{header.id, r.span, status, commit_ts};
        parts.push_back(r.span);
        sends.push_back(resolve_in(node, g.target, header, std::move(request)));
      }
    }
    std::vector<BatchResponse> answers =
        co_await runtime::when_all(node->sender.executor(), std::move(sends));
    spans.clear();
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].outcome != Outcome::kOk) {
        MARK("txn: runs of an ended transaction are left");
        spans.push_back(std::move(parts[i]));
      }
    }
  }
  co_return spans.empty();
}

}  // namespace quorate::txn
