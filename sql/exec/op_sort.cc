#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstring>

#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

// The first sort key as a number of the same order, as far as it goes: rows with different numbers
// are in their order, others must be compared. Ascending, nulls apart.
uint64_t rank_of(Oid type, const Datum& v) {
  switch (type) {
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kDate:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return static_cast<uint64_t>(v.as_int()) ^ uint64_t { 1 } << 63;
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kBytea: {
      BytesView bytes = v.as_bytes();
      if (type == oid::kBpchar) bytes = without_trailing_blanks(bytes);
      uint64_t rank = 0;
      std::memcpy(&rank, bytes.data(), std::min<size_t>(bytes.size(), 8));
      return __builtin_bswap64(rank);
    }
    default:
      return 0;
  }
}

// Rows of a single batch are sorted where they stand; of more, owned copies.
class Sort : public Operator {
 public:
  Sort(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer),
        input_(make_operator(*node.children[0], context, outer)),
        rows_(node.width) {}

  runtime::Task<Status> open() override {
    rows_.clear();
    first_.reset(node_.width);
    unaccount(held_);
    held_ = 0;
    order_.clear();
    position_ = 0;
    CO_RETURN_IF_ERROR(co_await input_->open());
    CO_RETURN_IF_ERROR(co_await input_->next(&first_));
    alone_ = true;
    for (RowBatch batch; first_.rows() > 0;) {
      CO_RETURN_IF_ERROR(co_await input_->next(&batch));
      if (batch.rows() == 0) break;
      if (alone_) CO_RETURN_IF_ERROR(keep(first_));
      alone_ = false;
      CO_RETURN_IF_ERROR(keep(batch));
    }
    make_order();
    co_return Status();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    if (alone_) {
      for (const auto& pin : first_.pins()) out->pin(pin);
    }
    for (; position_ < order_.size() && !out->full(); ++position_) {
      std::span<const Datum> from = row(order_[position_].row);
      std::span<Datum> to = out->add();
      std::copy(from.begin(), from.end(), to.begin());
    }
    co_return Status();
  }

 private:
  struct Ranked {
    uint64_t rank;
    uint32_t row;
  };

  std::span<const Datum> row(size_t i) const { return alone_ ? first_.row(i) : rows_.row(i); }
  size_t rows() const { return alone_ ? first_.rows() : rows_.rows(); }

  Status keep(const RowBatch& batch) {
    for (size_t r = 0; r < batch.rows(); ++r) {
      rows_.add(batch.row(r));
      held_ += rows_.last_bytes();
      RETURN_IF_ERROR(account(rows_.last_bytes()));
    }
    if (node_.bound && rows_.rows() > 4 * *node_.bound + 1024) {
      alone_ = false;
      keep_first(*node_.bound);
    }
    return Status();
  }

  void make_order() {
    const SortKey& key = node_.sort[0];
    bool ranked = true;
    order_.resize(rows());
    for (uint32_t i = 0; i < order_.size(); ++i) {
      const Datum& v = row(i)[key.slot];
      ranked = ranked && !v.is_null();
      const uint64_t rank = ranked ? rank_of(key.type.oid, v) : 0;
      order_[i] = {key.descending ? ~rank : rank, i};
    }
    std::stable_sort(order_.begin(), order_.end(), [&](const Ranked& a, const Ranked& b) {
      if (ranked && a.rank != b.rank) return a.rank < b.rank;
      return compare_rows(node_.sort, row(a.row), row(b.row)) < 0;
    });
  }
  void keep_first(uint64_t count) {
    make_order();
    RowStore kept(node_.width);
    size_t bytes = 0;
    for (uint64_t i = 0; i < count && i < order_.size(); ++i) {
      kept.add(rows_.row(order_[i].row));
      bytes += kept.last_bytes();
    }
    rows_ = std::move(kept);
    unaccount(held_ - bytes);
    held_ = bytes;
  }

  OperatorPtr input_;
  RowBatch first_;
  bool alone_ = true;  // it is all that there is
  RowStore rows_;
  std::vector<Ranked> order_;
  size_t position_ = 0;
  size_t held_ = 0;  // bytes of rows_
};

class Distinct : public Operator {
 public:
  Distinct(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  runtime::Task<Status> open() override {
    seen_.clear();
    return input_->open();
  }
  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    std::vector<Datum> values(node_.distinct_slots.size());
    Bytes key;
    bool null = false;
    while (out->rows() == 0) {
      CO_RETURN_IF_ERROR(co_await input_->next(&batch_));
      if (batch_.rows() == 0) co_return Status();
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (size_t r = 0; r < batch_.rows(); ++r) {
        std::span<Datum> from = batch_.row(r);
        for (size_t i = 0; i < values.size(); ++i) values[i] = from[node_.distinct_slots[i]];
        hash_key(node_.distinct_types, values, &key, &null);
        if (!seen_.insert(key).second) continue;
        CO_RETURN_IF_ERROR(account(key.size() + 48));
        std::span<Datum> to = out->add();
        std::move(from.begin(), from.end(), to.begin());
      }
    }
    co_return Status();
  }

 private:
  OperatorPtr input_;
  RowBatch batch_;
  absl::flat_hash_set<Bytes> seen_;
};

// UNION, INTERSECT, EXCEPT by counting each row on the right, then going over the left.
class SetOp : public Operator {
 public:
  SetOp(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer),
        left_(make_operator(*node.children[0], context, outer)),
        right_(make_operator(*node.children[1], context, outer)) {}

  runtime::Task<Status> open() override {
    counts_.clear();
    on_right_ = false;
    CO_RETURN_IF_ERROR(co_await left_->open());
    CO_RETURN_IF_ERROR(co_await right_->open());
    if (node_.set_operation == SetOperation::kUnion) co_return Status();
    Bytes key;
    bool null = false;
    for (RowBatch batch;;) {
      CO_RETURN_IF_ERROR(co_await right_->next(&batch));
      if (batch.rows() == 0) co_return Status();
      for (size_t r = 0; r < batch.rows(); ++r) {
        hash_key(node_.distinct_types, batch.row(r), &key, &null);
        auto [it, fresh] = counts_.emplace(key, 0);
        ++it->second;
        if (fresh) CO_RETURN_IF_ERROR(account(key.size() + 56));
      }
    }
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (out->rows() == 0) {
      Operator& side = on_right_ ? *right_ : *left_;
      CO_RETURN_IF_ERROR(co_await side.next(&batch_));
      if (batch_.rows() == 0) {
        if (on_right_ || node_.set_operation != SetOperation::kUnion) co_return Status();
        on_right_ = true;
        continue;
      }
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (size_t r = 0; r < batch_.rows(); ++r) {
        CO_ASSIGN_OR_RETURN(bool wanted, decide(batch_.row(r)));
        if (!wanted) continue;
        std::span<Datum> from = batch_.row(r), to = out->add();
        std::move(from.begin(), from.end(), to.begin());
      }
    }
    co_return Status();
  }

 private:
  Result<bool> decide(std::span<const Datum> row) {
    if (node_.set_operation == SetOperation::kUnion && node_.set_all) return true;
    bool null = false;
    hash_key(node_.distinct_types, row, &key_, &null);
    auto it = counts_.find(key_);
    switch (node_.set_operation) {
      case SetOperation::kUnion:
        if (it != counts_.end()) return false;
        counts_.emplace(key_, 1);
        RETURN_IF_ERROR(account(key_.size() + 56));
        return true;
      case SetOperation::kIntersect:
        if (it == counts_.end() || it->second <= 0) return false;
        // ALL gives as many as both have; without it each row once.
        it->second = node_.set_all ? it->second - 1 : 0;
        return true;
      case SetOperation::kExcept:
        if (it != counts_.end() && it->second > 0) {
          if (node_.set_all) --it->second;
          return false;
        }
        if (!node_.set_all) counts_[key_] = 1;
        return true;
      case SetOperation::kNone:
        break;
    }
    UNREACHABLE("set operation");
  }

  OperatorPtr left_, right_;
  RowBatch batch_;
  Bytes key_;
  bool on_right_ = false;
  absl::flat_hash_map<Bytes, int64_t> counts_;
};

}  // namespace

OperatorPtr make_sort(const PlanNode& node, ExecContext& context, const Frame* outer) {
  switch (node.kind) {
    case NodeKind::kSort:
      return std::make_unique<Sort>(node, context, outer);
    case NodeKind::kDistinct:
      return std::make_unique<Distinct>(node, context, outer);
    default:
      return std::make_unique<SetOp>(node, context, outer);
  }
}

}  // namespace quorate::sql
