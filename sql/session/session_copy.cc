// COPY FROM STDIN and TO STDOUT.
//
// FROM goes the way of INSERT without its plan: fields are read into the columns' types, rows get
// their defaults, and RowWriter checks and writes them a batch at a time. What the client has sent
// cannot be asked for again, so a COPY is never run again inside.
#include "sql/exec/row_writer.h"
#include "sql/session/copy_format.h"
#include "sql/session/session_impl.h"
#include "sql/types/binary_io.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

using runtime::Task;

namespace {

constexpr size_t kBatchRows = 512;
// A COPY of more rows is a load: they are no longer probed and locked one by one.
constexpr size_t kLoadAfterRows = 4096;
// Output is cut into CopyData messages: a row each, as PostgreSQL does.
constexpr size_t kContextBytesMax = 100;

// What a COPY FROM knows of its target.
struct CopyTarget {
  const PlanNode* node = nullptr;
  std::vector<uint32_t> columns;  // of the table, one a field
  std::vector<Type> types;
  std::vector<bool> given;  // one a table column
  std::string table;
};

std::string limited(BytesView text) {
  if (text.size() <= kContextBytesMax) return std::string(text);
  return std::string(text.substr(0, kContextBytesMax)) + "...";
}

// As PostgreSQL: where in the data, and what stands there.
Status with_line(Status s, const CopyTarget& target, const CopyReader& reader,
                 std::optional<size_t> column, BytesView value, bool text) {
  // Binary data that does not begin as it should has no line yet.
  if (!text && reader.line() == 0) return s;
  std::string where =
      "COPY " + target.table + ", line " + std::to_string(std::max<uint64_t>(reader.line(), 1));
  if (column) {
    where += ", column " + target.node->write->table->columns[target.columns[*column]].name;
    if (text) where += ": \"" + limited(value) + "\"";
  } else if (text && !reader.line_text().empty()) {
    where += ": \"" + limited(reader.line_text()) + "\"";
  }
  return std::move(s).with_where(std::move(where));
}

Status wrong_count(size_t got, const CopyTarget& target) {
  std::string message = got > target.columns.size()
                            ? "extra data after last expected column"
                            : "missing data for column \"" +
                                  target.node->write->table->columns[target.columns[got]].name +
                                  "\"";
  return Status(StatusCode::kInvalidArgument, sqlstate::kBadCopyFileFormat, std::move(message));
}

Status read_fields(const CopyTarget& target, const CopyReader& reader, bool binary,
                   const std::vector<CopyReader::Field>& fields, const IoContext& io, bool own,
                   std::vector<Datum>* values) {
  if (fields.size() != target.columns.size())
    return with_line(wrong_count(fields.size(), target), target, reader, std::nullopt, {}, !binary);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i]) continue;
    Result<Datum> v(Status(internal_error("not read")));
    if (binary) {
      v = receive_binary(target.types[i], *fields[i], io);
      if (v.ok() && needs_length_coercion(Type{target.types[i].oid, -1}, target.types[i]))
        v = length_coercion(io, target.types[i], false, std::move(*v));
    } else {
      Status utf8 = check_utf8(*fields[i]);
      if (!utf8.ok()) return with_line(utf8, target, reader, std::nullopt, {}, false);
      v = input_text(target.types[i], *fields[i], io);
    }
    if (!v.ok()) return with_line(v.status(), target, reader, i, *fields[i], !binary);
    // Otherwise they are views of what was read, which is written before more is.
    (*values)[target.columns[i]] = own ? std::move(*v).own() : std::move(*v);
  }
  return Status();
}

}  // namespace

Task<Status> SessionImpl::copy(CopyStatement* s, Run r) {
  if (s->from) return copy_from(s, r);
  return copy_to(s, r);
}

// --- to the client ---

Task<Status> SessionImpl::copy_to(CopyStatement* s, Run r) {
  PlanContext context = plan_context();
  Result<PlanRef> made = plan(*s->query, context);
  if (!made.ok()) co_return made.status();
  PlanRef plan = *made;
  CO_RETURN_IF_ERROR(co_await need_txn());
  if (!portals_.empty()) {
    CachedStatement next;
    next.plan = plan;
    CO_RETURN_IF_ERROR(co_await settle_portals(next));
  }
  begin_statement();
  ExecContext exec;
  fill_exec(&exec, r.params);
  std::unique_ptr<Execution> execution = Execution::create(plan, exec);
  const bool binary = s->options.format == CopyOptions::Format::kBinary;
  const size_t width = plan->columns.size();
  CopyWriter writer(s->options);
  r.sink->copy_out_begin(binary, width);
  Bytes row, value;
  // The signature leaves with the first row, as from PostgreSQL.
  Bytes signature;
  if (binary) {
    writer.begin(signature);
  } else if (s->options.header) {
    std::vector<std::string> names;
    for (const PlanColumn& c : plan->columns) names.push_back(c.name);
    writer.header(names, row);
    r.sink->copy_out_data(row);
  }
  uint64_t rows = 0;
  for (;;) {
    CO_RETURN_IF_ERROR(co_await execution->next(&batch_));
    if (batch_.rows() == 0) break;
    for (size_t i = 0; i < batch_.rows(); ++i) {
      std::span<const Datum> from = batch_.row(i);
      row = std::exchange(signature, Bytes());
      writer.begin_row(width, row);
      for (size_t c = 0; c < width; ++c) {
        if (from[c].is_null()) {
          writer.null_field(c, row);
          continue;
        }
        value.clear();
        if (binary) {
          CO_RETURN_IF_ERROR(send_binary(plan->columns[c].type, from[c], eval_.io, value));
        } else {
          output_text(plan->columns[c].type, from[c], eval_.io, value);
        }
        writer.field(c, value, row);
      }
      writer.end_row(row);
      r.sink->copy_out_data(row);
    }
    rows += batch_.rows();
    if (r.sink->should_flush()) {
      txn_->note_results_seen();
      CO_RETURN_IF_ERROR(co_await r.sink->flush());
    }
  }
  if (binary) {
    row = std::exchange(signature, Bytes());
    writer.end(row);
    r.sink->copy_out_data(row);
  }
  r.sink->copy_out_end();
  ++statements_in_txn_;
  txn_->note_results_seen();
  execution.reset();
  co_return co_await finish(r, "COPY " + std::to_string(rows));
}

// --- from the client ---

Task<Status> SessionImpl::copy_from(CopyStatement* s, Run r) {
  PlanContext context = plan_context();
  Result<PlanRef> made = plan(*s->query, context);
  if (!made.ok()) co_return made.status();
  PlanRef plan = *made;
  CHECK(plan->root->kind == NodeKind::kInsert);
  CO_RETURN_IF_ERROR(co_await need_txn());
  if (!portals_.empty()) {
    CachedStatement next;
    CO_RETURN_IF_ERROR(co_await settle_portals(next));
  }
  begin_statement();
  if (txn_->read_only()) {
    co_return Status(StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
                     "cannot execute COPY FROM in a read-only transaction");
  }
  const bool binary = s->options.format == CopyOptions::Format::kBinary;
  CO_RETURN_IF_ERROR(co_await r.sink->copy_in_begin(binary, s->query->insert_columns.size()));
  uint64_t rows = 0;
  Status status = co_await copy_rows(s, plan.get(), &r, &rows);
  r.sink->copy_in_end();
  CO_RETURN_IF_ERROR(status);
  ++statements_in_txn_;
  txn_->note_results_seen();
  co_return co_await finish(r, "COPY " + std::to_string(rows));
}

Task<Status> SessionImpl::copy_rows(CopyStatement* s, const Plan* plan, Run* r, uint64_t* rows) {
  const bool binary = s->options.format == CopyOptions::Format::kBinary;
  CopyTarget target;
  target.node = plan->root.get();
  const TableDescriptor& table = *target.node->write->table;
  target.table = table.name;
  target.given.resize(table.columns.size());
  for (uint32_t c : s->query->insert_columns) {
    target.columns.push_back(c);
    target.types.push_back(table.columns[c].type);
    target.given[c] = true;
  }
  ExecContext exec;
  fill_exec(&exec, r->params);
  RowWriter writer(*target.node->write, exec);
  CopyReader reader(s->options, target.columns.size());
  std::vector<CopyReader::Field> fields;
  std::vector<NewRow> batch;
  NewRow loaded;  // its memory serves one row after the other
  bool ended = false;
  while (!ended) {
    Result<std::optional<BytesView>> piece = co_await r->sink->copy_in_read();
    if (!piece.ok()) {
      Status failed = piece.status();
      if (failed.fields().where.empty() && failed.sqlstate() == sqlstate::kQueryCanceled)
        failed = std::move(failed).with_where("COPY " + target.table + ", line " +
                                              std::to_string(reader.line() + 1));
      co_return failed;
    }
    CO_RETURN_IF_ERROR(cancel_.token().status());
    ended = !piece->has_value();
    if (ended)
      reader.end();
    else
      reader.add(**piece);
    for (;;) {
      bool got = false;
      Status next = reader.next(&fields, &got);
      if (!next.ok()) co_return with_line(next, target, reader, std::nullopt, {}, !binary);
      if (!got) break;
      const bool loads = *rows >= kLoadAfterRows && batch.empty() && writer.may_load();
      if (!loads) loaded = NewRow();
      NewRow& row = loaded;
      row.values.assign(target.node->write->codec->row_width(), Datum::null());
      CO_RETURN_IF_ERROR(
          read_fields(target, reader, binary, fields, eval_.io, !loads, &row.values));
      CO_RETURN_IF_ERROR(co_await copy_defaults(target.node, &target.given, &row.values));
      Status prepared = writer.prepare(&row);
      if (!prepared.ok()) co_return with_line(prepared, target, reader, std::nullopt, {}, !binary);
      if (loads) {
        CO_RETURN_IF_ERROR(writer.load(row));
        if (++*rows % kBatchRows == 0) CO_RETURN_IF_ERROR(co_await writer.relieve());
        continue;
      }
      batch.push_back(std::move(row));
      if (batch.size() < kBatchRows) continue;
      CO_RETURN_IF_ERROR(co_await copy_batch(&writer, &batch, rows));
    }
  }
  CO_RETURN_IF_ERROR(co_await copy_batch(&writer, &batch, rows));
  co_return co_await writer.finish();
}

Task<Status> SessionImpl::copy_batch(RowWriter* writer, std::vector<NewRow>* batch,
                                     uint64_t* rows) {
  if (batch->empty()) co_return Status();
  CO_RETURN_IF_ERROR(co_await writer->probe(batch));
  for (const NewRow& row : *batch) CO_RETURN_IF_ERROR(writer->insert(row));
  CO_RETURN_IF_ERROR(co_await writer->relieve());
  *rows += batch->size();
  batch->clear();
  co_return Status();
}

// Columns that the data does not give have their defaults, which may wait for a sequence.
Task<Status> SessionImpl::copy_defaults(const PlanNode* node, const std::vector<bool>* given,
                                        std::vector<Datum>* values) {
  for (size_t c = 0; c < given->size(); ++c) {
    if ((*given)[c] || !node->column_defaults[c].valid()) continue;
    for (;;) {
      Frame frame;
      frame.context = &eval_;
      if (node->column_defaults[c].eval(frame, &(*values)[c])) break;
      if (frame.error.code() != StatusCode::kUnavailable) co_return frame.error;
      CO_RETURN_IF_ERROR(co_await world_.await_missing());
    }
    (*values)[c] = std::move((*values)[c]).own();
  }
  co_return Status();
}

}  // namespace quorate::sql
