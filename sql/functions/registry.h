// The functions, operators and aggregates: rows of data with PostgreSQL's names and OIDs, and
// PostgreSQL's rules for choosing among them. The analyzer resolves names here, the executor calls
// `fn`, and pg_proc, pg_operator and pg_aggregate list the same rows. The tables are immutable and
// shared by all threads.
//
// Calling a function: arguments have exactly the types that resolution returned (insert the casts
// it implies), a strict function is never called with a null argument (the caller answers null),
// `wants_types` asks for EvalContext::arg_types. The result has the resolved type and may be a view
// of an argument: it lives no longer than the arguments do unless own() is called.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/functions/eval_context.h"
#include "sql/types/cast.h"
#include "sql/types/type.h"

namespace quorate::sql {

enum class Volatility : uint8_t { kImmutable, kStable, kVolatile };

using ScalarFn = Result<Datum> (*)(EvalContext&, std::span<const Datum> args);

// The rows of one call of a set-returning function, one at a time.
class RowGenerator {
 public:
  virtual ~RowGenerator() = default;
  // Fills `row` (one Datum a column) and gives true, or false at the end.
  virtual Result<bool> next(std::vector<Datum>* row) = 0;
};
using SetFn = Result<std::unique_ptr<RowGenerator>> (*)(EvalContext&, std::span<const Datum> args);

// A list of types that can stand in a constant table.
struct TypeList {
  static constexpr size_t kMax = 7;
  std::array<Oid, kMax> types{};
  uint8_t count = 0;
  constexpr TypeList() = default;
  constexpr TypeList(std::initializer_list<Oid> list) {  // NOLINT: implicit by intent
    for (Oid t : list) types[count++] = t;
  }
  constexpr size_t size() const { return count; }
  constexpr Oid operator[](size_t i) const { return types[i]; }
  constexpr const Oid* begin() const { return types.data(); }
  constexpr const Oid* end() const { return types.data() + count; }
  friend constexpr bool operator==(const TypeList&, const TypeList&) = default;
};

// One row of pg_proc. Exactly one of `fn` and `set_fn` is set.
struct FunctionInfo {
  Oid oid = 0;
  std::string_view name;
  Oid result = 0;
  TypeList args;
  Volatility volatility = Volatility::kImmutable;
  bool strict = true;
  ScalarFn fn = nullptr;
  SetFn set_fn = nullptr;
  Oid variadic = 0;  // element type of a last VARIADIC parameter (kAny: VARIADIC "any"); 0: none
  bool wants_types = false;  // reads EvalContext::arg_types / result_type
  uint8_t defaults =
      0;  // how many trailing parameters may be left out: the function sees fewer arguments

  bool returns_set() const { return set_fn != nullptr; }
};

// What an operator means to the planner. Only the comparison operators of a type's own btree class
// have kEqual to kGreaterEqual (also across int2/int4/int8, float4/float8,
// date/timestamp/timestamptz).
enum class ComparisonKind : uint8_t {
  kNone,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kLike,
  kNotLike,
  kILike,
  kNotILike,
  kRegex
};

// One row of pg_operator; `left` is 0 for prefix operators.
struct OperatorInfo {
  Oid oid = 0;
  std::string_view name;
  Oid left = 0, right = 0, result = 0;
  Oid function = 0;
  Oid commutator = 0, negator = 0;
  ComparisonKind comparison = ComparisonKind::kNone;
};

// How an aggregate works on its state, an object of `size` bytes aligned to 16 that the executor
// places.
struct AggregateOps {
  size_t size = 0;
  void (*init)(void* state) = nullptr;
  // One input row, nulls included unless `skips_nulls`. Arguments as resolved.
  Status (*step)(EvalContext&, void* state, std::span<const Datum> args) = nullptr;
  // May be called once; the state is still to be destroyed. Null is a value.
  Result<Datum> (*finish)(EvalContext&, void* state) = nullptr;
  void (*destroy)(void* state) = nullptr;
  // Heap bytes that the state holds, for memory accounting.
  size_t (*memory)(const void* state) = nullptr;
};

// One row of pg_aggregate with its pg_proc row. `star`: count(*), which takes no argument.
struct AggregateInfo {
  Oid oid = 0;
  std::string_view name;
  Oid result = 0;
  TypeList args;
  bool star = false;
  bool skips_nulls = true;     // rows with a null argument are not stepped
  bool order_matters = false;  // string_agg, array_agg
  bool wants_types = false;
  AggregateOps ops;
};

std::span<const FunctionInfo* const> all_functions();
std::span<const OperatorInfo> all_operators();
std::span<const AggregateInfo> all_aggregates();
const FunctionInfo* find_function(Oid oid);
const OperatorInfo* find_operator(Oid oid);
const AggregateInfo* find_aggregate(Oid oid);
bool is_aggregate_name(std::string_view name);
bool is_function_name(std::string_view name);
// The operator with exactly these operand types, or nullptr: `find_operator("=", kInt4, kInt8)`.
const OperatorInfo* find_operator(std::string_view name, Oid left, Oid right);
// "=", "<" ... of two values of one type, after binary coercion (varchar uses text's); nullptr
// where it has none.
const OperatorInfo* comparison_operator(ComparisonKind kind, Oid type);

// --- resolution (PostgreSQL's manual, chapter 10) ---
//
// Untyped literals and parameters without a type are given as oid::kUnknown. The answer names for
// each argument the type that it must be cast to (polymorphic parameters replaced by real types).

struct ResolvedFunction {
  const FunctionInfo* function = nullptr;  // null: `cast` is set
  std::vector<Oid> args;                   // one a given argument, after resolution
  Oid result = 0;
  // The arguments from this one on become one array (of `function->args`' last type, resolved); -1:
  // none.
  int variadic_from = -1;
  // f(x) with f a type's name is a cast of x to `result`.
  bool is_cast = false;
};
// `variadic_call`: the last argument was marked VARIADIC. 42883 `function f(integer) does not
// exist` with PostgreSQL's hint, 42725 when several fit equally well. `name` is unqualified (schema
// pg_catalog).
Result<ResolvedFunction> resolve_function(std::string_view name, std::span<const Oid> args,
                                          bool variadic_call = false);

struct ResolvedOperator {
  const OperatorInfo* op = nullptr;
  const FunctionInfo* function = nullptr;
  Oid left = 0, right = 0;  // what the operands are cast to
  Oid result = 0;
};
// left is 0 (oid::kInvalid) for a prefix operator. 42883 `operator does not exist: integer + text`,
// 42725.
Result<ResolvedOperator> resolve_operator(std::string_view name, Oid left, Oid right);

struct ResolvedAggregate {
  const AggregateInfo* aggregate = nullptr;
  std::vector<Oid> args;
  Oid result = 0;
};
Result<ResolvedAggregate> resolve_aggregate(std::string_view name, std::span<const Oid> args,
                                            bool star);

// The common type of several expressions (UNION, CASE, VALUES, COALESCE, GREATEST, ARRAY[]),
// PostgreSQL's select_common_type. All unknown gives text. 42804 `<what> types integer and text
// cannot be matched`.
Result<Oid> common_type(std::string_view what, std::span<const Oid> types);

}  // namespace quorate::sql
