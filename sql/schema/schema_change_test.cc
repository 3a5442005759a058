#include "sql/schema/schema_change.h"

#include <gtest/gtest.h>

#include "runtime/sync.h"
#include "sql/catalog/row_codec.h"
#include "sql/schema/backfill.h"
#include "txn/testing/map_client.h"

namespace quorate::sql {
namespace {

using runtime::Task;

class SchemaChanges : public testing::Test {
 protected:
  SchemaChanges() : manager_(client_, NodeId(1)) {
    EXPECT_TRUE(run_task(client_.executor(), manager_.start()).ok());
  }

  DdlContext ddl_context() {
    DdlContext c;
    c.manager = &manager_;
    c.database = kPostgresDatabase;
    c.database_name = "postgres";
    c.search_path = {"public"};
    c.user = "postgres";
    return c;
  }
  AnalyzeContext analyze_context() {
    AnalyzeContext c;
    c.catalog = manager_.snapshot();
    c.database = kPostgresDatabase;
    c.database_name = "postgres";
    c.search_path = {"public"};
    c.user = "postgres";
    return c;
  }
  Result<Ddl> bind(const std::string& sql) {
    auto list = parse(sql);
    if (!list.ok()) return list.status();
    AnalyzeContext c = analyze_context();
    auto s = analyze_statement((*list)[0], c);
    if (!s.ok()) return s.status();
    return std::move(std::get<Ddl>(s->body));
  }
  Status ddl(const std::string& sql) {
    auto bound = bind(sql);
    if (!bound.ok()) return bound.status();
    DdlContext c = ddl_context();
    Status s = run_task(client_.executor(), execute_ddl(&*bound, &c));
    notices_.clear();
    for (const auto& n : c.notices) notices_.push_back(n.message());
    return s;
  }
  std::string error(const std::string& sql) {
    Status s = ddl(sql);
    return s.ok() ? "ok" : std::string(s.sqlstate().view()) + " " + s.message();
  }
  TablePtr table(std::string_view name) { return manager_.snapshot()->table(kPublicSchema, name); }

  // Rows of (int, text), the second null where the first is negative.
  static Task<Status> insert(txn::Client* client, TablePtr t, std::vector<int64_t> values) {
    auto codec = RowCodec::create(t);
    auto txn = client->begin({});
    txn->begin_statement();
    int64_t rowid = 1;
    for (int64_t v : values) {
      std::vector<Datum> row{Datum::of_int(v),
                             v < 0 ? Datum::null() : Datum::of_bytes("v" + std::to_string(v))};
      while (row.size() < t->columns.size()) row.push_back(Datum::null());
      if (t->hidden_rowid) row.push_back(Datum::of_int(rowid++));
      Bytes key, value;
      CO_RETURN_IF_ERROR(codec->encode_primary(row, &key, &value));
      CO_RETURN_IF_ERROR(txn->put(key, value, range::kAllColumns, Timestamp()));
      for (size_t i = 1; i < t->indexes.size(); ++i) {
        CO_RETURN_IF_ERROR(codec->encode_index(i, row, &key, &value));
        CO_RETURN_IF_ERROR(txn->put(key, value, range::kAllColumns, Timestamp()));
      }
    }
    co_return co_await txn->commit();
  }
  static Task<Result<size_t>> count(txn::Client* client, TablePtr t, size_t index) {
    auto codec = RowCodec::create(t);
    Bytes prefix;
    CO_RETURN_IF_ERROR(codec->encode_prefix(index, {}, &prefix));
    auto txn = client->begin({});
    txn->begin_statement();
    txn::ScanOptions options;
    options.span = KeySpan::prefix(prefix);
    size_t rows = 0;
    while (!options.span.empty()) {
      KeySpan rest;
      auto chunk = co_await txn->scan(options, &rest);
      if (!chunk.ok()) co_return chunk.status();
      rows += chunk->size();
      options.span = rest;
    }
    co_await txn->rollback();
    co_return rows;
  }
  size_t entries(std::string_view name, size_t index) {
    auto n = run_task(client_.executor(), count(&client_, table(name), index));
    EXPECT_TRUE(n.ok());
    return n.ok() ? *n : 0;
  }
  void fill(std::string_view name, std::vector<int64_t> values) {
    Status s = run_task(client_.executor(), insert(&client_, table(name), std::move(values)));
    ASSERT_TRUE(s.ok()) << s.to_string();
  }
  static std::vector<int64_t> numbers(int64_t n) {
    std::vector<int64_t> out;
    for (int64_t i = 0; i < n; ++i) out.push_back(i);
    return out;
  }

  txn::MapClient client_;
  CatalogManager manager_;
  std::vector<std::string> notices_;
};

TEST_F(SchemaChanges, sysbench_table_is_made_as_postgres_makes_it) {
  ASSERT_EQ(error("CREATE TABLE sbtest1(id SERIAL, k INTEGER DEFAULT '0' NOT NULL, c CHAR(120) "
                  "DEFAULT '' NOT NULL, pad CHAR(60) DEFAULT '' NOT NULL, PRIMARY KEY (id))"),
            "ok");
  TablePtr t = table("sbtest1");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->oid, 16384u);
  EXPECT_FALSE(t->hidden_rowid);
  EXPECT_EQ(t->indexes[0].name, "sbtest1_pkey");
  EXPECT_EQ(t->columns[1].default_sql, "0");
  EXPECT_EQ(t->columns[2].type, (Type{oid::kBpchar, 124}));
  SequencePtr s = manager_.snapshot()->sequence(kPublicSchema, "sbtest1_id_seq");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->max, INT32_MAX);
  EXPECT_EQ(t->columns[0].default_sql, "nextval('" + std::to_string(s->oid) + "'::regclass)");
  EXPECT_EQ(error("CREATE TABLE sbtest1(a int)"), "42P07 relation \"sbtest1\" already exists");
  EXPECT_EQ(error("CREATE TABLE IF NOT EXISTS sbtest1(a int)"), "ok");
  EXPECT_EQ(notices_, std::vector<std::string>{"relation \"sbtest1\" already exists, skipping"});
  // The default reads back.
  AnalyzeContext c = analyze_context();
  auto list = parse("INSERT INTO sbtest1 (k) VALUES (1)");
  auto q = analyze((*list)[0], c);
  ASSERT_TRUE(q.ok()) << q.status().to_string();
  EXPECT_EQ((*q)->defaults.size(), 3u);
  c.catalog.reset();
  ASSERT_EQ(error("DROP TABLE sbtest1"), "ok");
  EXPECT_FALSE(manager_.snapshot()->sequence(kPublicSchema, "sbtest1_id_seq"));
}

TEST_F(SchemaChanges, drop_of_what_is_not_there_is_an_error_or_notices) {
  EXPECT_EQ(error("DROP TABLE a"), "42P01 table \"a\" does not exist");
  EXPECT_EQ(error("DROP TABLE IF EXISTS a, b"), "ok");
  EXPECT_EQ(notices_, (std::vector<std::string>{"table \"a\" does not exist, skipping",
                                                "table \"b\" does not exist, skipping"}));
}

TEST_F(SchemaChanges, index_on_a_filled_table_holds_every_row) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  fill("t", numbers(1234));
  ASSERT_EQ(error("CREATE INDEX ON t (b, a DESC)"), "ok");
  EXPECT_EQ(table("t")->indexes[1].name, "t_b_a_idx");
  EXPECT_EQ(table("t")->indexes[1].state, SchemaState::kPublic);
  EXPECT_EQ(entries("t", 1), 1234u);
}

// Inserts as a session does: names by the newest snapshot, held until its transaction has ended.
Task<void> keep_writing(CatalogManager* manager, int64_t from, const bool* stop, int64_t* written) {
  for (int64_t v = from; !*stop; ++v) {
    CatalogPtr snapshot = manager->snapshot();
    TablePtr t = snapshot->table(kPublicSchema, "t");
    auto codec = RowCodec::create(t);
    auto txn = manager->client().begin({});
    txn->begin_statement();
    std::vector<Datum> row{Datum::of_int(v), Datum::of_bytes("w" + std::to_string(v))};
    Bytes key, value;
    for (size_t i = 0; i < t->indexes.size(); ++i) {
      if (t->indexes[i].state == SchemaState::kDeleteOnly) continue;
      Status s = i == 0 ? codec->encode_primary(row, &key, &value)
                        : codec->encode_index(i, row, &key, &value);
      EXPECT_TRUE(s.ok() && txn->put(key, value, range::kAllColumns, Timestamp()).ok());
    }
    runtime::Executor& executor = *manager->client().env().executor;
    Status slept = co_await runtime::sleep_for(executor, std::chrono::milliseconds(v % 40));
    EXPECT_TRUE(slept.ok());
    txn->set_deadline({snapshot->lease_expiry(), nullptr});
    Status done = co_await txn->commit();
    if (done.ok()) ++*written;
  }
}

TEST_F(SchemaChanges, index_made_while_rows_are_written_on_two_nodes_misses_none) {
  CatalogManager other(client_, NodeId(2));
  ASSERT_TRUE(run_task(client_.executor(), other.start()).ok());
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  ASSERT_TRUE(run_task(client_.executor(), other.refresh()).ok());
  fill("t", numbers(2000));
  bool stop = false;
  int64_t here = 0, there = 0;
  runtime::TaskScope scope(client_.executor());
  scope.spawn(keep_writing(&manager_, 10'000, &stop, &here));
  scope.spawn(keep_writing(&other, 20'000, &stop, &there));
  EXPECT_EQ(error("CREATE UNIQUE INDEX i ON t (b)"), "ok");
  stop = true;
  while (scope.size() > 0) ASSERT_TRUE(client_.executor().step());
  EXPECT_GT(here, 3);
  EXPECT_GT(there, 3);
  EXPECT_EQ(entries("t", 0), static_cast<size_t>(2000 + here + there));
  EXPECT_EQ(entries("t", 1), static_cast<size_t>(2000 + here + there));
}

TEST_F(SchemaChanges, unique_index_over_duplicates_fails_and_leaves_nothing) {
  ASSERT_EQ(error("CREATE TABLE t (a int, b text)"), "ok");
  EXPECT_TRUE(table("t")->hidden_rowid);
  fill("t", {1, 2, 3, 2});
  Status s = ddl("CREATE UNIQUE INDEX u ON t (a)");
  EXPECT_EQ(s.sqlstate(), sqlstate::kUniqueViolation);
  EXPECT_EQ(s.message(), "could not create unique index \"u\"");
  EXPECT_EQ(s.fields().detail, "Key (a)=(2) is duplicated.");
  EXPECT_EQ(table("t")->indexes.size(), 1u);
}

TEST_F(SchemaChanges, primary_key_on_a_filled_table_moves_its_rows) {
  ASSERT_EQ(error("CREATE TABLE t (a int, b text) WITH (fillfactor=100)"), "ok");
  fill("t", numbers(1100));
  TableId before = table("t")->storage;
  ASSERT_EQ(error("ALTER TABLE t ADD PRIMARY KEY (a)"), "ok");
  TablePtr t = table("t");
  EXPECT_NE(t->storage, before);
  EXPECT_FALSE(t->hidden_rowid);
  EXPECT_TRUE(t->columns[0].not_null);
  EXPECT_FALSE(t->offline_until);
  EXPECT_EQ(entries("t", 0), 1100u);
  ASSERT_TRUE(run_task(client_.executor(), remove_garbage(&client_)).ok());
}

TEST_F(SchemaChanges, failed_constraint_leaves_the_table_as_it_was_and_online) {
  ASSERT_EQ(error("CREATE TABLE t (a int, b text)"), "ok");
  fill("t", {1, 1, -5});
  EXPECT_EQ(error("ALTER TABLE t ADD PRIMARY KEY (a)"),
            "23505 could not create unique index \"t_pkey\"");
  EXPECT_EQ(error("ALTER TABLE t ALTER COLUMN b SET NOT NULL"),
            "23502 column \"b\" of relation \"t\" contains null values");
  EXPECT_EQ(error("ALTER TABLE t ADD CHECK (a > 0)"),
            "23514 check constraint \"t_a_check\" of relation \"t\" is violated by some row");
  EXPECT_TRUE(table("t")->hidden_rowid);
  EXPECT_FALSE(table("t")->offline_until);
}

TEST_F(SchemaChanges, foreign_key_is_proved_and_protects_its_parent) {
  ASSERT_EQ(error("CREATE TABLE p (a int PRIMARY KEY, b text)"), "ok");
  ASSERT_EQ(error("CREATE TABLE c (x int, y text)"), "ok");
  fill("p", {1, 2});
  fill("c", {1, 3});
  Status s = ddl("ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES p (a)");
  EXPECT_EQ(s.sqlstate(), sqlstate::kForeignKeyViolation);
  EXPECT_EQ(s.fields().detail, "Key (x)=(3) is not present in table \"p\".");
  fill("p", {3});
  ASSERT_EQ(error("ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES p"), "ok");
  EXPECT_EQ(table("p")->referenced_by, std::vector<Oid>{table("c")->oid});
  EXPECT_EQ(error("DROP TABLE p"), "2BP01 cannot drop table p because other objects depend on it");
  EXPECT_EQ(error("TRUNCATE p"),
            "0A000 cannot truncate a table referenced in a foreign key constraint");
  ASSERT_EQ(error("DROP TABLE p CASCADE"), "ok");
  EXPECT_TRUE(table("c")->foreign_keys.empty());
}

TEST_F(SchemaChanges, truncate_empties_and_old_rows_are_removed_later) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  fill("t", numbers(600));
  TablePtr old = table("t");
  ASSERT_EQ(error("TRUNCATE t"), "ok");
  EXPECT_EQ(entries("t", 0), 0u);
  ASSERT_TRUE(run_task(client_.executor(), remove_garbage(&client_)).ok());
  auto left = run_task(client_.executor(), count(&client_, old, 0));
  EXPECT_EQ(*left, 0u);
}

TEST_F(SchemaChanges, truncate_cascade_ends_where_tables_refer_to_themselves_and_each_other) {
  ASSERT_EQ(error("CREATE TABLE p (a int PRIMARY KEY, b int REFERENCES p)"), "ok");
  ASSERT_EQ(error("CREATE TABLE c (a int PRIMARY KEY, b int REFERENCES p)"), "ok");
  ASSERT_EQ(error("ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c"), "ok");
  EXPECT_EQ(error("TRUNCATE p CASCADE"), "ok");
}

TEST_F(SchemaChanges, added_column_has_its_default_in_old_rows) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  fill("t", {1});
  ASSERT_EQ(error("ALTER TABLE t ADD COLUMN c text DEFAULT 'it''s' NOT NULL"), "ok");
  EXPECT_EQ(table("t")->columns[2].missing_sql, "'it''s'");
  EXPECT_EQ(error("ALTER TABLE t ADD COLUMN d int NOT NULL"),
            "23502 column \"d\" of relation \"t\" contains null values");
  ASSERT_EQ(error("ALTER TABLE t DROP COLUMN b"), "ok");
  EXPECT_TRUE(table("t")->columns[1].dropped);
}

TEST_F(SchemaChanges, added_serial_column_numbers_the_rows_that_are_there) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  fill("t", numbers(1200));
  ASSERT_EQ(error("ALTER TABLE t ADD COLUMN n serial, ADD CONSTRAINT once UNIQUE (n)"), "ok");
  EXPECT_EQ(entries("t", 0), 1200u);
  EXPECT_EQ(entries("t", 1), 1200u);
  EXPECT_EQ(error("ALTER TABLE t ADD COLUMN m smallint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9)"),
            "2200H nextval: reached maximum value of sequence \"t_m_seq\" (9)");
  EXPECT_EQ(table("t")->columns.size(), 3u);
  EXPECT_EQ(entries("t", 0), 1200u);
}

TEST_F(SchemaChanges, change_in_a_block_is_seen_by_it_alone_until_commit) {
  auto txn = client_.begin({});
  txn->begin_statement();
  CatalogWriter writer(txn.get(), client_);
  DdlContext c = ddl_context();
  auto bound = bind("CREATE TABLE t (a int PRIMARY KEY, b text)");
  ASSERT_TRUE(bound.ok());
  ASSERT_TRUE(run_task(client_.executor(), execute_ddl_in(&*bound, &writer, &c)).ok());
  EXPECT_TRUE(writer.snapshot()->table(kPublicSchema, "t"));
  EXPECT_FALSE(table("t"));
  ASSERT_TRUE(writer.seal().ok());
  ASSERT_TRUE(run_task(client_.executor(), txn->commit()).ok());
  ASSERT_TRUE(run_task(client_.executor(), finish_block(&c)).ok());
  EXPECT_TRUE(table("t"));
}

TEST_F(SchemaChanges, rolled_back_truncate_gives_the_table_back) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  fill("t", {1, 2});
  auto txn = client_.begin({});
  txn->begin_statement();
  CatalogWriter writer(txn.get(), client_);
  DdlContext c = ddl_context();
  auto bound = bind("TRUNCATE t");
  ASSERT_TRUE(bound.ok());
  Status s = run_task(client_.executor(), execute_ddl_in(&*bound, &writer, &c));
  if (!s.ok() && txn->can_restart(s)) {
    // As a session does with a block whose first statement this is.
    ASSERT_TRUE(run_task(client_.executor(), txn->restart()).ok());
    txn->begin_statement();
    s = run_task(client_.executor(), execute_ddl_in(&*bound, &writer, &c));
  }
  ASSERT_TRUE(s.ok()) << s.to_string();
  EXPECT_TRUE(table("t")->offline_until);
  run_task(client_.executor(), txn->rollback());
  ASSERT_TRUE(run_task(client_.executor(), bring_online(&c)).ok());
  EXPECT_FALSE(table("t")->offline_until);
  EXPECT_EQ(entries("t", 0), 2u);
}

// The commit that took it may have come to be after the node's new life had looked around.
TEST_F(SchemaChanges, what_an_earlier_life_of_the_node_holds_is_given_back) {
  ASSERT_EQ(error("CREATE TABLE t (a int PRIMARY KEY, b text)"), "ok");
  auto txn = client_.begin({});
  txn->begin_statement();
  CatalogWriter writer(txn.get(), client_);
  DdlContext c = ddl_context();
  auto bound = bind("TRUNCATE t");
  ASSERT_TRUE(bound.ok());
  (void)run_task(client_.executor(), execute_ddl_in(&*bound, &writer, &c));
  run_task(client_.executor(), txn->rollback());
  ASSERT_TRUE(table("t")->offline_until);
  // This life's own block goes on.
  ASSERT_TRUE(run_task(client_.executor(), free_abandoned(&manager_)).ok());
  EXPECT_TRUE(table("t")->offline_until);
  CatalogManager reborn(client_, NodeId(1));
  ASSERT_TRUE(run_task(client_.executor(), reborn.start()).ok());
  ASSERT_TRUE(run_task(client_.executor(), free_abandoned(&reborn)).ok());
  EXPECT_FALSE(reborn.snapshot()->table(kPublicSchema, "t")->offline_until);
}

}  // namespace
}  // namespace quorate::sql
