#include "storage/write_batch.h"

#include "base/archive.h"
#include "base/ordered_encoding.h"

namespace quorate::storage {

Bytes range_record_prefix(RangeId range) {
  Bytes out;
  put_ordered_u64(range.value, out);
  return out;
}

namespace {

void put_field(BytesView field, Bytes& out) {
  Encoder(out).varint(field.size());
  out.append(field);
}

bool take_field(BytesView& in, BytesView& field) {
  Decoder d(in);
  uint64_t length = 0;
  d.varint(length);
  BytesView rest = d.rest();
  if (!d.ok() || length > rest.size()) return false;
  field = rest.substr(0, length);
  in = rest.substr(length);
  return true;
}

bool is_plain(uint8_t keyspace) {
  for (Keyspace k : kKeyspaces) {
    if (static_cast<uint8_t>(k) == keyspace) return k != Keyspace::kRow;
  }
  return false;
}

}  // namespace

void WriteBatch::put_version(BytesView key, Timestamp ts, BytesView value) {
  bytes_.push_back(static_cast<char>(Op::kPutVersion));
  put_field(key, bytes_);
  Encoder(bytes_).fixed64(ts.packed);
  put_field(value, bytes_);
  ++count_;
}

void WriteBatch::delete_version(BytesView key, Timestamp ts) {
  bytes_.push_back(static_cast<char>(Op::kDeleteVersion));
  put_field(key, bytes_);
  Encoder(bytes_).fixed64(ts.packed);
  ++count_;
}

void WriteBatch::put(Keyspace keyspace, BytesView key, BytesView value) {
  CHECK(is_plain(static_cast<uint8_t>(keyspace)));
  bytes_.push_back(static_cast<char>(Op::kPut));
  bytes_.push_back(static_cast<char>(keyspace));
  put_field(key, bytes_);
  put_field(value, bytes_);
  ++count_;
}

void WriteBatch::remove(Keyspace keyspace, BytesView key) {
  CHECK(is_plain(static_cast<uint8_t>(keyspace)));
  bytes_.push_back(static_cast<char>(Op::kDelete));
  bytes_.push_back(static_cast<char>(keyspace));
  put_field(key, bytes_);
  ++count_;
}

void WriteBatch::publish_run(BytesView key, Timestamp ts) {
  bytes_.push_back(static_cast<char>(Op::kPublishRun));
  put_field(key, bytes_);
  Encoder(bytes_).fixed64(ts.packed);
  ++count_;
}

void WriteBatch::append(const WriteBatch& other) {
  bytes_.append(other.bytes_);
  count_ += other.count_;
}

bool WriteBatchReader::next() {
  if (rest_.empty() || !status_.ok()) return false;
  auto bad = [this] {
    status_ = corruption("malformed write batch");
    return false;
  };
  op = static_cast<WriteBatch::Op>(rest_.front());
  rest_.remove_prefix(1);
  bool versioned = op == WriteBatch::Op::kPutVersion || op == WriteBatch::Op::kDeleteVersion ||
                   op == WriteBatch::Op::kPublishRun;
  bool plain = op == WriteBatch::Op::kPut || op == WriteBatch::Op::kDelete;
  if (!versioned && !plain) return bad();
  keyspace = op == WriteBatch::Op::kPublishRun ? Keyspace::kRun : Keyspace::kRow;
  if (plain) {
    if (rest_.empty() || !is_plain(static_cast<uint8_t>(rest_.front()))) return bad();
    keyspace = static_cast<Keyspace>(rest_.front());
    rest_.remove_prefix(1);
  }
  if (!take_field(rest_, key)) return bad();
  ts = Timestamp();
  if (versioned) {
    Decoder d(rest_);
    d.fixed64(ts.packed);
    if (!d.ok()) return bad();
    rest_ = d.rest();
  }
  value = {};
  bool has_value = op == WriteBatch::Op::kPutVersion || op == WriteBatch::Op::kPut;
  if (has_value && !take_field(rest_, value)) return bad();
  return true;
}

}  // namespace quorate::storage
