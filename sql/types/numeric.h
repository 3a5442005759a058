// numeric: exact decimal numbers with a display scale, NaN and infinities.
//
// A finite value is coefficient * 10^-scale; the scale (0 .. 16383) is how many digits are shown
// after the point, and rules of PostgreSQL say which scale each operation's result has. Up to
// 131072 digits before the point.
//
// In a Datum (frozen, it is on disk):
//
//   byte 0   0 positive or zero, 1 negative, 2 NaN, 3 Infinity, 4 -Infinity
//   varint   scale                               (finite values only)
//   rest     magnitude of the coefficient, little-endian, without high zero bytes
//
// Prices and balances take 4 to 8 bytes and stand inside the Datum. The num_ functions work on that
// form; coefficients of up to 63 bits take a path without big integers. Class Numeric is the opened
// form on top of GMP, for everything else.
#pragma once

#include <gmp.h>

#include <optional>

#include "sql/types/type.h"

namespace quorate::sql {

inline constexpr int kNumericScaleMax = 16383;       // as stored
inline constexpr int kNumericResultScaleMax = 1000;  // as division, sqrt, ln choose it
inline constexpr int kNumericIntegerDigitsMax = 131072;

class Numeric {
 public:
  enum class Kind : uint8_t { kFinite, kNaN, kInfinity, kMinusInfinity };

  Numeric() { mpz_init(coefficient_); }
  explicit Numeric(int64_t v, int scale = 0);
  Numeric(const Numeric& o) : kind_(o.kind_), scale_(o.scale_) {
    mpz_init_set(coefficient_, o.coefficient_);
  }
  Numeric(Numeric&& o) noexcept : Numeric() { swap(o); }
  Numeric& operator=(Numeric o) noexcept {
    swap(o);
    return *this;
  }
  ~Numeric() { mpz_clear(coefficient_); }
  void swap(Numeric& o) noexcept {
    std::swap(kind_, o.kind_);
    std::swap(scale_, o.scale_);
    mpz_swap(coefficient_, o.coefficient_);
  }

  static Numeric special(Kind kind) {
    Numeric n;
    n.kind_ = kind;
    return n;
  }
  static Numeric from_int128(__int128 v, int scale = 0);
  static Numeric from_datum(const Datum& d) { return decode(d.as_bytes()); }
  static Numeric decode(BytesView bytes);
  void encode(Bytes& out) const;
  Datum to_datum() const;
  // A float's shortest 15 (float4: 6) digits, as PostgreSQL's casts do.
  static Numeric from_double(double v, int digits);
  // The digits 1234 with scale 2, a sign apart.
  static Numeric from_digits(bool negative, const std::string& digits, int scale);

  Kind kind() const { return kind_; }
  bool is_finite() const { return kind_ == Kind::kFinite; }
  bool is_nan() const { return kind_ == Kind::kNaN; }
  bool is_infinite() const { return kind_ == Kind::kInfinity || kind_ == Kind::kMinusInfinity; }
  int sign() const;  // -1, 0, 1; infinities too; NaN: 0
  int scale() const { return scale_; }
  mpz_srcptr coefficient() const { return coefficient_; }
  mpz_ptr coefficient() { return coefficient_; }
  void set_scale(int scale) { scale_ = scale; }

  // Half away from zero to `scale` digits after the point (negative: before it); the new scale is
  // max(scale, 0).
  void round(int scale);
  void truncate(int scale);
  // Digits before the point's exponent: value = 0.d1d2... * 10^exponent with d1 != 0; 0 for zero.
  int decimal_exponent() const;
  // Weight and first digit in base 10000, which PostgreSQL's scale rules are stated in.
  int weight(int* first_digit) const;
  std::string to_string() const;
  double to_double() const;
  // Rounded half away from zero; false when it doesn't fit or isn't finite.
  bool to_int64(int64_t* v) const;

 private:
  Kind kind_ = Kind::kFinite;
  int scale_ = 0;
  mpz_t coefficient_;
};

// 22P02, or 22003 `value overflows numeric format`. Takes NaN, Infinity, exponents, blanks around.
Result<Datum> numeric_input(std::string_view text, int32_t typmod);
void numeric_output(const Datum& v, Bytes& out);
Result<Datum> numeric_receive(BytesView data, int32_t typmod);
void numeric_send(const Datum& v, Bytes& out);
Datum numeric_of_int(int64_t v);
// Rounds to the modifier's scale; 22003 `numeric field overflow` with PostgreSQL's detail.
Result<Datum> numeric_fit(Datum v, int32_t typmod);
Result<Numeric> numeric_checked(Numeric n);  // 22003 when it has too many digits

int numeric_compare(BytesView a, BytesView b);
uint64_t numeric_hash(BytesView v);
// The part of a key after the tag; see numeric.cc. Canonical, self-delimiting, order-preserving.
void numeric_encode_key(BytesView v, Bytes& out);
bool numeric_decode_key(BytesView& in, unsigned char flip, Datum* out);

// Arithmetic; errors 22012 and 22003.
Result<Datum> numeric_add(const Datum& a, const Datum& b);
Result<Datum> numeric_subtract(const Datum& a, const Datum& b);
Result<Datum> numeric_multiply(const Datum& a, const Datum& b);
Result<Datum> numeric_divide(const Datum& a, const Datum& b);
Result<Datum> numeric_modulo(const Datum& a, const Datum& b);
Result<Datum> numeric_integer_divide(const Datum& a, const Datum& b);  // div(): truncates
Datum numeric_negate(const Datum& a);
Datum numeric_abs(const Datum& a);
Result<Numeric> numeric_divide(const Numeric& a, const Numeric& b);
Result<Datum> numeric_sqrt(const Datum& a);
Result<Datum> numeric_exp(const Datum& a);
Result<Datum> numeric_ln(const Datum& a);
Result<Datum> numeric_log(const Datum& base, const Datum& a);
Result<Datum> numeric_power(const Datum& base, const Datum& exponent);

}  // namespace quorate::sql
