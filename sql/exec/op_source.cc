#include "runtime/sync.h"
#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

// One row of expressions, or none where the condition does not hold.
class ResultRow : public Operator {
 public:
  using Operator::Operator;
  runtime::Task<Status> open() override {
    done_ = false;
    co_return Status();
  }
  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    if (done_) co_return Status();
    done_ = true;
    std::span<Datum> row = out->add();
    for (size_t i = 0; i < node_.exprs.size(); ++i) {
      CO_RETURN_IF_ERROR(co_await evaluate(node_.exprs[i], frame({}), &row[i]));
    }
    co_return Status();
  }

 private:
  bool done_ = false;
};

class ValuesRows : public Operator {
 public:
  using Operator::Operator;
  runtime::Task<Status> open() override {
    position_ = 0;
    co_return Status();
  }
  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    for (; position_ < node_.value_rows.size() && !out->full(); ++position_) {
      const auto& exprs = node_.value_rows[position_];
      std::span<Datum> row = out->add();
      for (size_t i = 0; i < exprs.size(); ++i) {
        CO_RETURN_IF_ERROR(co_await evaluate(exprs[i], frame({}), &row[i]));
      }
    }
    co_return Status();
  }

 private:
  size_t position_ = 0;
};

class FunctionRows : public Operator {
 public:
  using Operator::Operator;
  runtime::Task<Status> open() override {
    generator_.reset();
    ordinal_ = 0;
    done_ = false;
    if (node_.calls.empty()) co_return Status();
    const PlanNode::SetCall& call = node_.calls[0];
    args_.assign(call.args.size(), Datum());
    bool null = false;
    for (size_t i = 0; i < args_.size(); ++i) {
      CO_RETURN_IF_ERROR(co_await evaluate(call.args[i], frame({}), &args_[i]));
      null |= args_[i].is_null();
    }
    if (null && call.function->strict) {
      done_ = true;
      co_return Status();
    }
    context_.eval->arg_types = call.arg_types;
    context_.eval->result_type = call.result;
    auto made = call.function->set_fn(*context_.eval, args_);
    if (!made.ok()) co_return made.status();
    generator_ = std::move(*made);
    co_return Status();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    const uint32_t ordinal_slot = node_.width - 1;
    if (generator_ == nullptr) {
      // A function that gives one value stands in FROM.
      if (done_ || node_.exprs.empty()) co_return Status();
      done_ = true;
      std::span<Datum> row = out->add();
      CO_RETURN_IF_ERROR(co_await evaluate(node_.exprs[0], frame({}), &row[0]));
      if (node_.with_ordinality) row[ordinal_slot] = Datum::of_int(1);
      co_return Status();
    }
    CO_RETURN_IF_ERROR(co_await breathe());
    std::vector<Datum> values;
    while (!done_ && !out->full()) {
      auto more = generator_->next(&values);
      if (!more.ok()) co_return more.status();
      if (!*more) {
        done_ = true;
        break;
      }
      std::span<Datum> row = out->add();
      for (size_t i = 0; i < values.size() && i < row.size(); ++i) row[i] = values[i].own();
      if (node_.with_ordinality) row[ordinal_slot] = Datum::of_int(++ordinal_);
    }
    co_return Status();
  }

 private:
  std::unique_ptr<RowGenerator> generator_;
  std::vector<Datum> args_;
  int64_t ordinal_ = 0;
  bool done_ = false;
};

class SystemRows : public Operator {
 public:
  using Operator::Operator;
  runtime::Task<Status> open() override {
    position_ = 0;
    SystemTableContext system = context_.system;
    system.eval = context_.eval;
    auto rows = co_await node_.system_table->rows(system);
    if (!rows.ok()) co_return rows.status();
    rows_ = std::move(*rows);
    co_return Status();
  }
  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    for (; position_ < rows_.size() && !out->full(); ++position_) {
      std::span<Datum> row = out->add();
      for (size_t i = 0; i < row.size() && i < rows_[position_].size(); ++i)
        row[i] = rows_[position_][i].own();
    }
    co_return Status();
  }

 private:
  std::vector<std::vector<Datum>> rows_;
  size_t position_ = 0;
};

}  // namespace

OperatorPtr make_rows_source(const PlanNode& node, ExecContext& context, const Frame* outer) {
  switch (node.kind) {
    case NodeKind::kResult:
      return std::make_unique<ResultRow>(node, context, outer);
    case NodeKind::kValues:
      return std::make_unique<ValuesRows>(node, context, outer);
    case NodeKind::kFunctionScan:
      return std::make_unique<FunctionRows>(node, context, outer);
    default:
      return std::make_unique<SystemRows>(node, context, outer);
  }
}

}  // namespace quorate::sql
