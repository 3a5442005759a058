// Values as clients send them: texts of literals, parameters and COPY, and their binary forms. What
// could go wrong: some input crashes the node, or gives a value that it can't print, read again,
// compare or keep in a key.
#include "sql/types/binary_io.h"
#include "sql/types/compare.h"
#include "sql/types/key_encoding.h"
#include "sql/types/text_io.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/value_generator.h"

namespace quorate::sql {
namespace {

// Appended to only: kept inputs begin with a number of this list.
const std::vector<Oid>& input_types() {
  static const std::vector<Oid> all = [] {
    std::vector<Oid> types = fuzz::value_types();
    types.insert(
        types.end(),
        {oid::kJson, oid::kJsonb, oid::kInt2Vector, oid::kOidVector, oid::kRegclass, oid::kXid,
         oid::kJsonbArray, oid::kIntervalArray, oid::kTimestamptzArray, oid::kBpcharArray,
         oid::kTimetzArray, oid::kDateArray, oid::kFloat4Array, oid::kNameArray, oid::kCharArray});
    return types;
  }();
  return all;
}

void check_error(const Status& s) {
  CHECK_MSG(s.code() != StatusCode::kInternal && !s.message().empty(), s.to_string());
}

void check_value(Type type, const Datum& v, const IoContext& io) {
  CHECK(!v.is_null());
  // Printed, it can be read, and is the same value.
  const Bytes text = to_text(type, v, io);
  CHECK_MSG(check_utf8(text).ok(), text);
  auto read = input_text(type, text, io);
  CHECK_MSG(read.ok(), text + ": " + read.status().to_string());
  CHECK_MSG(to_text(type, *read, io) == text, text);
  Bytes binary;
  if (Status s = send_binary(type, v, io, binary); s.ok()) {
    auto received = receive_binary(type, binary, io);
    CHECK_MSG(received.ok(), text + ": " + received.status().to_string());
    CHECK_MSG(to_text(type, *received, io) == text, text);
  } else {
    check_error(s);
  }
  if (compare_fn(type.oid) != nullptr) {
    CHECK_MSG(equal(type.oid, v, v) && equal(type.oid, v, *read), text);
    CHECK_MSG(hash(type.oid, v) == hash(type.oid, *read), text);
  }
  if (!can_be_key(type.oid)) return;
  Bytes key;
  encode_key(type, v, false, false, key);
  BytesView rest = key;
  Datum back;
  CHECK_MSG(decode_key(type, rest, false, false, &back).ok() && rest.empty(), text);
  CHECK_MSG(equal(type.oid, v, back), text);
}

}  // namespace

// A byte each: the type; settings of output, text or binary; a type's modifier.
FUZZ_TARGET(value_input) {
  fuzz::InputReader in(input);
  const auto& types = input_types();
  Type type{types[in.byte() % types.size()], -1};
  const uint8_t settings = in.byte(), modifier = in.byte();
  IoContext io;
  io.date_style = static_cast<DateStyle>(settings & 3);
  io.date_order = static_cast<DateOrder>((settings >> 2 & 3) % 3);
  // As in PostgreSQL some pairs are not read as they are written.
  if (io.date_order == DateOrder::kYmd) io.date_style = DateStyle::kIso;
  if (io.date_style == DateStyle::kGerman) io.date_order = DateOrder::kDmy;
  io.interval_style = static_cast<IntervalStyle>(settings >> 4 & 3);
  io.bytea_output = static_cast<ByteaOutput>(settings >> 6 & 1);
  if (modifier != 0) {
    const int32_t args[] = {1 + modifier % 16, modifier / 16};
    const bool two = type.oid == oid::kNumeric;
    if (auto made = make_typmod(type.oid, std::span(args, two ? 2 : 1)); made.ok()) {
      type.typmod = *made;
    }
  }
  auto value = (settings & 0x80) != 0       ? receive_binary(type, in.rest(), io)
               : check_utf8(in.rest()).ok() ? input_text(type, in.rest(), io)
                                            : Result<Datum>(invalid_argument("not UTF-8"));
  if (!value.ok()) return check_error(value.status());
  check_value(type, *value, io);
}

FUZZ_SEEDS(value_input) {
  struct Sample {
    Oid type;
    std::vector<const char*> texts;
  };
  const Sample samples[] = {
      {oid::kBool, {"yes", "f"}},
      {oid::kInt2, {"-32768"}},
      {oid::kInt4, {" 12 "}},
      {oid::kInt8, {"-9223372036854775808"}},
      {oid::kFloat4, {"1.5e-10", "NaN"}},
      {oid::kFloat8, {"-Infinity", "0.1"}},
      {oid::kText, {"é"}},
      {oid::kVarchar, {"varchar"}},
      {oid::kBpchar, {"ab  "}},
      {oid::kName, {"name"}},
      {oid::kChar, {"c"}},
      {oid::kBytea, {"\\x00ff", "a\\\\b\\001"}},
      {oid::kUuid, {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"}},
      {oid::kDate, {"2024-02-29", "Jan 8, 99 BC", "infinity", "1/2/2003"}},
      {oid::kTime, {"24:00", "04:05:06.789 PM", "allballs"}},
      {oid::kTimetz, {"04:05:06-08:00"}},
      {oid::kTimestamp, {"2024-02-29 12:34:56.789", "epoch", "20240229T123456"}},
      {oid::kTimestamptz, {"2024-02-29 12:34:56+02", "Sat Feb 3 04:05:06 2001 PST", "now"}},
      {oid::kInterval,
       {"1 year 2 mons -3 days 04:05:06.7", "P1Y2M3DT4H5M6S", "@ 1 hour ago", "1-2", "3 4:05:06"}},
      {oid::kNumeric, {"-123.4500", "1e100", "NaN", "Infinity"}},
      {oid::kOid, {"4294967295"}},
      {oid::kInt4Array, {"{1,NULL,3}", "[0:1][2:3]={{1,2},{3,4}}"}},
      {oid::kTextArray, {"{\"a \\\"b\",NULL,\"NULL\",\"\"}"}},
      {oid::kNumericArray, {"{1.50,NaN}"}},
      {oid::kJson, {"{\"a\" : [1, null, \"\\u00e9\"]}"}},
      {oid::kJsonb, {"{\"b\":1,\"a\":[true,1.50,{}],\"b\":2}"}},
      {oid::kInt2Vector, {"1 2 3"}},
      {oid::kOidVector, {"23 25"}},
      {oid::kIntervalArray, {"{\"1 day\",02:00:00}"}},
      {oid::kTimestamptzArray, {"{\"2024-01-01 00:00:00+00\"}"}},
  };
  std::vector<Bytes> out;
  const auto& types = input_types();
  char settings = 0;
  for (const Sample& s : samples) {
    const auto number = std::find(types.begin(), types.end(), s.type) - types.begin();
    for (const char* text : s.texts) {
      settings = static_cast<char>((settings + 21) & 0x7f);
      const Bytes head{static_cast<char>(number), settings, static_cast<char>(settings / 2)};
      out.push_back(head + text);
      Bytes binary;
      auto value = input_text({s.type}, text, {});
      CHECK_MSG(value.ok(), value.status().to_string());
      if (send_binary({s.type}, *value, {}, binary).ok()) {
        out.push_back(Bytes{head[0], static_cast<char>(head[1] | 0x80), 0} + binary);
      }
    }
  }
  return out;
}

}  // namespace quorate::sql
