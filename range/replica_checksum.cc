#include "range/replica_checksum.h"

#include <bit>
#include <cstring>

#include "range/keys.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {

constexpr int kTriesMax = 20;
constexpr size_t kRowsAtOnce = 1000;
constexpr auto kPause = std::chrono::milliseconds(100);

class Digest {
 public:
  void add(BytesView bytes) {
    word(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      uint64_t w = 0;
      std::memcpy(&w, bytes.data(), 8);
      word(w);
    }
    uint64_t w = 0;
    std::memcpy(&w, bytes.data(), bytes.size());
    word(w);
  }
  void word(uint64_t w) {
    high_ = std::rotl(high_ ^ w, 29) * 0x9e3779b97f4a7c15;
    low_ = (std::rotl(low_, 23) + w) * 0xbf58476d1ce4e5b9 ^ high_ >> 32;
  }
  uint64_t high() const { return high_; }
  uint64_t low() const { return low_; }

 private:
  uint64_t high_ = 0x94d049bb133111eb, low_ = 0x2545f4914f6cdd1d;
};

// Adds rows from `*at` on, at most kRowsAtOnce; true at the end of the span.
Result<bool> add_rows(storage::ReadView& view, Bytes* at, const KeySpan& span, Digest* digest,
                      uint64_t* rows) {
  storage::RowIteratorOptions options;
  options.span = {*at, span.end};
  options.ts = Timestamp::max();
  auto it = view.rows(options);
  for (size_t n = 0; it->valid(); it->next()) {
    if (n++ == kRowsAtOnce) {
      *at = Bytes(it->key());
      return false;
    }
    ++*rows;
    digest->add(it->key());
    digest->word(it->ts().packed);
    digest->add(it->value());
  }
  RETURN_IF_ERROR(it->status());
  return true;
}

Status add_plains(storage::ReadView& view, const Replica& replica, Digest* digest) {
  const KeySpan& span = replica.descriptor().span;
  const std::pair<storage::Keyspace, KeySpan> parts[] = {
      {storage::Keyspace::kIntent, span},
      {storage::Keyspace::kTxnRecord, span},
      {storage::Keyspace::kRange, keys::range_records_span(replica.range())}};
  for (const auto& [space, part] : parts) {
    auto it = view.plains(space, part);
    for (; it->valid(); it->next()) {
      digest->add(it->key());
      digest->add(it->value());
    }
    RETURN_IF_ERROR(it->status());
  }
  return Status();
}

runtime::Task<Result<ReplicaChecksum>> try_once(Store* store, RangeId range) {
  Replica* replica = store->find(range);
  if (replica == nullptr || !replica->started())
    co_return not_found("no replica of range " + range.to_string() + " is here");
  ReplicaChecksum out{range, replica->id(), replica->applied(), 0, 0, 0};
  const KeySpan span = replica->descriptor().span;
  Bytes at = span.start;
  Digest digest;
  for (;;) {
    replica = store->find(range);
    if (replica == nullptr || !replica->started() || replica->applied() != out.applied)
      co_return unavailable("range " + range.to_string() + " is being written to");
    auto view = store->engine().view();
    CO_ASSIGN_OR_RETURN(const bool done, add_rows(*view, &at, span, &digest, &out.rows));
    if (done) {
      CO_RETURN_IF_ERROR(add_plains(*view, *replica, &digest));
      break;
    }
    view.reset();
    co_await runtime::yield(*store->env().executor);
  }
  out.high = digest.high();
  out.low = digest.low();
  co_return out;
}

}  // namespace

runtime::Task<Result<ReplicaChecksum>> replica_checksum(Store* store, RangeId range) {
  Result<ReplicaChecksum> made(unavailable("nothing was tried"));
  for (int n = 0; n < kTriesMax; ++n) {
    made = co_await try_once(store, range);
    if (made.ok() || made.status().code() != StatusCode::kUnavailable) break;
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*store->env().executor, kPause));
  }
  co_return std::move(made);
}

}  // namespace quorate::range
