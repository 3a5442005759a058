#include "storage/log_format.h"

#include "base/archive.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace quorate::storage {
namespace {

// Frozen: on disk. "QLB1" and "QLF1": the last character is the log's format number.
constexpr uint32_t kHeaderMagic = 0x31424c51;
constexpr uint32_t kFooterMagic = 0x31464c51;
constexpr size_t kRecordPrefix = 8;  // length, checksum
constexpr size_t kIdentityBytes = 44;
constexpr size_t kHeaderFixed = 8 + kIdentityBytes + 16;  // magic, checksum, identity, four lengths
constexpr size_t kFooterTail = 12;                        // groups' length, checksum, magic
constexpr size_t kExtentBytesMax = 5 * 10 + 2;

void put_u32(char* at, uint32_t v) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(v >> (8 * i));
}
void put_u64(char* at, uint64_t v) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(v >> (8 * i));
}
uint32_t get_u32(const char* at) {
  uint32_t v = 0;
  for (int i = 0; i < 4; ++i)
    v |= static_cast<uint32_t>(static_cast<unsigned char>(at[i])) << 8 * i;
  return v;
}
uint64_t get_u64(const char* at) {
  return get_u32(at) | static_cast<uint64_t>(get_u32(at + 4)) << 32;
}

void put_identity(char* at, const BatchIdentity& id) {
  put_u64(at, id.life);
  put_u64(at + 8, id.position);
  put_u64(at + 16, id.number);
  put_u64(at + 24, id.log_start);
  put_u64(at + 32, id.synced);
  put_u32(at + 40, id.batch_bytes);
}
BatchIdentity get_identity(const char* at) {
  return {get_u64(at),      get_u64(at + 8),  get_u64(at + 16),
          get_u64(at + 24), get_u64(at + 32), get_u32(at + 40)};
}

size_t round_up(size_t n) { return (n + kLogBlock - 1) / kLogBlock * kLogBlock; }

uint32_t record_crc(uint64_t life, uint64_t offset, BytesView body) {
  char place[20];
  put_u64(place, life);
  put_u64(place + 8, offset);
  put_u32(place + 16, static_cast<uint32_t>(body.size()));
  return crc32c(body, crc32c(BytesView(place, sizeof place)));
}

// Everything but an entry's payload, which follows and ends the body.
void encode_body(const LogRecord& r, Bytes& out) {
  Encoder e(out);
  e(r.type);
  if (r.type == RecordType::kLocal) return e(r.key, r.value);
  e(r.range);
  switch (r.type) {
    case RecordType::kEntry:
    case RecordType::kCopied:
      return e(r.replica, r.index, r.term, r.kind);
    case RecordType::kHardState:
      return e(r.replica, r.value);
    case RecordType::kTruncate:
      return e(r.index, r.term);
    case RecordType::kReset:
      return e(r.replica, r.index, r.term);
    case RecordType::kRemove:
      return e(r.replica);
    case RecordType::kLocal:
      break;
  }
  UNREACHABLE("record type");
}

bool decode_body(BytesView body, LogRecord& r) {
  Decoder d(body);
  d(r.type);
  if (!d.ok()) return false;
  switch (r.type) {
    case RecordType::kLocal:
      d(r.key, r.value);
      break;
    case RecordType::kEntry:
    case RecordType::kCopied:
      d(r.range, r.replica, r.index, r.term, r.kind);
      if (!d.ok()) return false;
      r.payload = std::make_shared<const Bytes>(d.rest());
      return true;
    case RecordType::kHardState:
      d(r.range, r.replica, r.value);
      break;
    case RecordType::kTruncate:
      d(r.range, r.index, r.term);
      break;
    case RecordType::kReset:
      d(r.range, r.replica, r.index, r.term);
      break;
    case RecordType::kRemove:
      d(r.range, r.replica);
      break;
    default:
      return false;
  }
  return d.ok() && d.at_end();
}

}  // namespace

size_t LogRecord::bytes_max() const {
  return kRecordPrefix + 2 + 5 * 10 + key.size() + value.size() + (payload ? payload->size() : 0);
}

size_t batch_bytes_max(size_t record_bytes, size_t groups) {
  return round_up(kHeaderFixed + record_bytes + 2 * groups * kExtentBytesMax + 20 + kIdentityBytes +
                  kFooterTail);
}

std::vector<GroupExtent> BatchEncoder::extents(const std::vector<LogRecord>& records) const {
  std::map<RangeId, GroupExtent> by_range;
  for (const LogRecord& r : records) {
    GroupExtent& e = by_range[r.range];
    e.range = r.range;
    if (r.type == RecordType::kEntry) {
      // A tail that replaces entries of this very batch lowers both ends.
      if (!e.first || r.index < e.first) e.first = r.index;
      e.last = r.index;
      e.last_term = r.term;
    }
    if (r.type != RecordType::kRemove && r.replica) e.replica = r.replica;
    if (r.type == RecordType::kHardState) e.flags |= GroupExtent::kHardState;
    if (r.type == RecordType::kReset || r.type == RecordType::kRemove ||
        r.type == RecordType::kLocal) {
      e.flags |= GroupExtent::kOther;
    }
    // A lost copy is a hole that replay finds by itself, but only where entries follow it.
    if (r.type == RecordType::kCopied) {
      if (!e.first || r.index < e.first) e.first = r.index;
      if (e.last < r.index) {
        e.last = r.index;
        e.last_term = r.term;
      }
    }
  }
  std::vector<GroupExtent> out;
  out.reserve(by_range.size());
  for (auto& [range, e] : by_range) out.push_back(e);
  return out;
}

BytesView BatchEncoder::encode(BatchIdentity id, const std::vector<LogRecord>& records) {
  Bytes groups = quorate::encode(extents(records));
  size_t record_bytes = 0;
  for (const LogRecord& r : records) record_bytes += r.bytes_max();
  size_t bound =
      round_up(kHeaderFixed + record_bytes + 2 * groups.size() + kIdentityBytes + kFooterTail);
  // A buffer that one huge entry had grown is given back.
  if (buffer_.capacity() < bound || buffer_.capacity() > bound + (8u << 20)) {
    buffer_ = runtime::AlignedBuffer(std::max<size_t>(bound, 64u << 10));
  }
  char* base = buffer_.data();
  size_t at = kHeaderFixed;
  std::memcpy(base + at, groups.data(), groups.size());
  at += groups.size();
  const size_t records_from = at;
  places_.clear();
  for (const LogRecord& r : records) {
    text_.clear();
    encode_body(r, text_);
    char* body = base + at + kRecordPrefix;
    size_t bytes = text_.size();
    std::memcpy(body, text_.data(), bytes);
    if (r.is_entry()) {
      std::memcpy(body + bytes, r.payload->data(), r.payload->size());
      bytes += r.payload->size();
    }
    put_u32(base + at, static_cast<uint32_t>(bytes));
    put_u32(base + at + 4, record_crc(id.life, id.position + at, BytesView(body, bytes)));
    places_.push_back({id.position + at, static_cast<uint32_t>(bytes + kRecordPrefix)});
    at += kRecordPrefix + bytes;
  }
  const size_t footer_bytes = groups.size() + kIdentityBytes + kFooterTail;
  const size_t end = round_up(at + footer_bytes);
  id.batch_bytes = static_cast<uint32_t>(end);

  char* footer = base + end - footer_bytes;
  std::memset(base + at, 0, static_cast<size_t>(footer - (base + at)));
  std::memcpy(footer, groups.data(), groups.size());
  put_identity(footer + groups.size(), id);
  char* tail = footer + groups.size() + kIdentityBytes;
  put_u32(tail, static_cast<uint32_t>(groups.size()));
  put_u32(tail + 4, crc32c(BytesView(footer, footer_bytes - 8)));
  put_u32(tail + 8, kFooterMagic);

  put_u32(base, kHeaderMagic);
  put_identity(base + 8, id);
  char* lengths = base + 8 + kIdentityBytes;
  put_u32(lengths, static_cast<uint32_t>(records_from));
  put_u32(lengths + 4, static_cast<uint32_t>(at - records_from));
  put_u32(lengths + 8, crc32c(BytesView(base + records_from, at - records_from)));
  put_u32(lengths + 12, static_cast<uint32_t>(groups.size()));
  put_u32(base + 4, crc32c(BytesView(base + 8, records_from - 8)));
  return BytesView(base, end);
}

bool parse_header(BytesView segment, uint64_t offset, BatchHeader& header) {
  if (offset + kLogBlock > segment.size()) return false;
  BytesView in = segment.substr(offset);
  if (get_u32(in.data()) != kHeaderMagic) return false;
  header.id = get_identity(in.data() + 8);
  const char* lengths = in.data() + 8 + kIdentityBytes;
  header.header_bytes = get_u32(lengths);
  header.records_bytes = get_u32(lengths + 4);
  header.records_crc = get_u32(lengths + 8);
  if (header.header_bytes < kHeaderFixed || header.header_bytes > in.size()) return false;
  if (crc32c(in.substr(8, header.header_bytes - 8)) != get_u32(in.data() + 4)) return false;
  if (header.id.position != offset || header.id.batch_bytes % kLogBlock != 0) return false;
  BytesView groups = in.substr(kHeaderFixed, header.header_bytes - kHeaderFixed);
  return decode(groups, header.groups).ok();
}

bool parse_footer(BytesView segment, uint64_t end, BatchFooter& footer) {
  if (end > segment.size() || end < kIdentityBytes + kFooterTail) return false;
  const char* tail = segment.data() + end - kFooterTail;
  if (get_u32(tail + 8) != kFooterMagic) return false;
  uint32_t groups_bytes = get_u32(tail);
  if (groups_bytes > end - kIdentityBytes - kFooterTail) return false;
  BytesView all = segment.substr(end - kFooterTail - kIdentityBytes - groups_bytes,
                                 groups_bytes + kIdentityBytes + 4);
  if (crc32c(all) != get_u32(tail + 4)) return false;
  footer.id = get_identity(all.data() + groups_bytes);
  if (footer.id.position + footer.id.batch_bytes != end) return false;
  return decode(all.substr(0, groups_bytes), footer.groups).ok();
}

bool batch_is_whole(BytesView segment, const BatchHeader& header) {
  const uint64_t end = header.id.position + header.id.batch_bytes;
  if (end > segment.size()) return false;
  if (uint64_t{header.header_bytes} + header.records_bytes > header.id.batch_bytes) return false;
  BatchFooter footer;
  if (!parse_footer(segment, end, footer)) return false;
  if (footer.id != header.id || footer.groups != header.groups) return false;
  BytesView records =
      segment.substr(header.id.position + header.header_bytes, header.records_bytes);
  return crc32c(records) == header.records_crc;
}

bool parse_record(BytesView bytes, uint64_t life, uint64_t offset, LogRecord& record,
                  RecordPlace& place) {
  if (bytes.size() < kRecordPrefix) return false;
  uint32_t length = get_u32(bytes.data());
  if (length > bytes.size() - kRecordPrefix) return false;
  BytesView body = bytes.substr(kRecordPrefix, length);
  if (record_crc(life, offset, body) != get_u32(bytes.data() + 4)) return false;
  place = {offset, static_cast<uint32_t>(length + kRecordPrefix)};
  return decode_body(body, record);
}

}  // namespace quorate::storage
