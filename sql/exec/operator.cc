#include "sql/exec/operator.h"

#include "base/limits.h"
#include "runtime/sync.h"
#include "sql/types/key_encoding.h"

namespace quorate::sql {

Operator::Operator(const PlanNode& node, ExecContext& context, const Frame* outer)
    : node_(node), context_(context) {
  base_.outer = outer;
  base_.params = context.params;
  base_.context = context.eval;
}

runtime::Task<Status> Operator::evaluate(const CompiledExpr& e, Frame f, Datum* out) {
  for (bool waited = false;; waited = true) {
    f.error = Status();
    if (e.eval(f, out)) {
      if (waited && context_.eval->session != nullptr) context_.eval->session->settled();
      co_return Status();
    }
    if (f.error.code() != StatusCode::kUnavailable || !context_.await_missing) co_return f.error;
    CO_RETURN_IF_ERROR(co_await context_.await_missing());
  }
}

runtime::Task<Status> Operator::breathe() {
  CO_RETURN_IF_ERROR(context_.cancel.status());
  co_await runtime::yield(*context_.executor);
  co_return context_.cancel.status();
}

Status Operator::of_relation(Status s, const TableDescriptor& table) {
  if (s.sqlstate() != sqlstate::kLockNotAvailable ||
      !s.message().starts_with("could not obtain lock"))
    return s;
  return Status(s.code(), s.sqlstate(),
                "could not obtain lock on row in relation \"" + table.name + "\"");
}

Status Operator::account(size_t bytes) {
  context_.memory_used += bytes;
  if (context_.memory_used > limits::kStatementBytesMax) {
    return Status(StatusCode::kResourceExhausted, sqlstate::kOutOfMemory, "out of memory")
        .with_detail("The statement needs more than " +
                     std::to_string(limits::kStatementBytesMax >> 20) +
                     " MB for sorting, hashing and results.");
  }
  return Status();
}

namespace {

// EXPLAIN ANALYZE: counts what an operator gives and how long it took, those below it included.
class Measured final : public Operator {
 public:
  Measured(OperatorPtr inner, const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer),
        inner_(std::move(inner)),
        counters_(context.counters[&node]) {}
  runtime::Task<Status> open() override {
    ++counters_.loops;
    const runtime::Instant begun = context_.executor->now();
    Status s = co_await inner_->open();
    counters_.time += context_.executor->now() - begun;
    co_return s;
  }
  runtime::Task<Status> next(RowBatch* out) override {
    const runtime::Instant begun = context_.executor->now();
    Status s = co_await inner_->next(out);
    counters_.time += context_.executor->now() - begun;
    if (s.ok()) counters_.rows += out->rows();
    co_return s;
  }

 private:
  OperatorPtr inner_;
  NodeCounters& counters_;
};

OperatorPtr make_plain(const PlanNode& node, ExecContext& context, const Frame* outer) {
  switch (node.kind) {
    case NodeKind::kResult:
    case NodeKind::kValues:
    case NodeKind::kSystemScan:
    case NodeKind::kFunctionScan:
      return make_rows_source(node, context, outer);
    case NodeKind::kTableScan:
      return make_table_scan(node, context, outer);
    case NodeKind::kPointGet:
      return make_point_get(node, context, outer);
    case NodeKind::kLookupJoin:
      return make_lookup_join(node, context, outer);
    case NodeKind::kFilter:
    case NodeKind::kProject:
    case NodeKind::kProjectSet:
    case NodeKind::kLimit:
      return make_row_operator(node, context, outer);
    case NodeKind::kSort:
    case NodeKind::kDistinct:
    case NodeKind::kSetOperation:
      return make_sort(node, context, outer);
    case NodeKind::kAggregate:
      return make_aggregate(node, context, outer);
    case NodeKind::kNestedLoop:
    case NodeKind::kHashJoin:
      return make_join(node, context, outer);
    case NodeKind::kApply:
      return make_apply(node, context, outer);
    case NodeKind::kLockRows:
      return make_lock_rows(node, context, outer);
    case NodeKind::kInsert:
    case NodeKind::kUpdate:
    case NodeKind::kDelete:
      return make_write(node, context, outer);
  }
  UNREACHABLE("plan node");
}

}  // namespace

OperatorPtr make_operator(const PlanNode& node, ExecContext& context, const Frame* outer) {
  OperatorPtr plain = make_plain(node, context, outer);
  if (!context.instrument) return plain;
  return std::make_unique<Measured>(std::move(plain), node, context, outer);
}

void RowStore::add(std::span<const Datum> row) {
  last_bytes_ = row.size() * sizeof(Datum);
  if (row.empty()) ++empty_rows_;
  for (const Datum& d : row) {
    values_.push_back(d.own());
    last_bytes_ += values_.back().heap_bytes();
  }
}

void hash_key(std::span<const Type> types, std::span<const Datum> values, Bytes* out, bool* null) {
  out->clear();
  *null = false;
  for (size_t i = 0; i < values.size(); ++i) {
    const Datum& v = values[i];
    *null |= v.is_null();
    out->push_back(v.is_null() ? 0 : 1);
    if (v.is_null()) continue;
    switch (types[i].oid) {
      case oid::kText:
      case oid::kVarchar:
      case oid::kBpchar:
      case oid::kBytea: {  // equal where their bytes are, but for padding
        BytesView bytes = v.as_bytes();
        if (types[i].oid == oid::kBpchar) bytes = without_trailing_blanks(bytes);
        const auto size = static_cast<uint32_t>(bytes.size());
        out->append(reinterpret_cast<const char*>(&size), sizeof size).append(bytes);
        break;
      }
      case oid::kInt2:
      case oid::kInt4:
      case oid::kInt8: {
        const int64_t number = v.as_int();
        out->append(reinterpret_cast<const char*>(&number), sizeof number);
        break;
      }
      default:
        encode_key(types[i], v, false, false, *out);
    }
  }
}

int compare_rows(const std::vector<SortKey>& keys, std::span<const Datum> a,
                 std::span<const Datum> b) {
  for (const SortKey& k : keys) {
    const Datum &x = a[k.slot], &y = b[k.slot];
    if (x.is_null() || y.is_null()) {
      if (x.is_null() && y.is_null()) continue;
      return x.is_null() == k.nulls_first ? -1 : 1;
    }
    int c = compare(k.type.oid, x, y);
    if (c != 0) return k.descending ? -c : c;
  }
  return 0;
}

}  // namespace quorate::sql
