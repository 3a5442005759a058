#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

// Locks the rows that its input found, reads them again as they are under the lock, and lets
// through those that still meet the condition (what PostgreSQL calls EvalPlanQual). With a LIMIT
// above no more rows are locked at a time than it asks for. At SERIALIZABLE
// and REPEATABLE READ nothing can have changed: the transaction has proved it, or has failed.
class LockRows : public Operator {
 public:
  LockRows(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  runtime::Task<Status> open() override {
    batch_.reset(0);
    row_ = 0;
    at_a_time_ = UINT64_MAX;
    if (node_.rows_hint.valid()) {
      Frame f = frame({});
      Datum hint;
      if (node_.rows_hint.eval(f, &hint) && !hint.is_null() && hint.as_int() > 0)
        at_a_time_ = static_cast<uint64_t>(hint.as_int());
    }
    return input_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (out->rows() == 0) {
      if (row_ >= batch_.rows()) {
        CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
        row_ = 0;
        if (batch_.rows() == 0) co_return Status();
      }
      const size_t end = static_cast<size_t>(
          std::min<uint64_t>(batch_.rows(), row_ + std::min<uint64_t>(at_a_time_, batch_.rows())));
      std::vector<bool> keep(batch_.rows(), true);
      for (const auto& target : node_.locks) CO_RETURN_IF_ERROR(co_await lock(target, end, &keep));
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (; row_ < end; ++row_) {
        if (!keep[row_]) continue;
        if (node_.recheck.valid()) {
          Frame f = frame(batch_.row(row_));
          bool holds = node_.recheck.holds(f);
          CO_RETURN_IF_ERROR(f.error);
          if (!holds) continue;
        }
        std::span<Datum> from = batch_.row(row_), to = out->add();
        std::move(from.begin(), from.end(), to.begin());
      }
    }
    co_return Status();
  }

 private:
  // Rows row_ to `end` of the batch.
  runtime::Task<Status> lock(const PlanNode::LockTarget& target, size_t end,
                             std::vector<bool>* keep) {
    std::vector<Bytes> keys;
    std::vector<size_t> places;
    std::vector<Datum> values(target.key_slots.size());
    for (size_t r = row_; r < end; ++r) {
      bool null = false;
      for (size_t i = 0; i < values.size(); ++i) {
        values[i] = batch_.row(r)[target.key_slots[i]];
        null |= values[i].is_null();
      }
      if (null) continue;  // the nullable side of an outer join: there is no row
      Bytes key;
      CO_RETURN_IF_ERROR(target.codec->encode_prefix(0, values, &key));
      keys.push_back(std::move(key));
      places.push_back(r);
    }
    if (keys.empty()) co_return Status();
    txn::ReadOptions options;
    options.lock = target.mode;
    options.wait = target.wait;
    auto rows = std::make_shared<range::RowSet>();
    if (!context_.txn->try_get(keys, options, rows.get())) {
      auto locked = co_await context_.txn->get(std::move(keys), options);
      if (!locked.ok()) co_return of_relation(locked.status(), *target.table);
      *rows = std::move(*locked);
    }
    batch_.pin(rows);
    std::vector<Datum> scratch(target.codec->row_width());
    for (size_t i = 0; i < places.size(); ++i) {
      if (!rows->present(i)) {
        (*keep)[places[i]] = false;
        continue;
      }
      CO_RETURN_IF_ERROR(
          target.codec->decode_primary(rows->key(i), rows->value(i), target.columns, scratch));
      std::span<Datum> row = batch_.row(places[i]);
      for (size_t c = 0; c < target.columns.size(); ++c)
        row[target.row_slots[c]] = scratch[target.columns[c]];
      if (node_.with_version)
        row[node_.version_slot] = Datum::of_int(static_cast<int64_t>(rows->ts(i).packed));
    }
    co_return Status();
  }

  OperatorPtr input_;
  RowBatch batch_;
  size_t row_ = 0;
  uint64_t at_a_time_ = UINT64_MAX;  // rows; what a LIMIT above asks for
};

}  // namespace

OperatorPtr make_lock_rows(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<LockRows>(node, context, outer);
}

}  // namespace quorate::sql
