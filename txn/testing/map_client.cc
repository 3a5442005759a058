#include "txn/testing/map_client.h"

#include "base/limits.h"
#include "txn/write_buffer.h"

namespace quorate::txn {

using range::RowSet;
using runtime::Task;

namespace {

class MapTransaction : public Transaction {
 public:
  MapTransaction(MapClient& client, TxnOptions options)
      : client_(client), options_(options), buffer_(limits::kTxnBufferBytesMax) {
    if (options_.as_of) options_.read_only = true;
    read_ts_ = options_.as_of ? *options_.as_of : client.now();
    runtime::Random& random = *client.env().random;
    id_.high = random.next();
    id_.low = random.next();
  }

  Task<Status> admit(runtime::CancelToken) override { co_return Status(); }
  void begin_statement() override {
    statement_seen_ = false;
    buffer_.begin_statement();
    taken_.reset();
    if (options_.isolation == Isolation::kReadCommitted && !options_.as_of) {
      read_ts_ = client_.now();
    }
  }
  void set_cancel(runtime::CancelToken token) override { token_ = std::move(token); }
  void set_lock_timeout_ms(uint64_t) override {}
  void note_results_seen() override { seen_ = statement_seen_ = true; }
  bool can_restart(const Status& failure) const override {
    return failure.code() == StatusCode::kAborted && !seen_ && !buffer_.has_savepoints() &&
           !options_.as_of;
  }
  Task<Status> restart() override {
    buffer_.clear();
    reads_.clear();
    read_ts_ = client_.now();
    failed_ = Status();
    ++stats_.retries;
    co_return Status();
  }

  bool can_retry_statement(const Status& failure) const override {
    return failure.code() == StatusCode::kAborted && !statement_seen_ &&
           options_.isolation == Isolation::kReadCommitted && !options_.as_of;
  }
  void retry_statement() override {
    buffer_.undo_statement();
    failed_ = Status();
    ++stats_.retries;
    begin_statement();
  }

  Task<Result<RowSet>> get(std::vector<Bytes> keys, ReadOptions options) override {
    Status ready = co_await enter(options);
    if (!ready.ok()) co_return ready;
    RowSet out;
    for (const Bytes& key : keys) {
      if (const auto* own = buffer_.find(key, buffer_.statement())) {
        if (own->deleted)
          out.add_absent(key, buffer_.base(key));
        else
          out.add(key, own->value, buffer_.base(key));
        continue;
      }
      Status s = add_committed(key, options.lock, false, true, out);
      if (!s.ok()) co_return s;
      note_read(KeySpan::point(key));
    }
    co_return std::move(out);
  }

  Task<Result<RowSet>> scan(ScanOptions options, KeySpan* rest) override {
    Status ready = co_await enter(options);
    if (!ready.ok()) co_return ready;
    const size_t rows_max =
        std::min<uint64_t>(options.rows_max > 0 ? options.rows_max : 4096, limits::kScanRowsMax);
    std::vector<Bytes> keys;
    auto first = client_.rows.lower_bound(options.span.start);
    auto last =
        options.span.end.empty() ? client_.rows.end() : client_.rows.lower_bound(options.span.end);
    for (auto it = first; it != last; ++it) keys.push_back(it->first);
    if (options.reverse) std::reverse(keys.begin(), keys.end());
    RowSet committed;
    for (const Bytes& key : keys) {
      Status s = add_committed(key, options.lock, options.keys_only, false, committed);
      if (!s.ok()) co_return s;
    }
    std::optional<KeySpan> left;
    RowSet out = buffer_.merge(committed, options.span, options.reverse, options.keys_only,
                               buffer_.statement(), rows_max, &left);
    note_read(options.span);
    *rest = left ? *left : KeySpan{options.span.start, options.span.start};
    // [x, x) is empty, but the empty end of [ , ) would mean "everything".
    if (!left && rest->end.empty()) *rest = KeySpan::nothing();
    co_return std::move(out);
  }

  Status put(BytesView key, BytesView value, ColumnSet changed,
             std::optional<Timestamp> base) override {
    RETURN_IF_ERROR(writable());
    return buffer_.put(key, value, changed, base);
  }
  Status remove(BytesView key, std::optional<Timestamp> base) override {
    RETURN_IF_ERROR(writable());
    return buffer_.remove(key, base);
  }
  Status load(BytesView key, BytesView value, bool must_be_absent) override {
    RETURN_IF_ERROR(writable());
    if (must_be_absent && !taken_) {
      const WriteBuffer::Version* own = buffer_.find(key, UINT64_MAX);
      const auto* row = client_.read(key, Timestamp::max());
      if (own != nullptr ? !own->deleted : row != nullptr && !row->second.deleted)
        taken_ = {Bytes(key), Bytes(value)};
    }
    return buffer_.put(key, value, range::kAllColumns, std::nullopt);
  }
  Task<Status> relieve() override { return settle(); }
  Task<Status> settle() override {
    co_await runtime::yield(*client_.env().executor);
    if (!taken_) co_return Status();
    co_return Status(StatusCode::kAlreadyExists, sqlstate::kUniqueViolation, "duplicate key");
  }
  const std::pair<Bytes, Bytes>& taken() const override {
    static const std::pair<Bytes, Bytes> kNothing;
    return taken_ ? *taken_ : kNothing;
  }

  uint64_t savepoint() override { return buffer_.savepoint(); }
  Status rollback_to(uint64_t mark) override {
    RETURN_IF_ERROR(buffer_.rollback_to(mark));
    failed_ = Status();
    return Status();
  }
  void release(uint64_t mark) override { buffer_.release(mark); }

  void set_deadline(CommitDeadline deadline) override { deadline_ = std::move(deadline); }
  Task<Status> commit() override {
    Status s = failed_.ok() ? token_.status() : failed_;
    if (s.ok()) co_await runtime::yield(*client_.env().executor);
    if (s.ok()) s = commit_now();
    closed_ = true;
    co_return s;
  }
  Task<void> rollback() override {
    buffer_.clear();
    closed_ = true;
    co_return;
  }

  bool read_only() const override { return options_.read_only; }
  bool has_writes() const override { return !buffer_.empty(); }
  Isolation isolation() const override { return options_.isolation; }
  Timestamp read_timestamp() const override { return read_ts_; }
  Timestamp commit_timestamp() const override { return commit_ts_; }
  TxnId id() const override { return id_; }
  TxnStats stats() const override { return stats_; }

 private:
  Task<Status> enter(ReadOptions options) {
    CHECK(!closed_);
    if (!failed_.ok()) co_return failed_;
    if (options.lock != LockMode::kNone) CO_RETURN_IF_ERROR(writable());
    co_await runtime::yield(*client_.env().executor);
    ++stats_.requests;
    co_return token_.status();
  }

  Status writable() const {
    CHECK(!closed_);
    if (!failed_.ok()) return failed_;
    if (options_.read_only) {
      return Status(StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
                    "cannot write in a read-only transaction");
    }
    return Status();
  }

  // A locking read takes the newest version; one above the snapshot is a lost race, except at READ
  // COMMITTED, which goes on from the newer row.
  Status add_committed(const Bytes& key, LockMode lock, bool keys_only, bool absent_too,
                       RowSet& out) {
    const auto* version = client_.read(key, read_ts_);
    if (lock != LockMode::kNone) {
      const auto* newest = client_.read(key, Timestamp::max());
      if (newest != version && options_.isolation != Isolation::kReadCommitted) {
        failed_ = aborted("could not serialize access due to concurrent update");
        return failed_;
      }
      version = newest;
    }
    if (version != nullptr && !version->second.deleted) {
      out.add(key, keys_only ? BytesView() : BytesView(version->second.value), version->first);
    } else if (absent_too) {
      out.add_absent(key, version != nullptr ? version->first : Timestamp());
    }
    return Status();
  }

  void note_read(KeySpan span) {
    if (options_.isolation == Isolation::kSerializable && !options_.read_only) {
      reads_.push_back(std::move(span));
    }
  }

  Status commit_now() {
    if (buffer_.empty()) {
      commit_ts_ = read_ts_;
      return Status();
    }
    if (!client_.fail_commits.empty()) {
      Status s = client_.fail_commits.front();
      client_.fail_commits.erase(client_.fail_commits.begin());
      return s;
    }
    for (const KeySpan& span : reads_) {
      if (client_.changed_since(span, read_ts_)) {
        return aborted(
            "could not serialize access due to read/write dependencies among "
            "transactions");
      }
    }
    std::vector<range::RowWrite> writes = buffer_.writes();
    for (const range::RowWrite& w : writes) {
      const auto* newest = client_.read(w.key, Timestamp::max());
      Timestamp ts = newest != nullptr ? newest->first : Timestamp();
      if (w.base && *w.base != ts) {
        return aborted("could not serialize access due to concurrent update");
      }
    }
    Timestamp ts = client_.now();
    if (ts >= deadline_.now()) return aborted("the schema changed while the transaction ran");
    for (range::RowWrite& w : writes) {
      client_.rows[w.key][ts] = {w.deleted, std::move(w.value)};
    }
    commit_ts_ = ts;
    return Status();
  }

  MapClient& client_;
  TxnOptions options_;
  TxnId id_;
  Timestamp read_ts_, commit_ts_;
  CommitDeadline deadline_;
  std::optional<std::pair<Bytes, Bytes>> taken_;
  WriteBuffer buffer_;
  std::vector<KeySpan> reads_;
  runtime::CancelToken token_;
  Status failed_;
  TxnStats stats_;
  bool seen_ = false;
  bool statement_seen_ = false;
  bool closed_ = false;
};

}  // namespace

MapClient::MapClient() : hlc_(executor_, 500'000) {
  env_.executor = &executor_;
  env_.clock = &executor_;
  env_.random = &random_;
  env_.metrics = &metrics_;
  env_.entropy = [this](char* out, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(random_.next());
  };
}

MapClient::MapClient(const runtime::Env& env) : hlc_(*env.clock, 500'000), env_(env) {}

std::unique_ptr<Transaction> MapClient::begin(TxnOptions options) {
  return std::make_unique<MapTransaction>(*this, options);
}

const MapClient::Versions::value_type* MapClient::read(BytesView key, Timestamp at) const {
  auto row = rows.find(key);
  if (row == rows.end()) return nullptr;
  auto above = row->second.upper_bound(at);
  return above == row->second.begin() ? nullptr : &*std::prev(above);
}

std::optional<Bytes> MapClient::changed_since(const KeySpan& span, Timestamp since) const {
  for (auto it = rows.lower_bound(span.start); it != rows.end() && span.contains(it->first); ++it) {
    if (it->second.rbegin()->first > since) return it->first;
  }
  return std::nullopt;
}

Task<Result<KeySpan>> MapClient::clear(KeySpan span, Timestamp) {
  std::erase_if(rows, [&](const auto& row) { return span.contains(row.first); });
  co_return KeySpan::nothing();
}

}  // namespace quorate::txn
