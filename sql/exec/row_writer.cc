#include "sql/exec/row_writer.h"

#include <absl/container/inlined_vector.h>

#include "range/keys.h"
#include "sql/exec/index_span.h"
#include "sql/types/text_io.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

std::string text_of(Type type, const Datum& d, const IoContext& io) {
  if (d.is_null()) return "null";
  Bytes out;
  output_text(type, d, io, out);
  return out;
}

bool maintained(SchemaState s, bool for_removal) {
  return s == SchemaState::kPublic || s == SchemaState::kWriteOnly ||
         (for_removal && s == SchemaState::kDeleteOnly);
}

Type column_type(const TableDescriptor& table, size_t i) {
  return i < table.columns.size() ? table.columns[i].type : Type{oid::kInt8, -1};
}

uint32_t column_position(const TableDescriptor& table, ColumnId id) {
  for (uint32_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].id == id) return i;
  }
  return static_cast<uint32_t>(table.columns.size());
}

}  // namespace

bool RowWriter::same(size_t column, const Datum& a, const Datum& b) const {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  // Byte equality, not SQL's: 1.0 and 1.00 are equal and not the same.
  if (a.holds_int() && b.holds_int()) return a.as_int() == b.as_int();
  const Type type = column_type(*write_.table, column);
  if (a.holds_bytes() && b.holds_bytes()) {
    if (a.as_bytes() == b.as_bytes()) return true;
    if (type.oid == oid::kText || type.oid == oid::kVarchar || type.oid == oid::kBpchar)
      return false;
  }
  Bytes x, y;
  encode_value(type.oid, a, x);
  encode_value(type.oid, b, y);
  return x == y;
}

std::string RowWriter::failing_row(std::span<const Datum> row) const {
  constexpr size_t kTextMax = 64;
  std::string out = "Failing row contains (";
  bool first = true;
  for (size_t i = 0; i < write_.table->columns.size(); ++i) {
    if (write_.table->columns[i].dropped) continue;
    std::string text = text_of(write_.table->columns[i].type, row[i], context_.eval->io);
    if (text.size() > kTextMax) text = text.substr(0, kTextMax) + "...";
    out += (first ? "" : ", ") + text;
    first = false;
  }
  return out + ").";
}

std::string RowWriter::key_text(const TableDescriptor& table, const std::vector<uint32_t>& columns,
                                std::span<const Datum> values) const {
  std::string names, texts;
  for (size_t i = 0; i < columns.size(); ++i) {
    names += (i > 0 ? ", " : "") +
             (columns[i] < table.columns.size() ? table.columns[columns[i]].name : "rowid");
    texts +=
        (i > 0 ? ", " : "") + text_of(column_type(table, columns[i]), values[i], context_.eval->io);
  }
  return "Key (" + names + ")=(" + texts + ")";
}

Status RowWriter::check_row(std::span<const Datum> row) const {
  const TableDescriptor& table = *write_.table;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnDescriptor& c = table.columns[i];
    if (!c.not_null || c.dropped || !row[i].is_null()) continue;
    return Status(StatusCode::kInvalidArgument, sqlstate::kNotNullViolation,
                  "null value in column \"" + c.name + "\" of relation \"" + table.name +
                      "\" violates not-null constraint")
        .with_detail(failing_row(row))
        .with_table(write_.schema, table.name)
        .with_column(c.name);
  }
  for (const CheckStep& check : write_.checks) {
    Frame f;
    f.row = row;
    f.params = context_.params;
    f.context = context_.eval;
    Datum v;
    if (!check.condition.eval(f, &v)) return f.error;
    if (v.is_null() || v.as_bool()) continue;
    return Status(StatusCode::kInvalidArgument, sqlstate::kCheckViolation,
                  "new row for relation \"" + table.name + "\" violates check constraint \"" +
                      check.name + "\"")
        .with_detail(failing_row(row))
        .with_table(write_.schema, table.name)
        .with_constraint(check.name);
  }
  return Status();
}

// The value of what is removed is not made.
Status RowWriter::make_primary(std::span<const Datum> row, bool for_removal, IndexEntry* e) const {
  if (!for_removal) return write_.codec->encode_primary(row, &e->key, &e->value);
  absl::InlinedVector<Datum, 4> values;
  for (const IndexColumn& c : write_.table->indexes[0].columns)
    values.push_back(row[column_position(*write_.table, c.column)]);
  return write_.codec->encode_prefix(0, values, &e->key);
}

// Whether an update that changes these columns can change the index's entry. A step of a schema
// change that removes and does not write wants the old entry gone in any case.
bool RowWriter::concerned(size_t index, const std::vector<bool>& differs) const {
  const TableDescriptor& table = *write_.table;
  if (index == 0 || !maintained(table.indexes[index].state, false)) return true;
  const auto changes = [&](const IndexColumn& c) {
    return differs[column_position(table, c.column)];
  };
  const auto& own = table.indexes[index].columns;
  const auto& primary = table.indexes[0].columns;
  return std::any_of(own.begin(), own.end(), changes) ||
         std::any_of(primary.begin(), primary.end(), changes);
}

// `differs`: only of indexes that such a change concerns.
Status RowWriter::make_entries(std::span<const Datum> row, bool for_removal,
                               const std::vector<bool>* differs,
                               std::vector<IndexEntry>* entries) const {
  const TableDescriptor& table = *write_.table;
  // Entries of a row before keep their memory.
  size_t made = 0;
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    const IndexDescriptor& index = table.indexes[i];
    if (!maintained(index.state, for_removal)) continue;
    if (differs != nullptr && !concerned(i, *differs)) continue;
    if (made == entries->size()) entries->emplace_back();
    IndexEntry& e = (*entries)[made++];
    e.index = i;
    e.value.clear();
    e.present = false;
    e.base = Timestamp();
    if (i == 0) {
      RETURN_IF_ERROR(make_primary(row, for_removal, &e));
      e.probed = !table.hidden_rowid;
    } else {
      RETURN_IF_ERROR(write_.codec->encode_index(i, row, &e.key, &e.value));
      e.probed = index.unique;
      for (const IndexColumn& c : index.columns) {
        if (row[column_position(table, c.column)].is_null()) e.probed = false;
      }
    }
  }
  entries->resize(made);
  return Status();
}

Status RowWriter::prepare(NewRow* row) {
  if (write_.table->hidden_rowid && row->values.back().is_null()) {
    // Ordered by time and never twice on this node: a transaction can't meet its own rows. Should
    // two nodes draw the same, the commit of one is refused and tried again.
    CHECK(context_.client != nullptr);
    row->values.back() =
        Datum::of_int(static_cast<int64_t>(context_.client->now().packed & INT64_MAX));
  }
  RETURN_IF_ERROR(check_row(row->values));
  return make_entries(row->values, false, nullptr, &row->entries);
}

runtime::Task<Status> RowWriter::probe(std::vector<NewRow>* rows) {
  std::vector<Bytes> keys;
  std::vector<IndexEntry*> entries;
  for (NewRow& row : *rows) {
    for (IndexEntry& e : row.entries) {
      if (!e.probed) continue;
      keys.push_back(e.key);
      entries.push_back(&e);
    }
  }
  if (keys.empty()) co_return Status();
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  options.check = true;
  range::RowSet found;
  if (!context_.txn->try_get(keys, options, &found)) {
    CO_ASSIGN_OR_RETURN(found, co_await context_.txn->get(std::move(keys), options));
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    IndexEntry& e = *entries[i];
    e.base = found.ts(i);
    // What this statement itself did is not in what it reads.
    e.present =
        top().written_.contains(e.key) || (found.present(i) && !top().removed_.contains(e.key));
  }
  co_return Status();
}

Status RowWriter::duplicate_error(const NewRow& row, size_t entry) const {
  const IndexEntry& e = row.entries[entry];
  const IndexDescriptor& index = write_.table->indexes[e.index];
  std::vector<uint32_t> columns;
  std::vector<Datum> values;
  for (const IndexColumn& c : index.columns) {
    columns.push_back(column_position(*write_.table, c.column));
    values.push_back(row.values[columns.back()]);
  }
  return Status(StatusCode::kAlreadyExists, sqlstate::kUniqueViolation,
                "duplicate key value violates unique constraint \"" + index.name + "\"")
      .with_detail(key_text(*write_.table, columns, values) + " already exists.")
      .with_table(write_.schema, write_.table->name)
      .with_constraint(index.name);
}

Status RowWriter::insert(const NewRow& row) {
  for (size_t i = 0; i < row.entries.size(); ++i) {
    const IndexEntry& e = row.entries[i];
    if (e.probed && (e.present || top().written_.contains(e.key))) return duplicate_error(row, i);
  }
  for (const IndexEntry& e : row.entries) {
    std::optional<Timestamp> base;
    if (e.probed) base = e.base;
    if (e.index == 0 && write_.table->hidden_rowid) base = Timestamp();
    RETURN_IF_ERROR(context_.txn->put(e.key, e.value, range::kAllColumns, base));
    if (e.probed || e.index == 0) top().written_.insert(e.key);
  }
  return note_parents(row.values, {});
}

Status RowWriter::load(const NewRow& row) {
  for (const IndexEntry& e : row.entries) {
    const bool must_be_absent = e.probed || (e.index == 0 && write_.table->hidden_rowid);
    RETURN_IF_ERROR(context_.txn->load(e.key, e.value, must_be_absent));
  }
  return note_parents(row.values, {});
}

Status RowWriter::taken_error() const {
  const auto& [key, value] = context_.txn->taken();
  const TableDescriptor& table = *write_.table;
  TableId storage;
  IndexId id;
  BytesView rest;
  if (!range::keys::parse_table_key(key, storage, id, rest))
    return internal_error("a key that is taken is no row's");
  size_t index = 0;
  while (index < table.indexes.size() && table.indexes[index].id != id) ++index;
  if (index == table.indexes.size()) return internal_error("a key that is taken is of no index");
  if (index == 0 && table.hidden_rowid)
    return aborted("could not serialize access due to concurrent update");
  std::vector<uint32_t> columns;
  std::vector<Datum> row(write_.codec->row_width());
  for (const IndexColumn& c : table.indexes[index].columns)
    columns.push_back(column_position(table, c.column));
  const Status decoded = index == 0 ? write_.codec->decode_primary(key, value, columns, row)
                                    : write_.codec->decode_index(index, key, value, columns, row);
  std::vector<Datum> values;
  for (uint32_t c : columns) values.push_back(row[c]);
  Status out(
      StatusCode::kAlreadyExists, sqlstate::kUniqueViolation,
      "duplicate key value violates unique constraint \"" + table.indexes[index].name + "\"");
  if (decoded.ok())
    out = std::move(out).with_detail(key_text(table, columns, values) + " already exists.");
  return std::move(out)
      .with_table(write_.schema, table.name)
      .with_constraint(table.indexes[index].name);
}

runtime::Task<Status> RowWriter::relieve() {
  constexpr size_t kParentsMax = 8192;
  Status s = co_await context_.txn->relieve();
  if (s.code() == StatusCode::kAlreadyExists) co_return taken_error();
  if (!s.ok() || parents_.size() < kParentsMax || !may_load()) co_return s;
  s = co_await check_parents();
  parents_.clear();
  known_parents_.clear();
  co_return s;
}

bool RowWriter::first_touch(std::span<const Datum> row) {
  Bytes key, value;
  if (!write_.codec->encode_primary(row, &key, &value).ok()) return true;
  return touched_.insert(std::move(key)).second;
}

runtime::Task<Status> RowWriter::update_image(std::span<const Datum> old,
                                              std::optional<Timestamp> version, NewRow* updated,
                                              const Bytes* origin) {
  range::ColumnSet changed = 0;
  std::vector<bool> differs(updated->values.size(), false);
  for (size_t i = 0; i < updated->values.size(); ++i) {
    if (same(i, old[i], updated->values[i])) continue;
    differs[i] = true;
    changed |= range::column_bit(i);
  }
  CO_RETURN_IF_ERROR(check_row(updated->values));
  if (changed == 0) co_return Status();
  std::vector<IndexEntry> before;
  CO_RETURN_IF_ERROR(make_entries(updated->values, false, &differs, &updated->entries));
  CO_RETURN_IF_ERROR(make_entries(old, true, &differs, &before));
  const bool moved = before[0].key != updated->entries[0].key;
  // Keys that stay need no probe; those that are new do.
  for (IndexEntry& e : updated->entries) {
    for (const IndexEntry& b : before) {
      if (b.index == e.index && b.key == e.key) e.probed = false;
    }
  }
  const bool probes = std::any_of(updated->entries.begin(), updated->entries.end(),
                                  [](const IndexEntry& e) { return e.probed; });
  if (probes) {
    std::vector<NewRow> one(1);
    one[0].entries = std::move(updated->entries);
    Status probed = co_await probe(&one);
    updated->entries = std::move(one[0].entries);
    CO_RETURN_IF_ERROR(probed);
  }
  for (size_t i = 0; i < updated->entries.size(); ++i) {
    if (updated->entries[i].present) co_return duplicate_error(*updated, i);
  }
  for (const IndexEntry& b : before) {
    const IndexEntry* after = nullptr;
    for (const IndexEntry& e : updated->entries) {
      if (e.index == b.index) after = &e;
    }
    if (after != nullptr && after->key == b.key) continue;
    std::optional<Timestamp> base;
    if (b.index == 0) base = version;
    CO_RETURN_IF_ERROR(context_.txn->remove(b.key, base));
    top().removed_.insert(b.key);
    top().written_.erase(b.key);
  }
  for (const IndexEntry& e : updated->entries) {
    const IndexEntry* b = nullptr;
    for (const IndexEntry& x : before) {
      if (x.index == e.index) b = &x;
    }
    const bool stays = b != nullptr && b->key == e.key;
    if (stays && e.index != 0 && b->value == e.value) continue;
    std::optional<Timestamp> base;
    if (e.probed) base = e.base;
    const bool half = context_.client != nullptr && context_.client->planted.half_row;
    if (stays && e.index == 0 && !half) base = version;
    CO_RETURN_IF_ERROR(
        context_.txn->put(e.key, e.value, stays && !moved ? changed : range::kAllColumns, base));
    if (!stays) top().written_.insert(e.key);
  }
  if (write_.remembers_rows) {
    Image& image = images_[origin != nullptr ? *origin : before[0].key];
    image.row.clear();
    for (const Datum& d : updated->values) image.row.push_back(d.own());
  }
  CO_RETURN_IF_ERROR(note_parents(updated->values, old));
  note_children(old, &updated->values);
  co_return Status();
}

runtime::Task<Status> RowWriter::remove_image(std::span<const Datum> old,
                                              std::optional<Timestamp> version,
                                              const Bytes* origin) {
  std::vector<IndexEntry> entries;
  CO_RETURN_IF_ERROR(make_entries(old, true, nullptr, &entries));
  for (const IndexEntry& e : entries) {
    std::optional<Timestamp> base;
    if (e.index == 0) base = version;
    CO_RETURN_IF_ERROR(context_.txn->remove(e.key, base));
    top().removed_.insert(e.key);
    top().written_.erase(e.key);
  }
  if (write_.remembers_rows) images_[origin != nullptr ? *origin : entries[0].key].removed = true;
  note_children(old, nullptr);
  co_return Status();
}

// `old`: empty for a row that is new.
Status RowWriter::note_parents(std::span<const Datum> row, std::span<const Datum> old) {
  for (const ParentStep& step : write_.parents) {
    bool null = false, changed = old.empty();
    for (uint32_t c : step.columns) {
      null |= row[c].is_null();
      changed = changed || !same(c, row[c], old[c]);
    }
    if (null || !changed) continue;
    PendingParent pending{&step, {}, {}};
    for (uint32_t c : step.columns) pending.values.push_back(row[c].own());
    RETURN_IF_ERROR(step.codec->encode_prefix(step.index, pending.values, &pending.key));
    if (known_parents_.insert(pending.key).second) parents_.push_back(std::move(pending));
  }
  return Status();
}

void RowWriter::note_children(std::span<const Datum> old, const std::vector<Datum>* updated) {
  for (const ChildStep& step : write_.children) {
    bool null = false, changed = updated == nullptr;
    for (uint32_t c : step.parent_columns) {
      null |= old[c].is_null();
      changed = changed || !same(c, old[c], (*updated)[c]);
    }
    if (null || !changed) continue;
    PendingChild pending{&step, {}, {}, updated == nullptr};
    for (uint32_t c : step.parent_columns) {
      pending.values.push_back(old[c].own());
      if (updated != nullptr) pending.updated.push_back((*updated)[c].own());
    }
    children_.push_back(std::move(pending));
  }
}

runtime::Task<Status> RowWriter::check_parents() {
  std::map<Bytes, const PendingParent*> wanted;
  std::map<const ParentStep*, std::vector<const PendingParent*>> by_step;
  for (const PendingParent& p : parents_) {
    if (top().written_.contains(p.key)) continue;  // written by this very statement
    if (wanted.emplace(p.key, &p).second) by_step[p.step].push_back(&p);
  }
  // In the order of the constraints, so that the error is always the same one.
  for (const ParentStep& step : write_.parents) {
    auto group = by_step.find(&step);
    if (group == by_step.end()) continue;
    std::vector<Bytes> keys;
    txn::ReadOptions options;
    // The proof at commit is enough where there is one for all reads; who changes other columns of
    // the parent is not in the way then (safety: locks-save-work).
    options.lock = context_.txn->isolation() == txn::Isolation::kSerializable
                       ? txn::LockMode::kNone
                       : txn::LockMode::kShared;
    options.check = true;
    options.columns = 0;
    options.stored = step.codec->stored_columns();
    for (uint32_t c : step.parent_columns) options.columns |= range::column_bit(c);
    for (const PendingParent* p : group->second) keys.push_back(p->key);
    range::RowSet found;
    if (!context_.txn->try_get(keys, options, &found)) {
      CO_ASSIGN_OR_RETURN(found, co_await context_.txn->get(std::move(keys), options));
    }
    for (size_t i = 0; i < group->second.size(); ++i) {
      const PendingParent& p = *group->second[i];
      if (found.present(i) && !top().removed_.contains(p.key)) continue;
      co_return Status(StatusCode::kInvalidArgument, sqlstate::kForeignKeyViolation,
                       "insert or update on table \"" + write_.table->name +
                           "\" violates foreign key constraint \"" + step.name + "\"")
          .with_detail(key_text(*write_.table, step.columns, p.values) +
                       " is not present in table \"" + step.parent->name + "\".")
          .with_table(write_.schema, write_.table->name)
          .with_constraint(step.name);
    }
  }
  co_return Status();
}

RowWriter* RowWriter::writer_of(const ChildStep& step) {
  RowWriter& all = top();
  if (step.write == &all.write_ || step.child->oid == all.write_.table->oid) return &all;
  if (step.write == nullptr) return nullptr;
  auto& writer = all.others_[step.write];
  if (writer == nullptr) writer.reset(new RowWriter(*step.write, context_, &all));
  return writer.get();
}

bool RowWriter::refers(const ChildStep& step, std::span<const Datum> row,
                       const std::vector<Datum>& values) const {
  for (size_t c = 0; c < step.columns.size(); ++c) {
    const Datum& d = row[step.columns[c]];
    if (d.is_null() || !equal(column_type(*step.child, step.columns[c]).oid, d, values[c]))
      return false;
  }
  return true;
}

runtime::Task<Status> RowWriter::referring_rows(const ChildStep* step,
                                                const std::vector<Datum>* values,
                                                std::vector<Bytes>* keys) {
  KeySpan rest;
  const size_t index = step->index.value_or(0);
  if (step->index) {
    Bytes prefix;
    CO_RETURN_IF_ERROR(step->codec->encode_prefix(index, *values, &prefix));
    rest = KeySpan::prefix(prefix);
  } else {
    rest = whole_index(*step->child, 0);
  }
  std::vector<Datum> row(step->codec->row_width());
  while (!rest.empty()) {
    txn::ScanOptions options;
    options.span = rest;
    options.check = true;
    auto found = co_await context_.txn->scan(std::move(options), &rest);
    if (!found.ok()) co_return found.status();
    for (size_t i = 0; i < found->size(); ++i) {
      Bytes primary(found->key(i));
      if (step->index && index != 0) {
        CO_RETURN_IF_ERROR(
            step->codec->primary_key_of(index, found->key(i), found->value(i), &primary));
      } else if (!step->index) {
        CO_RETURN_IF_ERROR(
            step->codec->decode_primary(found->key(i), found->value(i), step->columns, row));
        if (!refers(*step, row, *values)) continue;
      }
      keys->push_back(std::move(primary));
    }
  }
  co_return Status();
}

Status RowWriter::still_referenced(const PendingChild& pending) const {
  const ChildStep& step = *pending.step;
  return Status(StatusCode::kInvalidArgument, sqlstate::kForeignKeyViolation,
                "update or delete on table \"" + write_.table->name +
                    "\" violates foreign key constraint \"" + step.name + "\" on table \"" +
                    step.child->name + "\"")
      .with_detail(key_text(*write_.table, step.parent_columns, pending.values) +
                   " is still referenced from table \"" + step.child->name + "\".")
      .with_table(step.schema, step.child->name)
      .with_constraint(step.name);
}

runtime::Task<Status> RowWriter::check_child(PendingChild pending) {
  const ChildStep& step = *pending.step;
  const ForeignKeyAction action = pending.deleted ? step.on_delete : step.on_update;
  std::vector<Bytes> keys, left;
  CO_RETURN_IF_ERROR(co_await referring_rows(&step, &pending.values, &keys));
  RowWriter* writer = writer_of(step);
  // What the statement read may be what it has changed since.
  for (Bytes& key : keys) {
    if (writer != nullptr) {
      auto image = writer->images_.find(key);
      if (image != writer->images_.end()) {
        if (!image->second.removed && refers(step, image->second.row, pending.values))
          left.push_back(std::move(key));
        continue;
      }
    }
    if (!top().removed_.contains(key)) left.push_back(std::move(key));
  }
  if (left.empty()) co_return Status();
  if (action == ForeignKeyAction::kNoAction || action == ForeignKeyAction::kRestrict)
    co_return still_referenced(pending);
  CO_RETURN_IF_ERROR(co_await act(&pending, writer, std::move(left)));
  if (writer == this) co_return Status();
  co_return co_await writer->finish();
}

// CASCADE, SET NULL, SET DEFAULT.
runtime::Task<Status> RowWriter::act(const PendingChild* pending, RowWriter* writer,
                                     std::vector<Bytes> keys) {
  CHECK(writer != nullptr);
  const RowCodec& codec = *pending->step->codec;
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  std::vector<Bytes> wanted = keys;
  auto rows = co_await context_.txn->get(std::move(wanted), options);
  if (!rows.ok()) co_return rows.status();
  std::vector<uint32_t> all(codec.row_width());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::vector<Datum> row(codec.row_width());
    std::optional<Timestamp> version;
    auto image = writer->images_.find(keys[i]);
    if (image != writer->images_.end()) {
      row = image->second.row;
    } else {
      if (!rows->present(i)) continue;
      CO_RETURN_IF_ERROR(codec.decode_primary(rows->key(i), rows->value(i), all, row));
      version = rows->ts(i);
    }
    CO_RETURN_IF_ERROR(co_await act_on_row(pending, writer, std::move(row), version, &keys[i]));
  }
  co_return Status();
}

runtime::Task<Status> RowWriter::act_on_row(const PendingChild* pending, RowWriter* writer,
                                            std::vector<Datum> row,
                                            std::optional<Timestamp> version, const Bytes* origin) {
  const ChildStep& step = *pending->step;
  const ForeignKeyAction action = pending->deleted ? step.on_delete : step.on_update;
  if (action == ForeignKeyAction::kCascade && pending->deleted)
    co_return co_await writer->remove_image(row, version, origin);
  NewRow updated;
  for (const Datum& d : row) updated.values.push_back(d.own());
  for (size_t c = 0; c < step.columns.size(); ++c) {
    Datum& value = updated.values[step.columns[c]];
    if (action == ForeignKeyAction::kCascade) {
      value = pending->updated[c];
    } else if (action == ForeignKeyAction::kSetDefault && step.defaults[c].valid()) {
      Frame f;
      f.context = context_.eval;
      if (!step.defaults[c].eval(f, &value)) co_return f.error;
      value = value.own();
    } else {
      value = Datum::null();
    }
  }
  if (action == ForeignKeyAction::kSetDefault && refers(step, updated.values, pending->values))
    co_return still_referenced(*pending);
  co_return co_await writer->update_image(row, version, &updated, origin);
}

// An action's own consequences come into the same lists.
runtime::Task<Status> RowWriter::finish() {
  if (finishing_) co_return Status();
  finishing_ = true;
  Status s;
  if (top_ == nullptr) {
    s = co_await context_.txn->settle();
    if (s.code() == StatusCode::kAlreadyExists) s = taken_error();
  }
  for (size_t next = 0; s.ok() && (!parents_.empty() || next < children_.size());) {
    if (!parents_.empty()) {
      s = co_await check_parents();
      parents_.clear();
      known_parents_.clear();
    } else {
      PendingChild pending = children_[next++];
      s = co_await check_child(std::move(pending));
    }
  }
  parents_.clear();
  known_parents_.clear();
  children_.clear();
  finishing_ = false;
  co_return s;
}

}  // namespace quorate::sql
