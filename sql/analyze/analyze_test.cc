#include "sql/analyze/analyze.h"

#include <gtest/gtest.h>

#include "sql/catalog/catalog_data.h"

namespace quorate::sql {
namespace {

struct ColumnSpec {
  const char* name;
  Type type;
};

TableDescriptor make_table(Oid oid, const char* name, std::vector<ColumnSpec> columns) {
  TableDescriptor t;
  t.oid = oid;
  t.storage = TableId(oid);
  t.schema = 2200;
  t.name = name;
  for (const auto& c : columns) {
    ColumnDescriptor d;
    d.id = t.next_column++;
    d.name = c.name;
    d.type = c.type;
    t.columns.push_back(std::move(d));
  }
  IndexDescriptor primary;
  primary.id = IndexId(1);
  primary.oid = oid + 1;
  primary.name = std::string(name) + "_pkey";
  primary.unique = primary.primary = primary.constraint = true;
  primary.columns = {{1}};
  t.indexes.push_back(primary);
  t.next_index = IndexId(2);
  return t;
}

// acc(id int4, bal numeric(6,2), name varchar(10), at timestamp), br(id int4, note text, big int8)
CatalogPtr sample_catalog() {
  auto data = std::make_shared<CatalogData>();
  DatabaseDescriptor db;
  db.oid = 5;
  db.name = "postgres";
  SchemaDescriptor schema;
  schema.oid = 2200;
  schema.database = 5;
  schema.name = "public";
  data->put(db);
  data->put(schema);
  TableDescriptor acc = make_table(16384, "acc",
                                   {{"id", {oid::kInt4, -1}},
                                    {"bal", {oid::kNumeric, 6 << 16 | (2 + 4)}},
                                    {"name", {oid::kVarchar, 14}},
                                    {"at", {oid::kTimestamp, -1}}});
  acc.columns[1].default_sql = "0.00";
  acc.checks.push_back({1, "acc_bal_check", "(bal >= 0::numeric)", true});
  data->put(std::move(acc));
  data->put(make_table(
      16390, "br",
      {{"id", {oid::kInt4, -1}}, {"note", {oid::kText, -1}}, {"big", {oid::kInt8, -1}}}));
  return data;
}

class Analysis : public testing::Test {
 protected:
  Result<std::unique_ptr<Query>> run(const std::string& sql) {
    context_ = AnalyzeContext();
    context_.catalog = sample_catalog();
    context_.database = 5;
    context_.database_name = "postgres";
    context_.search_path = {"postgres", "public"};
    context_.user = "postgres";
    context_.infer_params = true;
    auto list = parse(sql);
    if (!list.ok()) return list.status();
    statement_ = (*list)[0];
    return analyze(statement_, context_);
  }
  // "42703@8 message [hint]"
  std::string error(const std::string& sql) {
    auto q = run(sql);
    if (q.ok()) return "ok";
    const Status& s = q.status();
    std::string out(s.sqlstate().view());
    out += "@" + std::to_string(s.fields().position) + " " + s.message();
    if (!s.fields().hint.empty()) out += " [" + s.fields().hint + "]";
    return out;
  }
  std::string columns(const std::string& sql) {
    auto q = run(sql);
    if (!q.ok()) return q.status().to_string();
    std::string out;
    for (const auto& t : (*q)->targets)
      if (!t.hidden) out += (out.empty() ? "" : ", ") + t.name + " " + format_type(t.expr->type);
    return out;
  }
  std::string params(const std::string& sql) {
    auto q = run(sql);
    if (!q.ok()) return q.status().to_string();
    std::string out;
    for (const Type& t : context_.params) out += (out.empty() ? "" : ", ") + format_type(t);
    return out;
  }
  AnalyzeContext context_;
  ParsedStatement statement_;
};

TEST_F(Analysis, columns_have_postgres_names_and_types) {
  EXPECT_EQ(columns("SELECT * FROM acc"),
            "id integer, bal numeric(6,2), name character varying(10), at timestamp without time "
            "zone");
  EXPECT_EQ(columns("SELECT id + 1, 'x', NULL, count(*), sum(bal), id::text FROM acc GROUP BY id"),
            "?column? integer, ?column? text, ?column? text, count bigint, sum numeric, id text");
  EXPECT_EQ(columns("SELECT CASE WHEN true THEN 1 ELSE 2.5 END, coalesce(null, 3), 2147483648"),
            "case numeric, coalesce integer, ?column? bigint");
  EXPECT_EQ(columns("VALUES (1, 'a'), (2.5, NULL)"), "column1 numeric, column2 text");
  EXPECT_EQ(columns("SELECT 1 AS a UNION ALL SELECT 2.5"), "a numeric");
  EXPECT_EQ(columns("SELECT count(id) namecnt FROM acc"), "namecnt bigint");
  EXPECT_EQ(columns("SELECT g FROM generate_series(1, 3) g"), "g integer");
  EXPECT_EQ(columns("SELECT now(), current_date, current_user"),
            "now timestamp with time zone, current_date date, current_user name");
}

TEST_F(Analysis, joins_give_their_columns_as_postgres_does) {
  EXPECT_EQ(columns("SELECT * FROM acc a JOIN br b USING (id)"),
            "id integer, bal numeric(6,2), name character varying(10), at timestamp without time "
            "zone, note text, big bigint");
  EXPECT_EQ(columns("SELECT * FROM br NATURAL FULL JOIN (SELECT id, 1 AS n FROM acc) x"),
            "id integer, note text, big bigint, n integer");
  EXPECT_EQ(columns("SELECT j.x FROM (acc a LEFT JOIN br b ON a.id = b.id) j (x)"), "x integer");
  EXPECT_EQ(columns("SELECT s.m FROM acc a, LATERAL (SELECT max(b.big) m FROM br b WHERE b.id = "
                    "a.id) s"),
            "m bigint");
  EXPECT_EQ(columns("WITH w AS (SELECT id, bal FROM acc) SELECT w.bal FROM w WHERE EXISTS (SELECT "
                    "1 FROM w x WHERE x.id = w.id)"),
            "bal numeric(6,2)");
}

TEST_F(Analysis, parameters_take_their_type_from_their_place) {
  EXPECT_EQ(params("SELECT bal FROM acc WHERE id = $1"), "integer");
  EXPECT_EQ(params("UPDATE acc SET bal = bal + $1 WHERE id = $2"), "numeric, integer");
  EXPECT_EQ(params("INSERT INTO acc VALUES ($1, $2, $3, $4)"),
            "integer, numeric, character varying, timestamp without time zone");
  EXPECT_EQ(params("SELECT id FROM acc WHERE id BETWEEN $1 AND $2 LIMIT $3"),
            "integer, integer, bigint");
  EXPECT_EQ(params("SELECT $1"), "text");
  EXPECT_EQ(error("SELECT id FROM acc WHERE $2 = 1"),
            "42P18@0 could not determine data type of parameter $1");
}

TEST_F(Analysis, errors_have_postgres_state_message_position_and_hint) {
  EXPECT_EQ(error("SELECT * FROM nope"), "42P01@15 relation \"nope\" does not exist");
  EXPECT_EQ(error("SELECT nme FROM acc"),
            "42703@8 column \"nme\" does not exist [Perhaps you meant to reference the column "
            "\"acc.name\".]");
  EXPECT_EQ(error("SELECT acc.zzz FROM acc"), "42703@8 column acc.zzz does not exist");
  EXPECT_EQ(error("SELECT b.id FROM acc a"), "42P01@8 missing FROM-clause entry for table \"b\"");
  EXPECT_EQ(error("SELECT acc.id FROM acc a"),
            "42P01@8 invalid reference to FROM-clause entry for table \"acc\" [Perhaps you meant "
            "to reference the table alias \"a\".]");
  EXPECT_EQ(error("SELECT id FROM acc, br"), "42702@8 column reference \"id\" is ambiguous");
  EXPECT_EQ(error("SELECT name, count(*) FROM acc"),
            "42803@8 column \"acc.name\" must appear in the GROUP BY clause or be used in an "
            "aggregate function");
  EXPECT_EQ(error("SELECT id FROM acc WHERE count(*) > 1"),
            "42803@26 aggregate functions are not allowed in WHERE");
  EXPECT_EQ(error("SELECT id FROM acc WHERE id"),
            "42804@26 argument of WHERE must be type boolean, not type integer");
  EXPECT_EQ(error("SELECT id FROM acc ORDER BY 3"),
            "42P10@29 ORDER BY position 3 is not in select list");
  EXPECT_EQ(error("SELECT DISTINCT name FROM acc ORDER BY id"),
            "42P10@40 for SELECT DISTINCT, ORDER BY expressions must appear in select list");
  EXPECT_EQ(error("UPDATE acc SET id = now()"),
            "42804@21 column \"id\" is of type integer but expression is of type timestamp with "
            "time zone [You will need to rewrite or cast the expression.]");
  EXPECT_EQ(error("UPDATE acc SET x = 1"),
            "42703@16 column \"x\" of relation \"acc\" does not exist");
  EXPECT_EQ(error("INSERT INTO acc (id) VALUES (1, 2)"),
            "42601@33 INSERT has more expressions than target columns");
  EXPECT_EQ(error("INSERT INTO acc (id, bal) VALUES (1)"),
            "42601@22 INSERT has more target columns than expressions");
  EXPECT_EQ(error("INSERT INTO br (id) VALUES (1) ON CONFLICT (note) DO NOTHING"),
            "42P10@0 there is no unique or exclusion constraint matching the ON CONFLICT "
            "specification");
  EXPECT_EQ(error("SELECT 'x'::int"), "22P02@8 invalid input syntax for type integer: \"x\"");
  EXPECT_EQ(error("SELECT (SELECT id, note FROM br)"),
            "42601@8 subquery must return only one column");
  EXPECT_EQ(error("SELECT * FROM (SELECT 1)"),
            "42601@15 subquery in FROM must have an alias [For example, FROM (SELECT ...) [AS] "
            "foo.]");
  EXPECT_EQ(error("SELECT id FROM acc a, br a"),
            "42712@0 table name \"a\" specified more than once");
  EXPECT_EQ(error("SELECT x::nope FROM acc"), "42704@11 type \"nope\" does not exist");
}

TEST_F(Analysis, insert_brings_defaults_checks_and_casts) {
  auto q = run("INSERT INTO acc (id, name) VALUES (1, 'a'), (DEFAULT, NULL) RETURNING id");
  ASSERT_TRUE(q.ok()) << q.status().to_string();
  EXPECT_EQ((*q)->command, Command::kInsert);
  EXPECT_EQ((*q)->insert_columns, (std::vector<uint32_t>{0, 2}));
  ASSERT_EQ((*q)->defaults.size(), 1u);
  EXPECT_EQ((*q)->defaults[0].column, 1u);
  EXPECT_EQ((*q)->defaults[0].expr->type.oid, oid::kNumeric);
  ASSERT_EQ((*q)->checks.size(), 1u);
  ASSERT_EQ((*q)->source->relations[0].values.size(), 2u);
  EXPECT_EQ((*q)->source->relations[0].values[0][1]->type.oid, oid::kVarchar);
  EXPECT_EQ(context_.used_tables, std::vector<Oid>{16384});
}

TEST_F(Analysis, upsert_knows_its_arbiter_and_excluded) {
  auto q =
      run("INSERT INTO br VALUES (1, 'x', 2) ON CONFLICT (id) DO UPDATE SET note = "
          "excluded.note || br.note WHERE br.big > 0");
  ASSERT_TRUE(q.ok()) << q.status().to_string();
  ASSERT_TRUE((*q)->on_conflict);
  EXPECT_EQ(*(*q)->on_conflict->index, 0u);
  EXPECT_EQ((*q)->on_conflict->excluded, 1u);
  EXPECT_TRUE((*q)->on_conflict->where);
}

TEST_F(Analysis, grouped_primary_key_brings_the_other_columns) {
  auto q = run("SELECT id, name, sum(bal) FROM acc GROUP BY id ORDER BY name");
  ASSERT_TRUE(q.ok()) << q.status().to_string();
  EXPECT_EQ((*q)->group_by.size(), 2u);
}

TEST_F(Analysis, correlated_sub_query_reaches_out_by_levels) {
  auto q =
      run("SELECT id FROM acc WHERE bal = (SELECT max(a2.bal) FROM acc a2 WHERE a2.id = "
          "acc.id)");
  ASSERT_TRUE(q.ok()) << q.status().to_string();
  const Expr& sub = *(*q)->where->args[1];
  ASSERT_EQ(sub.kind, ExprKind::kScalarSubquery);
  EXPECT_EQ(sub.subquery->where->args[1]->levels_up, 1u);
}

TEST_F(Analysis, statements_of_the_benchmarks_are_bound) {
  for (const char* sql :
       {"SELECT c.id, a.bal FROM acc a, br c WHERE c.id = a.id AND a.id = 3 FOR UPDATE",
        "SELECT id FROM acc WHERE id IN (1, 2, $1) ORDER BY at DESC LIMIT 1",
        "SELECT COUNT(DISTINCT (b.id)) FROM acc, br b WHERE acc.id = b.id AND b.big < 10"
        " AND b.id >= 1 - 20",
        "UPDATE acc SET bal = bal + 3.00, name = 'x' WHERE id = 1 AND at IS NOT NULL",
        "DELETE FROM acc USING br WHERE br.id = acc.id AND br.big NOT IN (SELECT big FROM br)",
        "SELECT DISTINCT name FROM acc WHERE id BETWEEN 1 AND 100 ORDER BY name",
        "INSERT INTO acc SELECT id, big, note, now() FROM br ON CONFLICT DO NOTHING",
        "SELECT id FROM acc WHERE name LIKE 'a%' AND (id, bal) = (1, 2) AND id = ANY ('{1,2}')",
        "SELECT extract(year FROM at), substring(name FROM 1 FOR 2), trim(name), position('a' IN "
        "name) FROM acc",
        "SELECT id FROM acc UNION SELECT big FROM br EXCEPT SELECT 4 ORDER BY 1"})
    EXPECT_EQ(error(sql).substr(0, 2), "ok") << sql << ": " << error(sql);
}

}  // namespace
}  // namespace quorate::sql
