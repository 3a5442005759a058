#include "storage/store_format.h"

#include <fmt/format.h>

#include "base/archive.h"
#include "base/crc32c.h"
#include "base/ordered_encoding.h"

namespace quorate::storage {
namespace {

// Frozen: on disk.
constexpr size_t kVersionPrefix = 4 + 1 + 8;  // checksum, flags, timestamp
constexpr char kDeletedFlag = 1;

void put_le(uint64_t v, int bytes, Bytes& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(v >> (8 * i)));
}
uint64_t get_le(BytesView in, int bytes) {
  uint64_t v = 0;
  std::memcpy(&v, in.data(), static_cast<size_t>(bytes));
  static_assert(std::endian::native == std::endian::little);
  return v;
}

uint32_t checksum(char keyspace, BytesView key, BytesView rest) {
  uint32_t crc = crc32c(BytesView(&keyspace, 1));
  return crc32c(rest, crc32c(key, crc));
}

Bytes range_key(BytesView prefix, RangeId range) {
  Bytes out(prefix);
  put_ordered_u64(range.value, out);
  return out;
}

}  // namespace

bool parse_history_key(BytesView stored, BytesView& key, Timestamp& ts) {
  if (stored.size() < 1 + kHistorySuffix || stored.front() != kHistory) return false;
  key = stored.substr(1, stored.size() - 1 - kHistorySuffix);
  BytesView suffix = stored.substr(stored.size() - kHistorySuffix);
  uint64_t inverted = 0;
  if (!take_ordered_u64(suffix, inverted)) return false;
  ts = Timestamp(~inverted);
  return true;
}

void encode_version(BytesView key, const StoredVersion& version, Bytes& out) {
  out.clear();
  put_le(0, 4, out);
  out.push_back(version.deleted ? kDeletedFlag : 0);
  put_le(version.ts.packed, 8, out);
  out.append(version.value);
  uint32_t crc = checksum(static_cast<char>(Keyspace::kRow), key, BytesView(out).substr(4));
  std::memcpy(out.data(), &crc, 4);
}

Result<StoredVersion> decode_version(BytesView key, BytesView stored) {
  bool good = stored.size() >= kVersionPrefix;
  if (good) {
    uint32_t crc = checksum(static_cast<char>(Keyspace::kRow), key, stored.substr(4));
    good = crc == get_le(stored, 4);
  }
  if (!good) return corruption(fmt::format("stored row {} is damaged", escape_bytes(key)));
  return StoredVersion{Timestamp(get_le(stored.substr(5), 8)), stored[4] == kDeletedFlag,
                       stored.substr(kVersionPrefix)};
}

bool peek_version(BytesView stored, Timestamp& ts, bool& deleted) {
  if (stored.size() < kVersionPrefix) return false;
  ts = Timestamp(get_le(stored.substr(5), 8));
  deleted = stored[4] == kDeletedFlag;
  return true;
}

void encode_plain(Keyspace keyspace, BytesView key, BytesView value, Bytes& out) {
  out.clear();
  put_le(checksum(static_cast<char>(keyspace), key, value), 4, out);
  out.append(value);
}

Result<BytesView> decode_plain(Keyspace keyspace, BytesView key, BytesView stored) {
  if (stored.size() < 4 ||
      checksum(static_cast<char>(keyspace), key, stored.substr(4)) != get_le(stored, 4)) {
    return corruption(fmt::format("stored record {}{} is damaged", static_cast<char>(keyspace),
                                  escape_bytes(key)));
  }
  return stored.substr(4);
}

Status verify_stored(BytesView stored_key, BytesView value) {
  const BytesView key = stored_key.substr(1);
  switch (stored_key.front()) {
    case kMeta:
    case 'x':
      return Status();
    case static_cast<char>(Keyspace::kRow):
      return decode_version(key, value).status();
    case kHistory: {
      BytesView row;
      Timestamp ts;
      if (!parse_history_key(stored_key, row, ts)) break;
      ASSIGN_OR_RETURN(StoredVersion version, decode_version(row, value));
      if (version.ts == ts) return Status();
      break;
    }
    default:
      return decode_plain(static_cast<Keyspace>(stored_key.front()), key, value).status();
  }
  return corruption(fmt::format("stored row {} is damaged", escape_bytes(stored_key)));
}

bool parse_stored_place(BytesView stored_key, RangeId& range, Bytes& key) {
  range = RangeId();
  BytesView rest = stored_key.substr(std::min<size_t>(1, stored_key.size()));
  if (rest.empty()) return false;
  Timestamp ts;
  if (stored_key.front() == static_cast<char>(Keyspace::kRange))
    return take_ordered_u64(rest, range.value);
  if (stored_key.front() == kHistory && !parse_history_key(stored_key, rest, ts)) return false;
  key = rest;
  return true;
}

Bytes meta_group_key(RangeId range) { return range_key(kMetaGroups, range); }
Bytes meta_applied_key(RangeId range) { return range_key(kMetaApplied, range); }
Bytes meta_clear_key(RangeId range) { return range_key(kMetaClears, range); }
Bytes meta_local_key(BytesView key) { return Bytes(kMetaLocals).append(key); }
Bytes meta_bucket_key(BytesView start) { return Bytes(kMetaBuckets).append(start); }

bool parse_meta_range(BytesView stored, RangeId& range) {
  if (stored.size() != 10) return false;
  stored.remove_prefix(2);
  return take_ordered_u64(stored, range.value);
}

std::vector<StoredSpan> stored_spans(RangeId range, const KeySpan& span) {
  std::vector<StoredSpan> out;
  auto add = [&](char keyspace, const KeySpan& s) {
    Bytes prefix(1, keyspace);
    out.push_back({prefix + s.start, s.end.empty() ? prefix_successor(prefix) : prefix + s.end});
  };
  add(static_cast<char>(Keyspace::kRow), span);
  add(kHistory, span);
  add(static_cast<char>(Keyspace::kIntent), span);
  add(static_cast<char>(Keyspace::kRun), span);
  add(static_cast<char>(Keyspace::kRunBody), span);
  add(static_cast<char>(Keyspace::kTxnRecord), span);
  add(static_cast<char>(Keyspace::kRange), KeySpan::prefix(range_record_prefix(range)));
  return out;
}

}  // namespace quorate::storage
