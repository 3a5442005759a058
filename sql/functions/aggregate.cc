// Aggregates. A state is a plain object with `step` and `finish`; `ops<State>()` makes it a row of
// the table.
#include <cmath>
#include <new>

#include "sql/functions/families.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/interval.h"
#include "sql/types/numeric.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

template <class State>
constexpr AggregateOps ops() {
  static_assert(alignof(State) <= 16);
  AggregateOps o;
  o.size = sizeof(State);
  o.init = [](void* s) { new (s) State(); };
  o.step = [](EvalContext& ctx, void* s, Args a) -> Status {
    return static_cast<State*>(s)->step(ctx, a);
  };
  o.finish = [](EvalContext& ctx, void* s) -> Result<Datum> {
    return static_cast<State*>(s)->finish(ctx);
  };
  o.destroy = [](void* s) { static_cast<State*>(s)->~State(); };
  o.memory = [](const void* s) -> size_t { return static_cast<const State*>(s)->memory(); };
  return o;
}

struct NoHeap {
  size_t memory() const { return 0; }
};

struct Count : NoHeap {
  int64_t n = 0;
  Status step(EvalContext&, Args) {
    ++n;
    return {};
  }
  Result<Datum> finish(EvalContext&) { return Datum::of_int(n); }
};

// --- sums ---

// sum(int2), sum(int4): bigint.
struct SumInt : NoHeap {
  bool any = false;
  int64_t sum = 0;
  Status step(EvalContext&, Args a) {
    any = true;
    if (__builtin_add_overflow(sum, a[0].as_int(), &sum)) {
      return invalid_argument("bigint out of range", sqlstate::kNumericValueOutOfRange);
    }
    return {};
  }
  Result<Datum> finish(EvalContext&) { return any ? Datum::of_int(sum) : Datum::null(); }
};

// 2^64 values of 64 bits fit in 128.
struct WideSum : NoHeap {
  int64_t n = 0;
  __int128 sum = 0;
  Status step(EvalContext&, Args a) {
    ++n;
    sum += a[0].as_int();
    return {};
  }
};
struct SumBigint : WideSum {
  Result<Datum> finish(EvalContext&) {
    return n == 0 ? Datum::null() : Numeric::from_int128(sum).to_datum();
  }
};
struct AverageInt : WideSum {
  Result<Datum> finish(EvalContext&) {
    if (n == 0) return Datum::null();
    ASSIGN_OR_RETURN(Numeric q, numeric_divide(Numeric::from_int128(sum), Numeric(n)));
    return q.to_datum();
  }
};

struct NumericSum {
  int64_t n = 0;
  Datum sum;
  Status step(EvalContext&, Args a) {
    if (n++ == 0) {
      sum = a[0].own();
      return {};
    }
    ASSIGN_OR_RETURN(sum, numeric_add(sum, a[0]));
    return {};
  }
  size_t memory() const { return sum.heap_bytes(); }
};
struct SumNumeric : NumericSum {
  Result<Datum> finish(EvalContext&) { return sum; }
};
struct AverageNumeric : NumericSum {
  Result<Datum> finish(EvalContext&) {
    if (n == 0) return Datum::null();
    return numeric_divide(sum, numeric_of_int(n));
  }
};

template <bool kSingle>
struct SumFloat : NoHeap {
  bool any = false;
  double sum = 0;
  Status step(EvalContext&, Args a) {
    any = true;
    double v = a[0].as_double();
    double next = kSingle ? static_cast<double>(static_cast<float>(sum + v)) : sum + v;
    if (std::isinf(next) && !std::isinf(v) && !std::isinf(sum)) {
      return invalid_argument("value out of range: overflow", sqlstate::kNumericValueOutOfRange);
    }
    sum = next;
    return {};
  }
  Result<Datum> finish(EvalContext&) { return any ? Datum::of_double(sum) : Datum::null(); }
};

// Mean and variance of floats by Youngs and Cramer's updating formula, as PostgreSQL computes them.
struct FloatMoments : NoHeap {
  double n = 0, sum = 0, squares = 0;
  Status step(EvalContext&, Args a) {
    double v = a[0].as_double();
    n += 1;
    sum += v;
    if (n > 1) {
      double t = v * n - sum;
      squares += t * t / (n * (n - 1));
    } else if (std::isnan(v) || std::isinf(v)) {
      squares = std::nan("");
    }
    return {};
  }
};
struct AverageFloat : FloatMoments {
  Result<Datum> finish(EvalContext&) { return n == 0 ? Datum::null() : Datum::of_double(sum / n); }
};
template <bool kSample, bool kRoot>
struct SpreadFloat : FloatMoments {
  Result<Datum> finish(EvalContext&) {
    if (n < (kSample ? 2 : 1)) return Datum::null();
    double v = squares / (kSample ? n - 1 : n);
    return Datum::of_double(kRoot ? std::sqrt(v) : v);
  }
};

// Variance of exact numbers: (n * sum(x^2) - sum(x)^2) / (n * (n - 1)).
template <bool kSample, bool kRoot, bool kInt>
struct SpreadNumeric {
  int64_t n = 0;
  Datum sum = numeric_of_int(0), squares = numeric_of_int(0);
  Status step(EvalContext&, Args a) {
    ++n;
    const Datum v = kInt ? numeric_of_int(a[0].as_int()) : a[0];
    ASSIGN_OR_RETURN(sum, numeric_add(sum, v));
    ASSIGN_OR_RETURN(Datum square, numeric_multiply(v, v));
    ASSIGN_OR_RETURN(squares, numeric_add(squares, square));
    return {};
  }
  Result<Datum> finish(EvalContext&) {
    if (n < (kSample ? 2 : 1)) return Datum::null();
    const Datum count = numeric_of_int(n), divisor = numeric_of_int(kSample ? n - 1 : n);
    ASSIGN_OR_RETURN(Datum left, numeric_multiply(count, squares));
    ASSIGN_OR_RETURN(Datum right, numeric_multiply(sum, sum));
    ASSIGN_OR_RETURN(Datum top, numeric_subtract(left, right));
    if (Numeric::from_datum(top).sign() <= 0 && Numeric::from_datum(top).is_finite())
      return numeric_of_int(0);
    ASSIGN_OR_RETURN(Datum bottom, numeric_multiply(count, divisor));
    ASSIGN_OR_RETURN(Datum v, numeric_divide(top, bottom));
    if (!kRoot) return v;
    return numeric_sqrt(v);
  }
  size_t memory() const { return sum.heap_bytes() + squares.heap_bytes(); }
};

struct IntervalSum : NoHeap {
  int64_t n = 0;
  Interval sum;
  Status step(EvalContext&, Args a) {
    ++n;
    ASSIGN_OR_RETURN(sum, interval_add(sum, Interval::from_datum(a[0])));
    return {};
  }
};
struct SumInterval : IntervalSum {
  Result<Datum> finish(EvalContext&) { return n == 0 ? Datum::null() : sum.to_datum(); }
};
struct AverageInterval : IntervalSum {
  Result<Datum> finish(EvalContext&) {
    if (n == 0) return Datum::null();
    ASSIGN_OR_RETURN(Interval v, interval_divide(sum, static_cast<double>(n)));
    return v.to_datum();
  }
};

// --- min and max ---

template <Oid kType, bool kMax>
struct Extreme {
  Datum best;
  Status step(EvalContext&, Args a) {
    if (best.is_null()) {
      best = a[0].own();
      return {};
    }
    // Of equal ones (1.0 and 1.00) the last counts, except for bpchar, as in PostgreSQL.
    int c = compare(kType, a[0], best);
    if ((kMax ? c > 0 : c < 0) || (c == 0 && kType != oid::kBpchar)) best = a[0].own();
    return {};
  }
  Result<Datum> finish(EvalContext&) { return best; }
  size_t memory() const { return best.heap_bytes(); }
};
// anyarray: the order is in the values.
template <bool kMax>
struct ExtremeArray : Extreme<oid::kInt4Array, kMax> {};

// --- truth ---

template <bool kAnd>
struct Truth : NoHeap {
  bool any = false, value = kAnd;
  Status step(EvalContext&, Args a) {
    any = true;
    value = kAnd ? value && a[0].as_bool() : value || a[0].as_bool();
    return {};
  }
  Result<Datum> finish(EvalContext&) { return any ? Datum::of_bool(value) : Datum::null(); }
};

enum class BitOp : uint8_t { kAnd, kOr, kXor };
template <BitOp kOp>
struct Bits : NoHeap {
  bool any = false;
  int64_t value = 0;
  Status step(EvalContext&, Args a) {
    int64_t v = a[0].as_int();
    value = !any ? v : kOp == BitOp::kAnd ? value & v : kOp == BitOp::kOr ? value | v : value ^ v;
    any = true;
    return {};
  }
  Result<Datum> finish(EvalContext&) { return any ? Datum::of_int(value) : Datum::null(); }
};

// --- collections; these see nulls ---

struct StringAgg {
  bool any = false;
  Bytes out;
  Status step(EvalContext&, Args a) {
    if (a[0].is_null()) return {};
    if (any && !a[1].is_null()) out += a[1].as_bytes();
    any = true;
    out += a[0].as_bytes();
    return {};
  }
  Result<Datum> finish(EvalContext&) { return any ? Datum::of_bytes(out) : Datum::null(); }
  size_t memory() const { return out.capacity(); }
};

struct ArrayAgg {
  Oid element = 0;
  std::vector<Datum> values;
  size_t heap = 0;
  Status step(EvalContext& ctx, Args a) {
    element = ctx.arg_types[0].oid;
    if (static_cast<int64_t>(values.size()) >= kArrayElementsMax)
      return resource_exhausted("array size exceeds the maximum allowed");
    values.push_back(a[0].own());
    heap += values.back().heap_bytes();
    return {};
  }
  Result<Datum> finish(EvalContext&) {
    return values.empty() ? Datum::null() : Array::of(element, std::move(values)).to_datum();
  }
  size_t memory() const { return heap + values.capacity() * sizeof(Datum); }
};

template <Oid kType, bool kMax>
constexpr AggregateInfo extreme(Oid oid) {
  AggregateInfo a;
  a.oid = oid;
  a.name = kMax ? "max" : "min";
  a.result = kType;
  a.args = {kType};
  a.ops = ops<Extreme<kType, kMax>>();
  return a;
}

constexpr AggregateInfo simple(Oid oid, std::string_view name, Oid result, TypeList args,
                               AggregateOps o) {
  AggregateInfo a;
  a.oid = oid;
  a.name = name;
  a.result = result;
  a.args = args;
  a.ops = o;
  return a;
}

constexpr AggregateInfo collection(AggregateInfo a, bool wants_types) {
  a.skips_nulls = false;
  a.order_matters = true;
  a.wants_types = wants_types;
  return a;
}

constexpr AggregateInfo star(AggregateInfo a) {
  a.star = true;
  return a;
}

const AggregateInfo kAggregates[] = {
    // clang-format off
    collection(simple(2335, "array_agg", oid::kAnyArray, {oid::kAnyNonArray}, ops<ArrayAgg>()), true),
    simple(2100, "avg", oid::kNumeric, {oid::kInt8}, ops<AverageInt>()),
    simple(2101, "avg", oid::kNumeric, {oid::kInt4}, ops<AverageInt>()),
    simple(2102, "avg", oid::kNumeric, {oid::kInt2}, ops<AverageInt>()),
    simple(2103, "avg", oid::kNumeric, {oid::kNumeric}, ops<AverageNumeric>()),
    simple(2104, "avg", oid::kFloat8, {oid::kFloat4}, ops<AverageFloat>()),
    simple(2105, "avg", oid::kFloat8, {oid::kFloat8}, ops<AverageFloat>()),
    simple(2106, "avg", oid::kInterval, {oid::kInterval}, ops<AverageInterval>()),
    simple(2236, "bit_and", oid::kInt2, {oid::kInt2}, ops<Bits<BitOp::kAnd>>()),
    simple(2238, "bit_and", oid::kInt4, {oid::kInt4}, ops<Bits<BitOp::kAnd>>()),
    simple(2240, "bit_and", oid::kInt8, {oid::kInt8}, ops<Bits<BitOp::kAnd>>()),
    simple(2237, "bit_or", oid::kInt2, {oid::kInt2}, ops<Bits<BitOp::kOr>>()),
    simple(2239, "bit_or", oid::kInt4, {oid::kInt4}, ops<Bits<BitOp::kOr>>()),
    simple(2241, "bit_or", oid::kInt8, {oid::kInt8}, ops<Bits<BitOp::kOr>>()),
    simple(6164, "bit_xor", oid::kInt2, {oid::kInt2}, ops<Bits<BitOp::kXor>>()),
    simple(6165, "bit_xor", oid::kInt4, {oid::kInt4}, ops<Bits<BitOp::kXor>>()),
    simple(6166, "bit_xor", oid::kInt8, {oid::kInt8}, ops<Bits<BitOp::kXor>>()),
    simple(2517, "bool_and", oid::kBool, {oid::kBool}, ops<Truth<true>>()),
    simple(2518, "bool_or", oid::kBool, {oid::kBool}, ops<Truth<false>>()),
    simple(2147, "count", oid::kInt8, {oid::kAny}, ops<Count>()),
    star(simple(2803, "count", oid::kInt8, {}, ops<Count>())),
    simple(2519, "every", oid::kBool, {oid::kBool}, ops<Truth<true>>()),
    simple(2050, "max", oid::kAnyArray, {oid::kAnyArray}, ops<ExtremeArray<true>>()),
    extreme<oid::kInt8, true>(2115),
    extreme<oid::kInt4, true>(2116),
    extreme<oid::kInt2, true>(2117),
    extreme<oid::kOid, true>(2118),
    extreme<oid::kFloat4, true>(2119),
    extreme<oid::kFloat8, true>(2120),
    extreme<oid::kDate, true>(2122),
    extreme<oid::kTime, true>(2123),
    extreme<oid::kTimetz, true>(2124),
    extreme<oid::kTimestamp, true>(2126),
    extreme<oid::kTimestamptz, true>(2127),
    extreme<oid::kInterval, true>(2128),
    extreme<oid::kText, true>(2129),
    extreme<oid::kNumeric, true>(2130),
    extreme<oid::kBpchar, true>(2244),
    simple(2051, "min", oid::kAnyArray, {oid::kAnyArray}, ops<ExtremeArray<false>>()),
    extreme<oid::kInt8, false>(2131),
    extreme<oid::kInt4, false>(2132),
    extreme<oid::kInt2, false>(2133),
    extreme<oid::kOid, false>(2134),
    extreme<oid::kFloat4, false>(2135),
    extreme<oid::kFloat8, false>(2136),
    extreme<oid::kDate, false>(2138),
    extreme<oid::kTime, false>(2139),
    extreme<oid::kTimetz, false>(2140),
    extreme<oid::kTimestamp, false>(2142),
    extreme<oid::kTimestamptz, false>(2143),
    extreme<oid::kInterval, false>(2144),
    extreme<oid::kText, false>(2145),
    extreme<oid::kNumeric, false>(2146),
    extreme<oid::kBpchar, false>(2245),
    simple(2154, "stddev", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<true, true, true>>()),
    simple(2155, "stddev", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<true, true, true>>()),
    simple(2156, "stddev", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<true, true, true>>()),
    simple(2157, "stddev", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<true, true>>()),
    simple(2158, "stddev", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<true, true>>()),
    simple(2159, "stddev", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<true, true, false>>()),
    simple(2724, "stddev_pop", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<false, true, true>>()),
    simple(2725, "stddev_pop", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<false, true, true>>()),
    simple(2726, "stddev_pop", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<false, true, true>>()),
    simple(2727, "stddev_pop", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<false, true>>()),
    simple(2728, "stddev_pop", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<false, true>>()),
    simple(2729, "stddev_pop", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<false, true, false>>()),
    simple(2712, "stddev_samp", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<true, true, true>>()),
    simple(2713, "stddev_samp", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<true, true, true>>()),
    simple(2714, "stddev_samp", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<true, true, true>>()),
    simple(2715, "stddev_samp", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<true, true>>()),
    simple(2716, "stddev_samp", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<true, true>>()),
    simple(2717, "stddev_samp", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<true, true, false>>()),
    collection(simple(3538, "string_agg", oid::kText, {oid::kText, oid::kText}, ops<StringAgg>()), false),
    collection(simple(3545, "string_agg", oid::kBytea, {oid::kBytea, oid::kBytea}, ops<StringAgg>()), false),
    simple(2107, "sum", oid::kNumeric, {oid::kInt8}, ops<SumBigint>()),
    simple(2108, "sum", oid::kInt8, {oid::kInt4}, ops<SumInt>()),
    simple(2109, "sum", oid::kInt8, {oid::kInt2}, ops<SumInt>()),
    simple(2110, "sum", oid::kFloat4, {oid::kFloat4}, ops<SumFloat<true>>()),
    simple(2111, "sum", oid::kFloat8, {oid::kFloat8}, ops<SumFloat<false>>()),
    simple(2113, "sum", oid::kInterval, {oid::kInterval}, ops<SumInterval>()),
    simple(2114, "sum", oid::kNumeric, {oid::kNumeric}, ops<SumNumeric>()),
    simple(2718, "var_pop", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<false, false, true>>()),
    simple(2719, "var_pop", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<false, false, true>>()),
    simple(2720, "var_pop", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<false, false, true>>()),
    simple(2721, "var_pop", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<false, false>>()),
    simple(2722, "var_pop", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<false, false>>()),
    simple(2723, "var_pop", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<false, false, false>>()),
    simple(2641, "var_samp", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<true, false, true>>()),
    simple(2642, "var_samp", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<true, false, true>>()),
    simple(2643, "var_samp", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<true, false, true>>()),
    simple(2644, "var_samp", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<true, false>>()),
    simple(2645, "var_samp", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<true, false>>()),
    simple(2646, "var_samp", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<true, false, false>>()),
    simple(2148, "variance", oid::kNumeric, {oid::kInt8}, ops<SpreadNumeric<true, false, true>>()),
    simple(2149, "variance", oid::kNumeric, {oid::kInt4}, ops<SpreadNumeric<true, false, true>>()),
    simple(2150, "variance", oid::kNumeric, {oid::kInt2}, ops<SpreadNumeric<true, false, true>>()),
    simple(2151, "variance", oid::kFloat8, {oid::kFloat4}, ops<SpreadFloat<true, false>>()),
    simple(2152, "variance", oid::kFloat8, {oid::kFloat8}, ops<SpreadFloat<true, false>>()),
    simple(2153, "variance", oid::kNumeric, {oid::kNumeric}, ops<SpreadNumeric<true, false, false>>()),
    // clang-format on
};

}  // namespace

std::span<const AggregateInfo> aggregate_table() { return kAggregates; }

}  // namespace quorate::sql
