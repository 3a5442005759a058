// Functions that return rows: generate_series, unnest and their like.
#include "sql/functions/families.h"
#include "sql/types/array.h"
#include "sql/types/date_time.h"
#include "sql/types/interval.h"
#include "sql/types/numeric.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;
using Rows = Result<std::unique_ptr<RowGenerator>>;

Status zero_step() { return invalid_argument("step size cannot equal zero"); }

class NoRows final : public RowGenerator {
 public:
  Result<bool> next(std::vector<Datum>*) override { return false; }
};

void set_row(std::vector<Datum>* row, Datum v) {
  row->clear();
  row->push_back(std::move(v));
}

class IntSeries final : public RowGenerator {
 public:
  IntSeries(int64_t next, int64_t last, int64_t step) : next_(next), last_(last), step_(step) {}
  Result<bool> next(std::vector<Datum>* row) override {
    if (done_ || (step_ > 0 ? next_ > last_ : next_ < last_)) return false;
    set_row(row, Datum::of_int(next_));
    done_ = __builtin_add_overflow(next_, step_, &next_);
    return true;
  }

 private:
  int64_t next_, last_, step_;
  bool done_ = false;
};

Rows int_series(EvalContext&, Args a) {
  int64_t step = a.size() > 2 ? a[2].as_int() : 1;
  if (step == 0) return zero_step();
  return Rows(std::make_unique<IntSeries>(a[0].as_int(), a[1].as_int(), step));
}

class NumericSeries final : public RowGenerator {
 public:
  NumericSeries(Datum next, Datum last, Datum step)
      : next_(std::move(next)), last_(std::move(last)), step_(std::move(step)) {
    ascending_ = Numeric::from_datum(step_).sign() > 0;
  }
  Result<bool> next(std::vector<Datum>* row) override {
    int c = numeric_compare(next_.as_bytes(), last_.as_bytes());
    if (ascending_ ? c > 0 : c < 0) return false;
    set_row(row, next_);
    ASSIGN_OR_RETURN(next_, numeric_add(next_, step_));
    return true;
  }

 private:
  Datum next_, last_, step_;
  bool ascending_ = true;
};

Rows numeric_series(EvalContext&, Args a) {
  Datum step = a.size() > 2 ? a[2].own() : numeric_of_int(1);
  static constexpr std::string_view kNames[] = {"start value", "stop value", "step size"};
  const Datum* parts[] = {&a[0], &a[1], &step};
  for (int i = 0; i < 3; ++i) {
    Numeric n = Numeric::from_datum(*parts[i]);
    if (!n.is_finite())
      return invalid_argument(std::string(kNames[i]) + " cannot be " +
                              (n.is_nan() ? "NaN" : "infinity"));
  }
  if (Numeric::from_datum(step).sign() == 0) return zero_step();
  return Rows(std::make_unique<NumericSeries>(a[0].own(), a[1].own(), std::move(step)));
}

class TimestampSeries final : public RowGenerator {
 public:
  TimestampSeries(int64_t next, int64_t last, Interval step, bool with_zone, const TimeZone* zone)
      : next_(next),
        last_(last),
        step_(step),
        with_zone_(with_zone),
        zone_(zone),
        ascending_(step.length() > 0) {}
  Result<bool> next(std::vector<Datum>* row) override {
    if (ascending_ ? next_ > last_ : next_ < last_) return false;
    set_row(row, Datum::of_int(next_));
    ASSIGN_OR_RETURN(next_, timestamp_add(next_, step_, with_zone_, zone_));
    return true;
  }

 private:
  int64_t next_, last_;
  Interval step_;
  bool with_zone_;
  const TimeZone* zone_;  // the session's, which outlives its statement
  bool ascending_;
};

template <bool kWithZone>
Rows timestamp_series(EvalContext& ctx, Args a) {
  Interval step = Interval::from_datum(a[2]);
  if (step.length() == 0) return zero_step();
  if (is_infinite_timestamp(a[0].as_int())) return Rows(std::make_unique<NoRows>());
  return Rows(std::make_unique<TimestampSeries>(a[0].as_int(), a[1].as_int(), step, kWithZone,
                                                ctx.io.time_zone));
}

class Elements final : public RowGenerator {
 public:
  explicit Elements(Datum array) : source_(std::move(array)), array_(Array::open(source_)) {}
  Result<bool> next(std::vector<Datum>* row) override {
    if (at_ >= array_.values.size()) return false;
    set_row(row, array_.values[at_++].own());
    return true;
  }

 private:
  Datum source_;  // what the elements look into
  Array array_;
  size_t at_ = 0;
};

Rows unnest(EvalContext&, Args a) { return Rows(std::make_unique<Elements>(a[0].own())); }

Rows subscripts(EvalContext&, Args a) {
  Array v = Array::open(a[0]);
  int64_t n = a[1].as_int();
  if (n < 1 || n > static_cast<int64_t>(v.dimensions.size()))
    return Rows(std::make_unique<NoRows>());
  const ArrayDimension& d = v.dimensions[static_cast<size_t>(n - 1)];
  int64_t first = d.lower, last = int64_t{d.lower} + d.length - 1;
  bool reverse = a.size() > 2 && a[2].as_bool();
  return Rows(std::make_unique<IntSeries>(reverse ? last : first, reverse ? first : last,
                                          reverse ? -1 : 1));
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {1067, "generate_series", 23, {23, 23}, Volatility::kImmutable, true, nullptr, int_series},
    {1066, "generate_series", 23, {23, 23, 23}, Volatility::kImmutable, true, nullptr, int_series},
    {1069, "generate_series", 20, {20, 20}, Volatility::kImmutable, true, nullptr, int_series},
    {1068, "generate_series", 20, {20, 20, 20}, Volatility::kImmutable, true, nullptr, int_series},
    {3260, "generate_series", 1700, {1700, 1700}, Volatility::kImmutable, true, nullptr, numeric_series},
    {3259, "generate_series", 1700, {1700, 1700, 1700}, Volatility::kImmutable, true, nullptr, numeric_series},
    {938, "generate_series", 1114, {1114, 1114, 1186}, Volatility::kImmutable, true, nullptr, timestamp_series<false>},
    {939, "generate_series", 1184, {1184, 1184, 1186}, Volatility::kStable, true, nullptr, timestamp_series<true>},
    {2331, "unnest", 2283, {2277}, Volatility::kImmutable, true, nullptr, unnest, 0, true},
    {1192, "generate_subscripts", 23, {2277, 23}, Volatility::kImmutable, true, nullptr, subscripts, 0, true},
    {1191, "generate_subscripts", 23, {2277, 23, 16}, Volatility::kImmutable, true, nullptr, subscripts, 0, true},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> set_functions() { return kFunctions; }

}  // namespace quorate::sql
