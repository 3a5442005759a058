#include "storage/run_body.h"

#include "base/archive.h"

namespace quorate::storage {

namespace {

constexpr uint8_t kDeleted = 1, kHasBase = 2, kAbsent = 4;
constexpr size_t kFrame = 5;  // format and number of rows

void put_u32(uint32_t v, Bytes& out) {
  char raw[4];
  for (int i = 0; i < 4; ++i) raw[i] = static_cast<char>(v >> (8 * i));
  out.append(raw, 4);
}

uint64_t load(BytesView in, size_t at, size_t bytes) {
  uint64_t v = 0;
  for (size_t i = 0; i < bytes; ++i) {
    v |= uint64_t{static_cast<unsigned char>(in[at + i])} << (8 * i);
  }
  return v;
}

bool take_field(BytesView in, size_t* at, BytesView& field) {
  uint64_t size = 0;
  for (int shift = 0;; shift += 7) {
    if (*at >= in.size() || shift > 28) return false;
    const auto c = static_cast<unsigned char>(in[(*at)++]);
    size |= uint64_t{c & 0x7fu} << shift;
    if (c < 0x80) break;
  }
  if (size > in.size() - *at) return false;
  field = in.substr(*at, size);
  *at += size;
  return true;
}

}  // namespace

void append_run_row(const RunRow& row, Bytes& out) {
  out.push_back(static_cast<char>((row.deleted ? kDeleted : 0) | (row.base ? kHasBase : 0) |
                                  (row.absent ? kAbsent : 0)));
  Encoder e(out);
  e.varint(row.key.size());
  out.append(row.key);
  if (row.base) e.fixed64(row.base->packed);
  if (row.deleted) return;
  e.varint(row.value.size());
  out.append(row.value);
}

bool parse_run_row(BytesView bytes, size_t at, RunRow& row, size_t* end) {
  if (at >= bytes.size()) return false;
  const auto flags = static_cast<uint8_t>(bytes[at++]);
  if ((flags & ~(kDeleted | kHasBase | kAbsent)) != 0) return false;
  row.deleted = (flags & kDeleted) != 0;
  row.absent = (flags & kAbsent) != 0;
  row.base.reset();
  row.value = {};
  if (!take_field(bytes, &at, row.key)) return false;
  if ((flags & kHasBase) != 0) {
    if (bytes.size() - at < 8) return false;
    row.base = Timestamp(load(bytes, at, 8));
    at += 8;
  }
  if (!row.deleted && !take_field(bytes, &at, row.value)) return false;
  *end = at;
  return true;
}

Bytes RunBuilder::finish() {
  bytes_.reserve(bytes_.size() + 4 * offsets_.size() + 4);
  for (uint32_t offset : offsets_) put_u32(offset, bytes_);
  put_u32(static_cast<uint32_t>(offsets_.size()), bytes_);
  offsets_.clear();
  Bytes out = std::move(bytes_);
  bytes_.assign(1, '\1');
  return out;
}

Result<RunReader> RunReader::open(BytesView body) {
  RunReader r;
  if (body.size() < kFrame) return corruption("a run is too short");
  if (body.front() != 1) return corruption("a run has an unknown format");
  const uint64_t rows = load(body, body.size() - 4, 4);
  if (rows == 0 || rows > (body.size() - kFrame) / 4) return corruption("a run is malformed");
  r.body_ = body;
  r.rows_ = rows;
  r.offsets_at_ = body.size() - 4 - 4 * rows;
  return r;
}

Status RunReader::check() const {
  RunRow at;
  BytesView before;
  size_t end = 1;
  for (size_t i = 0; i < rows_; ++i) {
    if (offset(i) != end || !parse_run_row(body_.substr(0, offsets_at_), end, at, &end))
      return corruption("a run's row is malformed");
    if (i > 0 && at.key <= before) return corruption("a run's keys do not ascend");
    before = at.key;
  }
  return end == offsets_at_ ? Status() : corruption("a run is malformed");
}

uint32_t RunReader::offset(size_t i) const {
  return static_cast<uint32_t>(load(body_, offsets_at_ + 4 * i, 4));
}

RunRow RunReader::row(size_t i) const {
  RunRow out;
  size_t end = 0;
  CHECK_MSG(i < rows_ && parse_run_row(body_.substr(0, offsets_at_), offset(i), out, &end),
            "a run's row can't be read");
  return out;
}

size_t RunReader::lower_bound(BytesView key) const {
  size_t low = 0, high = rows_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (row(middle).key < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::optional<RunRow> RunReader::find(BytesView key) const {
  const size_t at = lower_bound(key);
  if (at == rows_) return std::nullopt;
  RunRow found = row(at);
  if (found.key != key) return std::nullopt;
  return found;
}

}  // namespace quorate::storage
