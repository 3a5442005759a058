// Running a plan: one Execution a statement or portal.
//
// Rows come in batches; a portal with a row limit simply stops asking. Everything the execution
// reads and writes goes through one transaction; it holds no lock on anything else. Memory is
// counted against limits::kStatementBytesMax (53200).
#pragma once

#include <map>
#include <memory>

#include "runtime/cancel.h"
#include "sql/plan/plan.h"
#include "txn/transaction.h"

namespace quorate::sql {

// Rows, one after another in one vector.
class RowBatch {
 public:
  static constexpr size_t kRows = 256;
  void reset(uint32_t width) {
    width_ = width;
    rows_ = 0;
    values_.clear();
    pins_.clear();
  }
  uint32_t width() const { return width_; }
  size_t rows() const { return rows_; }
  bool full() const { return rows_ >= kRows; }
  std::span<const Datum> row(size_t i) const { return {values_.data() + i * width_, width_}; }
  std::span<Datum> row(size_t i) { return {values_.data() + i * width_, width_}; }
  // Null values; valid until the next add.
  std::span<Datum> add() {
    values_.resize(values_.size() + width_);
    ++rows_;
    return row(rows_ - 1);
  }
  void drop_last() {
    values_.resize(values_.size() - width_);
    --rows_;
  }
  // Keeps alive what the rows' views look at.
  void pin(std::shared_ptr<const void> memory) {
    if (pins_.empty() || pins_.back() != memory) pins_.push_back(std::move(memory));
  }
  const std::vector<std::shared_ptr<const void>>& pins() const { return pins_; }

 private:
  uint32_t width_ = 0;
  size_t rows_ = 0;
  std::vector<Datum> values_;
  std::vector<std::shared_ptr<const void>> pins_;
};

// Counted by EXPLAIN ANALYZE, one a plan node.
struct NodeCounters {
  uint64_t rows = 0, loops = 0;
  runtime::Duration time{0};
};

struct ExecContext {
  txn::Transaction* txn = nullptr;
  EvalContext* eval = nullptr;
  runtime::Executor* executor = nullptr;
  std::span<const Datum> params;
  runtime::CancelToken cancel;
  SystemTableContext system;
  txn::Client* client = nullptr;  // its clock, which never repeats, gives hidden row ids
  // Awaits what an expression found missing (a sequence's next values): see SessionFunctions.
  std::function<runtime::Task<Status>()> await_missing;
  size_t memory_used = 0;
  uint64_t rows_written = 0;  // by the statement itself (PlanNode::counted)
  std::vector<Datum> init_values;
  std::map<const PlanNode*, NodeCounters> counters;
  bool instrument = false;  // EXPLAIN ANALYZE
};

class Execution {
 public:
  virtual ~Execution() = default;
  // `plan` and what `context` points to outlive it.
  static std::unique_ptr<Execution> create(PlanRef plan, ExecContext& context);
  // The next rows of the result; an empty batch at the end. Statements that return nothing do all
  // their work in the first call.
  virtual runtime::Task<Status> next(RowBatch* out) = 0;
  // Whether next() has nothing more to give: spares the call that only says so. May be false at
  // the end.
  virtual bool finished() const = 0;
  virtual uint64_t rows_affected() const = 0;
  virtual const std::map<const PlanNode*, NodeCounters>& counters() const = 0;
};

}  // namespace quorate::sql
