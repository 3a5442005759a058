// The form of numerics in Datums, opened without big integers where the coefficient fits in 63
// bits. For the numeric_*.cc files only.
#pragma once

#include "sql/types/datum.h"

namespace quorate::sql {

// Frozen: byte 0 of a stored numeric.
enum class NumericForm : uint8_t {
  kPositive = 0,
  kNegative = 1,
  kNaN = 2,
  kInfinity = 3,
  kMinusInfinity = 4
};

inline constexpr int64_t kPowersOfTen[19] = {1,
                                             10,
                                             100,
                                             1000,
                                             10000,
                                             100000,
                                             1000000,
                                             10000000,
                                             100000000,
                                             1000000000,
                                             10000000000,
                                             100000000000,
                                             1000000000000,
                                             10000000000000,
                                             100000000000000,
                                             1000000000000000,
                                             10000000000000000,
                                             100000000000000000,
                                             1000000000000000000};

struct SmallNumeric {
  int64_t coefficient = 0;
  int scale = 0;
};

// False for special values and for wide coefficients or scales.
inline bool open_small(BytesView bytes, SmallNumeric* out) {
  if (bytes.size() < 2 || bytes.size() > 10) return false;
  auto form = static_cast<NumericForm>(bytes[0]);
  auto scale = static_cast<unsigned char>(bytes[1]);
  if (form > NumericForm::kNegative || scale > 127) return false;
  uint64_t magnitude = 0;
  std::memcpy(&magnitude, bytes.data() + 2, bytes.size() - 2);
  if (magnitude > INT64_MAX) return false;
  auto signed_magnitude = static_cast<int64_t>(magnitude);
  out->coefficient = form == NumericForm::kNegative ? -signed_magnitude : signed_magnitude;
  out->scale = scale;
  return true;
}

// `coefficient` is not INT64_MIN.
inline Datum small_to_datum(int64_t coefficient, int scale) {
  char buffer[12];
  size_t size = 0;
  buffer[size++] =
      static_cast<char>(coefficient < 0 ? NumericForm::kNegative : NumericForm::kPositive);
  if (scale > 127) buffer[size++] = static_cast<char>(scale | 128), scale >>= 7;
  buffer[size++] = static_cast<char>(scale);
  auto magnitude = static_cast<uint64_t>(coefficient < 0 ? -coefficient : coefficient);
  for (; magnitude != 0; magnitude >>= 8) buffer[size++] = static_cast<char>(magnitude);
  return Datum::of_bytes({buffer, size});
}

// Removes zeros at the end of the fraction: equal values become identical.
inline void strip_zeros(SmallNumeric* s) {
  while (s->scale > 0 && s->coefficient % 10 == 0) s->coefficient /= 10, --s->scale;
}

}  // namespace quorate::sql
