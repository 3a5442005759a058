#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdlib>

#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

// What one aggregate holds of one group: its state, and where it needs them the values it has seen
// (DISTINCT) or must sort first (ORDER BY).
struct Held {
  void* state = nullptr;
  std::unique_ptr<absl::flat_hash_set<Bytes>> seen;
  std::unique_ptr<RowStore> ordered;  // order_by values, then arguments
};

class Aggregate : public Operator {
 public:
  Aggregate(const PlanNode& node, ExecContext& context, const Frame* outer)
      : Operator(node, context, outer), input_(make_operator(*node.children[0], context, outer)) {}
  ~Aggregate() override { drop_groups(); }

  runtime::Task<Status> open() override {
    drop_groups();
    position_ = 0;
    CO_RETURN_IF_ERROR(co_await input_->open());
    if (node_.groups.empty()) CO_RETURN_IF_ERROR(add_group({}));
    for (RowBatch batch;;) {
      CO_RETURN_IF_ERROR(co_await input_->next(&batch));
      if (batch.rows() == 0) break;
      for (size_t r = 0; r < batch.rows(); ++r) CO_RETURN_IF_ERROR(take(batch.row(r)));
    }
    co_return Status();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    for (; position_ < groups_.size() && !out->full(); ++position_) {
      std::span<Datum> row = out->add();
      Group& g = groups_[position_];
      for (size_t i = 0; i < g.values.size(); ++i) row[i] = g.values[i];
      for (size_t a = 0; a < node_.aggregates.size(); ++a) {
        const AggregateStep& step = node_.aggregates[a];
        if (g.held[a].ordered) CO_RETURN_IF_ERROR(feed_ordered(step, g.held[a]));
        set_types(step);
        auto value = step.info->ops.finish(*context_.eval, g.held[a].state);
        if (!value.ok()) co_return value.status();
        row[node_.groups.size() + a] = std::move(*value).own();
      }
    }
    co_return Status();
  }

 private:
  struct Group {
    std::vector<Datum> values;
    std::vector<Held> held;
  };

  void set_types(const AggregateStep& step) {
    if (!step.info->wants_types) return;
    context_.eval->arg_types = step.arg_types;
    context_.eval->result_type = step.result;
  }

  Status add_group(std::vector<Datum> values) {
    Group g;
    size_t bytes = sizeof(Group) + values.size() * sizeof(Datum);
    for (Datum& v : values) {
      g.values.push_back(std::move(v).own());
      bytes += g.values.back().heap_bytes();
    }
    for (const AggregateStep& step : node_.aggregates) {
      Held h;
      const size_t size = (step.info->ops.size + 15) / 16 * 16;
      h.state = std::aligned_alloc(16, std::max<size_t>(size, 16));
      step.info->ops.init(h.state);
      if (step.distinct) h.seen = std::make_unique<absl::flat_hash_set<Bytes>>();
      if (!step.order_by.empty()) {
        h.ordered = std::make_unique<RowStore>(
            static_cast<uint32_t>(step.order_by.size() + step.args.size()));
      }
      bytes += size;
      g.held.push_back(std::move(h));
    }
    groups_.push_back(std::move(g));
    return account(bytes);
  }

  Status take(std::span<const Datum> row) {
    Frame f = frame(row);
    size_t at = 0;
    if (!node_.groups.empty()) {
      scratch_.resize(node_.groups.size());
      for (size_t i = 0; i < scratch_.size(); ++i) {
        if (!node_.groups[i].eval(f, &scratch_[i])) return f.error;
      }
      bool null = false;
      hash_key(node_.group_types, scratch_, &key_, &null);
      auto [it, fresh] = index_.try_emplace(key_, groups_.size());
      at = it->second;
      if (fresh) {
        RETURN_IF_ERROR(account(key_.size() + 56));
        RETURN_IF_ERROR(add_group(scratch_));
      }
    }
    for (size_t a = 0; a < node_.aggregates.size(); ++a) {
      RETURN_IF_ERROR(take_aggregate(node_.aggregates[a], groups_[at].held[a], f));
    }
    return Status();
  }

  Status take_aggregate(const AggregateStep& step, Held& held, const Frame& f) {
    if (step.filter.valid()) {
      bool wanted = step.filter.holds(f);
      if (!f.error.ok()) return f.error;
      if (!wanted) return Status();
    }
    args_.resize(step.args.size());
    bool null = false;
    for (size_t i = 0; i < args_.size(); ++i) {
      if (!step.args[i].eval(f, &args_[i])) return f.error;
      null |= args_[i].is_null();
    }
    if (null && step.info->skips_nulls) return Status();
    if (held.seen != nullptr) {
      Bytes key;
      hash_key(step.arg_types, args_, &key, &null);
      if (!held.seen->insert(key).second) return Status();
      RETURN_IF_ERROR(account(key.size() + 48));
    }
    if (held.ordered != nullptr) {
      std::vector<Datum> values(step.order_by.size());
      for (size_t i = 0; i < values.size(); ++i) {
        if (!step.order_by[i].eval(f, &values[i])) return f.error;
      }
      values.insert(values.end(), args_.begin(), args_.end());
      held.ordered->add(values);
      return account(held.ordered->last_bytes());
    }
    set_types(step);
    const size_t before = step.info->ops.memory != nullptr ? step.info->ops.memory(held.state) : 0;
    RETURN_IF_ERROR(step.info->ops.step(*context_.eval, held.state, args_));
    const size_t after = step.info->ops.memory != nullptr ? step.info->ops.memory(held.state) : 0;
    return after > before ? account(after - before) : Status();
  }

  Status feed_ordered(const AggregateStep& step, Held& held) {
    std::vector<uint32_t> order(held.ordered->rows());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return compare_rows(step.order_keys, held.ordered->row(a), held.ordered->row(b)) < 0;
    });
    set_types(step);
    for (uint32_t i : order) {
      RETURN_IF_ERROR(step.info->ops.step(*context_.eval, held.state,
                                          held.ordered->row(i).subspan(step.order_by.size())));
    }
    return Status();
  }

  void drop_groups() {
    for (Group& g : groups_) {
      for (size_t a = 0; a < g.held.size(); ++a) {
        node_.aggregates[a].info->ops.destroy(g.held[a].state);
        std::free(g.held[a].state);
      }
    }
    groups_.clear();
    index_.clear();
  }

  OperatorPtr input_;
  std::vector<Group> groups_;  // in the order in which they were met
  absl::flat_hash_map<Bytes, size_t> index_;
  std::vector<Datum> scratch_, args_;
  Bytes key_;
  size_t position_ = 0;
};

}  // namespace

OperatorPtr make_aggregate(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<Aggregate>(node, context, outer);
}

}  // namespace quorate::sql
