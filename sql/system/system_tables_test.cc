#include "sql/system/system_tables.h"

#include <gtest/gtest.h>

#include "sql/functions/quote.h"
#include "sql/system/catalog_view.h"
#include "sql/testing/mini_session.h"

namespace quorate::sql {
namespace {

class SystemTablesTest : public testing::Test {
 protected:
  SystemTablesTest() {
    session_.run(R"(
      create table t (a int primary key, b text default 'x'::text, c serial,
                      d varchar(5) check (length(d) > 2), e numeric(10,2) not null, unique (b, c));
      create table u (a int references t(a) on delete cascade,
                      x int generated always as identity);
      create index u_a on u (a desc, x);
    )");
  }
  std::string run(std::string_view sql) { return session_.run(sql); }
  TextSession session_;
};

TEST_F(SystemTablesTest, every_relation_can_be_read) {
  for (const SystemTable* t : system_tables().all()) {
    const std::string name = std::string(t->schema()) + "." + quoted_identifier(t->name());
    const std::string out = run("select * from " + name);
    EXPECT_FALSE(out.starts_with("ERROR")) << name << ": " << out;
  }
}

TEST_F(SystemTablesTest, relations_columns_and_types_fit_together) {
  EXPECT_EQ(run("select count(*) from pg_attribute a left join pg_class c on c.oid = a.attrelid "
                "where c.oid is null"),
            "0\n");
  EXPECT_EQ(run("select count(*) from pg_attribute a left join pg_type t on t.oid = a.atttypid "
                "where t.oid is null"),
            "0\n");
  EXPECT_EQ(run("select count(*) from pg_class c left join pg_namespace n "
                "on n.oid = c.relnamespace where n.oid is null"),
            "0\n");
  EXPECT_EQ(run("select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
                "group by c.oid, c.relname, c.relnatts having count(*) <> c.relnatts"),
            "");
  EXPECT_EQ(run("select oid from pg_class group by oid having count(*) > 1"), "");
}

TEST_F(SystemTablesTest, every_type_reads_and_writes_with_a_function) {
  EXPECT_EQ(run("select t.typname from pg_type t left join pg_proc i on i.oid = t.typinput "
                "left join pg_proc o on o.oid = t.typoutput "
                "where i.oid is null or o.oid is null"),
            "");
  EXPECT_EQ(run("select typname from pg_type where typinput = 'array_in'::regproc "
                "and typname like '\\_int%' order by 1"),
            "_int2\n_int2vector\n_int4\n_int8\n_interval\n");
}

TEST_F(SystemTablesTest, constraints_are_told_as_postgresql_does) {
  EXPECT_EQ(run("select conname, contype, conkey, pg_get_constraintdef(oid), "
                "pg_get_constraintdef(oid, true) from pg_constraint order by 1"),
            "t_b_c_key|u|{2,3}|UNIQUE (b, c)|UNIQUE (b, c)\n"
            "t_d_check|c|{4}|CHECK ((length((d)::text) > 2))|CHECK (length(d::text) > 2)\n"
            "t_pkey|p|{1}|PRIMARY KEY (a)|PRIMARY KEY (a)\n"
            "u_a_fkey|f|{1}|FOREIGN KEY (a) REFERENCES t(a) ON DELETE CASCADE|"
            "FOREIGN KEY (a) REFERENCES t(a) ON DELETE CASCADE\n");
}

TEST_F(SystemTablesTest, indexes_are_told_as_postgresql_does) {
  EXPECT_EQ(run("select indexname, indexdef from pg_indexes where schemaname = 'public' "
                "order by 1"),
            "t_b_c_key|CREATE UNIQUE INDEX t_b_c_key ON public.t USING btree (b, c)\n"
            "t_pkey|CREATE UNIQUE INDEX t_pkey ON public.t USING btree (a)\n"
            "u_a|CREATE INDEX u_a ON public.u USING btree (a DESC, x)\n");
  EXPECT_EQ(run("select indexrelid::regclass, indkey, indoption, indclass, indcollation "
                "from pg_index order by indexrelid::regclass::text"),
            "t_b_c_key|2 3|0 0|3126 1978|100 0\nt_pkey|1|0|1978|0\nu_a|1 2|3 0|1978 1978|0 0\n");
}

TEST_F(SystemTablesTest, names_resolve_by_the_search_path) {
  EXPECT_EQ(run("select 't'::regclass, 'public.t'::regclass, 'pg_class'::regclass::oid, "
                "'information_schema.tables'::regclass"),
            "t|t|1259|information_schema.tables\n");
  EXPECT_EQ(run("select 'nope'::regclass"), "ERROR:  42P01: relation \"nope\" does not exist\n");
  EXPECT_EQ(run("select to_regclass('nope'), to_regclass('t')"), "NULL|t\n");
  EXPECT_EQ(run("select 'array_in'::regproc, 1317::regproc, 'public'::regnamespace, "
                "'postgres'::regrole"),
            "array_in|pg_catalog.length|public|postgres\n");
  session_.session().search_path = {};
  EXPECT_EQ(run("select 'public.t'::regclass"), "public.t\n");
}

TEST_F(SystemTablesTest, sizes_are_pretty) {
  EXPECT_EQ(run("select pg_size_pretty(x) from (values (10::bigint), (1000), (1000000), "
                "(1000000000), (1000000000000), (-1000000), (10239), (10240), (20971000)) v(x)"),
            "10 bytes\n1000 bytes\n977 kB\n954 MB\n931 GB\n-977 kB\n10239 bytes\n10 kB\n20 MB\n");
}

TEST_F(SystemTablesTest, information_schema_tells_of_columns) {
  EXPECT_EQ(run("select column_name, ordinal_position, column_default, is_nullable, data_type, "
                "character_maximum_length, numeric_precision, numeric_scale, udt_name "
                "from information_schema.columns where table_name = 't' order by 2"),
            "a|1|NULL|NO|integer|NULL|32|0|int4\n"
            "b|2|'x'::text|YES|text|NULL|NULL|NULL|text\n"
            "c|3|nextval('t_c_seq'::regclass)|NO|integer|NULL|32|0|int4\n"
            "d|4|NULL|YES|character varying|5|NULL|NULL|varchar\n"
            "e|5|NULL|NO|numeric|NULL|10|2|numeric\n");
}

TEST(PrettyExpression, leaves_out_what_precedence_gives) {
  using system::pretty_expression;
  EXPECT_EQ(pretty_expression("(a > 0)"), "a > 0");
  EXPECT_EQ(pretty_expression("((a > 0) AND (b < 5))"), "a > 0 AND b < 5");
  EXPECT_EQ(pretty_expression("((a > 0) AND ((b < 5) OR (c = 1)))"), "a > 0 AND (b < 5 OR c = 1)");
  EXPECT_EQ(pretty_expression("((b)::text = 'a (b'::text)"), "b::text = 'a (b'::text");
  EXPECT_EQ(pretty_expression("(length(d) > 2)"), "length(d) > 2");
  EXPECT_EQ(pretty_expression("nextval('t_c_seq'::regclass)"), "nextval('t_c_seq'::regclass)");
}

}  // namespace
}  // namespace quorate::sql
