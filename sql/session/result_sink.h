// Where a session's results go. Implemented by the client's connection, which appends messages to
// its output buffer; calls come a batch of rows at a time, never a row.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "runtime/task.h"
#include "sql/exec/execution.h"

namespace quorate::sql {

struct ResultShape {
  std::span<const PlanColumn> columns;
  // One a column, or one for all, or none: text.
  std::span<const int16_t> formats;
  // Kept with a cached plan: the description's bytes for text and for binary results, filled by
  // the sink at the first use. Null: nowhere to keep them.
  Bytes* description = nullptr;
  int16_t format(size_t column) const {
    if (formats.empty()) return 0;
    return formats.size() == 1 ? formats[0] : formats[column];
  }
};

class ResultSink {
 public:
  virtual ~ResultSink() = default;

  // --- one statement's results, in order ---
  virtual void describe(const ResultShape& shape) = 0;
  // Rows [begin, end) of the batch. Fails where a type has no binary form.
  virtual Status add_rows(const ResultShape& shape, const RowBatch& rows, size_t begin, size_t end,
                          const IoContext& io) = 0;
  virtual void complete(std::string_view tag) = 0;
  virtual void suspended() = 0;    // the portal has more rows
  virtual void empty_query() = 0;  // instead of complete()

  // --- at any time ---
  virtual void notice(std::string_view severity, const Status& notice) = 0;
  virtual void parameter_status(std::string_view name, std::string_view value) = 0;

  // --- pace ---
  // More is gathered than should be: the session awaits flush() before it goes on. An error means
  // that the client is gone.
  virtual bool should_flush() const = 0;
  virtual runtime::Task<Status> flush() = 0;
  // Output gathered after mark() can be taken back as long as none of it has left.
  virtual uint64_t mark() const = 0;
  virtual bool rewind(uint64_t mark) = 0;

  // --- COPY ---
  virtual void copy_out_begin(bool binary, size_t columns) = 0;
  virtual void copy_out_data(BytesView data) = 0;
  virtual void copy_out_end() = 0;
  // Tells the client to send, and flushes.
  virtual runtime::Task<Status> copy_in_begin(bool binary, size_t columns) = 0;
  // The next piece, valid until the next call; nullopt after CopyDone. 57014 on CopyFail.
  virtual runtime::Task<Result<std::optional<BytesView>>> copy_in_read() = 0;
  // No more is read, after the end or after an error (the sink then skips what still comes).
  virtual void copy_in_end() = 0;
};

}  // namespace quorate::sql
