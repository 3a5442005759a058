#include "sql/exec/execution.h"

#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

class ExecutionImpl : public Execution {
 public:
  ExecutionImpl(PlanRef plan, ExecContext& context)
      : plan_(std::move(plan)),
        context_(context),
        root_(make_operator(*plan_->root, context_, nullptr)) {}

  runtime::Task<Status> next(RowBatch* out) override {
    if (!open_) {
      open_ = true;
      CO_RETURN_IF_ERROR(co_await run_init_plans());
      CO_RETURN_IF_ERROR(co_await root_->open());
    }
    CO_RETURN_IF_ERROR(context_.cancel.status());
    CO_RETURN_IF_ERROR(co_await root_->next(out));
    rows_ += out->rows();
    finished_ = out->rows() == 0 || (plan_->at_most_one_row && rows_ > 0);
    co_return Status();
  }

  bool finished() const override { return finished_; }
  uint64_t rows_affected() const override {
    switch (plan_->command) {
      case Command::kInsert:
      case Command::kUpdate:
      case Command::kDelete:
        return context_.rows_written;
      case Command::kSelect:
      case Command::kValues:
        break;
    }
    return rows_;
  }
  const std::map<const PlanNode*, NodeCounters>& counters() const override {
    return context_.counters;
  }

 private:
  // In order: a later one may use an earlier one's value.
  runtime::Task<Status> run_init_plans() {
    context_.init_values.assign(plan_->init_plans.size(), Datum());
    for (size_t i = 0; i < plan_->init_plans.size(); ++i) {
      OperatorPtr root = make_operator(*plan_->init_plans[i].plan, context_, nullptr);
      auto value = co_await run_subplan(plan_->init_plans[i], context_, *root);
      if (!value.ok()) co_return value.status();
      context_.init_values[i] = *value;
    }
    co_return Status();
  }

  PlanRef plan_;
  ExecContext& context_;
  OperatorPtr root_;
  uint64_t rows_ = 0;
  bool open_ = false, finished_ = false;
};

}  // namespace

std::unique_ptr<Execution> Execution::create(PlanRef plan, ExecContext& context) {
  return std::make_unique<ExecutionImpl>(std::move(plan), context);
}

}  // namespace quorate::sql
