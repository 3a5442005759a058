#include "sql/exec/operator.h"
#include "sql/exec/row_writer.h"

namespace quorate::sql {
namespace {

// The part that INSERT, UPDATE and DELETE share: all the work is done at the first call of next();
// rows of RETURNING are handed out afterwards.
class WriteOperator : public Operator {
 public:
  WriteOperator(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer),
        input_(make_operator(*node.children[0], context, outer)),
        writer_(*node.write, context),
        returned_(node.width) {}

  runtime::Task<Status> open() override { return input_->open(); }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    if (!done_) {
      for (RowBatch batch;;) {
        CO_RETURN_IF_ERROR(context_.cancel.status());
        CO_RETURN_IF_ERROR(co_await input_->next(&batch));
        if (batch.rows() == 0) break;
        CO_RETURN_IF_ERROR(co_await write(batch));
        CO_RETURN_IF_ERROR(co_await writer_.relieve());
      }
      CO_RETURN_IF_ERROR(co_await writer_.finish());
      done_ = true;
    }
    for (; position_ < returned_.rows() && !out->full(); ++position_) {
      std::span<const Datum> from = returned_.row(position_);
      std::span<Datum> to = out->add();
      std::copy(from.begin(), from.end(), to.begin());
    }
    co_return Status();
  }

 protected:
  virtual runtime::Task<Status> write(RowBatch& batch) = 0;

  // RETURNING sees the table's row, then the row that led to it.
  Status give_back(std::span<const Datum> table_row, std::span<const Datum> input_row) {
    if (node_.counted) ++context_.rows_written;
    if (!node_.returning) return Status();
    const size_t columns = node_.write->table->columns.size();
    std::vector<Datum> row(table_row.begin(),
                           table_row.begin() + static_cast<std::ptrdiff_t>(columns));
    row.insert(row.end(), input_row.begin(), input_row.end());
    Frame f = frame(row);
    std::vector<Datum> values(node_.returning_exprs.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!node_.returning_exprs[i].eval(f, &values[i])) return f.error;
    }
    returned_.add(values);
    return account(returned_.last_bytes());
  }

  OperatorPtr input_;
  RowWriter writer_;

 private:
  RowStore returned_;
  size_t position_ = 0;
  bool done_ = false;
};

class Insert : public WriteOperator {
 public:
  using WriteOperator::WriteOperator;

 private:
  runtime::Task<Status> write(RowBatch& batch) override {
    std::vector<NewRow> rows(batch.rows());
    for (size_t r = 0; r < batch.rows(); ++r) {
      rows[r].values.resize(node_.write->codec->row_width());
      for (size_t c = 0; c < node_.insert_slots.size(); ++c) {
        if (node_.insert_slots[c]) {
          rows[r].values[c] = batch.row(r)[*node_.insert_slots[c]];
        } else if (node_.column_defaults[c].valid()) {
          CO_RETURN_IF_ERROR(
              co_await evaluate(node_.column_defaults[c], frame({}), &rows[r].values[c]));
        }
      }
      CO_RETURN_IF_ERROR(writer_.prepare(&rows[r]));
    }
    // A statement that has written so many rows is a load.
    if (written_ > kLoadAfterRows && node_.conflict == nullptr && writer_.may_load()) {
      for (NewRow& row : rows) {
        CO_RETURN_IF_ERROR(writer_.load(row));
        CO_RETURN_IF_ERROR(give_back(row.values, {}));
      }
      co_return Status();
    }
    written_ += rows.size();
    CO_RETURN_IF_ERROR(co_await writer_.probe(&rows));
    for (NewRow& row : rows) {
      if (node_.conflict != nullptr) {
        CO_ASSIGN_OR_RETURN(bool handled, co_await settle_conflict(row));
        if (handled) continue;
      }
      CO_RETURN_IF_ERROR(writer_.insert(row));
      CO_RETURN_IF_ERROR(give_back(row.values, {}));
    }
    co_return Status();
  }

  static constexpr size_t kLoadAfterRows = 4096;
  size_t written_ = 0;  // one by one

  // True when the row met another one and ON CONFLICT has dealt with it.
  runtime::Task<Result<bool>> settle_conflict(NewRow& row) {
    const PlanNode::Conflict& on = *node_.conflict;
    // Rows before this one in the statement count too.
    for (IndexEntry& e : row.entries) {
      if (e.probed && writer_.written_here(e.key)) e.present = true;
    }
    std::optional<size_t> hit;
    for (size_t i = 0; i < row.entries.size(); ++i) {
      if (row.entries[i].present && (!on.index || row.entries[i].index == *on.index)) hit = i;
    }
    if (!hit) {
      if (on.index && row.conflict()) co_return writer_.duplicate_error(row, *row.conflict());
      co_return false;
    }
    if (on.do_nothing) co_return true;
    const IndexEntry& entry = row.entries[*hit];
    if (writer_.written_here(entry.key)) {
      co_return Status(StatusCode::kInvalidArgument, sqlstate::kCardinalityViolation,
                       "ON CONFLICT DO UPDATE command cannot affect row a second time")
          .with_hint(
              "Ensure that no rows proposed for insertion within the same command have duplicate "
              "constrained "
              "values.");
    }
    co_return co_await update_existing(row, entry);
  }

  runtime::Task<Result<bool>> update_existing(NewRow& row, const IndexEntry& entry) {
    const PlanNode::Conflict& on = *node_.conflict;
    const RowCodec& codec = *node_.write->codec;
    txn::ReadOptions options;
    options.lock = txn::LockMode::kExclusive;
    Bytes primary = entry.key;
    if (entry.index != 0) {
      std::vector<Bytes> keys{entry.key};
      CO_ASSIGN_OR_RETURN(range::RowSet found,
                          co_await context_.txn->get(std::move(keys), options));
      if (!found.present(0))
        co_return aborted("could not serialize access due to concurrent update");
      CO_RETURN_IF_ERROR(codec.primary_key_of(entry.index, found.key(0), found.value(0), &primary));
    }
    std::vector<Bytes> keys{primary};
    auto existing = std::make_shared<range::RowSet>();
    CO_ASSIGN_OR_RETURN(*existing, co_await context_.txn->get(std::move(keys), options));
    if (!existing->present(0))
      co_return aborted("could not serialize access due to concurrent update");
    std::vector<uint32_t> all(codec.row_width());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    std::vector<Datum> old(codec.row_width());
    CO_RETURN_IF_ERROR(codec.decode_primary(existing->key(0), existing->value(0), all, old));
    const size_t columns = node_.write->table->columns.size();
    std::vector<Datum> both(old.begin(), old.begin() + static_cast<std::ptrdiff_t>(columns));
    both.insert(both.end(), row.values.begin(),
                row.values.begin() + static_cast<std::ptrdiff_t>(columns));
    Frame f = frame(both);
    if (on.where.valid()) {
      bool holds = on.where.holds(f);
      CO_RETURN_IF_ERROR(f.error);
      if (!holds) co_return true;
    }
    if (!writer_.first_touch(old)) {
      co_return Status(StatusCode::kInvalidArgument, sqlstate::kCardinalityViolation,
                       "ON CONFLICT DO UPDATE command cannot affect row a second time")
          .with_hint(
              "Ensure that no rows proposed for insertion within the same command have duplicate "
              "constrained "
              "values.");
    }
    NewRow updated;
    for (const Datum& d : old) updated.values.push_back(d.own());
    for (const auto& [column, e] : on.assignments) {
      CO_RETURN_IF_ERROR(co_await evaluate(e, f, &updated.values[column]));
    }
    CO_RETURN_IF_ERROR(co_await writer_.update(old, existing->ts(0), &updated));
    CO_RETURN_IF_ERROR(give_back(updated.values, {}));
    co_return true;
  }
};

// Whether a plan gives each row of its table once: no join repeats them.
bool gives_rows_once(const PlanNode& node) {
  switch (node.kind) {
    case NodeKind::kPointGet:
    case NodeKind::kTableScan:
      return true;
    case NodeKind::kFilter:
    case NodeKind::kApply:
    case NodeKind::kLockRows:
      return gives_rows_once(*node.children[0]);
    default:
      return false;
  }
}

class Update : public WriteOperator {
 public:
  using WriteOperator::WriteOperator;

 private:
  runtime::Task<Status> write(RowBatch& batch) override {
    std::vector<Datum> old(node_.target_slots.size());
    for (size_t r = 0; r < batch.rows(); ++r) {
      std::span<const Datum> row = batch.row(r);
      for (size_t i = 0; i < old.size(); ++i) old[i] = row[node_.target_slots[i]];
      // Joined with several rows: the first one counts.
      if (!once_ && !writer_.first_touch(old)) continue;
      const Timestamp version(static_cast<uint64_t>(row[node_.version_slot].as_int()));
      NewRow updated;
      updated.values = old;
      for (const auto& [column, e] : node_.assignments) {
        Frame f = frame(row);
        if (e.eval(f, &updated.values[column])) continue;
        CO_RETURN_IF_ERROR(co_await evaluate(e, f, &updated.values[column]));
      }
      CO_RETURN_IF_ERROR(co_await writer_.update(old, version, &updated));
      CO_RETURN_IF_ERROR(give_back(updated.values, row));
    }
    co_return Status();
  }

  const bool once_ = gives_rows_once(*node_.children[0]);
};

class Delete : public WriteOperator {
 public:
  using WriteOperator::WriteOperator;

 private:
  runtime::Task<Status> write(RowBatch& batch) override {
    std::vector<Datum> old(node_.target_slots.size());
    for (size_t r = 0; r < batch.rows(); ++r) {
      std::span<const Datum> row = batch.row(r);
      for (size_t i = 0; i < old.size(); ++i) old[i] = row[node_.target_slots[i]];
      if (!once_ && !writer_.first_touch(old)) continue;
      const Timestamp version(static_cast<uint64_t>(row[node_.version_slot].as_int()));
      CO_RETURN_IF_ERROR(co_await writer_.remove(old, version));
      CO_RETURN_IF_ERROR(give_back(old, row));
    }
    co_return Status();
  }

  const bool once_ = gives_rows_once(*node_.children[0]);
};

}  // namespace

OperatorPtr make_write(const PlanNode& node, ExecContext& context, const Frame* outer) {
  switch (node.kind) {
    case NodeKind::kInsert:
      return std::make_unique<Insert>(node, context, outer);
    case NodeKind::kUpdate:
      return std::make_unique<Update>(node, context, outer);
    default:
      return std::make_unique<Delete>(node, context, outer);
  }
}

}  // namespace quorate::sql
