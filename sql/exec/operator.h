// The executor's operators: one a plan node, pulling batches of rows from those below. A wait (and
// so a coroutine) is per batch, never per row.
#pragma once

#include "sql/exec/execution.h"

namespace quorate::sql {

class Operator {
 public:
  Operator(const PlanNode& node, ExecContext& context, const Frame* outer);
  virtual ~Operator() = default;
  // Starts, or starts again from the beginning (the outer row may have changed).
  virtual runtime::Task<Status> open() = 0;
  // Fills `out` (reset by the callee); no rows: the end.
  virtual runtime::Task<Status> next(RowBatch* out) = 0;
  const PlanNode& node() const { return node_; }

  // NOWAIT's error names the relation, as PostgreSQL's does; others stay as they are.
  static Status of_relation(Status s, const TableDescriptor& table);

 protected:
  // A frame for a row of this node's input.
  Frame frame(std::span<const Datum> row) const {
    Frame f = base_;
    f.row = row;
    f.init_values = context_.init_values;
    return f;
  }
  // Evaluates what may have to wait for the cluster (sequences); errors come back as a status.
  runtime::Task<Status> evaluate(const CompiledExpr& e, Frame frame, Datum* out);
  // For loops that may go on for long without a wait of their own: now and then lets others run,
  // and tells whether the statement is cancelled.
  runtime::Task<Status> breathe();
  // 53200 when the statement holds more than it may.
  Status account(size_t bytes);
  void unaccount(size_t bytes) { context_.memory_used -= std::min(bytes, context_.memory_used); }

  const PlanNode& node_;
  ExecContext& context_;
  Frame base_;
};
using OperatorPtr = std::unique_ptr<Operator>;

OperatorPtr make_operator(const PlanNode& node, ExecContext& context, const Frame* outer);

// Rows kept beyond their batch: owned values.
class RowStore {
 public:
  explicit RowStore(uint32_t width) : width_(width) {}
  void add(std::span<const Datum> row);
  std::span<const Datum> row(size_t i) const { return {values_.data() + i * width_, width_}; }
  size_t rows() const { return width_ == 0 ? empty_rows_ : values_.size() / width_; }
  size_t last_bytes() const { return last_bytes_; }  // of the row added last
  void clear() {
    values_.clear();
    empty_rows_ = 0;
  }

 private:
  uint32_t width_;
  size_t empty_rows_ = 0;
  size_t last_bytes_ = 0;
  std::vector<Datum> values_;
};

// A row's values as one string that is equal exactly for equal values (sql/types/key_encoding.h).
// *null: one of them is null.
void hash_key(std::span<const Type> types, std::span<const Datum> values, Bytes* out, bool* null);
int compare_rows(const std::vector<SortKey>& keys, std::span<const Datum> a,
                 std::span<const Datum> b);

// Constructors of the operators, by file.
OperatorPtr make_table_scan(const PlanNode&, ExecContext&, const Frame*);   // op_scan.cc
OperatorPtr make_point_get(const PlanNode&, ExecContext&, const Frame*);    // op_point.cc
OperatorPtr make_lookup_join(const PlanNode&, ExecContext&, const Frame*);  // op_point.cc
OperatorPtr make_rows_source(
    const PlanNode&, ExecContext&,
    const Frame*);  // op_source.cc: result, values, functions, system tables
OperatorPtr make_row_operator(const PlanNode&, ExecContext&,
                              const Frame*);  // op_row.cc: filter, project, limit, set-returning
OperatorPtr make_sort(const PlanNode&, ExecContext&,
                      const Frame*);  // op_sort.cc: sort, distinct, set operations
OperatorPtr make_aggregate(const PlanNode&, ExecContext&, const Frame*);  // op_aggregate.cc
OperatorPtr make_join(const PlanNode&, ExecContext&, const Frame*);       // op_join.cc
OperatorPtr make_apply(const PlanNode&, ExecContext&, const Frame*);      // op_apply.cc
OperatorPtr make_lock_rows(const PlanNode&, ExecContext&, const Frame*);  // op_lock.cc
OperatorPtr make_write(const PlanNode&, ExecContext&, const Frame*);      // op_write.cc

// Runs a sub-query's plan and gives its value (SubPlan::kind); also op_apply.cc.
runtime::Task<Result<Datum>> run_subplan(const SubPlan& plan, ExecContext& context, Operator& root);

}  // namespace quorate::sql
