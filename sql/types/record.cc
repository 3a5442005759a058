#include "sql/types/record.h"

#include "sql/types/binary_io.h"
#include "sql/types/compare.h"
#include "sql/types/hash.h"
#include "sql/types/scan.h"
#include "sql/types/text_io.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {

Datum make_record(std::span<const Oid> types, std::span<const Datum> values) {
  CHECK(types.size() == values.size());
  Bytes out, scratch;
  put_varint(types.size(), out);
  for (size_t i = 0; i < types.size(); ++i) {
    put_varint(types[i], out);
    if (values[i].is_null()) {
      out.push_back('\0');
      continue;
    }
    scratch.clear();
    encode_value(types[i], values[i], scratch);
    put_varint(scratch.size() + 1, out);
    out += scratch;
  }
  return Datum::of_bytes(out);
}

std::vector<RecordField> open_record(const Datum& record) {
  BytesView in = record.as_bytes();
  uint64_t count = 0;
  CHECK(take_varint(in, count));
  std::vector<RecordField> fields;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t type = 0, size = 0;
    CHECK(take_varint(in, type) && take_varint(in, size) && size <= in.size() + 1);
    RecordField f{static_cast<Oid>(type), {}};
    if (size > 0) {
      CHECK(decode_value_fast(type_info(f.type).rep, f.type, in.substr(0, size - 1), &f.value));
      in.remove_prefix(size - 1);
    }
    fields.push_back(std::move(f));
  }
  return fields;
}

void record_output(const Datum& v, const IoContext& io, Bytes& out) {
  out.push_back('(');
  bool first = true;
  Bytes item;
  for (const RecordField& f : open_record(v)) {
    if (!first) out.push_back(',');
    first = false;
    if (f.value.is_null()) continue;
    item.clear();
    output_text(Type{f.type}, f.value, io, item);
    bool quote = item.empty();
    for (char c : item)
      quote = quote || c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || is_blank(c);
    if (!quote) {
      out += item;
      continue;
    }
    out.push_back('"');
    for (char c : item) {
      if (c == '"' || c == '\\') out.push_back(c);
      out.push_back(c);
    }
    out.push_back('"');
  }
  out.push_back(')');
}

Status record_send(const Datum& v, const IoContext& io, Bytes& out) {
  auto put_i32 = [&](int64_t n) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift));
  };
  std::vector<RecordField> fields = open_record(v);
  put_i32(static_cast<int64_t>(fields.size()));
  Bytes item;
  for (const RecordField& f : fields) {
    put_i32(f.type);
    if (f.value.is_null()) {
      put_i32(-1);
      continue;
    }
    item.clear();
    RETURN_IF_ERROR(send_binary(Type{f.type}, f.value, io, item));
    put_i32(static_cast<int64_t>(item.size()));
    out += item;
  }
  return {};
}

int record_compare(const Datum& a, const Datum& b) {
  std::vector<RecordField> x = open_record(a), y = open_record(b);
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (x[i].value.is_null() || y[i].value.is_null()) {
      if (x[i].value.is_null() != y[i].value.is_null()) return x[i].value.is_null() ? 1 : -1;
      continue;
    }
    CompareFn fn = compare_fn(x[i].type);
    CHECK(fn != nullptr && x[i].type == y[i].type);
    if (int c = fn(x[i].value, y[i].value); c != 0) return c;
  }
  return x.size() == y.size() ? 0 : x.size() < y.size() ? -1 : 1;
}

uint64_t record_hash(const Datum& v) {
  uint64_t h = 0;
  for (const RecordField& f : open_record(v)) {
    HashFn fn = hash_fn(f.type);
    h = hash_combine(h, f.value.is_null() || fn == nullptr ? 0 : fn(f.value));
  }
  return h;
}

}  // namespace quorate::sql
