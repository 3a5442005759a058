#include "sql/schema/schema_change.h"

#include "base/mark.h"
#include "range/keys.h"
#include "runtime/sync.h"
#include "sql/schema/changes.h"

namespace quorate::sql {

using runtime::Task;

static bool holds_all(const CatalogData& data, const DdlContext& c, const Ddl& ddl);

namespace {

using Step = std::function<Status(CatalogWriter&)>;
constexpr int64_t kOfflineMicros = 600'000'000;

bool may_repeat(const Status& s) {
  return s.code() == StatusCode::kAborted || s.code() == StatusCode::kUnavailable;
}

// The newest version, with nobody left on one before it: two versions are in use at most.
Task<Result<uint64_t>> settle(DdlContext* c) {
  CO_RETURN_IF_ERROR(co_await c->manager->refresh());
  uint64_t version = 0;
  {
    CatalogPtr now = c->manager->snapshot();
    if (!now) co_return unavailable("the catalog's lease has ended");
    version = now->version();
  }
  CO_RETURN_IF_ERROR(co_await c->manager->wait_for_leases(version, c->cancel));
  co_return version;
}

// One transaction that changes the catalog and nothing else. Gives the version it made.
Task<Result<uint64_t>> publish(DdlContext* c, Step step) {
  for (;;) {
    auto version = co_await settle(c);
    if (!version.ok()) co_return version.status();
    auto txn = c->manager->client().begin({});
    txn->set_cancel(c->cancel);
    txn->begin_statement();
    CatalogWriter writer(
        txn.get(), c->manager->client(),
        c->under_block ? CatalogWriter::Lock::kHeldByBlock : CatalogWriter::Lock::kTake);
    size_t notices = c->notices.size();
    Status s = co_await writer.begin();
    bool overtaken = s.ok() && writer.new_version() != *version + 1;
    if (s.ok() && !overtaken) s = step(writer);
    if (s.ok() && !overtaken) s = writer.seal();
    if (!s.ok() || overtaken) {
      co_await txn->rollback();
      c->notices.resize(notices);
      MARK_IF(overtaken, "sql: a schema change is overtaken");
      if (overtaken || may_repeat(s)) continue;
      co_return s;
    }
    uint64_t made = writer.new_version();
    if (c->offline_until) txn->set_deadline({c->offline_until, nullptr});
    s = co_await txn->commit();
    if (may_repeat(s)) {
      MARK("sql: a schema change is published again");
      c->notices.resize(notices);
      CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*c->manager->client().env().executor,
                                                     std::chrono::milliseconds(5), c->cancel));
      continue;
    }
    if (!s.ok()) co_return s;
    CO_RETURN_IF_ERROR(co_await c->manager->refresh());
    co_return made;
  }
}

void owe_those(CatalogManager* manager, const std::vector<Oid>& tables) {
  CatalogPtr now = manager->last_known();
  for (Oid oid : tables) {
    TablePtr t = now ? now->table(oid) : nullptr;
    if (t && t->offline_until && t->offline_by == manager->node())
      manager->owe(oid, t->offline_until);
  }
}

// Takes tables out of everybody's use, and ids for what may be made of them.
Task<Status> take_offline(DdlContext* c, std::vector<Oid> tables) {
  Timestamp until = c->manager->client().now().add_micros(kOfflineMicros);
  for (;;) {
    CO_RETURN_IF_ERROR(co_await c->manager->wait_online(tables, c->cancel));
    bool held = false;
    Step step = [&tables, &held, c, until](CatalogWriter& w) -> Status {
      held = false;
      c->reserved.clear();
      for (Oid oid : tables) {
        TablePtr old = w.data().table(oid);
        if (!old) continue;
        if (old->offline_until > w.txn()->read_timestamp()) {
          held = true;
          return {};
        }
        TableDescriptor t = *old;
        t.offline_until = until;
        t.offline_by = c->manager->node();
        t.next_index = IndexId(t.next_index.value + 32);
        ASSIGN_OR_RETURN(Oid storage, w.allocate_oid());
        c->reserved.push_back(storage);
        RETURN_IF_ERROR(w.put(std::move(t)));
      }
      return {};
    };
    auto version = co_await publish(c, step);
    if (!version.ok()) {
      MARK("sql: a schema change may hold tables without knowing");
      // It may have happened.
      for (Oid oid : tables) c->manager->owe(oid, until);
      co_return version.status();
    }
    if (held) {
      MARK("sql: a schema change finds its table held");
      continue;
    }
    c->offline.insert(c->offline.end(), tables.begin(), tables.end());
    c->offline_until = c->offline_until ? std::min(c->offline_until, until) : until;
    co_return co_await c->manager->wait_for_leases(*version, c->cancel);
  }
}

Status clear_offline(CatalogWriter& w, const std::vector<Oid>& tables) {
  for (Oid oid : tables) {
    TablePtr old = w.data().table(oid);
    if (!old || !old->offline_until) continue;
    TableDescriptor t = *old;
    t.offline_until = Timestamp();
    t.offline_by = NodeId();
    RETURN_IF_ERROR(w.put(std::move(t)));
  }
  return {};
}

// What needs no rows.
Status apply_simple(CatalogWriter& w, DdlContext& c, const Ddl& ddl) {
  if (const auto* s = std::get_if<CreateTable>(&ddl)) return create_table(w, c, *s);
  if (const auto* s = std::get_if<DropObjects>(&ddl)) return drop_objects(w, c, *s);
  if (const auto* s = std::get_if<Truncate>(&ddl)) return truncate_tables(w, c, *s);
  if (const auto* s = std::get_if<CreateSchema>(&ddl)) return create_schema(w, c, *s);
  if (const auto* s = std::get_if<CreateSequence>(&ddl)) return create_sequence(w, c, *s);
  if (const auto* s = std::get_if<AlterSequence>(&ddl)) return alter_sequence(w, c, *s);
  if (const auto* s = std::get_if<CreateDatabase>(&ddl)) return create_database(w, c, *s);
  if (const auto* s = std::get_if<DropDatabase>(&ddl)) return drop_database(w, c, *s);
  if (const auto* s = std::get_if<Rename>(&ddl)) return rename_object(w, c, *s);
  return internal_error("a schema change without its step");
}

// Leaves the sequences of numbered columns where the numbers of `rows` rows end.
Status note_numbers(CatalogWriter& w, const BackfillJob& job, uint64_t rows) {
  for (const ColumnNumbers& n : job.numbered) {
    SequenceState state;
    ASSIGN_OR_RETURN(state.last_value, numbered_value(*n.sequence, rows - 1));
    state.is_called = true;
    RETURN_IF_ERROR(w.txn()->put(catalog_store::sequence_key(n.sequence->oid), encode(state),
                                 range::kAllColumns, std::nullopt));
  }
  return {};
}

// Within one transaction, rows and all: nobody else has the table.
Task<Status> apply_alter(const AlterTable* s, CatalogWriter* w, DdlContext* c) {
  auto change = alter_table(*w, *c, *s);
  if (!change.ok()) co_return change.status();
  for (size_t i = 0; i < change->jobs.size(); ++i) {
    auto job = change->jobs[i];
    if (c->use_catalog) c->use_catalog(w->snapshot());
    auto rows = co_await run_backfill(job, w->txn(), nullptr, c->cancel);
    if (c->use_catalog) c->use_catalog(nullptr);
    if (!rows.ok()) co_return rows.status();
    if (*rows > 0) CO_RETURN_IF_ERROR(note_numbers(*w, *job, *rows));
  }
  for (auto& t : change->tables) CO_RETURN_IF_ERROR(w->put(t));
  for (TableId storage : change->garbage) CO_RETURN_IF_ERROR(mark_garbage(*w, storage));
  co_return Status();
}

Task<Status> alter_alone(const Ddl* ddl, DdlContext* c, bool* missing) {
  auto txn = c->manager->client().begin({});
  txn->set_cancel(c->cancel);
  txn->begin_statement();
  CatalogWriter writer(txn.get(), c->manager->client());
  Status status = co_await writer.begin();
  *missing = status.ok() && !holds_all(writer.data(), *c, *ddl);
  if (*missing) {
    co_await txn->rollback();
    co_return Status();
  }
  if (status.ok()) status = co_await apply_alter(&std::get<AlterTable>(*ddl), &writer, c);
  if (status.ok()) status = clear_offline(writer, c->offline);
  if (status.ok()) status = writer.seal();
  if (!status.ok()) {
    co_await txn->rollback();
    co_return status;
  }
  txn->set_deadline({c->offline_until, nullptr});
  CO_RETURN_IF_ERROR(co_await txn->commit());
  c->offline.clear();
  co_return co_await c->manager->refresh();
}

// --- CREATE INDEX ---

IndexDescriptor* index_of(TableDescriptor& t, Oid oid) {
  for (auto& i : t.indexes)
    if (i.oid == oid) return &i;
  return nullptr;
}

Task<Result<uint64_t>> set_state(DdlContext* c, Oid table, Oid index, SchemaState state) {
  Step step = [table, index, state](CatalogWriter& w) -> Status {
    TablePtr old = w.data().table(table);
    if (!old)
      return ddl_error(sqlstate::kUndefinedTable, "the table was dropped during CREATE INDEX");
    TableDescriptor t = *old;
    IndexDescriptor* i = index_of(t, index);
    if (i == nullptr)
      return ddl_error(sqlstate::kUndefinedObject, "the index was dropped during CREATE INDEX");
    i->state = state;
    return w.put(std::move(t));
  };
  co_return co_await publish(c, step);
}

Task<Status> remove_index(DdlContext* c, Oid table, Oid index) {
  Step step = [table, index](CatalogWriter& w) -> Status {
    TablePtr old = w.data().table(table);
    if (!old) return {};
    TableDescriptor t = *old;
    std::erase_if(t.indexes, [&](const IndexDescriptor& i) { return i.oid == index; });
    return w.put(std::move(t));
  };
  auto version = co_await publish(c, step);
  co_return version.status();
}

Task<Status> fill_index(DdlContext* c, Oid table, Oid index) {
  auto job = std::make_shared<BackfillJob>();
  {
    CatalogPtr now = c->manager->snapshot();
    job->from = now ? now->table(table) : nullptr;
    if (job->from) job->schema = now->schema(job->from->schema)->name;
  }
  if (!job->from) co_return unavailable("the catalog's lease has ended");
  job->to = job->from;
  for (size_t i = 0; i < job->to->indexes.size(); ++i)
    if (job->to->indexes[i].oid == index) job->indexes.push_back(i);
  auto rows = co_await run_backfill(job, nullptr, &c->manager->client(), c->cancel);
  co_return rows.status();
}

Task<Status> advance_index(DdlContext* c, Oid table, Oid index, uint64_t version) {
  const PlantedBugs planted = c->manager->client().planted;
  CO_RETURN_IF_ERROR(co_await c->manager->wait_for_leases(version, c->cancel));
  if (!planted.index_without_write_only) {
    auto writing = co_await set_state(c, table, index, SchemaState::kWriteOnly);
    if (!writing.ok()) co_return writing.status();
    if (!planted.backfill_too_early)
      CO_RETURN_IF_ERROR(co_await c->manager->wait_for_leases(*writing, c->cancel));
  }
  CO_RETURN_IF_ERROR(co_await fill_index(c, table, index));
  auto open = co_await set_state(c, table, index, SchemaState::kPublic);
  co_return open.status();
}

// Adds the index to the descriptor; 0 in *index where IF NOT EXISTS found one.
Status begin_index(CatalogWriter& w, DdlContext& c, const CreateIndex& s, SchemaState state,
                   Oid* table, Oid* index) {
  ASSIGN_OR_RETURN(TablePtr old, require_table(w.data(), c, s.table));
  *table = old->oid;
  *index = 0;
  if (!s.name.empty() && s.if_not_exists && w.data().relation_exists(old->schema, s.name)) {
    notice(&c, "relation \"" + s.name + "\" already exists, skipping", sqlstate::kDuplicateTable);
    return {};
  }
  TableDescriptor t = *old;
  size_t position = 0;
  RETURN_IF_ERROR(add_plain_index(w, c, &t, s, state, &position));
  *index = t.indexes[position].oid;
  return w.put(std::move(t));
}

Task<Status> create_index_alone(const CreateIndex* s, DdlContext* c) {
  Oid table = 0, index = 0;
  Step step = [&table, &index, s, c](CatalogWriter& w) {
    return begin_index(w, *c, *s, SchemaState::kDeleteOnly, &table, &index);
  };
  auto version = co_await publish(c, step);
  if (!version.ok()) co_return version.status();
  if (index == 0) co_return Status();
  Status done = co_await advance_index(c, table, index, *version);
  if (done.ok()) co_return done;
  MARK("sql: an index is undone");
  // Undone also when it was cancelled.
  c->cancel = {};
  Status undone = co_await remove_index(c, table, index);
  (void)undone;  // the first error is the one to tell
  co_return done;
}

Task<Status> create_index_in(const CreateIndex* s, CatalogWriter* w, DdlContext* c) {
  Oid table = 0, index = 0;
  CO_RETURN_IF_ERROR(begin_index(*w, *c, *s, SchemaState::kPublic, &table, &index));
  if (index == 0) co_return Status();
  auto job = std::make_shared<BackfillJob>();
  job->from = job->to = w->data().table(table);
  job->schema = w->data().schema(job->to->schema)->name;
  job->indexes.push_back(job->to->indexes.size() - 1);
  auto rows = co_await run_backfill(job, w->txn(), nullptr, c->cancel);
  co_return rows.status();
}

std::vector<Oid> older_tables(const std::vector<Oid>& tables, const CatalogWriter* w,
                              const DdlContext& c) {
  std::vector<Oid> out;
  for (Oid oid : tables) {
    bool own = w != nullptr && w->begun() && w->is_own(oid);
    bool held = std::find(c.offline.begin(), c.offline.end(), oid) != c.offline.end();
    if (!own && !held) out.push_back(oid);
  }
  return out;
}

// Tables whose descriptions a drop changes beside the named ones: both ends of foreign keys that
// may go with it. A block takes them as well, since a later statement of it may need them.
void add_neighbours(const CatalogData& data, const DdlContext& c, const Ddl& ddl,
                    std::vector<Oid>* tables) {
  const auto add = [&](const ObjectName& name) {
    TablePtr t = lookup_table(data, c, name);
    if (t == nullptr) return;
    for (const auto& key : t->foreign_keys) tables->push_back(key.referenced_table);
    tables->insert(tables->end(), t->referenced_by.begin(), t->referenced_by.end());
  };
  if (const auto* s = std::get_if<DropObjects>(&ddl)) {
    for (const auto& n : s->names) add(n);
  } else if (const auto* s = std::get_if<AlterTable>(&ddl)) {
    for (const auto& a : s->actions) {
      if (std::holds_alternative<DropColumn>(a) || std::holds_alternative<DropConstraint>(a))
        return add(s->name);
    }
  }
}

// Tables that the block needs from now on.
Task<Status> take_offline_in(std::vector<Oid> tables, CatalogWriter* w, DdlContext* c) {
  for (Oid oid : tables) {
    // What the block has written of it rests on the row that this would write.
    if (w->has_changed(oid))
      co_return unimplemented(
          "changing a table whose description an earlier "
          "statement of the block has changed");
  }
  c->under_block = true;
  Status taken = co_await take_offline(c, tables);
  c->under_block = false;
  CO_RETURN_IF_ERROR(taken);
  w->txn()->set_deadline({c->offline_until, nullptr});
  co_return co_await w->rebase(tables);
}

}  // namespace

std::vector<Oid> tables_of(const CatalogData& data, const DdlContext& c, const Ddl& ddl) {
  std::vector<Oid> out;
  auto add = [&](const ObjectName& name) {
    if (TablePtr t = lookup_table(data, c, name)) out.push_back(t->oid);
  };
  auto add_parents = [&](const std::vector<ForeignKeyDefinition>& keys) {
    for (const auto& k : keys) add(k.referenced);
  };
  if (const auto* s = std::get_if<CreateTable>(&ddl)) {
    add_parents(s->foreign_keys);
  } else if (const auto* s = std::get_if<Truncate>(&ddl)) {
    for (const auto& n : s->names) add(n);
    // Tables may refer to themselves and to each other.
    for (size_t i = 0; s->cascade && i < out.size(); ++i)
      for (Oid child : data.table(out[i])->referenced_by)
        if (std::find(out.begin(), out.end(), child) == out.end()) out.push_back(child);
  } else if (const auto* s = std::get_if<AlterTable>(&ddl)) {
    add(s->name);
    for (const auto& a : s->actions) {
      if (const auto* x = std::get_if<AddColumn>(&a)) add_parents(x->foreign_keys);
      if (const auto* x = std::get_if<AddConstraint>(&a))
        if (const auto* k = std::get_if<ForeignKeyDefinition>(&x->constraint)) add(k->referenced);
    }
  }
  // Who does not know yet that an index is gone reads it, and who knows writes no more to it.
  if (const auto* s = std::get_if<DropObjects>(&ddl);
      s != nullptr && s->kind == ObjectKind::kIndex) {
    size_t position = 0;
    for (const auto& n : s->names)
      if (TablePtr t = lookup_index(data, c, n, &position)) out.push_back(t->oid);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Once a change is told, nobody goes by what was before: a row that somebody writes into a table
// that was dropped and made anew would be lost. The change stands, whether or not this is seen.
static Task<void> wait_for_all(DdlContext* c, uint64_t version) {
  Status seen = co_await c->manager->wait_for_leases(version, c->cancel);
  (void)seen;
}

// Whether the change holds all tables that it needs as the catalog stands now: since it took them
// one may have come, or an index of another.
static bool holds_all(const CatalogData& data, const DdlContext& c, const Ddl& ddl) {
  for (Oid oid : tables_of(data, c, ddl))
    if (std::find(c.offline.begin(), c.offline.end(), oid) == c.offline.end()) return false;
  return true;
}

Task<Status> execute_ddl(const Ddl* ddl, DdlContext* c) {
  if (const auto* s = std::get_if<CreateIndex>(ddl)) co_return co_await create_index_alone(s, c);
  if (std::holds_alternative<SplitAt>(*ddl)) co_return internal_error("SPLIT AT is the session's");
  Status done;
  for (bool again = true; again;) {
    std::vector<Oid> tables;
    {
      CatalogPtr now = c->manager->snapshot();
      if (!now) {
        done = unavailable("the catalog's lease has ended");
        break;
      }
      tables = tables_of(static_cast<const CatalogData&>(*now), *c, *ddl);
    }
    if (!tables.empty()) {
      done = co_await take_offline(c, std::move(tables));
      if (!done.ok()) break;
    }
    bool missing = false;
    if (std::holds_alternative<AlterTable>(*ddl)) {
      done = co_await alter_alone(ddl, c, &missing);
    } else {
      Step step = [ddl, c, &missing](CatalogWriter& w) -> Status {
        missing = !holds_all(w.data(), *c, *ddl);
        if (missing) return {};
        RETURN_IF_ERROR(apply_simple(w, *c, *ddl));
        return clear_offline(w, c->offline);
      };
      auto version = co_await publish(c, step);
      done = version.status();
      const bool takes_away =
          std::holds_alternative<DropObjects>(*ddl) || std::holds_alternative<Rename>(*ddl);
      if (done.ok() && !missing && takes_away) co_await wait_for_all(c, *version);
    }
    // Once more from the beginning: what was written stands under ids that are used up.
    again = (missing || may_repeat(done)) && !c->cancel.cancelled();
    if (again) {
      MARK("sql: a schema change begins anew");
      CO_RETURN_IF_ERROR(co_await bring_online(c));
    }
    if (missing && !again) done = c->cancel.status();
  }
  if (done.ok()) {
    c->offline.clear();
    c->offline_until = Timestamp();
  }
  if (!done.ok()) {
    Status freed = co_await bring_online(c);
    (void)freed;  // the first error is the one to tell
  }
  co_return done;
}

Task<Status> execute_ddl_in(const Ddl* ddl, CatalogWriter* w, DdlContext* c) {
  if (const auto* s = std::get_if<CreateIndex>(ddl); s != nullptr && s->concurrently)
    co_return ddl_error(sqlstate::kActiveSqlTransaction,
                        "CREATE INDEX CONCURRENTLY cannot run inside a transaction block");
  if (std::holds_alternative<CreateDatabase>(*ddl))
    co_return ddl_error(sqlstate::kActiveSqlTransaction,
                        "CREATE DATABASE cannot run inside a transaction block");
  if (std::holds_alternative<DropDatabase>(*ddl))
    co_return ddl_error(sqlstate::kActiveSqlTransaction,
                        "DROP DATABASE cannot run inside a transaction block");
  if (!w->begun()) {
    CO_RETURN_IF_ERROR(co_await w->lock());
    auto version = co_await settle(c);
    if (!version.ok()) co_return version.status();
    CO_RETURN_IF_ERROR(co_await w->begin());
  }
  std::vector<Oid> tables = tables_of(w->data(), *c, *ddl);
  if (const auto* s = std::get_if<CreateIndex>(ddl))
    if (TablePtr t = lookup_table(w->data(), *c, s->table)) tables.push_back(t->oid);
  add_neighbours(w->data(), *c, *ddl, &tables);
  std::sort(tables.begin(), tables.end());
  tables.erase(std::unique(tables.begin(), tables.end()), tables.end());
  tables = older_tables(tables, w, *c);
  if (!tables.empty()) CO_RETURN_IF_ERROR(co_await take_offline_in(tables, w, c));
  if (c->reserved.empty()) {
    CO_ASSIGN_OR_RETURN(Oid storage, w->allocate_oid());
    c->reserved.push_back(storage);
  }
  if (const auto* s = std::get_if<AlterTable>(ddl)) {
    CO_RETURN_IF_ERROR(co_await apply_alter(s, w, c));
  } else if (const auto* s = std::get_if<CreateIndex>(ddl)) {
    CO_RETURN_IF_ERROR(co_await create_index_in(s, w, c));
  } else {
    CO_RETURN_IF_ERROR(apply_simple(*w, *c, *ddl));
  }
  co_return clear_offline(*w, c->offline);
}

Task<Status> finish_block(DdlContext* c) {
  Status known = co_await c->manager->refresh();
  // A rollback to a savepoint has taken back that a table is free again.
  if (CatalogPtr now = c->manager->snapshot()) {
    std::erase_if(c->offline, [&](Oid oid) {
      TablePtr t = now->table(oid);
      return t == nullptr || !t->offline_until;
    });
  }
  uint64_t version = 0;
  if (CatalogPtr newest = c->manager->last_known()) version = newest->version();
  Status freed = co_await bring_online(c);
  if (known.ok()) co_await wait_for_all(c, version);
  co_return known.ok() ? freed : known;
}

Task<Status> bring_online(DdlContext* c) {
  c->offline_until = Timestamp();
  if (c->offline.empty()) co_return Status();
  std::vector<Oid> tables = std::move(c->offline);
  c->offline.clear();
  // A client that went away leaves the tables to others all the same.
  const runtime::CancelToken cancel = std::exchange(c->cancel, {});
  Step step = [tables](CatalogWriter& w) { return clear_offline(w, tables); };
  auto version = co_await publish(c, step);
  c->cancel = cancel;
  if (!version.ok()) {
    MARK("sql: a table is owed");
    owe_those(c->manager, tables);
  }
  co_return version.status();
}

namespace {

std::vector<TablePtr> offline_tables(const CatalogData& data, Timestamp now) {
  std::vector<TablePtr> out;
  for (const auto& database : data.databases()) {
    for (TablePtr& t : data.tables(database->oid))
      if (t->offline_until > now) out.push_back(std::move(t));
  }
  return out;
}

}  // namespace

void abandon(const DdlContext& c) { owe_those(c.manager, c.offline); }

Task<Status> free_abandoned(CatalogManager* manager) {
  std::vector<TablePtr> offline;
  if (CatalogPtr now = manager->snapshot())
    offline = offline_tables(static_cast<const CatalogData&>(*now), manager->client().now());
  std::set<std::pair<Oid, Timestamp>>& owed = manager->owed();
  std::erase_if(owed, [&](const auto& o) { return o.second <= manager->client().now(); });
  std::set<std::pair<Oid, Timestamp>> abandoned;
  for (const TablePtr& t : offline) {
    if (t->offline_by == manager->node()) {
      const std::pair hold{t->oid, t->offline_until};
      const bool earlier_life = t->offline_until < manager->began().add_micros(kOfflineMicros);
      if (earlier_life || owed.contains(hold)) abandoned.insert(hold);
      MARK_IF(earlier_life, "sql: a table that an earlier life held is freed");
      continue;
    }
    CO_ASSIGN_OR_RETURN(const bool gone, co_await manager->gone(t->offline_by));
    if (gone) {
      MARK("sql: a table that a dead node held is freed");
      abandoned.emplace(t->oid, t->offline_until);
    }
  }
  offline.clear();
  if (abandoned.empty()) co_return Status();
  DdlContext context;
  context.manager = manager;
  Step step = [&abandoned](CatalogWriter& w) -> Status {
    std::vector<Oid> tables;
    for (const auto& [oid, until] : abandoned) {
      TablePtr t = w.data().table(oid);
      if (t && t->offline_until == until) tables.push_back(oid);
    }
    return clear_offline(w, tables);
  };
  auto version = co_await publish(&context, step);
  if (!version.ok()) co_return version.status();
  for (const auto& hold : abandoned) owed.erase(hold);
  co_return Status();
}

Result<std::vector<Bytes>> split_keys(const SplitAt& split) {
  auto codec = RowCodec::create(split.table);
  std::vector<Bytes> out;
  for (const auto& row : split.rows)
    RETURN_IF_ERROR(codec->encode_prefix(split.index, row, &out.emplace_back()));
  return out;
}

}  // namespace quorate::sql
