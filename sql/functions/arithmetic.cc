// Arithmetic and mathematical functions. Overflow is an error, never a wrap.
#include <cmath>
#include <limits>
#include <numeric>

#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/types/numeric.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

Status division_by_zero() {
  return invalid_argument("division by zero", sqlstate::kDivisionByZero);
}
Status out_of_range(std::string_view type) {
  return invalid_argument(fmt::format("{} out of range", type), sqlstate::kNumericValueOutOfRange);
}
template <class T>
Status int_out_of_range() {
  return out_of_range(sizeof(T) == 2 ? "smallint" : sizeof(T) == 4 ? "integer" : "bigint");
}
template <class T>
Result<Datum> checked(int64_t v) {
  if (v < std::numeric_limits<T>::min() || v > std::numeric_limits<T>::max())
    return int_out_of_range<T>();
  return Datum::of_int(v);
}

// --- integers; T is the result's width, the operands may be narrower ---

template <class T>
Result<Datum> int_add(EvalContext&, Args a) {
  int64_t v = 0;
  if (__builtin_add_overflow(a[0].as_int(), a[1].as_int(), &v)) return int_out_of_range<T>();
  return checked<T>(v);
}
template <class T>
Result<Datum> int_subtract(EvalContext&, Args a) {
  int64_t v = 0;
  if (__builtin_sub_overflow(a[0].as_int(), a[1].as_int(), &v)) return int_out_of_range<T>();
  return checked<T>(v);
}
template <class T>
Result<Datum> int_multiply(EvalContext&, Args a) {
  int64_t v = 0;
  if (__builtin_mul_overflow(a[0].as_int(), a[1].as_int(), &v)) return int_out_of_range<T>();
  return checked<T>(v);
}
template <class T>
Result<Datum> int_divide(EvalContext&, Args a) {
  int64_t d = a[1].as_int();
  if (d == 0) return division_by_zero();
  if (d == -1) {
    int64_t v = 0;
    if (__builtin_sub_overflow(int64_t{0}, a[0].as_int(), &v)) return int_out_of_range<T>();
    return checked<T>(v);
  }
  return Datum::of_int(a[0].as_int() / d);
}
Result<Datum> int_modulo(EvalContext&, Args a) {
  int64_t d = a[1].as_int();
  if (d == 0) return division_by_zero();
  return Datum::of_int(d == -1 ? 0 : a[0].as_int() % d);
}
template <class T>
Result<Datum> int_negate(EvalContext&, Args a) {
  if (a[0].as_int() == std::numeric_limits<T>::min()) return int_out_of_range<T>();
  return Datum::of_int(-a[0].as_int());
}
template <class T>
Result<Datum> int_abs(EvalContext& ctx, Args a) {
  return a[0].as_int() < 0 ? int_negate<T>(ctx, a) : Result<Datum>(a[0]);
}
Result<Datum> same(EvalContext&, Args a) { return a[0]; }
Result<Datum> int_and(EvalContext&, Args a) { return Datum::of_int(a[0].as_int() & a[1].as_int()); }
Result<Datum> int_or(EvalContext&, Args a) { return Datum::of_int(a[0].as_int() | a[1].as_int()); }
Result<Datum> int_xor(EvalContext&, Args a) { return Datum::of_int(a[0].as_int() ^ a[1].as_int()); }
Result<Datum> int_not(EvalContext&, Args a) { return Datum::of_int(~a[0].as_int()); }
// Shift counts wrap at the width, as the machine's instructions do under PostgreSQL.
template <class T>
Result<Datum> shift_left(EvalContext&, Args a) {
  // smallint is shifted as an int and cut, so its count wraps at 32 as well.
  constexpr int kBits = sizeof(T) == 8 ? 64 : 32;
  uint64_t v = static_cast<uint64_t>(a[0].as_int()) << (a[1].as_int() & (kBits - 1));
  return Datum::of_int(static_cast<T>(v));
}
template <class T>
Result<Datum> shift_right(EvalContext&, Args a) {
  constexpr int kBits = sizeof(T) == 8 ? 64 : 32;
  return Datum::of_int(a[0].as_int() >> (a[1].as_int() & (kBits - 1)));
}
template <class T>
Result<Datum> int_gcd(EvalContext&, Args a) {
  auto magnitude = [](int64_t v) {
    return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  };
  uint64_t g = std::gcd(magnitude(a[0].as_int()), magnitude(a[1].as_int()));
  if (g > static_cast<uint64_t>(std::numeric_limits<T>::max())) return int_out_of_range<T>();
  return Datum::of_int(static_cast<int64_t>(g));
}

// --- floats ---

Result<Datum> float_result(double v, bool finite_inputs, bool zero_is_underflow) {
  if (std::isinf(v) && finite_inputs) {
    return invalid_argument("value out of range: overflow", sqlstate::kNumericValueOutOfRange);
  }
  if (v == 0 && zero_is_underflow) {
    return invalid_argument("value out of range: underflow", sqlstate::kNumericValueOutOfRange);
  }
  return Datum::of_double(v);
}
template <class T>
double narrow(double v) {
  return static_cast<T>(v);
}
bool finite(Args a) { return !std::isinf(a[0].as_double()) && !std::isinf(a[1].as_double()); }

template <class T>
Result<Datum> float_add(EvalContext&, Args a) {
  return float_result(narrow<T>(a[0].as_double() + a[1].as_double()), finite(a), false);
}
template <class T>
Result<Datum> float_subtract(EvalContext&, Args a) {
  return float_result(narrow<T>(a[0].as_double() - a[1].as_double()), finite(a), false);
}
template <class T>
Result<Datum> float_multiply(EvalContext&, Args a) {
  double x = a[0].as_double(), y = a[1].as_double();
  return float_result(narrow<T>(x * y), finite(a), x != 0 && y != 0);
}
template <class T>
Result<Datum> float_divide(EvalContext&, Args a) {
  double x = a[0].as_double(), y = a[1].as_double();
  if (y == 0 && !std::isnan(x)) return division_by_zero();
  return float_result(narrow<T>(x / y), !std::isinf(x), x != 0 && !std::isinf(y));
}
Result<Datum> float_negate(EvalContext&, Args a) { return Datum::of_double(-a[0].as_double()); }
Result<Datum> float_abs(EvalContext&, Args a) {
  return Datum::of_double(std::fabs(a[0].as_double()));
}

template <double (*kFn)(double)>
Result<Datum> float_apply(EvalContext&, Args a) {
  return Datum::of_double(kFn(a[0].as_double()));
}
double sign_of(double v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }
double ceil_of(double v) { return std::ceil(v); }
double floor_of(double v) { return std::floor(v); }
double round_of(double v) { return std::rint(v); }
double trunc_of(double v) { return std::trunc(v); }
double cbrt_of(double v) { return std::cbrt(v); }
double degrees_of(double v) { return v / (M_PI / 180); }
double radians_of(double v) { return v * (M_PI / 180); }
double atan_of(double v) { return std::atan(v); }

// Functions with a domain: `kFn` outside of it gives NaN for a number.
template <double (*kFn)(double)>
Result<Datum> float_domain(EvalContext&, Args a) {
  double x = a[0].as_double(), v = kFn(x);
  if (std::isnan(v) && !std::isnan(x))
    return invalid_argument("input is out of range", sqlstate::kNumericValueOutOfRange);
  return Datum::of_double(v);
}
double sin_of(double v) { return std::sin(v); }
double cos_of(double v) { return std::cos(v); }
double tan_of(double v) { return std::tan(v); }
double asin_of(double v) { return std::asin(v); }
double acos_of(double v) { return std::acos(v); }
Result<Datum> float_atan2(EvalContext&, Args a) {
  return Datum::of_double(std::atan2(a[0].as_double(), a[1].as_double()));
}

Result<Datum> float_sqrt(EvalContext&, Args a) {
  if (a[0].as_double() < 0) {
    return invalid_argument("cannot take square root of a negative number",
                            sqlstate::kInvalidArgumentForPowerFunction);
  }
  return Datum::of_double(std::sqrt(a[0].as_double()));
}
Result<Datum> float_exp(EvalContext&, Args a) {
  double x = a[0].as_double();
  return float_result(std::exp(x), !std::isinf(x), !std::isinf(x));
}
template <double (*kFn)(double)>
Result<Datum> float_logarithm(EvalContext&, Args a) {
  double x = a[0].as_double();
  if (x == 0)
    return invalid_argument("cannot take logarithm of zero",
                            sqlstate::kInvalidArgumentForLogarithm);
  if (x < 0)
    return invalid_argument("cannot take logarithm of a negative number",
                            sqlstate::kInvalidArgumentForLogarithm);
  return Datum::of_double(kFn(x));
}
double ln_of(double v) { return std::log(v); }
double log10_of(double v) { return std::log10(v); }
Result<Datum> float_power(EvalContext&, Args a) {
  double x = a[0].as_double(), y = a[1].as_double();
  if (x == 0 && y < 0) {
    return invalid_argument("zero raised to a negative power is undefined",
                            sqlstate::kInvalidArgumentForPowerFunction);
  }
  if (x < 0 && !std::isinf(x) && !std::isinf(y) && std::floor(y) != y) {
    return invalid_argument(
        "a negative number raised to a non-integer power yields a complex result",
        sqlstate::kInvalidArgumentForPowerFunction);
  }
  bool inputs = finite(a) && !std::isnan(x) && !std::isnan(y);
  return float_result(std::pow(x, y), inputs, inputs && x != 0);
}
Result<Datum> float_pi(EvalContext&, Args) { return Datum::of_double(M_PI); }

// --- numeric ---

template <Result<Datum> (*kFn)(const Datum&, const Datum&)>
Result<Datum> numeric_two(EvalContext&, Args a) {
  return kFn(a[0], a[1]);
}
template <Result<Datum> (*kFn)(const Datum&)>
Result<Datum> numeric_one(EvalContext&, Args a) {
  return kFn(a[0]);
}
Result<Datum> negate(EvalContext&, Args a) { return numeric_negate(a[0]); }
Result<Datum> absolute(EvalContext&, Args a) { return numeric_abs(a[0]); }
Result<Datum> numeric_sign(EvalContext&, Args a) {
  Numeric n = Numeric::from_datum(a[0]);
  return n.is_nan() ? a[0] : numeric_of_int(n.sign());
}
constexpr int64_t kDigitsMost = 2000;  // as far as PostgreSQL goes
int digits_argument(Args a) {
  if (a.size() < 2) return 0;
  return static_cast<int>(std::clamp<int64_t>(a[1].as_int(), -kDigitsMost, kDigitsMost));
}
Result<Datum> numeric_round(EvalContext&, Args a) {
  Numeric n = Numeric::from_datum(a[0]);
  n.round(digits_argument(a));
  return n.to_datum();
}
Result<Datum> numeric_truncate(EvalContext&, Args a) {
  Numeric n = Numeric::from_datum(a[0]);
  n.truncate(digits_argument(a));
  return n.to_datum();
}
// Toward +infinity (kUp) or -infinity.
template <bool kUp>
Result<Datum> numeric_whole(EvalContext&, Args a) {
  Numeric n = Numeric::from_datum(a[0]);
  if (!n.is_finite()) return a[0];
  n.truncate(0);
  const Datum whole = n.to_datum();
  int c = numeric_compare(whole.as_bytes(), a[0].as_bytes());
  if (kUp && c < 0) return numeric_add(whole, numeric_of_int(1));
  if (!kUp && c > 0) return numeric_subtract(whole, numeric_of_int(1));
  return whole;
}
Result<Datum> numeric_log10(EvalContext&, Args a) { return numeric_log(numeric_of_int(10), a[0]); }
Result<Datum> numeric_scale(EvalContext&, Args a) {
  Numeric n = Numeric::from_datum(a[0]);
  return n.is_finite() ? Datum::of_int(n.scale()) : Datum::null();
}
Result<Datum> numeric_increment(EvalContext&, Args a) {
  return numeric_add(a[0], numeric_of_int(1));
}

// --- randomness ---

Result<Datum> random_value(EvalContext& ctx, Args) {
  return Datum::of_double(ctx.session->random_double());
}
Result<Datum> seed_random(EvalContext& ctx, Args a) {
  double seed = a[0].as_double();
  if (std::isnan(seed) || seed < -1 || seed > 1) {
    return invalid_argument(
        fmt::format("setseed parameter {} is out of allowed range [-1,1]", seed));
  }
  ctx.session->set_seed(seed);
  return Datum::null();
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {176, "int2pl", 21, {21, 21}, Volatility::kImmutable, true, int_add<int16_t>},
    {177, "int4pl", 23, {23, 23}, Volatility::kImmutable, true, int_add<int32_t>},
    {178, "int24pl", 23, {21, 23}, Volatility::kImmutable, true, int_add<int32_t>},
    {179, "int42pl", 23, {23, 21}, Volatility::kImmutable, true, int_add<int32_t>},
    {463, "int8pl", 20, {20, 20}, Volatility::kImmutable, true, int_add<int64_t>},
    {837, "int82pl", 20, {20, 21}, Volatility::kImmutable, true, int_add<int64_t>},
    {841, "int28pl", 20, {21, 20}, Volatility::kImmutable, true, int_add<int64_t>},
    {1274, "int84pl", 20, {20, 23}, Volatility::kImmutable, true, int_add<int64_t>},
    {1278, "int48pl", 20, {23, 20}, Volatility::kImmutable, true, int_add<int64_t>},
    {180, "int2mi", 21, {21, 21}, Volatility::kImmutable, true, int_subtract<int16_t>},
    {181, "int4mi", 23, {23, 23}, Volatility::kImmutable, true, int_subtract<int32_t>},
    {182, "int24mi", 23, {21, 23}, Volatility::kImmutable, true, int_subtract<int32_t>},
    {183, "int42mi", 23, {23, 21}, Volatility::kImmutable, true, int_subtract<int32_t>},
    {464, "int8mi", 20, {20, 20}, Volatility::kImmutable, true, int_subtract<int64_t>},
    {838, "int82mi", 20, {20, 21}, Volatility::kImmutable, true, int_subtract<int64_t>},
    {942, "int28mi", 20, {21, 20}, Volatility::kImmutable, true, int_subtract<int64_t>},
    {1275, "int84mi", 20, {20, 23}, Volatility::kImmutable, true, int_subtract<int64_t>},
    {1279, "int48mi", 20, {23, 20}, Volatility::kImmutable, true, int_subtract<int64_t>},
    {152, "int2mul", 21, {21, 21}, Volatility::kImmutable, true, int_multiply<int16_t>},
    {141, "int4mul", 23, {23, 23}, Volatility::kImmutable, true, int_multiply<int32_t>},
    {170, "int24mul", 23, {21, 23}, Volatility::kImmutable, true, int_multiply<int32_t>},
    {171, "int42mul", 23, {23, 21}, Volatility::kImmutable, true, int_multiply<int32_t>},
    {465, "int8mul", 20, {20, 20}, Volatility::kImmutable, true, int_multiply<int64_t>},
    {839, "int82mul", 20, {20, 21}, Volatility::kImmutable, true, int_multiply<int64_t>},
    {943, "int28mul", 20, {21, 20}, Volatility::kImmutable, true, int_multiply<int64_t>},
    {1276, "int84mul", 20, {20, 23}, Volatility::kImmutable, true, int_multiply<int64_t>},
    {1280, "int48mul", 20, {23, 20}, Volatility::kImmutable, true, int_multiply<int64_t>},
    {153, "int2div", 21, {21, 21}, Volatility::kImmutable, true, int_divide<int16_t>},
    {154, "int4div", 23, {23, 23}, Volatility::kImmutable, true, int_divide<int32_t>},
    {172, "int24div", 23, {21, 23}, Volatility::kImmutable, true, int_divide<int32_t>},
    {173, "int42div", 23, {23, 21}, Volatility::kImmutable, true, int_divide<int32_t>},
    {466, "int8div", 20, {20, 20}, Volatility::kImmutable, true, int_divide<int64_t>},
    {840, "int82div", 20, {20, 21}, Volatility::kImmutable, true, int_divide<int64_t>},
    {948, "int28div", 20, {21, 20}, Volatility::kImmutable, true, int_divide<int64_t>},
    {1277, "int84div", 20, {20, 23}, Volatility::kImmutable, true, int_divide<int64_t>},
    {1281, "int48div", 20, {23, 20}, Volatility::kImmutable, true, int_divide<int64_t>},
    {155, "int2mod", 21, {21, 21}, Volatility::kImmutable, true, int_modulo},
    {156, "int4mod", 23, {23, 23}, Volatility::kImmutable, true, int_modulo},
    {940, "mod", 21, {21, 21}, Volatility::kImmutable, true, int_modulo},
    {941, "mod", 23, {23, 23}, Volatility::kImmutable, true, int_modulo},
    {945, "int8mod", 20, {20, 20}, Volatility::kImmutable, true, int_modulo},
    {947, "mod", 20, {20, 20}, Volatility::kImmutable, true, int_modulo},
    {213, "int2um", 21, {21}, Volatility::kImmutable, true, int_negate<int16_t>},
    {212, "int4um", 23, {23}, Volatility::kImmutable, true, int_negate<int32_t>},
    {462, "int8um", 20, {20}, Volatility::kImmutable, true, int_negate<int64_t>},
    {1253, "int2abs", 21, {21}, Volatility::kImmutable, true, int_abs<int16_t>},
    {1398, "abs", 21, {21}, Volatility::kImmutable, true, int_abs<int16_t>},
    {1251, "int4abs", 23, {23}, Volatility::kImmutable, true, int_abs<int32_t>},
    {1397, "abs", 23, {23}, Volatility::kImmutable, true, int_abs<int32_t>},
    {1230, "int8abs", 20, {20}, Volatility::kImmutable, true, int_abs<int64_t>},
    {1396, "abs", 20, {20}, Volatility::kImmutable, true, int_abs<int64_t>},
    {1910, "int8up", 20, {20}, Volatility::kImmutable, true, same},
    {1911, "int2up", 21, {21}, Volatility::kImmutable, true, same},
    {1912, "int4up", 23, {23}, Volatility::kImmutable, true, same},
    {1913, "float4up", 700, {700}, Volatility::kImmutable, true, same},
    {1914, "float8up", 701, {701}, Volatility::kImmutable, true, same},
    {1915, "numeric_uplus", 1700, {1700}, Volatility::kImmutable, true, same},
    {1892, "int2and", 21, {21, 21}, Volatility::kImmutable, true, int_and},
    {1898, "int4and", 23, {23, 23}, Volatility::kImmutable, true, int_and},
    {1904, "int8and", 20, {20, 20}, Volatility::kImmutable, true, int_and},
    {1893, "int2or", 21, {21, 21}, Volatility::kImmutable, true, int_or},
    {1899, "int4or", 23, {23, 23}, Volatility::kImmutable, true, int_or},
    {1905, "int8or", 20, {20, 20}, Volatility::kImmutable, true, int_or},
    {1894, "int2xor", 21, {21, 21}, Volatility::kImmutable, true, int_xor},
    {1900, "int4xor", 23, {23, 23}, Volatility::kImmutable, true, int_xor},
    {1906, "int8xor", 20, {20, 20}, Volatility::kImmutable, true, int_xor},
    {1895, "int2not", 21, {21}, Volatility::kImmutable, true, int_not},
    {1901, "int4not", 23, {23}, Volatility::kImmutable, true, int_not},
    {1907, "int8not", 20, {20}, Volatility::kImmutable, true, int_not},
    {1896, "int2shl", 21, {21, 23}, Volatility::kImmutable, true, shift_left<int16_t>},
    {1902, "int4shl", 23, {23, 23}, Volatility::kImmutable, true, shift_left<int32_t>},
    {1908, "int8shl", 20, {20, 23}, Volatility::kImmutable, true, shift_left<int64_t>},
    {1897, "int2shr", 21, {21, 23}, Volatility::kImmutable, true, shift_right<int16_t>},
    {1903, "int4shr", 23, {23, 23}, Volatility::kImmutable, true, shift_right<int32_t>},
    {1909, "int8shr", 20, {20, 23}, Volatility::kImmutable, true, shift_right<int64_t>},
    {5044, "gcd", 23, {23, 23}, Volatility::kImmutable, true, int_gcd<int32_t>},
    {5045, "gcd", 20, {20, 20}, Volatility::kImmutable, true, int_gcd<int64_t>},
    {204, "float4pl", 700, {700, 700}, Volatility::kImmutable, true, float_add<float>},
    {218, "float8pl", 701, {701, 701}, Volatility::kImmutable, true, float_add<double>},
    {281, "float48pl", 701, {700, 701}, Volatility::kImmutable, true, float_add<double>},
    {285, "float84pl", 701, {701, 700}, Volatility::kImmutable, true, float_add<double>},
    {205, "float4mi", 700, {700, 700}, Volatility::kImmutable, true, float_subtract<float>},
    {219, "float8mi", 701, {701, 701}, Volatility::kImmutable, true, float_subtract<double>},
    {282, "float48mi", 701, {700, 701}, Volatility::kImmutable, true, float_subtract<double>},
    {286, "float84mi", 701, {701, 700}, Volatility::kImmutable, true, float_subtract<double>},
    {202, "float4mul", 700, {700, 700}, Volatility::kImmutable, true, float_multiply<float>},
    {216, "float8mul", 701, {701, 701}, Volatility::kImmutable, true, float_multiply<double>},
    {279, "float48mul", 701, {700, 701}, Volatility::kImmutable, true, float_multiply<double>},
    {283, "float84mul", 701, {701, 700}, Volatility::kImmutable, true, float_multiply<double>},
    {203, "float4div", 700, {700, 700}, Volatility::kImmutable, true, float_divide<float>},
    {217, "float8div", 701, {701, 701}, Volatility::kImmutable, true, float_divide<double>},
    {280, "float48div", 701, {700, 701}, Volatility::kImmutable, true, float_divide<double>},
    {284, "float84div", 701, {701, 700}, Volatility::kImmutable, true, float_divide<double>},
    {206, "float4um", 700, {700}, Volatility::kImmutable, true, float_negate},
    {220, "float8um", 701, {701}, Volatility::kImmutable, true, float_negate},
    {207, "float4abs", 700, {700}, Volatility::kImmutable, true, float_abs},
    {221, "float8abs", 701, {701}, Volatility::kImmutable, true, float_abs},
    {1394, "abs", 700, {700}, Volatility::kImmutable, true, float_abs},
    {1395, "abs", 701, {701}, Volatility::kImmutable, true, float_abs},
    {228, "dround", 701, {701}, Volatility::kImmutable, true, float_apply<round_of>},
    {1342, "round", 701, {701}, Volatility::kImmutable, true, float_apply<round_of>},
    {229, "dtrunc", 701, {701}, Volatility::kImmutable, true, float_apply<trunc_of>},
    {1343, "trunc", 701, {701}, Volatility::kImmutable, true, float_apply<trunc_of>},
    {2308, "ceil", 701, {701}, Volatility::kImmutable, true, float_apply<ceil_of>},
    {2320, "ceiling", 701, {701}, Volatility::kImmutable, true, float_apply<ceil_of>},
    {2309, "floor", 701, {701}, Volatility::kImmutable, true, float_apply<floor_of>},
    {2310, "sign", 701, {701}, Volatility::kImmutable, true, float_apply<sign_of>},
    {231, "dcbrt", 701, {701}, Volatility::kImmutable, true, float_apply<cbrt_of>},
    {1345, "cbrt", 701, {701}, Volatility::kImmutable, true, float_apply<cbrt_of>},
    {1608, "degrees", 701, {701}, Volatility::kImmutable, true, float_apply<degrees_of>},
    {1609, "radians", 701, {701}, Volatility::kImmutable, true, float_apply<radians_of>},
    {1602, "atan", 701, {701}, Volatility::kImmutable, true, float_apply<atan_of>},
    {1604, "sin", 701, {701}, Volatility::kImmutable, true, float_domain<sin_of>},
    {1605, "cos", 701, {701}, Volatility::kImmutable, true, float_domain<cos_of>},
    {1606, "tan", 701, {701}, Volatility::kImmutable, true, float_domain<tan_of>},
    {1600, "asin", 701, {701}, Volatility::kImmutable, true, float_domain<asin_of>},
    {1601, "acos", 701, {701}, Volatility::kImmutable, true, float_domain<acos_of>},
    {1603, "atan2", 701, {701, 701}, Volatility::kImmutable, true, float_atan2},
    {230, "dsqrt", 701, {701}, Volatility::kImmutable, true, float_sqrt},
    {1344, "sqrt", 701, {701}, Volatility::kImmutable, true, float_sqrt},
    {233, "dexp", 701, {701}, Volatility::kImmutable, true, float_exp},
    {1347, "exp", 701, {701}, Volatility::kImmutable, true, float_exp},
    {234, "dlog1", 701, {701}, Volatility::kImmutable, true, float_logarithm<ln_of>},
    {1341, "ln", 701, {701}, Volatility::kImmutable, true, float_logarithm<ln_of>},
    {1194, "log10", 701, {701}, Volatility::kImmutable, true, float_logarithm<log10_of>},
    {1339, "dlog10", 701, {701}, Volatility::kImmutable, true, float_logarithm<log10_of>},
    {1340, "log", 701, {701}, Volatility::kImmutable, true, float_logarithm<log10_of>},
    {232, "dpow", 701, {701, 701}, Volatility::kImmutable, true, float_power},
    {1346, "pow", 701, {701, 701}, Volatility::kImmutable, true, float_power},
    {1368, "power", 701, {701, 701}, Volatility::kImmutable, true, float_power},
    {1610, "pi", 701, {}, Volatility::kImmutable, true, float_pi},
    {1724, "numeric_add", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_add>},
    {1725, "numeric_sub", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_subtract>},
    {1726, "numeric_mul", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_multiply>},
    {1727, "numeric_div", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_divide>},
    {1728, "mod", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_modulo>},
    {1729, "numeric_mod", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_modulo>},
    {1973, "div", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_integer_divide>},
    {1980, "numeric_div_trunc", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_integer_divide>},
    {1738, "pow", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_power>},
    {1739, "numeric_power", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_power>},
    {2169, "power", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_power>},
    {1736, "log", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_log>},
    {1737, "numeric_log", 1700, {1700, 1700}, Volatility::kImmutable, true, numeric_two<numeric_log>},
    {1730, "sqrt", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_sqrt>},
    {1731, "numeric_sqrt", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_sqrt>},
    {1732, "exp", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_exp>},
    {1733, "numeric_exp", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_exp>},
    {1734, "ln", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_ln>},
    {1735, "numeric_ln", 1700, {1700}, Volatility::kImmutable, true, numeric_one<numeric_ln>},
    {1771, "numeric_uminus", 1700, {1700}, Volatility::kImmutable, true, negate},
    {1704, "numeric_abs", 1700, {1700}, Volatility::kImmutable, true, absolute},
    {1705, "abs", 1700, {1700}, Volatility::kImmutable, true, absolute},
    {1706, "sign", 1700, {1700}, Volatility::kImmutable, true, numeric_sign},
    {1707, "round", 1700, {1700, 23}, Volatility::kImmutable, true, numeric_round},
    {1709, "trunc", 1700, {1700, 23}, Volatility::kImmutable, true, numeric_truncate},
    {1711, "ceil", 1700, {1700}, Volatility::kImmutable, true, numeric_whole<true>},
    {2167, "ceiling", 1700, {1700}, Volatility::kImmutable, true, numeric_whole<true>},
    {1712, "floor", 1700, {1700}, Volatility::kImmutable, true, numeric_whole<false>},
    {3281, "scale", 23, {1700}, Volatility::kImmutable, true, numeric_scale},
    {1764, "numeric_inc", 1700, {1700}, Volatility::kImmutable, true, numeric_increment},
    {1708, "round", 1700, {1700}, Volatility::kImmutable, true, numeric_round},
    {1710, "trunc", 1700, {1700}, Volatility::kImmutable, true, numeric_truncate},
    {1741, "log", 1700, {1700}, Volatility::kImmutable, true, numeric_log10},
    {1481, "log10", 1700, {1700}, Volatility::kImmutable, true, numeric_log10},
    {1598, "random", 701, {}, Volatility::kVolatile, true, random_value},
    {1599, "setseed", 2278, {701}, Volatility::kVolatile, true, seed_random},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> arithmetic_functions() { return kFunctions; }

}  // namespace quorate::sql
