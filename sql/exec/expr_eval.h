// Bound expressions compiled for evaluation: columns resolved to slots, constants folded, one small
// node an operation. Immutable and shared by all executions of a plan; evaluation allocates nothing
// itself.
//
// eval() gives false and sets frame.error on an error. Datums it gives may be views of the row, of
// the parameters or of the expression's constants: they live as long as these.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sql/analyze/expr.h"
#include "sql/exec/frame.h"

namespace quorate::sql {

// Where an expression finds what it refers to. Levels: 0 is the frame's row, n the row n frames
// out.
struct Slot {
  uint32_t level = 0;
  uint32_t index = 0;
};
using SlotFinder = std::function<std::optional<Slot>(const Expr&)>;

class CompiledExpr {
 public:
  CompiledExpr() = default;
  // `find` is asked for each kColumn, kAggregate, kWindow, kSetReturning and sub-query (and first
  // for any node, so that a computed expression can be replaced by its slot); what it does not know
  // is an error. Sub-queries that run once are asked for by `find_init`, giving their number among
  // init_values.
  static Result<CompiledExpr> compile(
      const Expr& e, const SlotFinder& find,
      const std::function<std::optional<uint32_t>(const Expr&)>& find_init = nullptr);

  bool valid() const { return root_ != nullptr; }
  Type type() const;
  bool eval(const Frame& frame, Datum* out) const;
  // For conditions: true only where the value is true. False with frame.error set on an error.
  bool holds(const Frame& frame) const;
  // The slot where the expression is nothing but a column of the frame's own row.
  std::optional<uint32_t> plain_slot() const;
  bool is_constant() const;
  // Nothing but constants, parameters and casts of them: evaluating it again changes nothing.
  bool is_plain_input() const;
  const Datum* constant() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace quorate::sql
