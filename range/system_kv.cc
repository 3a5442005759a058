#include "range/system_kv.h"

#include "base/archive.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {
constexpr int kTriesMax = 50;
}

runtime::Task<Result<BatchResponse>> SystemKv::send(Bytes key, BatchRequest request) {
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    CO_ASSIGN_OR_RETURN(RangeDescriptor descriptor, co_await router_.locate(key, {}));
    BatchRequest copy = request;
    copy.range = descriptor.id;
    copy.generation = descriptor.generation;
    copy.now = clock_.now();
    copy.gateway = node_;
    BatchResponse response = co_await router_.send(std::move(copy), {});
    switch (response.outcome) {
      case Outcome::kOk:
        co_return std::move(response);
      case Outcome::kError:
        co_return response.error;
      case Outcome::kNeedTimestamp:
        request.txn.read_ts = response.need;
        break;
      case Outcome::kRangeMismatch:
      case Outcome::kNotLeaseholder:
        break;
    }
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(10)));
  }
  co_return unavailable("a system record could not be reached");
}

runtime::Task<Result<SystemKv::Entry>> SystemKv::get(Bytes key) {
  BatchRequest request;
  GetRequest get;
  get.keys.push_back(key);
  request.requests.push_back(std::move(get));
  CO_ASSIGN_OR_RETURN(BatchResponse response, co_await send(key, std::move(request)));
  const RowSet& rows = std::get<GetResponse>(response.responses.at(0)).rows;
  Entry entry{key, {}, rows.ts(0)};
  if (rows.present(0)) entry.value = Bytes(rows.value(0));
  co_return entry;
}

runtime::Task<Result<SystemKv::Entry>> SystemKv::last(KeySpan span, uint64_t patience_ms) {
  BatchRequest request;
  request.patience_ms = patience_ms;
  ScanRequest scan;
  scan.span = span;
  scan.reverse = true;
  scan.rows_max = 1;
  request.requests.push_back(std::move(scan));
  CO_ASSIGN_OR_RETURN(BatchResponse response, co_await send(span.start, std::move(request)));
  const RowSet& rows = std::get<ScanResponse>(response.responses.at(0)).rows;
  if (rows.size() == 0) co_return Entry();
  co_return Entry{Bytes(rows.key(0)), Bytes(rows.value(0)), rows.ts(0)};
}

runtime::Task<Result<std::vector<SystemKv::Entry>>> SystemKv::scan(KeySpan span) {
  std::vector<Entry> out;
  for (;;) {
    BatchRequest request;
    ScanRequest scan;
    scan.span = span;
    request.requests.push_back(std::move(scan));
    CO_ASSIGN_OR_RETURN(BatchResponse response, co_await send(span.start, std::move(request)));
    auto& answer = std::get<ScanResponse>(response.responses.at(0));
    for (size_t i = 0; i < answer.rows.size(); ++i) {
      out.push_back({Bytes(answer.rows.key(i)), Bytes(answer.rows.value(i)), answer.rows.ts(i)});
    }
    if (!answer.resume) co_return std::move(out);
    span = *answer.resume;
  }
}

runtime::Task<Status> SystemKv::put(Bytes key, Bytes value, Timestamp version) {
  BatchRequest request;
  request.txn.id = TxnId{};
  env_.entropy(reinterpret_cast<char*>(&request.txn.id), sizeof request.txn.id);
  request.txn.anchor = key;
  request.txn.read_ts = clock_.now();
  request.txn.uncertainty = request.txn.read_ts;
  request.txn.began = request.txn.read_ts;
  request.txn.coordinator = node_;
  CommitRequest commit;
  commit.attempt = request.txn.read_ts;
  commit.commit_ts = Timestamp::max();
  RowWrite write;
  write.key = key;
  write.value = std::move(value);
  write.base = version;
  commit.writes.push_back(std::move(write));
  request.requests.push_back(std::move(commit));
  auto sent = co_await send(key, std::move(request));
  co_return sent.status();
}

runtime::Task<Result<uint64_t>> SystemKv::take(Bytes counter, uint64_t by, uint64_t first) {
  Status failure;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    CO_ASSIGN_OR_RETURN(Entry entry, co_await get(counter));
    uint64_t value = first;
    if (!entry.value.empty()) CO_RETURN_IF_ERROR(decode(entry.value, value));
    failure = co_await put(counter, encode(value + by), entry.version);
    if (failure.ok()) co_return value;
    // A lost answer may have taken numbers that nobody uses: harmless.
    if (failure.code() != StatusCode::kAborted && failure.code() != StatusCode::kAmbiguous)
      co_return failure;
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(5)));
  }
  co_return failure;
}

}  // namespace quorate::range
