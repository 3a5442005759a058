#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

class Filter : public Operator {
 public:
  Filter(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  runtime::Task<Status> open() override { return input_->open(); }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (out->rows() == 0) {
      CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
      if (batch_.rows() == 0) co_return Status();
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (size_t r = 0; r < batch_.rows(); ++r) {
        Frame f = frame(batch_.row(r));
        bool all = true;
        for (const CompiledExpr& e : node_.exprs) {
          if (!e.holds(f)) {
            all = false;
            break;
          }
        }
        CO_RETURN_IF_ERROR(f.error);
        if (!all) continue;
        std::span<Datum> from = batch_.row(r), to = out->add();
        std::move(from.begin(), from.end(), to.begin());
      }
    }
    co_return Status();
  }

 private:
  OperatorPtr input_;
  RowBatch batch_;
};

// Values of a batch's short strings stand in the input batch, which is replaced only with the
// output.
class Project : public Operator {
 public:
  Project(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  runtime::Task<Status> open() override { return input_->open(); }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    // The output's views may look into counted values of the input row: the batch is kept with it.
    auto batch = std::make_shared<RowBatch>();
    CO_RETURN_IF_ERROR(co_await input_->next(batch.get()));
    for (const auto& pin : batch->pins()) out->pin(pin);
    if (batch->rows() > 0) out->pin(batch);
    for (size_t r = 0; r < batch->rows(); ++r) {
      std::span<Datum> row = out->add();
      Frame f = frame(batch->row(r));
      for (size_t i = 0; i < node_.exprs.size(); ++i) {
        if (node_.exprs[i].eval(f, &row[i])) continue;
        CO_RETURN_IF_ERROR(co_await evaluate(node_.exprs[i], f, &row[i]));
        f.error = Status();
      }
    }
    co_return Status();
  }

 private:
  OperatorPtr input_;
};

// Set-returning functions in the select list run side by side; the shorter ones give nulls at their
// end.
class ProjectSet : public Operator {
 public:
  ProjectSet(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  runtime::Task<Status> open() override {
    row_ = 0;
    batch_.reset(0);
    return input_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (!out->full()) {
      if (row_ >= batch_.rows()) {
        if (out->rows() > 0) break;
        CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
        row_ = 0;
        if (batch_.rows() == 0) break;
      }
      CO_RETURN_IF_ERROR(expand(row_++, out));
    }
    co_return Status();
  }

 private:
  Status expand(size_t r, RowBatch* out) {
    std::vector<Datum> row;
    for (const Datum& d : batch_.row(r)) row.push_back(d.own());
    std::vector<std::vector<Datum>> sets;
    size_t most = 0;
    for (const PlanNode::SetCall& call : node_.calls) {
      std::vector<Datum> args(call.args.size());
      Frame f = frame(row);
      bool null = false;
      for (size_t i = 0; i < args.size(); ++i) {
        if (!call.args[i].eval(f, &args[i])) return f.error;
        null |= args[i].is_null();
      }
      sets.emplace_back();
      if (null && call.function->strict) continue;
      context_.eval->arg_types = call.arg_types;
      context_.eval->result_type = call.result;
      ASSIGN_OR_RETURN(auto generator, call.function->set_fn(*context_.eval, args));
      for (std::vector<Datum> values;;) {
        ASSIGN_OR_RETURN(bool more, generator->next(&values));
        if (!more) break;
        sets.back().push_back(values.at(0).own());
        RETURN_IF_ERROR(account(sizeof(Datum) + sets.back().back().heap_bytes()));
      }
      most = std::max(most, sets.back().size());
    }
    row.resize(batch_.width() + sets.size());
    for (size_t i = 0; i < most; ++i) {
      for (size_t s = 0; s < sets.size(); ++s) {
        row[node_.calls[s].slot] = i < sets[s].size() ? sets[s][i] : Datum::null();
      }
      Frame f = frame(row);
      std::span<Datum> to = out->add();
      for (size_t c = 0; c < node_.exprs.size(); ++c) {
        if (!node_.exprs[c].eval(f, &to[c])) return f.error;
        to[c] = to[c].own();
      }
    }
    return Status();
  }

  OperatorPtr input_;
  RowBatch batch_;
  size_t row_ = 0;
};

class Limit : public Operator {
 public:
  Limit(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}

  runtime::Task<Status> open() override {
    left_ = UINT64_MAX;
    skip_ = 0;
    CO_RETURN_IF_ERROR(
        co_await bound(node_.limit, "LIMIT", sqlstate::kInvalidRowCountInLimitClause, &left_));
    CO_RETURN_IF_ERROR(co_await bound(node_.offset, "OFFSET",
                                      sqlstate::kInvalidRowCountInResultOffsetClause, &skip_));
    co_return co_await input_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (left_ > 0 && out->rows() == 0) {
      CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
      if (batch_.rows() == 0) co_return Status();
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (size_t r = 0; r < batch_.rows() && left_ > 0; ++r) {
        if (skip_ > 0) {
          --skip_;
          continue;
        }
        --left_;
        std::span<Datum> from = batch_.row(r), to = out->add();
        std::move(from.begin(), from.end(), to.begin());
      }
    }
    co_return Status();
  }

 private:
  runtime::Task<Status> bound(const CompiledExpr& e, std::string name, SqlState state,
                              uint64_t* value) {
    if (!e.valid()) co_return Status();
    Datum v;
    CO_RETURN_IF_ERROR(co_await evaluate(e, frame({}), &v));
    if (v.is_null()) co_return Status();
    if (v.as_int() < 0) co_return invalid_argument(name + " must not be negative", state);
    *value = static_cast<uint64_t>(v.as_int());
    co_return Status();
  }
  OperatorPtr input_;
  RowBatch batch_;
  uint64_t left_ = 0, skip_ = 0;
};

}  // namespace

OperatorPtr make_row_operator(const PlanNode& node, ExecContext& context, const Frame* outer) {
  switch (node.kind) {
    case NodeKind::kFilter:
      return std::make_unique<Filter>(node, context, outer);
    case NodeKind::kProject:
      return std::make_unique<Project>(node, context, outer);
    case NodeKind::kProjectSet:
      return std::make_unique<ProjectSet>(node, context, outer);
    default:
      return std::make_unique<Limit>(node, context, outer);
  }
}

}  // namespace quorate::sql
