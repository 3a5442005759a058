#include "sql/schema/backfill.h"

#include "base/mark.h"
#include "base/ordered_encoding.h"
#include "range/keys.h"
#include "runtime/sync.h"
#include "sql/catalog/catalog_store.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

using runtime::Task;

namespace {

constexpr uint64_t kChunkRows = 500;
// Between two chunks of rows that nobody waits to be gone.
constexpr runtime::Duration kGarbagePause = std::chrono::milliseconds(2);

std::string column_list(const TableDescriptor& t, const std::vector<uint32_t>& positions) {
  std::string out;
  for (uint32_t p : positions) out += (out.empty() ? "" : ", ") + t.columns[p].name;
  return out;
}

std::string value_list(const TableDescriptor& t, const std::vector<uint32_t>& positions,
                       std::span<const Datum> row) {
  std::string out;
  for (uint32_t p : positions) {
    if (!out.empty()) out += ", ";
    out += row[p].is_null() ? "null" : to_text(t.columns[p].type, row[p], IoContext{});
  }
  return out;
}

uint32_t position_of(const TableDescriptor& t, ColumnId id) {
  for (uint32_t i = 0; i < t.columns.size(); ++i)
    if (t.columns[i].id == id) return i;
  return static_cast<uint32_t>(t.columns.size());
}

Status duplicate(const BackfillJob& job, const IndexDescriptor& index, std::span<const Datum> row) {
  const TableDescriptor& t = *job.to;
  std::vector<uint32_t> positions;
  for (const auto& c : index.columns) positions.push_back(position_of(t, c.column));
  return Status(StatusCode::kAlreadyExists, sqlstate::kUniqueViolation,
                "could not create unique index \"" + index.name + "\"")
      .with_detail("Key (" + column_list(t, positions) + ")=(" + value_list(t, positions, row) +
                   ") is duplicated.")
      .with_table(job.schema, t.name)
      .with_constraint(index.name);
}

// One chunk's state: codecs are made once a job.
class Backfiller {
 public:
  explicit Backfiller(std::shared_ptr<const BackfillJob> job)
      : job_(std::move(job)),
        from_(RowCodec::create(job_->from)),
        to_(RowCodec::create(job_->to)),
        rest_(KeySpan::prefix(
            range::keys::index_prefix(job_->from->storage, job_->from->indexes[0].id))) {
    for (uint32_t i = 0; i < from_->row_width(); ++i) wanted_.push_back(i);
    for (const auto& [key, table] : job_->foreign_keys) parents_.push_back(RowCodec::create(table));
  }

  bool finished() const { return rest_.empty(); }

  // Works on the next rows within `txn`; `*rest` is where the following chunk begins. `loads`: all
  // chunks are of this transaction, which has the table for itself.
  Task<Status> chunk(txn::Transaction* txn, KeySpan* rest, bool loads) {
    txn::ScanOptions options;
    options.span = rest_;
    options.rows_max = kChunkRows;
    auto rows = co_await txn->scan(options, rest);
    if (!rows.ok()) co_return rows.status();
    std::vector<Entry> entries;
    std::vector<Reference> references;
    std::vector<Datum> row(from_->row_width());
    for (size_t i = 0; i < rows->size(); ++i) {
      CO_RETURN_IF_ERROR(from_->decode_primary(rows->key(i), rows->value(i), wanted_, row));
      if (generates()) CO_RETURN_IF_ERROR(co_await generate(done_ + i, row));
      CO_RETURN_IF_ERROR(prove(row));
      CO_RETURN_IF_ERROR(collect(row, &entries));
      CO_RETURN_IF_ERROR(collect_references(row, &references));
    }
    chunk_rows_ = rows->size();
    CO_RETURN_IF_ERROR(co_await check_references(txn, std::move(references)));
    if (loads) co_return co_await load(txn, std::move(entries));
    co_return co_await write(txn, std::move(entries));
  }
  // The end of a job within one transaction.
  Task<Status> settle(txn::Transaction* txn) {
    Status s = co_await txn->settle();
    co_return told(txn, std::move(s));
  }
  void advance(KeySpan rest) {
    rest_ = std::move(rest);
    done_ += chunk_rows_;
  }
  uint64_t rows() const { return done_; }
  // Whether a chunk that is run again may write something else.
  bool repeatable() const { return job_->computed.empty(); }

 private:
  struct Entry {
    Bytes key, value;
    bool unique = false;
    Status duplicate;  // what to say where the key is taken
  };
  struct Reference {
    Bytes key;
    size_t constraint;          // of the job's foreign keys
    std::vector<Datum> values;  // of its columns, for the message
  };

  bool generates() const { return !job_->numbered.empty() || !job_->computed.empty(); }
  Task<Status> generate(uint64_t at, std::span<Datum> row) const {
    for (const ColumnNumbers& n : job_->numbered) {
      Result<int64_t> value = numbered_value(*n.sequence, at);
      if (!value.ok()) co_return value.status();
      row[n.column] = Datum::of_int(*value);
    }
    for (const auto& [column, expression] : job_->computed) {
      Datum value;
      for (;;) {
        Frame frame;
        frame.row = row;
        frame.context = job_->eval;
        if (expression.eval(frame, &value)) break;
        if (frame.error.code() != StatusCode::kUnavailable || !job_->await_missing)
          co_return frame.error;
        CO_RETURN_IF_ERROR(co_await job_->await_missing());
      }
      row[column] = value.own();
    }
    co_return Status();
  }

  Status prove(std::span<const Datum> row) const {
    const TableDescriptor& t = *job_->to;
    for (size_t column : job_->not_null)
      if (row[column].is_null())
        return Status(StatusCode::kFailedPrecondition, sqlstate::kNotNullViolation,
                      "column \"" + t.columns[column].name + "\" of relation \"" + t.name +
                          "\" contains null values")
            .with_table(job_->schema, t.name)
            .with_column(t.columns[column].name);
    for (const auto& [name, check] : job_->checks) {
      EvalContext context;
      Frame frame;
      frame.row = row;
      frame.context = &context;
      Datum out;
      if (!check.eval(frame, &out)) return frame.error;
      if (!out.is_null() && !out.as_bool())
        return Status(StatusCode::kFailedPrecondition, sqlstate::kCheckViolation,
                      "check constraint \"" + name + "\" of relation \"" + t.name +
                          "\" is violated by some row")
            .with_table(job_->schema, t.name)
            .with_constraint(name);
    }
    return {};
  }

  Status collect(std::span<const Datum> row, std::vector<Entry>* out) const {
    auto fitting = row.subspan(0, to_->row_width());
    for (size_t index : job_->indexes) {
      Entry e;
      Status s = index == 0 ? to_->encode_primary(fitting, &e.key, &e.value)
                            : to_->encode_index(index, fitting, &e.key, &e.value);
      RETURN_IF_ERROR(s);
      const IndexDescriptor& d = job_->to->indexes[index];
      e.unique = d.unique || index == 0;
      if (e.unique) e.duplicate = duplicate(*job_, d, row);
      out->push_back(std::move(e));
    }
    return {};
  }

  Status collect_references(std::span<const Datum> row, std::vector<Reference>* out) const {
    const TableDescriptor& t = *job_->to;
    for (size_t i = 0; i < job_->foreign_keys.size(); ++i) {
      const auto& [key, parent] = job_->foreign_keys[i];
      std::vector<uint32_t> positions;
      for (ColumnId id : key.columns) positions.push_back(position_of(t, id));
      bool has_null = false;
      for (uint32_t p : positions) has_null |= row[p].is_null();
      if (has_null) continue;
      size_t index = 0;
      while (parent->indexes[index].id != key.referenced_index) ++index;
      Reference r;
      r.constraint = i;
      for (uint32_t p : positions) r.values.push_back(row[p].own());
      std::vector<Datum> values;
      for (const auto& c : parent->indexes[index].columns) {
        size_t k = 0;
        while (key.referenced_columns[k] != c.column) ++k;
        values.push_back(row[positions[k]]);
      }
      RETURN_IF_ERROR(parents_[i]->encode_prefix(index, values, &r.key));
      out->push_back(std::move(r));
    }
    return {};
  }

  Status missing(const Reference& r) const {
    const TableDescriptor& t = *job_->to;
    const auto& [key, parent] = job_->foreign_keys[r.constraint];
    std::vector<uint32_t> positions;
    std::vector<Datum> row(t.columns.size());
    for (size_t k = 0; k < key.columns.size(); ++k) {
      positions.push_back(position_of(t, key.columns[k]));
      row[positions[k]] = r.values[k];
    }
    return Status(StatusCode::kFailedPrecondition, sqlstate::kForeignKeyViolation,
                  "insert or update on table \"" + t.name +
                      "\" violates foreign key constraint \"" + key.name + "\"")
        .with_detail("Key (" + column_list(t, positions) + ")=(" + value_list(t, positions, row) +
                     ") is not present in table \"" + parent->name + "\".")
        .with_table(job_->schema, t.name)
        .with_constraint(key.name);
  }

  Task<Status> check_references(txn::Transaction* txn, std::vector<Reference> references) {
    if (references.empty()) co_return Status();
    // Several rows often refer to one parent.
    std::map<BytesView, const Reference*> distinct;
    for (const auto& r : references) distinct.emplace(r.key, &r);
    std::vector<Bytes> keys;
    for (const auto& [key, reference] : distinct) keys.emplace_back(key);
    auto rows = co_await txn->get(std::move(keys), {});
    if (!rows.ok()) co_return rows.status();
    size_t i = 0;
    for (const auto& [key, reference] : distinct)
      if (!rows->present(i++)) co_return missing(*reference);
    co_return Status();
  }

  // Entries of all rows, none of which anybody else makes meanwhile.
  Task<Status> load(txn::Transaction* txn, std::vector<Entry> entries) {
    for (const Entry& e : entries) CO_RETURN_IF_ERROR(txn->load(e.key, e.value, e.unique));
    Status s = co_await txn->relieve();
    co_return told(txn, std::move(s));
  }

  Status told(txn::Transaction* txn, Status s) const {
    if (s.code() != StatusCode::kAlreadyExists) return s;
    const auto& [key, value] = txn->taken();
    TableId table;
    IndexId id;
    BytesView rest;
    size_t index = 0;
    if (!range::keys::parse_table_key(key, table, id, rest)) return s;
    while (index < job_->to->indexes.size() && job_->to->indexes[index].id != id) ++index;
    if (index == job_->to->indexes.size()) return s;
    std::vector<uint32_t> columns;
    for (const auto& c : job_->to->indexes[index].columns)
      columns.push_back(position_of(*job_->to, c.column));
    std::vector<Datum> row(to_->row_width());
    Status decoded = index == 0 ? to_->decode_primary(key, value, columns, row)
                                : to_->decode_index(index, key, value, columns, row);
    if (!decoded.ok()) return decoded;
    return duplicate(*job_, job_->to->indexes[index], row);
  }

  Task<Status> write(txn::Transaction* txn, std::vector<Entry> entries) {
    if (entries.empty()) co_return Status();
    std::vector<Bytes> keys;
    for (const auto& e : entries) keys.push_back(e.key);
    auto rows = co_await txn->get(std::move(keys), {});
    if (!rows.ok()) co_return rows.status();
    std::map<BytesView, size_t> seen;
    for (size_t i = 0; i < entries.size(); ++i) {
      const Entry& e = entries[i];
      if (e.unique && !seen.emplace(e.key, i).second) co_return e.duplicate;
      if (rows->present(i)) {
        // A writer that knows the index already, or an earlier run of this chunk, made it.
        if (rows->value(i) == e.value) {
          MARK("sql: a backfill meets an entry that is there");
          continue;
        }
        if (e.unique) co_return e.duplicate;
      }
      CO_RETURN_IF_ERROR(txn->put(e.key, e.value, range::kAllColumns, rows->ts(i)));
    }
    co_return Status();
  }

  std::shared_ptr<const BackfillJob> job_;
  std::shared_ptr<const RowCodec> from_, to_;
  std::vector<std::shared_ptr<const RowCodec>> parents_;
  KeySpan rest_;
  std::vector<uint32_t> wanted_;
  uint64_t done_ = 0, chunk_rows_ = 0;
};

Task<Status> own_chunk(Backfiller* work, txn::Client* client, KeySpan* rest) {
  auto txn = client->begin({});
  txn->begin_statement();
  Status s = co_await work->chunk(txn.get(), rest, false);
  if (!s.ok()) {
    co_await txn->rollback();
    co_return s;
  }
  co_return co_await txn->commit();
}

}  // namespace

Result<int64_t> numbered_value(const SequenceDescriptor& s, uint64_t at) {
  const __int128 value = static_cast<__int128>(s.start) + static_cast<__int128>(s.increment) * at;
  if (value <= s.max && value >= s.min) return static_cast<int64_t>(value);
  const bool up = s.increment > 0;
  return Status(StatusCode::kFailedPrecondition, sqlstate::kSequenceGeneratorLimitExceeded,
                "nextval: reached " + std::string(up ? "maximum" : "minimum") +
                    " value of sequence \"" + s.name + "\" (" + std::to_string(up ? s.max : s.min) +
                    ")");
}

Task<Result<uint64_t>> run_backfill(std::shared_ptr<const BackfillJob> job, txn::Transaction* txn,
                                    txn::Client* client, runtime::CancelToken cancel) {
  CHECK((txn == nullptr) != (client == nullptr));
  Backfiller work(std::move(job));
  while (!work.finished()) {
    CO_RETURN_IF_ERROR(cancel.status());
    KeySpan rest;
    if (txn != nullptr) {
      CO_RETURN_IF_ERROR(co_await work.chunk(txn, &rest, true));
      work.advance(std::move(rest));
      continue;
    }
    Status s = co_await own_chunk(&work, client, &rest);
    if (s.ok()) {
      work.advance(std::move(rest));
      continue;
    }
    // An ambiguous commit may have happened: what it wrote is recognized when it is written again.
    bool again = s.code() == StatusCode::kAborted || s.code() == StatusCode::kUnavailable ||
                 (s.code() == StatusCode::kAmbiguous && work.repeatable());
    if (!again) co_return s;
    MARK("sql: a chunk of a backfill is written again");
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(*client->env().executor, std::chrono::milliseconds(5), cancel));
  }
  if (txn != nullptr) CO_RETURN_IF_ERROR(co_await work.settle(txn));
  co_return work.rows();
}

namespace {

// Tables of the list that one walk over it looks at.
constexpr uint64_t kGarbageTablesMax = 100;

struct Dropped {
  Bytes key;  // on the list
  Timestamp at;
  KeySpan rows;
};

Task<Result<std::vector<Dropped>>> list_garbage(txn::Client* client) {
  auto txn = client->begin({});
  txn->begin_statement();
  txn::ScanOptions options;
  options.span = catalog_store::garbage_span();
  options.rows_max = kGarbageTablesMax;
  KeySpan rest;
  auto list = co_await txn->scan(options, &rest);
  if (!list.ok()) co_return list.status();
  std::vector<Dropped> out;
  for (size_t i = 0; i < list->size(); ++i) {
    uint64_t id = 0;
    BytesView tail = list->key(i).substr(list->key(i).size() - 8);
    if (!take_ordered_u64(tail, id)) co_return corruption("the list of dropped tables");
    out.push_back({Bytes(list->key(i)), list->ts(i),
                   KeySpan::prefix(range::keys::table_prefix(TableId(id)))});
  }
  co_await txn->rollback();
  co_return std::move(out);
}

Task<Status> remove_table(txn::Client* client, const Dropped* table) {
  KeySpan rest = table->rows;
  while (!rest.empty()) {
    CO_ASSIGN_OR_RETURN(rest, co_await client->clear(std::move(rest), table->at));
    // In nobody's way.
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*client->env().executor, kGarbagePause, {}));
  }
  auto txn = client->begin({});
  txn->begin_statement();
  CO_RETURN_IF_ERROR(txn->remove(table->key, table->at));
  co_return co_await txn->commit();
}

}  // namespace

Task<Status> remove_garbage(txn::Client* client) {
  CO_ASSIGN_OR_RETURN(const auto list, co_await list_garbage(client));
  for (const Dropped& table : list) {
    Status removed = co_await remove_table(client, &table);
    // Where it may still be read, another time.
    if (!removed.ok() && removed.code() != StatusCode::kUnavailable) co_return removed;
  }
  co_return Status();
}

}  // namespace quorate::sql
