// Arithmetic of numeric. Each operation has PostgreSQL's rule for the scale of its result, which
// clients see.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "fmt/format.h"
#include "sql/types/numeric.h"
#include "sql/types/numeric_small.h"

namespace quorate::sql {
namespace {

using Kind = Numeric::Kind;

constexpr int kSignificantDigitsMin = 16;
constexpr int kResultScaleLimit = 2000;  // PostgreSQL's NUMERIC_MAX_RESULT_SCALE

Status division_by_zero() {
  return invalid_argument("division by zero", sqlstate::kDivisionByZero);
}
Status overflow() {
  return invalid_argument("value overflows numeric format", sqlstate::kNumericValueOutOfRange);
}

Result<Datum> finish(Numeric n) {
  ASSIGN_OR_RETURN(Numeric checked, numeric_checked(std::move(n)));
  return checked.to_datum();
}

Datum nan_datum() { return Numeric::special(Kind::kNaN).to_datum(); }
Datum infinity_datum(bool negative) {
  return Numeric::special(negative ? Kind::kMinusInfinity : Kind::kInfinity).to_datum();
}

// Both coefficients at the larger scale; false where 63 bits don't hold them.
bool align(SmallNumeric* x, SmallNumeric* y) {
  SmallNumeric* low = x->scale < y->scale ? x : y;
  int target = std::max(x->scale, y->scale);
  int shift = target - low->scale;
  if (shift > 18) return false;
  if (__builtin_mul_overflow(low->coefficient, kPowersOfTen[shift], &low->coefficient))
    return false;
  low->scale = target;
  return true;
}

Result<Datum> add(const Datum& a, const Datum& b, bool subtract) {
  SmallNumeric x, y;
  if (open_small(a.as_bytes(), &x) && open_small(b.as_bytes(), &y) && align(&x, &y)) {
    int64_t sum = 0;
    bool over = subtract ? __builtin_sub_overflow(x.coefficient, y.coefficient, &sum)
                         : __builtin_add_overflow(x.coefficient, y.coefficient, &sum);
    if (!over && sum != INT64_MIN) return small_to_datum(sum, x.scale);
  }
  Numeric m = Numeric::from_datum(a), n = Numeric::from_datum(b);
  if (m.is_nan() || n.is_nan()) return nan_datum();
  if (m.is_infinite() || n.is_infinite()) {
    int s = m.is_infinite() ? m.sign() : 0,
        t = n.is_infinite() ? (subtract ? -n.sign() : n.sign()) : 0;
    if (s * t < 0) return nan_datum();
    return infinity_datum(s + t < 0);
  }
  int scale = std::max(m.scale(), n.scale());
  m.round(scale);
  n.round(scale);
  if (subtract) {
    mpz_sub(m.coefficient(), m.coefficient(), n.coefficient());
  } else {
    mpz_add(m.coefficient(), m.coefficient(), n.coefficient());
  }
  return finish(std::move(m));
}

void power_of_ten(mpz_ptr out, int64_t n) { mpz_ui_pow_ui(out, 10, static_cast<unsigned long>(n)); }

// a / b to `scale` digits, cut off or rounded half away from zero. b != 0.
Numeric divide_to(const Numeric& a, const Numeric& b, int scale, bool round) {
  Numeric q;
  // One digit more than wanted; what it cuts off only matters when it makes a tie, and a tie that
  // is not exact lies above it, where rounding half away goes anyway.
  int extra = round ? scale + 1 : scale;
  int64_t shift = static_cast<int64_t>(extra) + b.scale() - a.scale();
  mpz_t power;
  mpz_init(power);
  power_of_ten(power, std::llabs(shift));
  if (shift >= 0) {
    mpz_mul(q.coefficient(), a.coefficient(), power);
    mpz_tdiv_q(q.coefficient(), q.coefficient(), b.coefficient());
  } else {
    mpz_mul(power, power, b.coefficient());
    mpz_tdiv_q(q.coefficient(), a.coefficient(), power);
  }
  mpz_clear(power);
  q.set_scale(extra);
  if (round) q.round(scale);
  return q;
}

int clamp_scale(int64_t scale) {
  return static_cast<int>(std::clamp<int64_t>(scale, 0, kNumericResultScaleMax));
}

int divide_scale(const Numeric& a, const Numeric& b) {
  int first_a = 0, first_b = 0;
  int quotient_weight = a.weight(&first_a) - b.weight(&first_b);
  if (first_a <= first_b) --quotient_weight;
  int scale = kSignificantDigitsMin - quotient_weight * 4;
  return clamp_scale(std::max({scale, a.scale(), b.scale()}));
}

// --- fixed-point transcendental functions: integers that stand for v / 2^bits ---

class Fixed {
 public:
  Fixed() { mpz_init(v_); }
  ~Fixed() { mpz_clear(v_); }
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
  int sign() const { return mpz_sgn(v_); }
  operator mpz_ptr() { return v_; }           // NOLINT: stands for GMP's own type
  operator mpz_srcptr() const { return v_; }  // NOLINT

 private:
  mpz_t v_;
};

// 2 * atanh(z) for |z| <= 1/3.
void twice_atanh(mpz_ptr out, mpz_srcptr z, unsigned bits) {
  Fixed square, term, part;
  mpz_mul(square, z, z);
  mpz_tdiv_q_2exp(square, square, bits);
  mpz_set(term, z);
  mpz_set(out, z);
  for (unsigned k = 3; term.sign() != 0; k += 2) {
    mpz_mul(term, term, square);
    mpz_tdiv_q_2exp(term, term, bits);
    mpz_tdiv_q_ui(part, term, k);
    mpz_add(out, out, part);
  }
  mpz_mul_2exp(out, out, 1);
}

void ln_two(mpz_ptr out, unsigned bits) {
  Fixed third;
  mpz_set_ui(third, 1);
  mpz_mul_2exp(third, third, bits);
  mpz_tdiv_q_ui(third, third, 3);
  twice_atanh(out, third, bits);
}

// ln(a) for a > 0.
void ln_fixed(mpz_ptr out, const Numeric& a, unsigned bits) {
  Fixed denominator, m, one, sum;
  power_of_ten(denominator, a.scale());
  // a = m * 2^exponent with m in [1/2, 2), so that z = (m - 1) / (m + 1) is at most 1/3.
  long exponent = static_cast<long>(mpz_sizeinbase(a.coefficient(), 2)) -
                  static_cast<long>(mpz_sizeinbase(denominator, 2));
  long shift = static_cast<long>(bits) - exponent;
  if (shift >= 0) {
    mpz_mul_2exp(m, a.coefficient(), static_cast<unsigned long>(shift));
  } else {
    mpz_set(m, a.coefficient());
    mpz_mul_2exp(denominator, denominator, static_cast<unsigned long>(-shift));
  }
  mpz_tdiv_q(m, m, denominator);
  mpz_set_ui(one, 1);
  mpz_mul_2exp(one, one, bits);
  mpz_add(sum, m, one);
  mpz_sub(m, m, one);
  mpz_mul_2exp(m, m, bits);
  mpz_tdiv_q(m, m, sum);
  twice_atanh(out, m, bits);
  if (exponent != 0) {
    ln_two(sum, bits);
    mpz_mul_si(sum, sum, exponent);
    mpz_add(out, out, sum);
  }
}

// e^x for a fixed-point x; the result is e^x in the same form.
void exp_fixed(mpz_ptr out, mpz_srcptr x, unsigned bits) {
  constexpr unsigned kHalvings = 8;
  unsigned work = bits + 2 * kHalvings + 16;
  Fixed ln2, r, k, term;
  mpz_mul_2exp(r, x, work - bits);
  ln_two(ln2, work);
  mpz_fdiv_q(k, r, ln2);
  mpz_submul(r, k, ln2);  // 0 <= r < ln 2
  mpz_tdiv_q_2exp(r, r, kHalvings);
  mpz_set_ui(out, 1);
  mpz_mul_2exp(out, out, work);
  mpz_set(term, out);
  for (unsigned n = 1; term.sign() != 0; ++n) {
    mpz_mul(term, term, r);
    mpz_tdiv_q_2exp(term, term, work);
    mpz_tdiv_q_ui(term, term, n);
    mpz_add(out, out, term);
  }
  for (unsigned i = 0; i < kHalvings; ++i) {
    mpz_mul(out, out, out);
    mpz_tdiv_q_2exp(out, out, work);
  }
  long power = mpz_get_si(k) - static_cast<long>(work - bits);
  if (power >= 0) {
    mpz_mul_2exp(out, out, static_cast<unsigned long>(power));
  } else {
    mpz_tdiv_q_2exp(out, out, static_cast<unsigned long>(-power));
  }
}

Numeric from_fixed(mpz_srcptr v, unsigned bits, int scale) {
  Numeric n;
  Fixed power;
  power_of_ten(power, scale + 1);
  mpz_mul(n.coefficient(), v, power);
  mpz_tdiv_q_2exp(n.coefficient(), n.coefficient(), bits);
  n.set_scale(scale + 1);
  n.round(scale);
  return n;
}

unsigned bits_for(int64_t digits) {
  return static_cast<unsigned>(std::max<int64_t>(digits, 0) * 10 / 3 + 96);
}

void to_fixed(mpz_ptr out, const Numeric& a, unsigned bits) {
  Fixed power;
  power_of_ten(power, a.scale());
  mpz_mul_2exp(out, a.coefficient(), bits);
  mpz_tdiv_q(out, out, power);
}

// The decimal weight of ln(a), estimated as PostgreSQL does.
int ln_weight(const Numeric& a) {
  if (a.sign() <= 0) return 0;
  double v = a.to_double();
  if (v > 0.9 && v < 1.1) {
    const Datum difference = numeric_subtract(a.to_datum(), numeric_of_int(1)).value();
    Numeric x = Numeric::from_datum(difference);
    if (x.sign() == 0) return 0;
    mpz_abs(x.coefficient(), x.coefficient());
    int first = 0;
    int weight = x.weight(&first);
    return weight * 4 + static_cast<int>(std::log10(first));
  }
  Fixed scaled;
  long exponent = 0;
  double mantissa = mpz_get_d_2exp(&exponent, a.coefficient());
  double ln = std::log(mantissa) + static_cast<double>(exponent) * M_LN2 - a.scale() * M_LN10;
  return static_cast<int>(std::log10(std::fabs(ln)));
}

Numeric ln_to(const Numeric& a, int scale) {
  unsigned bits = bits_for(scale + 8);
  Fixed v;
  ln_fixed(v, a, bits);
  return from_fixed(v, bits, scale);
}

Status bad_logarithm(const Numeric& a) {
  return a.sign() == 0 ? invalid_argument("cannot take logarithm of zero",
                                          sqlstate::kInvalidArgumentForLogarithm)
                       : invalid_argument("cannot take logarithm of a negative number",
                                          sqlstate::kInvalidArgumentForLogarithm);
}

Status bad_power(std::string message) {
  return invalid_argument(std::move(message), sqlstate::kInvalidArgumentForPowerFunction);
}

bool is_integer(const Numeric& n) {
  Numeric cut = n;
  cut.truncate(0);
  cut.round(n.scale());
  return mpz_cmp(cut.coefficient(), n.coefficient()) == 0;
}

// e^(ln|a| * b) to a scale that gives at least 16 significant digits.
Result<Numeric> power_by_logarithm(const Numeric& a, const Numeric& b,
                                   std::optional<int> fixed_scale) {
  double estimate = b.to_double() * [&] {
    long exponent = 0;
    double mantissa = mpz_get_d_2exp(&exponent, a.coefficient());
    return std::log(std::fabs(mantissa)) + static_cast<double>(exponent) * M_LN2 -
           a.scale() * M_LN10;
  }();
  if (std::fabs(estimate) > kResultScaleLimit * 3.01) {
    if (estimate > 0 && (!fixed_scale || estimate > kNumericIntegerDigitsMax * M_LN10))
      return overflow();
    if (estimate < 0) return Numeric(0, fixed_scale.value_or(kNumericResultScaleMax));
  }
  int digits = static_cast<int>(estimate * M_LOG10E);
  int scale = fixed_scale
                  ? *fixed_scale
                  : clamp_scale(std::max({kSignificantDigitsMin - digits, a.scale(), b.scale()}));
  unsigned bits = bits_for(static_cast<int64_t>(scale) + 2 * std::abs(digits) + 30 +
                           std::abs(b.decimal_exponent()));
  Fixed x, y;
  Numeric magnitude = a;
  mpz_abs(magnitude.coefficient(), magnitude.coefficient());
  ln_fixed(x, magnitude, bits);
  to_fixed(y, b, bits);
  mpz_mul(x, x, y);
  mpz_tdiv_q_2exp(x, x, bits);
  exp_fixed(y, x, bits);
  return from_fixed(y, bits, scale);
}

Result<Datum> power_integer(const Numeric& base, int64_t exponent) {
  int scale = clamp_scale(std::max(kSignificantDigitsMin, base.scale()));
  if (base.sign() == 0) {
    if (exponent < 0) return bad_power("zero raised to a negative power is undefined");
    Numeric n(exponent == 0 ? 1 : 0);
    n.round(scale);
    return n.to_datum();
  }
  uint64_t magnitude = exponent < 0 ? 0 - static_cast<uint64_t>(exponent) : exponent;
  double result_bits =
      static_cast<double>(mpz_sizeinbase(base.coefficient(), 2)) * static_cast<double>(magnitude);
  Numeric n;
  if (result_bits < 2e6) {
    mpz_pow_ui(n.coefficient(), base.coefficient(), magnitude);
    int64_t full_scale = base.scale() * static_cast<int64_t>(magnitude);
    n.set_scale(static_cast<int>(full_scale));
    if (exponent < 0) {
      n = divide_to(Numeric(1), n, scale, true);
    } else {
      n.round(scale);
    }
  } else {
    ASSIGN_OR_RETURN(n, power_by_logarithm(base, Numeric(exponent), scale));
    if (base.sign() < 0 && magnitude % 2 == 1) mpz_neg(n.coefficient(), n.coefficient());
  }
  return finish(std::move(n));
}

}  // namespace

Result<Datum> numeric_add(const Datum& a, const Datum& b) { return add(a, b, false); }
Result<Datum> numeric_subtract(const Datum& a, const Datum& b) { return add(a, b, true); }

Result<Datum> numeric_multiply(const Datum& a, const Datum& b) {
  SmallNumeric x, y;
  if (open_small(a.as_bytes(), &x) && open_small(b.as_bytes(), &y)) {
    int64_t product = 0;
    if (!__builtin_mul_overflow(x.coefficient, y.coefficient, &product) && product != INT64_MIN) {
      return small_to_datum(product, x.scale + y.scale);
    }
  }
  Numeric m = Numeric::from_datum(a), n = Numeric::from_datum(b);
  if (m.is_nan() || n.is_nan()) return nan_datum();
  if (m.is_infinite() || n.is_infinite()) {
    int s = m.sign() * n.sign();
    return s == 0 ? nan_datum() : infinity_datum(s < 0);
  }
  mpz_mul(m.coefficient(), m.coefficient(), n.coefficient());
  m.set_scale(m.scale() + n.scale());
  return finish(std::move(m));
}

Result<Numeric> numeric_divide(const Numeric& a, const Numeric& b) {
  if (a.is_nan() || b.is_nan()) return Numeric::special(Kind::kNaN);
  if (b.is_finite() && b.sign() == 0) return division_by_zero();
  if (a.is_infinite()) {
    if (b.is_infinite()) return Numeric::special(Kind::kNaN);
    return Numeric::special(a.sign() * b.sign() < 0 ? Kind::kMinusInfinity : Kind::kInfinity);
  }
  if (b.is_infinite()) return Numeric(0);
  return numeric_checked(divide_to(a, b, divide_scale(a, b), true));
}

Result<Datum> numeric_divide(const Datum& a, const Datum& b) {
  ASSIGN_OR_RETURN(Numeric q, numeric_divide(Numeric::from_datum(a), Numeric::from_datum(b)));
  return q.to_datum();
}

Result<Datum> numeric_modulo(const Datum& a, const Datum& b) {
  Numeric m = Numeric::from_datum(a), n = Numeric::from_datum(b);
  if (m.is_nan() || n.is_nan()) return nan_datum();
  if (n.is_finite() && n.sign() == 0) return division_by_zero();
  if (m.is_infinite()) return nan_datum();
  if (n.is_infinite()) return a;
  int scale = std::max(m.scale(), n.scale());
  m.round(scale);
  n.round(scale);
  mpz_tdiv_r(m.coefficient(), m.coefficient(), n.coefficient());
  return m.to_datum();
}

Result<Datum> numeric_integer_divide(const Datum& a, const Datum& b) {
  Numeric m = Numeric::from_datum(a), n = Numeric::from_datum(b);
  if (!m.is_finite() || !n.is_finite() || n.sign() == 0) return numeric_divide(a, b);
  return finish(divide_to(m, n, 0, false));
}

Datum numeric_negate(const Datum& a) {
  SmallNumeric s;
  if (open_small(a.as_bytes(), &s)) return small_to_datum(-s.coefficient, s.scale);
  Numeric n = Numeric::from_datum(a);
  if (n.is_infinite()) return infinity_datum(n.sign() > 0);
  if (n.is_finite()) mpz_neg(n.coefficient(), n.coefficient());
  return n.to_datum();
}

Datum numeric_abs(const Datum& a) {
  return Numeric::from_datum(a).sign() < 0 ? numeric_negate(a) : a;
}

Result<Datum> numeric_sqrt(const Datum& a) {
  Numeric n = Numeric::from_datum(a);
  if (n.is_nan()) return a;
  if (n.sign() < 0) {
    return invalid_argument("cannot take square root of a negative number",
                            sqlstate::kInvalidArgumentForPowerFunction);
  }
  if (n.is_infinite()) return a;
  int first = 0;
  int weight = (n.weight(&first) + 1) * 4 / 2 - 1;
  int scale = clamp_scale(std::max(kSignificantDigitsMin - weight, n.scale()));
  // sqrt(c * 10^-s) to scale + 1 digits; the remainder can't make a tie.
  int64_t shift = 2 * (static_cast<int64_t>(scale) + 1) - n.scale();
  Fixed power;
  power_of_ten(power, std::llabs(shift));
  if (shift >= 0) {
    mpz_mul(n.coefficient(), n.coefficient(), power);
  } else {
    mpz_tdiv_q(n.coefficient(), n.coefficient(), power);
  }
  mpz_sqrt(n.coefficient(), n.coefficient());
  n.set_scale(scale + 1);
  n.round(scale);
  return n.to_datum();
}

Result<Datum> numeric_exp(const Datum& a) {
  Numeric n = Numeric::from_datum(a);
  if (n.is_nan()) return a;
  if (n.is_infinite()) return n.sign() > 0 ? a : numeric_of_int(0);
  double v = n.to_double();
  if (std::fabs(v) >= kResultScaleLimit * 3) {
    if (v > 0) return overflow();
    return Numeric(0, kNumericResultScaleMax).to_datum();
  }
  double digits = std::clamp(v * M_LOG10E, -double{kResultScaleLimit}, double{kResultScaleLimit});
  int scale = clamp_scale(std::max(kSignificantDigitsMin - static_cast<int>(digits), n.scale()));
  unsigned bits = bits_for(scale + 2 * static_cast<int64_t>(std::fabs(digits)) + 20);
  Fixed x, y;
  to_fixed(x, n, bits);
  exp_fixed(y, x, bits);
  return finish(from_fixed(y, bits, scale));
}

Result<Datum> numeric_ln(const Datum& a) {
  Numeric n = Numeric::from_datum(a);
  if (n.is_nan()) return a;
  if (n.sign() <= 0) return bad_logarithm(n);
  if (n.is_infinite()) return a;
  return finish(ln_to(n, clamp_scale(std::max(kSignificantDigitsMin - ln_weight(n), n.scale()))));
}

Result<Datum> numeric_log(const Datum& base, const Datum& a) {
  Numeric b = Numeric::from_datum(base), n = Numeric::from_datum(a);
  if (b.is_nan() || n.is_nan()) return nan_datum();
  if (b.sign() <= 0) return bad_logarithm(b);
  if (n.sign() <= 0) return bad_logarithm(n);
  if (b.is_infinite() || n.is_infinite()) {
    if (b.is_infinite() && n.is_infinite()) return nan_datum();
    return b.is_infinite() ? numeric_of_int(0) : a;
  }
  int weight = ln_weight(n) - ln_weight(b);
  int scale = clamp_scale(std::max({kSignificantDigitsMin - weight, b.scale(), n.scale()}));
  unsigned bits = bits_for(scale + 40 + std::abs(ln_weight(b)) + std::abs(ln_weight(n)));
  Fixed x, y;
  ln_fixed(x, n, bits);
  ln_fixed(y, b, bits);
  if (y.sign() == 0) return division_by_zero();
  mpz_mul_2exp(x, x, bits);
  mpz_tdiv_q(x, x, y);
  return finish(from_fixed(x, bits, scale));
}

Result<Datum> numeric_power(const Datum& base, const Datum& exponent) {
  Numeric a = Numeric::from_datum(base), b = Numeric::from_datum(exponent);
  const Datum one = numeric_of_int(1);
  bool base_is_one = numeric_compare(base.as_bytes(), one.as_bytes()) == 0;
  bool exponent_is_zero = b.is_finite() && b.sign() == 0;
  if (a.is_nan() || b.is_nan()) {
    // As POSIX says, 1 to any power and anything to the power 0 are 1.
    return base_is_one || exponent_is_zero ? one : nan_datum();
  }
  if (a.sign() == 0 && b.sign() < 0)
    return bad_power("zero raised to a negative power is undefined");
  if (a.sign() < 0 && b.is_finite() && !is_integer(b)) {
    return bad_power("a negative number raised to a non-integer power yields a complex result");
  }
  if (b.is_infinite() || a.is_infinite()) {
    if (base_is_one || exponent_is_zero) return one;
    if (b.is_infinite()) {
      const Datum magnitude = numeric_abs(base);
      int order = numeric_compare(magnitude.as_bytes(), one.as_bytes());
      if (order == 0) return one;  // (-1) ^ infinity
      return (order > 0) == (b.sign() > 0) ? infinity_datum(false) : numeric_of_int(0);
    }
    if (b.sign() < 0) return numeric_of_int(0);
    bool odd = is_integer(b) && [&] {
      Numeric cut = b;
      cut.truncate(0);
      return mpz_odd_p(cut.coefficient()) != 0;
    }();
    return infinity_datum(a.sign() < 0 && odd);
  }
  int64_t whole = 0;
  if (is_integer(b) && b.to_int64(&whole) && whole >= INT32_MIN && whole <= INT32_MAX)
    return power_integer(a, whole);
  if (a.sign() == 0) return Numeric(0, kSignificantDigitsMin).to_datum();
  ASSIGN_OR_RETURN(Numeric n, power_by_logarithm(a, b, std::nullopt));
  return finish(std::move(n));
}

}  // namespace quorate::sql
