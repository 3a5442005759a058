#include <absl/container/flat_hash_map.h>

#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

Status all_hold(const std::vector<CompiledExpr>& conditions, const Frame& f, bool* result) {
  *result = true;
  for (const CompiledExpr& e : conditions) {
    *result = e.holds(f);
    if (!f.error.ok()) return f.error;
    if (!*result) break;
  }
  return Status();
}

void put(std::span<const Datum> from, std::span<Datum> to) {
  std::copy(from.begin(), from.end(), to.begin());
}

// The inner plan runs anew for each outer row.
class NestedLoop : public Operator {
 public:
  NestedLoop(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), left_(make_operator(*node.children[0], context, outer)) {
    row_frame_ = base_;
    right_ = make_operator(*node.children[1], context, &row_frame_);
  }

  runtime::Task<Status> open() override {
    batch_.reset(0);
    row_ = 0;
    in_row_ = false;
    return left_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (!out->full()) {
      if (!in_row_) {
        if (row_ >= batch_.rows()) {
          if (out->rows() > 0) break;
          CO_RETURN_IF_ERROR(co_await left_->next(&batch_));
          row_ = 0;
          if (batch_.rows() == 0) break;
        }
        row_frame_ = frame(batch_.row(row_));
        CO_RETURN_IF_ERROR(co_await right_->open());
        in_row_ = true;
        matched_ = false;
      }
      if (++work_ % 64 == 0) CO_RETURN_IF_ERROR(co_await breathe());
      CO_RETURN_IF_ERROR(co_await right_->next(&inner_));
      for (const auto& pin : batch_.pins()) out->pin(pin);
      if (inner_.rows() == 0) {
        if (!matched_ && node_.join == JoinKind::kLeft) put(batch_.row(row_), out->add());
        in_row_ = false;
        ++row_;
        continue;
      }
      for (const auto& pin : inner_.pins()) out->pin(pin);
      for (size_t i = 0; i < inner_.rows(); ++i) {
        std::span<Datum> row = out->add();
        put(batch_.row(row_), row);
        put(inner_.row(i), row.subspan(batch_.width()));
        Frame f = frame(row);
        bool holds = true;
        CO_RETURN_IF_ERROR(all_hold(node_.exprs, f, &holds));
        if (holds)
          matched_ = true;
        else
          out->drop_last();
      }
    }
    co_return Status();
  }

 private:
  OperatorPtr left_, right_;
  Frame row_frame_;
  RowBatch batch_, inner_;
  size_t row_ = 0, work_ = 0;
  bool in_row_ = false, matched_ = false;
};

// The right side becomes a table by key; without keys each left row meets all of it.
class HashJoin : public Operator {
 public:
  HashJoin(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer),
        left_(make_operator(*node.children[0], context, outer)),
        right_(make_operator(*node.children[1], context, outer)),
        table_(node.children[1]->width) {}

  runtime::Task<Status> open() override {
    table_.clear();
    buckets_.clear();
    all_.clear();
    matched_.clear();
    batch_.reset(0);
    row_ = 0;
    match_ = 0;
    in_row_ = left_done_ = false;
    unmatched_ = 0;
    CO_RETURN_IF_ERROR(co_await right_->open());
    std::vector<Datum> values(node_.right_keys.size());
    Bytes key;
    for (RowBatch batch;;) {
      CO_RETURN_IF_ERROR(co_await right_->next(&batch));
      if (batch.rows() == 0) break;
      for (size_t r = 0; r < batch.rows(); ++r) {
        bool null = false;
        CO_RETURN_IF_ERROR(make_key(node_.right_keys, batch.row(r), &values, &key, &null));
        if (null && node_.join != JoinKind::kFull) continue;  // can't match, and nobody misses it
        const uint32_t at = static_cast<uint32_t>(table_.rows());
        table_.add(batch.row(r));
        CO_RETURN_IF_ERROR(account(table_.last_bytes() + key.size() + 64));
        if (null) continue;
        if (node_.right_keys.empty())
          all_.push_back(at);
        else
          buckets_[key].push_back(at);
      }
    }
    matched_.assign(table_.rows(), false);
    co_return co_await left_->open();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (!out->full() && !left_done_) {
      if (!in_row_) {
        if (row_ >= batch_.rows()) {
          if (out->rows() > 0) break;
          CO_RETURN_IF_ERROR(co_await left_->next(&batch_));
          row_ = 0;
          if (batch_.rows() == 0) {
            left_done_ = true;
            break;
          }
        }
        CO_RETURN_IF_ERROR(start_row());
      }
      for (const auto& pin : batch_.pins()) out->pin(pin);
      for (; match_ < candidates_->size() && !out->full(); ++match_) {
        // Counted over all batches: whoever takes them may never wait either.
        if (++work_ % 4096 == 0) CO_RETURN_IF_ERROR(co_await breathe());
        const uint32_t at = (*candidates_)[match_];
        std::span<Datum> row = out->add();
        put(batch_.row(row_), row);
        put(table_.row(at), row.subspan(batch_.width()));
        Frame f = frame(row);
        bool holds = true;
        CO_RETURN_IF_ERROR(all_hold(node_.exprs, f, &holds));
        if (!holds) {
          out->drop_last();
          continue;
        }
        found_ = true;
        matched_[at] = true;
      }
      if (match_ < candidates_->size()) break;
      if (!found_ && (node_.join == JoinKind::kLeft || node_.join == JoinKind::kFull)) {
        if (out->full()) break;
        put(batch_.row(row_), out->add());
      }
      in_row_ = false;
      ++row_;
    }
    if (left_done_ && node_.join == JoinKind::kFull) {
      for (; unmatched_ < table_.rows() && !out->full(); ++unmatched_) {
        if (!matched_[unmatched_])
          put(table_.row(unmatched_), out->add().subspan(node_.width - table_width()));
      }
    }
    co_return Status();
  }

 private:
  size_t table_width() const { return node_.children[1]->width; }

  Status make_key(const std::vector<CompiledExpr>& exprs, std::span<const Datum> row,
                  std::vector<Datum>* values, Bytes* key, bool* null) {
    Frame f = frame(row);
    for (size_t i = 0; i < exprs.size(); ++i) {
      if (!exprs[i].eval(f, &(*values)[i])) return f.error;
    }
    hash_key(node_.key_types, {values->data(), exprs.size()}, key, null);
    return Status();
  }

  Status start_row() {
    static const std::vector<uint32_t> kNone;
    in_row_ = true;
    found_ = false;
    match_ = 0;
    if (node_.left_keys.empty()) {
      candidates_ = &all_;
      return Status();
    }
    std::vector<Datum> values(node_.left_keys.size());
    bool null = false;
    RETURN_IF_ERROR(make_key(node_.left_keys, batch_.row(row_), &values, &key_, &null));
    auto it = null ? buckets_.end() : buckets_.find(key_);
    candidates_ = it == buckets_.end() ? &kNone : &it->second;
    return Status();
  }

  OperatorPtr left_, right_;
  RowStore table_;
  absl::flat_hash_map<Bytes, std::vector<uint32_t>> buckets_;
  std::vector<uint32_t> all_;
  std::vector<bool> matched_;
  RowBatch batch_;
  Bytes key_;
  const std::vector<uint32_t>* candidates_ = nullptr;
  size_t row_ = 0, match_ = 0, unmatched_ = 0, work_ = 0;
  bool in_row_ = false, found_ = false, left_done_ = false;
};

}  // namespace

OperatorPtr make_join(const PlanNode& node, ExecContext& context, const Frame* outer) {
  if (node.kind == NodeKind::kNestedLoop) return std::make_unique<NestedLoop>(node, context, outer);
  return std::make_unique<HashJoin>(node, context, outer);
}

}  // namespace quorate::sql
