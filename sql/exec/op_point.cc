#include "sql/exec/operator.h"
#include "sql/types/array.h"

namespace quorate::sql {
namespace {

// One item a key, in order.
runtime::Task<Status> read_rows(txn::Transaction* txn, std::vector<Bytes> keys,
                                txn::ReadOptions options, range::RowSet* out) {
  auto found = co_await txn->get(std::move(keys), options);
  if (!found.ok()) co_return found.status();
  *out = std::move(*found);
  co_return Status();
}

// Rows by whole keys of a unique index, many at a time: one request a range for the index, one for
// the rows.
runtime::Task<Result<std::shared_ptr<range::RowSet>>> fetch_rows(const PlanNode& node,
                                                                 ExecContext& context,
                                                                 std::vector<Bytes> keys) {
  CO_RETURN_IF_ERROR(context.cancel.status());
  txn::ReadOptions options;
  options.columns = node.used;
  const bool primary = node.range.index == 0;
  options.stored = primary ? node.codec->stored_columns() : 0;
  if (primary) {
    options.lock = node.lock;
    options.wait = node.wait;
  }
  txn::Transaction* const txn = context.txn;
  auto found = std::make_shared<range::RowSet>();
  if (!txn->try_get(keys, options, found.get())) {
    Status read = co_await read_rows(txn, std::move(keys), options, found.get());
    if (!read.ok()) co_return Operator::of_relation(read, *node.table);
  }
  if (primary) co_return found;
  std::vector<Bytes> row_keys;
  std::vector<size_t> places;
  for (size_t i = 0; i < found->size(); ++i) {
    if (!found->present(i)) continue;
    Bytes key;
    CO_RETURN_IF_ERROR(
        node.codec->primary_key_of(node.range.index, found->key(i), found->value(i), &key));
    row_keys.push_back(std::move(key));
    places.push_back(i);
  }
  auto rows = std::make_shared<range::RowSet>();
  if (row_keys.empty()) {
    for (size_t i = 0; i < found->size(); ++i) rows->add_absent(found->key(i), Timestamp());
    co_return rows;
  }
  options.stored = node.codec->stored_columns();
  range::RowSet fetched;
  if (!txn->try_get(row_keys, options, &fetched)) {
    Status read = co_await read_rows(txn, std::move(row_keys), options, &fetched);
    if (!read.ok()) co_return Operator::of_relation(read, *node.table);
  }
  for (size_t i = 0, next = 0; i < found->size(); ++i) {
    if (next < places.size() && places[next] == i) {
      if (fetched.present(next))
        rows->add(fetched.key(next), fetched.value(next), fetched.ts(next));
      else
        rows->add_absent(fetched.key(next), Timestamp());
      ++next;
    } else {
      rows->add_absent(found->key(i), Timestamp());
    }
  }
  co_return rows;
}

class PointGet : public Operator {
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
    std::vector<Bytes> keys;
    CO_RETURN_IF_ERROR(make_keys(&keys));
    if (keys.empty()) co_return Status();
    auto rows = co_await fetch_rows(node_, context_, std::move(keys));
    if (!rows.ok()) co_return rows.status();
    out->pin(*rows);
    std::vector<Datum> scratch(node_.codec->row_width());
    for (size_t i = 0; i < (*rows)->size(); ++i) {
      if (!(*rows)->present(i)) continue;
      CO_RETURN_IF_ERROR(
          node_.codec->decode_primary((*rows)->key(i), (*rows)->value(i), node_.columns, scratch));
      std::span<Datum> row = out->add();
      for (size_t c = 0; c < node_.columns.size(); ++c)
        row[c] = std::move(scratch[node_.columns[c]]);
      if (node_.with_version)
        row[node_.columns.size()] = Datum::of_int(static_cast<int64_t>((*rows)->ts(i).packed));
    }
    co_return Status();
  }

 private:
  Status make_keys(std::vector<Bytes>* keys) {
    Frame f = frame({});
    std::vector<Datum> values;
    for (const auto& exprs : node_.keys) {
      values.resize(exprs.size());
      bool null = false;
      for (size_t i = 0; i < exprs.size(); ++i) {
        if (!exprs[i].eval(f, &values[i])) return f.error;
        null |= values[i].is_null();
      }
      if (null) continue;
      if (node_.key_array.valid()) {
        RETURN_IF_ERROR(make_array_keys(f, std::move(values), keys));
        break;
      }
      Bytes key;
      RETURN_IF_ERROR(node_.codec->encode_prefix(node_.range.index, values, &key));
      keys->push_back(std::move(key));
    }
    if (keys->size() > 1) {
      std::sort(keys->begin(), keys->end());
      keys->erase(std::unique(keys->begin(), keys->end()), keys->end());
    }
    return Status();
  }

  Status make_array_keys(const Frame& f, std::vector<Datum> values, std::vector<Bytes>* keys) {
    Datum array;
    if (!node_.key_array.eval(f, &array)) return f.error;
    if (array.is_null()) return Status();
    values.emplace_back();
    const Array opened = Array::open(array);
    for (const Datum& element : opened.values) {
      if (element.is_null()) continue;
      values.back() = element;
      Bytes key;
      RETURN_IF_ERROR(node_.codec->encode_prefix(node_.range.index, values, &key));
      keys->push_back(std::move(key));
    }
    return Status();
  }
  bool done_ = false;
};

// For a batch of left rows: their keys, each once; the rows behind these; then the pairs, in the
// left order.
class LookupJoin : public Operator {
 public:
  LookupJoin(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), left_(make_operator(*node.children[0], context, outer)) {}

  runtime::Task<Status> open() override { return left_->open(); }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (out->rows() == 0) {
      RowBatch left;
      CO_RETURN_IF_ERROR(co_await left_->next(&left));
      if (left.rows() == 0) co_return Status();
      std::vector<Bytes> keys;
      std::vector<int64_t> place(left.rows(), -1);
      CO_RETURN_IF_ERROR(make_keys(left, &keys, &place));
      auto rows = std::make_shared<range::RowSet>();
      if (!keys.empty()) {
        auto fetched = co_await fetch_rows(node_, context_, std::move(keys));
        if (!fetched.ok()) co_return fetched.status();
        rows = *fetched;
      }
      for (const auto& pin : left.pins()) out->pin(pin);
      out->pin(rows);
      CO_RETURN_IF_ERROR(emit(left, *rows, place, out));
    }
    co_return Status();
  }

 private:
  Status make_keys(const RowBatch& left, std::vector<Bytes>* keys, std::vector<int64_t>* place) {
    std::map<Bytes, int64_t> known;
    std::vector<Datum> values(node_.keys[0].size());
    for (size_t r = 0; r < left.rows(); ++r) {
      Frame f = frame(left.row(r));
      bool null = false;
      for (size_t i = 0; i < values.size(); ++i) {
        if (!node_.keys[0][i].eval(f, &values[i])) return f.error;
        null |= values[i].is_null();
      }
      if (null) continue;
      Bytes key;
      RETURN_IF_ERROR(node_.codec->encode_prefix(node_.range.index, values, &key));
      auto [it, fresh] = known.emplace(std::move(key), static_cast<int64_t>(keys->size()));
      if (fresh) keys->push_back(it->first);
      (*place)[r] = it->second;
    }
    return Status();
  }

  Status emit(const RowBatch& left, const range::RowSet& rows, const std::vector<int64_t>& place,
              RowBatch* out) {
    std::vector<Datum> scratch(node_.codec->row_width());
    const size_t left_width = left.width();
    for (size_t r = 0; r < left.rows(); ++r) {
      const bool found = place[r] >= 0 && rows.present(static_cast<size_t>(place[r]));
      if (!found && node_.join == JoinKind::kInner) continue;
      std::span<const Datum> from = left.row(r);
      std::span<Datum> row = out->add();
      std::copy(from.begin(), from.end(), row.begin());
      if (!found) continue;
      const size_t at = static_cast<size_t>(place[r]);
      RETURN_IF_ERROR(
          node_.codec->decode_primary(rows.key(at), rows.value(at), node_.columns, scratch));
      for (size_t c = 0; c < node_.columns.size(); ++c)
        row[left_width + c] = scratch[node_.columns[c]];
      bool matches = true;
      for (const CompiledExpr& e : node_.exprs) {
        Frame f = frame(row);
        matches = e.holds(f);
        RETURN_IF_ERROR(f.error);
        if (!matches) break;
      }
      if (!matches) {
        for (size_t c = 0; c < node_.columns.size(); ++c) row[left_width + c] = Datum::null();
      }
    }
    return Status();
  }

  OperatorPtr left_;
};

}  // namespace

OperatorPtr make_point_get(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<PointGet>(node, context, outer);
}
OperatorPtr make_lookup_join(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<LookupJoin>(node, context, outer);
}

}  // namespace quorate::sql
