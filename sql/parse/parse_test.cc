#include "sql/parse/parse.h"

#include <gtest/gtest.h>
#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/parse/nesting.h"
#include "sql/parse/normalize.h"

namespace quorate::sql {
namespace {

TEST(Parse, string_is_split_into_its_statements) {
  auto list = parse("  SELECT 1; INSERT INTO t VALUES ('a;b') ;\n;COMMIT");
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0].text(), "SELECT 1");
  EXPECT_EQ((*list)[1].text(), "INSERT INTO t VALUES ('a;b') ");
  EXPECT_EQ((*list)[2].tag(), "COMMIT");
  EXPECT_TRUE((*list)[2].is_transaction_control());
  EXPECT_TRUE(parse(" ; ")->empty());
}

TEST(Parse, syntax_error_has_postgres_message_and_character_position) {
  auto bad = parse("SELECT 'é' FROM WHERE");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().sqlstate(), sqlstate::kSyntaxError);
  EXPECT_EQ(bad.status().message(), "syntax error at or near \"WHERE\"");
  EXPECT_EQ(bad.status().fields().position, 17);
}

TEST(Parse, split_at_is_read_with_its_locations) {
  auto list = parse(" alter table \"A b\".t  split AT values (1, 'x'), (2, 'y');");
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().split_at(), SplitKind::kTable);
  EXPECT_EQ(list->front().tag(), "ALTER TABLE");
  auto index = parse("ALTER INDEX i SPLIT AT VALUES (1)");
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->front().split_at(), SplitKind::kIndex);
  EXPECT_EQ(index->front().tag(), "ALTER INDEX");
  EXPECT_FALSE(parse("alter view v split at values (1)").ok());
  EXPECT_FALSE(parse("alter table t split here").ok());
  EXPECT_FALSE(parse("insert table t split at values (1)").ok());
}

TEST(Parse, as_of_belongs_to_its_statement_and_moves_nothing) {
  const std::string text =
      "SELECT a FROM t /* as of system time '1' */ As Of System Time '-1s' WHERE b = 'AS OF SYSTEM "
      "TIME ''x''';BEGIN AS OF SYSTEM TIME 'it''s'; SELECT 1; START TRANSACTION READ ONLY AS OF "
      "SYSTEM TIME 'y'";
  auto list = parse(text);
  ASSERT_TRUE(list.ok()) << list.status().to_string();
  ASSERT_EQ(list->size(), 4u);
  EXPECT_EQ((*list)[0].as_of(), "-1s");
  EXPECT_EQ((*list)[1].as_of(), "it's");
  EXPECT_EQ((*list)[2].as_of(), "");
  EXPECT_EQ((*list)[3].as_of(), "y");
  EXPECT_EQ((*list)[0].source().size(), text.size());
  auto bad = parse("SELECT a FROM t AS OF SYSTEM TIME '-1s' WHERE b = = 1");
  EXPECT_EQ(bad.status().fields().position, 51);
  for (const char* refused :
       {"SELECT (SELECT 1 AS OF SYSTEM TIME '-1s')", "AS OF SYSTEM TIME '-1s'",
        "SELECT 1 AS OF SYSTEM TIME now()", "SELECT 1 AS OF SYSTEM TIME E'\\\\x'"})
    EXPECT_FALSE(parse(refused).ok()) << refused;
}

TEST(Normalize, literals_are_lifted_and_their_class_kept) {
  NormalizedText n;
  ASSERT_TRUE(normalize("  SELECT c1 FROM t WHERE a=5 AND b='it''s' AND c > 1.5e3 ; ", &n));
  EXPECT_EQ(n.key, "SELECT c1 FROM t WHERE a=\x01 AND b=\x03 AND c > \x02");
  ASSERT_EQ(n.literals.size(), 3u);
  EXPECT_EQ(n.literals[0].integer, 5);
  NormalizedText big;
  ASSERT_TRUE(normalize("SELECT 2147483648", &big));
  EXPECT_EQ(big.literals[0].kind, LiteralClass::kNumber);
}

TEST(Normalize, what_it_does_not_know_is_refused) {
  NormalizedText n;
  for (const char* text : {"SELECT 1 -- x", "SELECT /* x */ 1", "SELECT E'a'", "SELECT $$a$$",
                           "SELECT U&'a'", "SELECT 'a'\n'b'", "SELECT 1; SELECT 2", "SELECT 'a\\b'",
                           "SELECT 1a", "SELECT x'1f'", "SELECT 'open", "SELECT 1..2"})
    EXPECT_FALSE(normalize(text, &n)) << text;
}

// What pg_query's scanner takes for constants.
bool scanned_literals(const std::string& sql, std::vector<std::string>* out) {
  PgQueryScanResult raw = pg_query_scan(sql.c_str());
  bool ok = raw.error == nullptr;
  if (ok) {
    auto* result = pg_query__scan_result__unpack(nullptr, raw.pbuf.len,
                                                 reinterpret_cast<const uint8_t*>(raw.pbuf.data));
    for (size_t i = 0; i < result->n_tokens; ++i) {
      const auto& t = *result->tokens[i];
      const char* kind = t.token == PG_QUERY__TOKEN__ICONST   ? "i"
                         : t.token == PG_QUERY__TOKEN__FCONST ? "f"
                         : t.token == PG_QUERY__TOKEN__SCONST ? "s"
                                                              : nullptr;
      if (kind != nullptr)
        out->push_back(
            kind + sql.substr(static_cast<size_t>(t.start), static_cast<size_t>(t.end - t.start)));
    }
    pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(raw);
  return ok;
}

TEST(Normalize, lifts_exactly_what_the_scanner_takes_for_literals) {
  const char* pieces[] = {"SELECT",      " ",   "a",  "t.b",   "1",  "23",     "4.5",  ".5",
                          "6.",          "1e5", "1e", "'x'",   "''", "'a''b'", "E'q'", "$1",
                          "$q$",         "+",   "-",  "--",    "/*", "*/",     "(",    ")",
                          ",",           "=",   "<>", "\"n\"", "\"", "'",      "\n",   ";",
                          "99999999999", "_",   "x",  "B",     "&",  "U",      "..",   ".",
                          "\\",          "é",   ":",  "::",    "[",  "e",      "n"};
  uint64_t state = 12345;
  auto next = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  int lifted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string sql;
    for (uint64_t n = 1 + next() % 12; n > 0; --n) {
      sql += pieces[next() % std::size(pieces)];
      if (next() % 2 == 0) sql += " ";
    }
    NormalizedText out;
    if (!normalize(sql, &out)) continue;
    std::vector<std::string> want, got;
    if (!scanned_literals(sql, &want)) continue;  // a text that can't be scanned has no plan
    for (const Literal& l : out.literals)
      got.push_back(std::string(l.kind == LiteralClass::kInteger  ? "i"
                                : l.kind == LiteralClass::kNumber ? "f"
                                                                  : "s") +
                    sql.substr(l.offset, l.size));
    ASSERT_EQ(got, want) << sql;
    ++lifted;
  }
  EXPECT_GT(lifted, 2'000);
}

std::string repeated(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(Nesting, whatever_leans_or_stands_inside_is_counted) {
  for (auto [before, piece, after] :
       std::vector<std::array<const char*, 3>>{{"SELECT 1", "+1", ""},
                                               {"SELECT 1", " + 1::int", ""},
                                               {"SELECT ", "- ", "1"},
                                               {"SELECT ", "NOT ", "true"},
                                               {"SELECT 1, 1", " UNION ALL SELECT 1, 1", ""},
                                               {"SELECT * FROM t", " JOIN t USING (a, b)", ""},
                                               {"SELECT 'a'", " COLLATE \"C\"", ""},
                                               {"SELECT 1", " AT TIME ZONE 'x'", ""},
                                               {"SELECT ", "f(1, ", ""},
                                               {"SELECT ", "(SELECT ", ""},
                                               {"SELECT ", "CASE WHEN a AND b THEN ", ""},
                                               {"SELECT ARRAY", "[", ""}}) {
    const std::string deep = before + repeated(piece, 1500) + after;
    EXPECT_GE(nesting_bound(deep), 1500u) << before << piece;
    EXPECT_EQ(parse(deep).status().sqlstate(), sqlstate::kStatementTooComplex) << before << piece;
  }
  // What is deep to the left of its operators.
  EXPECT_GE(nesting_bound("SELECT (1" + repeated("+1", 600) + ")" + repeated("+1", 600)), 1200u);
  EXPECT_GE(nesting_bound("SELECT 1" + repeated("+1", 1200) + "; SELECT 1"), 1200u);
}

TEST(Nesting, lists_are_as_deep_as_their_elements) {
  for (const std::string& flat :
       {"INSERT INTO t VALUES " + repeated("(1 + 2, f('x'), NULL), ", 3000) + "(1, 2, 3)",
        "SELECT 1 WHERE a = 1" + repeated(" AND b < 3 OR c IS NULL", 3000),
        "SELECT a IN (" + repeated("-1, ", 3000) + "1)",
        "SELECT CASE" + repeated(" WHEN a = 1 THEN 2", 3000) + " END",
        repeated("SELECT 1 + 1; ", 3000)}) {
    EXPECT_LT(nesting_bound(flat), 30u) << flat.substr(0, 50);
    EXPECT_TRUE(parse(flat).ok()) << flat.substr(0, 50);
  }
}

}  // namespace
}  // namespace quorate::sql
