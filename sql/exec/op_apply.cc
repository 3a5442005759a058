#include "sql/exec/operator.h"
#include "sql/types/array.h"

namespace quorate::sql {

runtime::Task<Result<Datum>> run_subplan(const SubPlan& plan, ExecContext& context,
                                         Operator& root) {
  CO_RETURN_IF_ERROR(context.cancel.status());
  CO_RETURN_IF_ERROR(co_await root.open());
  std::vector<Datum> values;
  for (RowBatch batch;;) {
    CO_RETURN_IF_ERROR(co_await root.next(&batch));
    if (batch.rows() == 0) break;
    if (plan.kind == SubqueryKind::kExists) co_return Datum::of_bool(true);
    for (size_t r = 0; r < batch.rows(); ++r) values.push_back(batch.row(r)[0].own());
    if (plan.kind == SubqueryKind::kScalar && values.size() > 1) {
      co_return Status(StatusCode::kInvalidArgument, sqlstate::kCardinalityViolation,
                       "more than one row returned by a subquery used as an expression");
    }
  }
  switch (plan.kind) {
    case SubqueryKind::kExists:
      co_return Datum::of_bool(false);
    case SubqueryKind::kArray:
      co_return Array::of(element_type(plan.type.oid), std::move(values)).to_datum();
    case SubqueryKind::kScalar:
    case SubqueryKind::kIn:
      break;
  }
  co_return values.empty() ? Datum::null() : values[0];
}

namespace {

// Appends the value of each sub-query to each row.
class Apply : public Operator {
 public:
  Apply(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {
    row_frame_ = base_;
    for (const SubPlan& sub : node.subplans) {
      sides_.push_back(Side{make_operator(*sub.plan, context, &row_frame_), nullptr});
    }
  }

  runtime::Task<Status> open() override {
    // What does not depend on the outer row may depend on rows further out: it is read anew at each
    // start.
    for (Side& s : sides_) s.rows.reset();
    return input_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
    for (const auto& pin : batch_.pins()) out->pin(pin);
    const size_t width = batch_.width();
    for (size_t r = 0; r < batch_.rows(); ++r) {
      std::vector<Datum> values;
      row_frame_ = frame(batch_.row(r));
      for (size_t i = 0; i < sides_.size(); ++i) {
        const SubPlan& sub = node_.subplans[i];
        Datum value;
        if (sub.kind == SubqueryKind::kIn) {
          auto in = co_await is_in(sub, sides_[i]);
          if (!in.ok()) co_return in.status();
          value = *in;
        } else {
          auto v = co_await run_subplan(sub, context_, *sides_[i].root);
          if (!v.ok()) co_return v.status();
          value = *v;
        }
        values.push_back(std::move(value));
      }
      std::span<Datum> row = out->add();
      std::span<Datum> from = batch_.row(r);
      std::move(from.begin(), from.end(), row.begin());
      std::move(values.begin(), values.end(), row.begin() + static_cast<std::ptrdiff_t>(width));
    }
    co_return Status();
  }

 private:
  struct Side {
    OperatorPtr root;
    std::unique_ptr<RowStore> rows;  // kIn: the sub-query's rows, sorted, nulls apart
    bool has_null = false;
  };

  runtime::Task<Status> load(const SubPlan& sub, Side& side) {
    side.rows = std::make_unique<RowStore>(sub.plan->width);
    side.has_null = false;
    CO_RETURN_IF_ERROR(co_await side.root->open());
    for (RowBatch batch;;) {
      CO_RETURN_IF_ERROR(co_await side.root->next(&batch));
      if (batch.rows() == 0) break;
      for (size_t r = 0; r < batch.rows(); ++r) {
        side.rows->add(batch.row(r));
        for (const Datum& d : batch.row(r)) side.has_null = side.has_null || d.is_null();
        CO_RETURN_IF_ERROR(account(side.rows->last_bytes()));
      }
    }
    sorted_.assign(side.rows->rows(), 0);
    for (uint32_t i = 0; i < sorted_.size(); ++i) sorted_[i] = i;
    if (sub.left.size() == 1 && !side.has_null) {
      std::sort(sorted_.begin(), sorted_.end(), [&](uint32_t a, uint32_t b) {
        return sub.compare[0](side.rows->row(a)[0], side.rows->row(b)[0]) < 0;
      });
      RowStore sorted(sub.plan->width);
      for (uint32_t i : sorted_) sorted.add(side.rows->row(i));
      *side.rows = std::move(sorted);
    }
    co_return Status();
  }

  // SQL's IN over rows: true when one is equal, unknown when one might be (a null is in the way),
  // else false.
  runtime::Task<Result<Datum>> is_in(const SubPlan& sub, Side& side) {
    if (sub.correlated || side.rows == nullptr) CO_RETURN_IF_ERROR(co_await load(sub, side));
    std::vector<Datum> left(sub.left.size());
    bool left_null = false;
    for (size_t i = 0; i < left.size(); ++i) {
      if (!sub.left[i].eval(row_frame_, &left[i])) co_return row_frame_.error;
      left_null |= left[i].is_null();
    }
    const size_t count = side.rows->rows();
    if (count == 0) co_return Datum::of_bool(sub.negated);
    if (left.size() == 1 && !side.has_null && !left_null) {
      size_t low = 0, high = count;
      while (low < high) {
        size_t middle = (low + high) / 2;
        if (sub.compare[0](side.rows->row(middle)[0], left[0]) < 0)
          low = middle + 1;
        else
          high = middle;
      }
      bool found = low < count && sub.compare[0](side.rows->row(low)[0], left[0]) == 0;
      co_return Datum::of_bool(found != sub.negated);
    }
    bool unknown = false;
    for (size_t r = 0; r < count; ++r) {
      bool equal = true, maybe = false;
      for (size_t i = 0; i < left.size() && equal; ++i) {
        const Datum& d = side.rows->row(r)[i];
        if (d.is_null() || left[i].is_null())
          maybe = true;
        else
          equal = sub.compare[i](d, left[i]) == 0;
      }
      if (equal && !maybe) co_return Datum::of_bool(!sub.negated);
      unknown |= equal && maybe;
    }
    co_return unknown ? Datum::null() : Datum::of_bool(sub.negated);
  }

  OperatorPtr input_;
  Frame row_frame_;
  std::vector<Side> sides_;
  std::vector<uint32_t> sorted_;
  RowBatch batch_;
};

}  // namespace

OperatorPtr make_apply(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<Apply>(node, context, outer);
}

}  // namespace quorate::sql
