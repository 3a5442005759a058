#include "tests/fuzz/value_generator.h"

#include <bit>

#include "sql/types/array.h"
#include "sql/types/date_time.h"
#include "sql/types/text_io.h"

namespace quorate::fuzz {

using sql::Datum;
using sql::Oid;
namespace oid = sql::oid;

const std::vector<Oid>& value_types() {
  static const std::vector<Oid> all = {
      oid::kBool,      oid::kInt2,        oid::kInt4,        oid::kInt8,      oid::kFloat4,
      oid::kFloat8,    oid::kText,        oid::kVarchar,     oid::kBpchar,    oid::kName,
      oid::kChar,      oid::kBytea,       oid::kUuid,        oid::kDate,      oid::kTime,
      oid::kTimetz,    oid::kTimestamp,   oid::kTimestamptz, oid::kInterval,  oid::kNumeric,
      oid::kOid,       oid::kInt4Array,   oid::kTextArray,   oid::kUuidArray, oid::kNumericArray,
      oid::kInt8Array, oid::kFloat8Array, oid::kBoolArray,   oid::kByteaArray};
  return all;
}

namespace {

// Small numbers, limits and everything else, each about as often.
int64_t draw_int(InputReader& in, int64_t low, int64_t high) {
  const uint8_t how = in.byte();
  if (how < 100) return std::clamp<int64_t>(how - 50, low, high);
  if (how < 120) return low;
  if (how < 140) return high;
  const auto v = static_cast<int64_t>(in.word());
  if (v >= low && v <= high) return v;
  const auto width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  return static_cast<int64_t>(static_cast<uint64_t>(low) + static_cast<uint64_t>(v) % width);
}

Datum draw_numeric(InputReader& in) {
  static const char* const kSpecial[] = {"NaN", "Infinity", "-Infinity", "0", "0.00"};
  const uint8_t head = in.byte();
  if (head < std::size(kSpecial)) {
    return sql::input_text({oid::kNumeric}, kSpecial[head], {}).value();
  }
  std::string text = (head & 1) != 0 ? "-" : "";
  const size_t digits = 1 + head / 2 % 40, point = in.byte() % (digits + 1);
  for (size_t i = 0; i < digits; ++i) {
    if (i == point) text += '.';
    text += static_cast<char>('0' + in.byte() % 10);
  }
  const int exponent = static_cast<int8_t>(in.byte());
  text += "e" + std::to_string(exponent);
  return sql::input_text({oid::kNumeric}, text, {}).value();
}

Datum draw_array(Oid type, InputReader& in) {
  sql::Array a;
  a.element = sql::element_type(type);
  const uint8_t head = in.byte();
  size_t rows = head % 4, columns = (head & 0x80) != 0 ? 2 : 1;
  if (rows == 0) return a.to_datum();
  a.dimensions.push_back({static_cast<int32_t>(rows), 1});
  if (columns > 1) a.dimensions.push_back({static_cast<int32_t>(columns), 1});
  if ((head & 0x40) != 0) a.dimensions.back().lower = static_cast<int8_t>(in.byte());
  for (size_t i = 0; i < rows * columns; ++i) {
    a.values.push_back((in.byte() & 7) == 0 ? Datum::null() : draw_value(a.element, in));
  }
  return a.to_datum();
}

Datum fixed_bytes(size_t size, InputReader& in) {
  Bytes b(in.take(size));
  b.resize(size);
  return Datum::of_bytes(b);
}

}  // namespace

Datum draw_value(Oid type, InputReader& in) {
  switch (type) {
    case oid::kBool:
      return Datum::of_bool((in.byte() & 1) != 0);
    case oid::kInt2:
      return Datum::of_int(draw_int(in, INT16_MIN, INT16_MAX));
    case oid::kInt4:
      return Datum::of_int(draw_int(in, INT32_MIN, INT32_MAX));
    case oid::kOid:
      return Datum::of_int(draw_int(in, 0, UINT32_MAX));
    case oid::kInt8:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return Datum::of_int(draw_int(in, INT64_MIN, INT64_MAX));
    case oid::kDate:
      return Datum::of_int(draw_int(in, INT32_MIN, INT32_MAX));
    case oid::kTime:
      return Datum::of_int(draw_int(in, 0, sql::kMicrosPerDay));
    case oid::kFloat8:
      return Datum::of_double(std::bit_cast<double>(in.word()));
    case oid::kFloat4:
      return Datum::of_double(std::bit_cast<float>(static_cast<uint32_t>(in.word(4))));
    case oid::kChar:
      return Datum::of_bytes(in.take(in.byte() & 1));
    case oid::kName:
      return Datum::of_bytes(in.take(in.byte() % 64));
    case oid::kUuid:
    case oid::kInterval:
      return fixed_bytes(16, in);
    case oid::kTimetz: {
      char b[12];
      const int64_t micros = draw_int(in, 0, sql::kMicrosPerDay);
      const auto zone = static_cast<int32_t>(draw_int(in, -57599, 57599));
      std::memcpy(b, &micros, 8);
      std::memcpy(b + 8, &zone, 4);
      return Datum::of_bytes({b, 12});
    }
    case oid::kNumeric:
      return draw_numeric(in);
    default:
      if (sql::type_info(type).is_array()) return draw_array(type, in);
      return Datum::of_bytes(in.text());
  }
}

}  // namespace quorate::fuzz
