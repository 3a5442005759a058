#include "base/limits.h"
#include "sql/exec/index_span.h"
#include "sql/exec/operator.h"

namespace quorate::sql {
namespace {

constexpr uint64_t kFirstChunk = 256;

// Reads a part of an index in chunks, and the rows behind it where the index does not hold all.
class TableScan : public Operator {
 public:
  using Operator::Operator;

  runtime::Task<Status> open() override {
    chunk_.reset();
    position_ = 0;
    done_ = false;
    Frame f = frame({});
    auto span = index_span(node_.range, *node_.codec, f);
    if (!span.ok()) co_return span.status();
    if (!span->has_value()) {
      done_ = true;
      co_return Status();
    }
    scan_.span = std::move(**span);
    scan_.reverse = node_.reverse;
    scan_.columns = node_.used;
    if (node_.range.index == 0) {
      scan_.stored = node_.codec->stored_columns();
      scan_.lock = node_.lock;
      scan_.wait = node_.wait;
    }
    chunk_rows_ = kFirstChunk;
    if (node_.rows_hint.valid()) {
      Datum hint;
      if (node_.rows_hint.eval(f, &hint) && !hint.is_null() && hint.as_int() >= 0) {
        chunk_rows_ =
            std::max<uint64_t>(1, std::min<uint64_t>(hint.as_int(), limits::kScanRowsMax));
      }
    }
    scratch_.assign(node_.codec->row_width(), Datum());
    co_return Status();
  }

  runtime::Task<Status> next(RowBatch* out) override {
    out->reset(node_.width);
    while (out->rows() == 0) {
      if (chunk_ == nullptr || position_ >= chunk_->size()) {
        if (done_) co_return Status();
        CO_RETURN_IF_ERROR(co_await read_chunk());
        continue;
      }
      CO_RETURN_IF_ERROR(emit(out));
    }
    co_return Status();
  }

 private:
  runtime::Task<Status> read_chunk() {
    CO_RETURN_IF_ERROR(context_.cancel.status());
    scan_.rows_max = chunk_rows_;
    index_chunk_ = std::make_shared<range::RowSet>();
    if (!context_.txn->try_scan(scan_, &scan_.span, index_chunk_.get())) {
      auto read = co_await context_.txn->scan(scan_, &scan_.span);
      if (!read.ok()) co_return of_relation(read.status(), *node_.table);
      *index_chunk_ = std::move(*read);
    }
    chunk_rows_ = std::min<uint64_t>(chunk_rows_ * 4, limits::kScanRowsMax);
    done_ = scan_.span.empty();
    position_ = 0;
    if (node_.covered) {
      chunk_ = index_chunk_;
      co_return Status();
    }
    std::vector<Bytes> keys(index_chunk_->size());
    for (size_t i = 0; i < keys.size(); ++i) {
      CO_RETURN_IF_ERROR(node_.codec->primary_key_of(node_.range.index, index_chunk_->key(i),
                                                     index_chunk_->value(i), &keys[i]));
    }
    if (keys.empty()) {
      chunk_ = index_chunk_;
      co_return Status();
    }
    txn::ReadOptions get;
    get.columns = node_.used;
    get.stored = node_.codec->stored_columns();
    chunk_ = std::make_shared<range::RowSet>();
    if (!context_.txn->try_get(keys, get, chunk_.get())) {
      auto rows = co_await context_.txn->get(std::move(keys), get);
      if (!rows.ok()) co_return rows.status();
      *chunk_ = std::move(*rows);
    }
    co_return Status();
  }

  Status emit(RowBatch* out) {
    out->pin(chunk_);
    for (; position_ < chunk_->size() && !out->full(); ++position_) {
      // At READ COMMITTED a row may have gone between its index entry and itself.
      if (!chunk_->present(position_)) continue;
      const BytesView key = chunk_->key(position_), value = chunk_->value(position_);
      if (node_.covered && node_.range.index != 0) {
        RETURN_IF_ERROR(
            node_.codec->decode_index(node_.range.index, key, value, node_.columns, scratch_));
      } else {
        RETURN_IF_ERROR(node_.codec->decode_primary(key, value, node_.columns, scratch_));
      }
      std::span<Datum> row = out->add();
      for (size_t i = 0; i < node_.columns.size(); ++i)
        row[i] = std::move(scratch_[node_.columns[i]]);
      if (node_.with_version)
        row[node_.columns.size()] =
            Datum::of_int(static_cast<int64_t>(chunk_->ts(position_).packed));
    }
    return Status();
  }

  txn::ScanOptions scan_;  // of what is still to be read
  bool done_ = false;
  uint64_t chunk_rows_ = kFirstChunk;
  std::shared_ptr<range::RowSet> index_chunk_, chunk_;
  size_t position_ = 0;
  std::vector<Datum> scratch_;
};

}  // namespace

OperatorPtr make_table_scan(const PlanNode& node, ExecContext& context, const Frame* outer) {
  return std::make_unique<TableScan>(node, context, outer);
}

}  // namespace quorate::sql
