// Statement texts through PostgreSQL's grammar, the analyzer and the planner, against a small
// catalog; also the texts that plans are cached by. What could go wrong: some text crashes the
// node, is refused as an internal error or at a position outside of it, or means something else
// when its literals are lifted out.
#include "sql/parse/parse.h"
#include "sql/session/literals.h"
#include "sql/system/system_tables.h"
#include "sql/testing/mini_session.h"
#include "sql/types/text_io.h"
#include "tests/fuzz/fuzz_target.h"

namespace quorate::sql {
namespace {

// A database that statements are analyzed against and never run.
class Database {
 public:
  Database() : node_(&system_tables()), session_(node_) {
    for (const char* sql :
         {"CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x', c numeric(6,2) CHECK (c > 0), "
          "d timestamptz, e int[], UNIQUE (b, c))",
          "CREATE TABLE u (a int REFERENCES t ON DELETE CASCADE, b bigserial, j jsonb, f float8)",
          "CREATE INDEX u_a ON u (a, f DESC)", "CREATE SEQUENCE s"}) {
      MiniResult r = session_.run(sql);
      CHECK_MSG(r.status.ok(), r.status.to_string());
    }
  }

  AnalyzeContext context() {
    AnalyzeContext c;
    c.catalog = node_.manager.snapshot();
    c.system_tables = node_.system_tables;
    c.database = kPostgresDatabase;
    c.database_name = "postgres";
    c.search_path = {"public"};
    c.user = "postgres";
    c.io = &session_.eval().io;
    c.infer_params = true;
    return c;
  }
  PlanContext plan_context() {
    PlanContext c;
    c.catalog = node_.manager.snapshot();
    c.codec = [this](const TablePtr& t) { return node_.codec(t); };
    c.rows = [](const TableDescriptor&) { return 1000.0; };
    return c;
  }

 private:
  MiniNode node_;
  MiniSession session_;
};
Database& database() {
  static Database d;
  return d;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void check_error(const Status& s, std::string_view text) {
  const Status::Fields& f = s.fields();
  const SqlState state = s.sqlstate();
  CHECK_MSG(state.view().size() == 5 && state != sqlstate::kSuccess, s.to_string());
  CHECK_MSG(state != sqlstate::kInternalError && !s.message().empty(), s.to_string());
  // The end of the text counts as a place.
  CHECK_MSG(f.position >= 0 && static_cast<size_t>(f.position) <= characters(text) + 1,
            s.to_string());
  CHECK_MSG(check_utf8(s.message()).ok() && check_utf8(f.detail).ok() && check_utf8(f.hint).ok(),
            "an error that is not UTF-8");
}

void run_query(const ParsedStatement& statement) {
  AnalyzeContext context = database().context();
  auto query = analyze(statement, context);
  if (!query.ok()) return check_error(query.status(), statement.source());
  for (const Status& notice : context.notices) check_error(notice, statement.source());
  auto made = plan(**query, database().plan_context());
  if (!made.ok()) check_error(made.status(), statement.source());
}

void run_statement(const ParsedStatement& statement) {
  CHECK(!statement.tag().empty());
  const std::string_view source = statement.source(), text = statement.text();
  CHECK(text.data() >= source.data() && text.data() + text.size() <= source.data() + source.size());
  if (statement.is_query()) run_query(statement);
  AnalyzeContext context = database().context();
  auto analyzed = analyze_statement(statement, context);
  if (!analyzed.ok()) return check_error(analyzed.status(), source);
  CHECK(!analyzed->tag.empty());
}

std::string columns_of(const Query& q) {
  std::string out;
  for (const auto& t : q.targets) {
    if (!t.hidden) out += t.name + " " + format_type(t.expr->type) + ", ";
  }
  return out;
}

// As a session looks for a plan: the text without its literals, where it is a statement at all,
// must give the same columns.
void run_literals(std::string_view text, const std::vector<ParsedStatement>& statements) {
  NormalizedText normal;
  if (!normalize(text, &normal)) return;
  const std::vector<uint32_t> shaping = shaping_literals(text, normal);
  CHECK(std::is_sorted(shaping.begin(), shaping.end()));
  std::vector<uint32_t> lifted;
  for (uint32_t i = 0; i < normal.literals.size(); ++i) {
    const Literal& l = normal.literals[i];
    CHECK(l.size > 0 && l.offset + size_t{l.size} <= text.size());
    if (!std::binary_search(shaping.begin(), shaping.end(), i)) lifted.push_back(i);
  }
  // More literals than that are data, and the session does not lift them.
  if (statements.size() != 1 || !statements[0].is_query() || lifted.empty() || lifted.size() > 100)
    return;
  auto parsed = parse(with_parameters(text, normal, lifted));
  // Where a literal may stand and a parameter may not, the session takes the text as it is.
  if (!parsed.ok() || parsed->size() != 1 || !(*parsed)[0].is_query()) return;
  AnalyzeContext context = database().context(), plain = database().context();
  context.infer_params = plain.infer_params = false;
  for (uint32_t i : lifted) context.params.push_back(literal_type(text, normal.literals[i]));
  auto shared = analyze((*parsed)[0], context);
  if (!shared.ok()) return;
  for (size_t i = 0; i < lifted.size(); ++i) {
    auto value = literal_value(text, normal.literals[lifted[i]], context.params[i], *context.io);
    if (!value.ok()) return check_error(value.status(), text);
  }
  auto written = analyze(statements[0], plain);
  if (!written.ok()) return;
  CHECK_MSG(columns_of(**shared) == columns_of(**written),
            columns_of(**shared) + "and " + columns_of(**written));
}

}  // namespace

FUZZ_TARGET(parser_adapter) {
  // The session refuses other texts before they get here.
  if (!check_utf8(input).ok()) return;
  auto statements = parse(input);
  if (!statements.ok()) return check_error(statements.status(), input);
  run_literals(input, *statements);
  for (const ParsedStatement& s : *statements) run_statement(s);
}

FUZZ_SEEDS(parser_adapter) {
  std::string deep = "SELECT ", nested = "SELECT ";
  for (int i = 0; i < 200; ++i) nested += "(";
  // Far deeper than the stack.
  for (int i = 0; i < 20'000; ++i) deep += "1+";
  for (int i = 0; i < 200; ++i) nested += (i == 0 ? "1)" : ")");
  return {
      "SELECT a, b AS \"x y\", count(*), sum(c) FILTER (WHERE c > 1) FROM t WHERE a = $1 AND b "
      "LIKE "
      "'a%' GROUP BY 1, 2 HAVING count(*) > 2 ORDER BY 2 DESC NULLS FIRST LIMIT 3 OFFSET 1",
      "SELECT * FROM t JOIN u USING (a) LEFT JOIN LATERAL (SELECT max(f) m FROM u v WHERE v.a = "
      "t.a) x ON true, generate_series(1, 3) g WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
      "WITH w AS (SELECT a FROM t), z(n) AS (VALUES (1), (2)) SELECT w.a, n FROM w FULL JOIN z ON "
      "w.a = n UNION ALL SELECT 1, 2 EXCEPT (SELECT 3, 4) ORDER BY 1",
      "INSERT INTO t (a, b, c) VALUES (1, DEFAULT, 1.5), (2, 'q', NULL) ON CONFLICT (a) DO UPDATE "
      "SET b = excluded.b || t.b WHERE t.c > 0 RETURNING a, b::varchar(3)",
      "UPDATE t SET (b, c) = ('x', 2), d = now() - interval '1 day' FROM u WHERE u.a = t.a "
      "RETURNING *",
      "DELETE FROM u USING t WHERE t.a = u.a AND u.a IN (1, 2, $1) AND t.e[1] = ANY ('{1,2}')",
      "CREATE TABLE n (a serial PRIMARY KEY, b varchar(10) NOT NULL DEFAULT 'x', c int GENERATED "
      "ALWAYS AS IDENTITY, CONSTRAINT k CHECK (a > 0), FOREIGN KEY (a) REFERENCES t (a))",
      "ALTER TABLE t ADD COLUMN z int DEFAULT 3, DROP COLUMN b, ALTER COLUMN c SET NOT NULL",
      "CREATE UNIQUE INDEX i ON t (b DESC NULLS LAST, c); DROP INDEX i; DROP TABLE t CASCADE",
      "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SAVEPOINT p; ROLLBACK TO p; COMMIT AND "
      "CHAIN",
      "ALTER TABLE t SPLIT AT VALUES (1, 'x')",
      "SET search_path TO public, x; SHOW all; RESET timezone; SET LOCAL statement_timeout = '5s'",
      "PREPARE p (int, text) AS SELECT $1 + 1, $2; EXECUTE p (1, 'x'); DEALLOCATE ALL",
      "EXPLAIN (ANALYZE, COSTS off) SELECT CASE WHEN a > 1 THEN 'x' ELSE b END FROM t",
      "COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER, NULL '-', FORCE_NULL (b))",
      "DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1; FETCH BACKWARD ALL FROM c; CLOSE c",
      "SELECT j->'a'->>0, j @> '{\"a\":1}', extract(year FROM d), substring(b FROM 2 FOR 3), "
      "coalesce(b, 'é'), (a, b) < (1, 'x'), a IS DISTINCT FROM 3, ARRAY[1, 2] || e FROM t, u",
      "SELECT E'a\\nb', U&'d\\0061t', $$dollar$$, B'101', X'1F', 1.5e10, 'a' 'b' -- end",
      "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = 't'::regclass AND "
      "pg_catalog.pg_table_is_visible(c.oid)",
      "TRUNCATE t, u RESTART IDENTITY; VACUUM ANALYZE t; LOCK TABLE t IN SHARE MODE; DISCARD ALL",
      "SELECT a FROM t FOR UPDATE OF t SKIP LOCKED",
      "CREATE TABLE k AS SELECT a, b FROM t",
      deep + "1",
      nested,
  };
}

}  // namespace quorate::sql
