#include "sql/types/numeric.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "base/ordered_encoding.h"
#include "fmt/format.h"
#include "sql/types/hash.h"
#include "sql/types/numeric_small.h"
#include "sql/types/scan.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

Status bad_syntax(std::string_view text) {
  return invalid_argument(fmt::format("invalid input syntax for type numeric: \"{}\"", text),
                          sqlstate::kInvalidTextRepresentation);
}

void power_of_ten(mpz_ptr out, uint64_t n) { mpz_ui_pow_ui(out, 10, n); }

struct Mpz {
  mpz_t v;
  Mpz() { mpz_init(v); }
  ~Mpz() { mpz_clear(v); }
  Mpz(const Mpz&) = delete;
  Mpz& operator=(const Mpz&) = delete;
};

size_t digit_count(mpz_srcptr v) {
  if (mpz_sgn(v) == 0) return 0;
  size_t n = mpz_sizeinbase(v, 10);  // exact or one too many
  Mpz p;
  power_of_ten(p.v, n - 1);
  return mpz_cmpabs(v, p.v) < 0 ? n - 1 : n;
}

// The decimal digits of |v|.
std::string digits_of(mpz_srcptr v) {
  std::string s(mpz_sizeinbase(v, 10) + 2, '\0');
  mpz_get_str(s.data(), 10, v);
  s.resize(std::strlen(s.c_str()));
  if (!s.empty() && s[0] == '-') s.erase(0, 1);
  return s;
}

std::string point_in(std::string digits, bool negative, int scale) {
  if (digits.size() <= static_cast<size_t>(scale)) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  if (negative) digits.insert(0, 1, '-');
  return digits;
}

std::optional<Numeric::Kind> special_name(std::string_view s) {
  bool negative = false, sign = false;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) {
    negative = s[0] == '-';
    sign = true;
    s.remove_prefix(1);
  }
  if (equals_ignoring_case(s, "infinity") || equals_ignoring_case(s, "inf")) {
    return negative ? Numeric::Kind::kMinusInfinity : Numeric::Kind::kInfinity;
  }
  if (!sign && equals_ignoring_case(s, "nan")) return Numeric::Kind::kNaN;
  return std::nullopt;
}

// The parts of [sign] digits [. digits] [e [sign] digits].
struct DecimalText {
  bool negative = false;
  std::string digits;
  int64_t scale = 0;
};

Status overflow() {
  return invalid_argument("value overflows numeric format", sqlstate::kNumericValueOutOfRange);
}

bool scan_decimal(std::string_view s, DecimalText* out, bool* too_large) {
  size_t i = 0;
  if (i < s.size() && (s[i] == '+' || s[i] == '-')) out->negative = s[i++] == '-';
  auto take_digits = [&] {
    size_t start = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    out->digits.append(s.substr(start, i - start));
    return i - start;
  };
  size_t whole = take_digits(), fraction = 0;
  if (i < s.size() && s[i] == '.') {
    ++i;
    fraction = take_digits();
  }
  if (whole + fraction == 0) return false;
  out->scale = static_cast<int64_t>(fraction);
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    bool negative = false;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) negative = s[i++] == '-';
    int64_t exponent = 0;
    size_t start = i;
    for (; i < s.size() && is_digit(s[i]); ++i)
      exponent = std::min<int64_t>(exponent * 10 + (s[i] - '0'), INT32_MAX);
    if (i == start) return false;
    *too_large = exponent >= INT32_MAX / 2;
    out->scale += negative ? exponent : -exponent;
  }
  return i == s.size();
}

}  // namespace

Numeric::Numeric(int64_t v, int scale) : scale_(scale) { mpz_init_set_si(coefficient_, v); }

Numeric Numeric::from_int128(__int128 v, int scale) {
  Numeric n;
  unsigned __int128 u =
      v < 0 ? -static_cast<unsigned __int128>(v) : static_cast<unsigned __int128>(v);
  mpz_import(n.coefficient_, sizeof(u), -1, 1, 0, 0, &u);
  if (v < 0) mpz_neg(n.coefficient_, n.coefficient_);
  n.scale_ = scale;
  return n;
}

Numeric Numeric::from_digits(bool negative, const std::string& digits, int scale) {
  Numeric n;
  CHECK(mpz_set_str(n.coefficient_, digits.empty() ? "0" : digits.c_str(), 10) == 0);
  if (negative) mpz_neg(n.coefficient_, n.coefficient_);
  n.scale_ = scale;
  return n;
}

Numeric Numeric::decode(BytesView bytes) {
  Numeric n;
  CHECK(!bytes.empty());
  auto form = static_cast<NumericForm>(bytes[0]);
  switch (form) {
    case NumericForm::kNaN:
      n.kind_ = Kind::kNaN;
      return n;
    case NumericForm::kInfinity:
      n.kind_ = Kind::kInfinity;
      return n;
    case NumericForm::kMinusInfinity:
      n.kind_ = Kind::kMinusInfinity;
      return n;
    case NumericForm::kPositive:
    case NumericForm::kNegative:
      break;
  }
  bytes.remove_prefix(1);
  uint64_t scale = 0;
  CHECK(take_varint(bytes, scale));
  n.scale_ = static_cast<int>(scale);
  if (!bytes.empty()) mpz_import(n.coefficient_, bytes.size(), -1, 1, 0, 0, bytes.data());
  if (form == NumericForm::kNegative) mpz_neg(n.coefficient_, n.coefficient_);
  return n;
}

void Numeric::encode(Bytes& out) const {
  switch (kind_) {
    case Kind::kNaN:
      out.push_back(static_cast<char>(NumericForm::kNaN));
      return;
    case Kind::kInfinity:
      out.push_back(static_cast<char>(NumericForm::kInfinity));
      return;
    case Kind::kMinusInfinity:
      out.push_back(static_cast<char>(NumericForm::kMinusInfinity));
      return;
    case Kind::kFinite:
      break;
  }
  out.push_back(static_cast<char>(mpz_sgn(coefficient_) < 0 ? NumericForm::kNegative
                                                            : NumericForm::kPositive));
  put_varint(static_cast<uint64_t>(scale_), out);
  if (mpz_sgn(coefficient_) == 0) return;
  size_t count = (mpz_sizeinbase(coefficient_, 2) + 7) / 8;
  size_t at = out.size();
  out.resize(at + count);
  mpz_export(out.data() + at, nullptr, -1, 1, 0, 0, coefficient_);
}

Datum Numeric::to_datum() const {
  Bytes out;
  encode(out);
  return Datum::of_bytes(out);
}

Numeric Numeric::from_double(double v, int digits) {
  if (std::isnan(v)) return special(Kind::kNaN);
  if (std::isinf(v)) return special(v > 0 ? Kind::kInfinity : Kind::kMinusInfinity);
  std::string text = fmt::format("{:.{}g}", v, digits);
  DecimalText d;
  bool too_large = false;
  CHECK(scan_decimal(text, &d, &too_large));
  if (d.scale < 0) {
    d.digits.append(static_cast<size_t>(-d.scale), '0');
    d.scale = 0;
  }
  return from_digits(d.negative, d.digits, static_cast<int>(d.scale));
}

int Numeric::sign() const {
  switch (kind_) {
    case Kind::kFinite:
      return mpz_sgn(coefficient_);
    case Kind::kNaN:
      return 0;
    case Kind::kInfinity:
      return 1;
    case Kind::kMinusInfinity:
      return -1;
  }
  return 0;
}

void Numeric::round(int scale) {
  if (!is_finite()) return;
  if (scale >= scale_) {
    if (scale > scale_) {
      Mpz p;
      power_of_ten(p.v, scale - scale_);
      mpz_mul(coefficient_, coefficient_, p.v);
    }
    scale_ = scale;
    return;
  }
  Mpz p, half;
  int64_t cut = static_cast<int64_t>(scale_) - scale;
  if (cut > static_cast<int64_t>(mpz_sizeinbase(coefficient_, 10)) + 1) {
    mpz_set_ui(coefficient_, 0);
  } else {
    power_of_ten(p.v, cut);
    mpz_tdiv_q_2exp(half.v, p.v, 1);
    if (mpz_sgn(coefficient_) < 0) {
      mpz_sub(coefficient_, coefficient_, half.v);
    } else {
      mpz_add(coefficient_, coefficient_, half.v);
    }
    mpz_tdiv_q(coefficient_, coefficient_, p.v);
  }
  scale_ = scale;
  if (scale < 0) {
    scale_ = 0;
    power_of_ten(p.v, -static_cast<int64_t>(scale));
    mpz_mul(coefficient_, coefficient_, p.v);
  }
}

void Numeric::truncate(int scale) {
  if (!is_finite()) return;
  if (scale >= scale_) return round(scale);
  Mpz p;
  int64_t cut = static_cast<int64_t>(scale_) - scale;
  if (cut > static_cast<int64_t>(mpz_sizeinbase(coefficient_, 10)) + 1) {
    mpz_set_ui(coefficient_, 0);
  } else {
    power_of_ten(p.v, cut);
    mpz_tdiv_q(coefficient_, coefficient_, p.v);
  }
  scale_ = std::max(scale, 0);
  if (scale < 0) {
    power_of_ten(p.v, -static_cast<int64_t>(scale));
    mpz_mul(coefficient_, coefficient_, p.v);
  }
}

int Numeric::decimal_exponent() const {
  return mpz_sgn(coefficient_) == 0 ? 0 : static_cast<int>(digit_count(coefficient_)) - scale_;
}

int Numeric::weight(int* first_digit) const {
  if (mpz_sgn(coefficient_) == 0) {
    *first_digit = 0;
    return 0;
  }
  int exponent = decimal_exponent();
  int weight = (exponent - 1) >> 2;  // floor
  size_t leading = static_cast<size_t>(exponent - 4 * weight);
  std::string digits = digits_of(coefficient_).substr(0, leading);
  digits.resize(leading, '0');
  *first_digit = std::atoi(digits.c_str());
  return weight;
}

std::string Numeric::to_string() const {
  switch (kind_) {
    case Kind::kNaN:
      return "NaN";
    case Kind::kInfinity:
      return "Infinity";
    case Kind::kMinusInfinity:
      return "-Infinity";
    case Kind::kFinite:
      break;
  }
  return point_in(digits_of(coefficient_), mpz_sgn(coefficient_) < 0, scale_);
}

double Numeric::to_double() const {
  switch (kind_) {
    case Kind::kNaN:
      return std::nan("");
    case Kind::kInfinity:
      return INFINITY;
    case Kind::kMinusInfinity:
      return -INFINITY;
    case Kind::kFinite:
      break;
  }
  return std::strtod(to_string().c_str(), nullptr);
}

bool Numeric::to_int64(int64_t* v) const {
  if (!is_finite()) return false;
  Numeric n = *this;
  n.round(0);
  if (!mpz_fits_slong_p(n.coefficient_)) return false;
  *v = mpz_get_si(n.coefficient_);
  return true;
}

Result<Numeric> numeric_checked(Numeric n) {
  if (!n.is_finite()) return n;
  if (n.scale() > kNumericScaleMax) n.round(kNumericScaleMax);
  if (mpz_sizeinbase(n.coefficient(), 2) > 400'000 &&
      n.decimal_exponent() > kNumericIntegerDigitsMax)
    return overflow();
  return n;
}

Result<Datum> numeric_input(std::string_view text, int32_t typmod) {
  std::string_view s = trim_blanks(text);
  if (auto kind = special_name(s)) return numeric_fit(Numeric::special(*kind).to_datum(), typmod);
  DecimalText d;
  bool too_large = false;
  if (!scan_decimal(s, &d, &too_large)) return bad_syntax(text);
  if (too_large) return overflow();
  if (d.scale < 0) {
    if (-d.scale > kNumericIntegerDigitsMax) {
      if (d.digits.find_first_not_of('0') != std::string::npos) return overflow();
      d.digits = "0";
      d.scale = 0;
    }
    d.digits.append(static_cast<size_t>(-d.scale), '0');
    d.scale = 0;
  }
  if (d.scale > kNumericScaleMax) return overflow();
  if (d.digits.size() <= 18) {
    int64_t v = 0;
    for (char c : d.digits) v = v * 10 + (c - '0');
    return numeric_fit(small_to_datum(d.negative ? -v : v, static_cast<int>(d.scale)), typmod);
  }
  ASSIGN_OR_RETURN(Numeric n, numeric_checked(Numeric::from_digits(d.negative, d.digits,
                                                                   static_cast<int>(d.scale))));
  return numeric_fit(n.to_datum(), typmod);
}

void numeric_output(const Datum& v, Bytes& out) {
  SmallNumeric s;
  if (!open_small(v.as_bytes(), &s)) {
    out += Numeric::from_datum(v).to_string();
    return;
  }
  char buffer[24];
  uint64_t magnitude = s.coefficient < 0 ? 0 - static_cast<uint64_t>(s.coefficient) : s.coefficient;
  auto end = fmt::format_to(buffer, "{}", magnitude);
  std::string_view digits(buffer, static_cast<size_t>(end - buffer));
  if (s.coefficient < 0) out.push_back('-');
  size_t scale = static_cast<size_t>(s.scale);
  if (digits.size() <= scale) {
    out += "0.";
    out.append(scale - digits.size(), '0');
    out += digits;
  } else {
    out += digits.substr(0, digits.size() - scale);
    if (scale > 0) {
      out.push_back('.');
      out += digits.substr(digits.size() - scale);
    }
  }
}

Datum numeric_of_int(int64_t v) {
  if (v == INT64_MIN) return Numeric(v).to_datum();
  return small_to_datum(v, 0);
}

Result<Datum> numeric_fit(Datum v, int32_t typmod) {
  if (typmod < 4) return v;
  int bits = typmod - 4;
  int precision = bits >> 16 & 0xffff;
  int scale = ((bits & 0x7ff) ^ 1024) - 1024;
  auto error = [&](std::string what) -> Status {
    return invalid_argument("numeric field overflow", sqlstate::kNumericValueOutOfRange)
        .with_detail(
            fmt::format("A field with precision {}, scale {} {}.", precision, scale, what));
  };
  SmallNumeric s;
  if (scale >= 0 && open_small(v.as_bytes(), &s) && s.scale == scale && precision <= 18) {
    if (std::llabs(s.coefficient) < kPowersOfTen[precision]) return v;
  }
  Numeric n = Numeric::from_datum(v);
  if (n.is_nan()) return v;
  if (!n.is_finite()) return error("cannot hold an infinite value");
  n.round(scale);
  if (n.sign() != 0 && n.decimal_exponent() > precision - scale) {
    int digits = precision - scale;
    return error(fmt::format("must round to an absolute value less than {}{}",
                             digits != 0 ? "10^" : "", digits != 0 ? digits : 1));
  }
  return n.to_datum();
}

// --- order ---

int numeric_compare(BytesView a, BytesView b) {
  SmallNumeric x, y;
  if (open_small(a, &x) && open_small(b, &y)) {
    __int128 p = x.coefficient, q = y.coefficient;
    if (x.scale == y.scale) return p < q ? -1 : p > q;
    if (std::abs(x.scale - y.scale) <= 18) {
      if (x.scale < y.scale)
        p *= kPowersOfTen[y.scale - x.scale];
      else
        q *= kPowersOfTen[x.scale - y.scale];
      return p < q ? -1 : p > q;
    }
  }
  Numeric m = Numeric::decode(a), n = Numeric::decode(b);
  auto rank = [](const Numeric& v) {
    switch (v.kind()) {
      case Numeric::Kind::kMinusInfinity:
        return 0;
      case Numeric::Kind::kFinite:
        return 1;
      case Numeric::Kind::kInfinity:
        return 2;
      case Numeric::Kind::kNaN:
        return 3;
    }
    return 0;
  };
  if (rank(m) != rank(n) || !m.is_finite()) return rank(m) - rank(n);
  if (m.sign() != n.sign()) return m.sign() - n.sign();
  int scale = std::max(m.scale(), n.scale());
  m.round(scale);
  n.round(scale);
  return mpz_cmp(m.coefficient(), n.coefficient());
}

uint64_t numeric_hash(BytesView v) {
  SmallNumeric s;
  if (open_small(v, &s)) {
    strip_zeros(&s);
    return hash_combine(static_cast<uint64_t>(s.coefficient), static_cast<uint64_t>(s.scale));
  }
  Numeric n = Numeric::decode(v);
  if (!n.is_finite()) return hash_u64(static_cast<uint64_t>(n.kind()));
  while (n.scale() > 0 && mpz_divisible_ui_p(n.coefficient(), 10)) {
    mpz_divexact_ui(n.coefficient(), n.coefficient(), 10);
    n.set_scale(n.scale() - 1);
  }
  if (mpz_fits_slong_p(n.coefficient()))
    return hash_combine(static_cast<uint64_t>(mpz_get_si(n.coefficient())),
                        static_cast<uint64_t>(n.scale()));
  Bytes bytes;
  n.encode(bytes);
  return hash_bytes(bytes);
}

// A key: 1 -Infinity, 2 negative, 3 zero, 4 positive, 5 Infinity, 6 NaN. Then, for 4, the decimal
// exponent as ordered 32 bits with the sign bit flipped, and the digits in pairs (each byte 1 +
// pair), closed by 0. For 2 the same bytes complemented.
void numeric_encode_key(BytesView v, Bytes& out) {
  std::string digits;
  int exponent = 0;
  bool negative = false;
  SmallNumeric s;
  if (open_small(v, &s)) {
    negative = s.coefficient < 0;
    if (s.coefficient != 0) {
      digits =
          fmt::format("{}", negative ? 0 - static_cast<uint64_t>(s.coefficient) : s.coefficient);
      exponent = static_cast<int>(digits.size()) - s.scale;
    }
  } else {
    Numeric n = Numeric::decode(v);
    switch (n.kind()) {
      case Numeric::Kind::kMinusInfinity:
        out.push_back(1);
        return;
      case Numeric::Kind::kInfinity:
        out.push_back(5);
        return;
      case Numeric::Kind::kNaN:
        out.push_back(6);
        return;
      case Numeric::Kind::kFinite:
        break;
    }
    negative = n.sign() < 0;
    if (n.sign() != 0) {
      digits = digits_of(n.coefficient());
      exponent = static_cast<int>(digits.size()) - n.scale();
    }
  }
  if (digits.empty()) {
    out.push_back(3);
    return;
  }
  digits.resize(digits.find_last_not_of('0') + 1);
  if (digits.size() % 2 != 0) digits.push_back('0');
  out.push_back(negative ? 2 : 4);
  size_t start = out.size();
  put_ordered_u32(static_cast<uint32_t>(exponent) ^ 0x80000000u, out);
  for (size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<char>((digits[i] - '0') * 10 + (digits[i + 1] - '0') + 1));
  }
  out.push_back('\0');
  if (negative) invert_from(start, out);
}

bool numeric_decode_key(BytesView& in, unsigned char flip, Datum* out) {
  if (in.empty()) return false;
  int tag = static_cast<unsigned char>(in[0]) ^ flip;
  in.remove_prefix(1);
  switch (tag) {
    case 1:
      *out = Numeric::special(Numeric::Kind::kMinusInfinity).to_datum();
      return true;
    case 3:
      *out = small_to_datum(0, 0);
      return true;
    case 5:
      *out = Numeric::special(Numeric::Kind::kInfinity).to_datum();
      return true;
    case 6:
      *out = Numeric::special(Numeric::Kind::kNaN).to_datum();
      return true;
    case 2:
      flip = static_cast<unsigned char>(~flip);
      break;
    case 4:
      break;
    default:
      return false;
  }
  if (in.size() < 5) return false;
  uint32_t raw = 0;
  for (int i = 0; i < 4; ++i) raw = raw << 8 | (static_cast<unsigned char>(in[i]) ^ flip);
  in.remove_prefix(4);
  int exponent = static_cast<int>(raw ^ 0x80000000u);
  std::string digits;
  for (;;) {
    if (in.empty()) return false;
    int pair = static_cast<unsigned char>(in[0]) ^ flip;
    in.remove_prefix(1);
    if (pair == 0) break;
    if (pair > 100) return false;
    digits.push_back(static_cast<char>('0' + (pair - 1) / 10));
    digits.push_back(static_cast<char>('0' + (pair - 1) % 10));
  }
  size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos || exponent > kNumericIntegerDigitsMax + 4 ||
      exponent < -kNumericScaleMax)
    return false;
  digits.resize(last + 1);
  int scale = static_cast<int>(digits.size()) - exponent;
  if (scale < 0) {
    digits.append(static_cast<size_t>(-scale), '0');
    scale = 0;
  }
  *out = Numeric::from_digits(tag == 2, digits, scale).to_datum();
  return true;
}

// --- wire ---

namespace {

constexpr uint16_t kWireNegative = 0x4000, kWireNaN = 0xC000, kWireInfinity = 0xD000,
                   kWireMinusInfinity = 0xF000, kWireInfinityScale = 0x20;

void put_u16(int v, Bytes& out) {
  out.push_back(static_cast<char>(v >> 8));
  out.push_back(static_cast<char>(v));
}

uint16_t u16_at(BytesView in, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(in[at]) << 8 |
                               static_cast<unsigned char>(in[at + 1]));
}

}  // namespace

void numeric_send(const Datum& v, Bytes& out) {
  Numeric n = Numeric::from_datum(v);
  if (!n.is_finite()) {
    put_u16(0, out);
    put_u16(0, out);
    put_u16(n.is_nan() ? kWireNaN : n.sign() > 0 ? kWireInfinity : kWireMinusInfinity, out);
    put_u16(n.is_nan() ? 0 : kWireInfinityScale, out);
    return;
  }
  std::string digits;
  int weight = 0;
  if (n.sign() != 0) {
    int first = 0;
    weight = n.weight(&first);
    digits = digits_of(n.coefficient());
    digits.insert(0, static_cast<size_t>(4 * (weight + 1) - n.decimal_exponent()), '0');
    digits.resize((digits.size() + 3) / 4 * 4, '0');
    while (digits.size() >= 4 && digits.compare(digits.size() - 4, 4, "0000") == 0)
      digits.resize(digits.size() - 4);
  }
  put_u16(static_cast<int>(digits.size() / 4), out);
  put_u16(weight, out);
  put_u16(n.sign() < 0 ? kWireNegative : 0, out);
  put_u16(n.scale(), out);
  for (size_t i = 0; i < digits.size(); i += 4)
    put_u16(std::atoi(digits.substr(i, 4).c_str()), out);
}

Result<Datum> numeric_receive(BytesView in, int32_t typmod) {
  auto bad = [](std::string_view what) -> Status {
    return invalid_argument(fmt::format("invalid {} in external \"numeric\" value", what),
                            sqlstate::kInvalidBinaryRepresentation);
  };
  if (in.size() < 8)
    return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
  size_t count = u16_at(in, 0);
  int weight = static_cast<int16_t>(u16_at(in, 2));
  uint16_t sign = u16_at(in, 4), scale = u16_at(in, 6);
  if (in.size() != 8 + 2 * count)
    return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
  switch (sign) {
    case 0:
    case kWireNegative:
      break;
    case kWireNaN:
      return Numeric::special(Numeric::Kind::kNaN).to_datum();
    case kWireInfinity:
      return numeric_fit(Numeric::special(Numeric::Kind::kInfinity).to_datum(), typmod);
    case kWireMinusInfinity:
      return numeric_fit(Numeric::special(Numeric::Kind::kMinusInfinity).to_datum(), typmod);
    default:
      return bad("sign");
  }
  if (scale > kNumericScaleMax) return bad("scale");
  std::string digits;
  for (size_t i = 0; i < count; ++i) {
    uint16_t d = u16_at(in, 8 + 2 * i);
    if (d > 9999) return bad("digit");
    digits += fmt::format("{:04}", d);
  }
  int64_t places =
      4 * (static_cast<int64_t>(count) - 1 - weight);  // digits after the point that are given
  if (digits.empty()) places = 0;
  if (places < 0) {
    digits.append(static_cast<size_t>(-places), '0');
    places = 0;
  }
  Numeric n = Numeric::from_digits(sign == kWireNegative, digits, static_cast<int>(places));
  n.truncate(scale);  // digits beyond the display scale are dropped
  return numeric_fit(n.to_datum(), typmod);
}

}  // namespace quorate::sql
