// What programs do with libpqxx: prepared statements, parameters, pipelines, streams (COPY),
// cursors, sub-transactions, errors by class. Prints what it saw;
// tests/e2e/pqxx.sh compares that with what PostgreSQL gave.
//
//   pqxx_client "CONNECTION STRING"
#include <cstdio>
#include <iostream>
#include <pqxx/pqxx>

namespace {

void say(const std::string& line) { std::cout << line << "\n"; }

// "1 one 1.50|2 - 3.00"
std::string all(const pqxx::result& rows) {
  std::string out;
  for (const auto& row : rows) {
    if (!out.empty()) out += "|";
    for (const auto& field : row)
      out += (field.num() > 0 ? " " : "") + std::string(field.is_null() ? "-" : field.c_str());
  }
  return out;
}

template <class Error, class Body>
void expect(const char* what, Body body) {
  try {
    body();
    say(std::string(what) + ": no error");
  } catch (const Error& e) {
    std::string text = e.what();
    say(std::string(what) + ": " + text.substr(0, text.find('\n')));
  }
}

void statements(pqxx::connection& c) {
  pqxx::work w(c);
  w.exec0(
      "CREATE TABLE item (id int PRIMARY KEY, name text UNIQUE, price numeric(8,2) CHECK (price >= "
      "0))");
  for (int i = 1; i <= 5; ++i)
    w.exec_params0("INSERT INTO item VALUES ($1, $2, $3)", i, "item " + std::to_string(i),
                   i * 1.25);
  say("affected " +
      std::to_string(w.exec("UPDATE item SET price = price + 1 WHERE id > 3").affected_rows()));
  w.commit();
  pqxx::nontransaction n(c);
  say(all(n.exec("SELECT * FROM item ORDER BY id")));
  pqxx::result r = n.exec("SELECT id, name, price FROM item WHERE false");
  for (int i = 0; i < static_cast<int>(r.columns()); ++i)
    say(std::string(r.column_name(i)) + " type " + std::to_string(r.column_type(i)) +
        " of column " + std::to_string(r.table_column(i)));
  say(std::to_string(n.exec1("SELECT count(*) FROM item")[0].as<long>()));
  say(n.exec1("SELECT " + n.quote("it's") + ", " + n.quote_name("a b") +
              " FROM (SELECT 1 AS \"a b\") x")[0]
          .c_str());
}

void prepared(pqxx::connection& c) {
  c.prepare("find", "SELECT name, price FROM item WHERE id = $1");
  c.prepare("put", "INSERT INTO item VALUES ($1, $2, $3)");
  pqxx::work w(c);
  for (int i = 1; i < 4; ++i) say(all(w.exec_prepared("find", i)));
  w.exec_prepared0("put", 6, "six", nullptr);
  say(all(w.exec_prepared("find", 6)));
  say(all(w.exec_params("SELECT id FROM item WHERE id = ANY ($1::int[]) ORDER BY id", "{1,3,6}")));
  w.commit();
  c.unprepare("find");
}

void pipelines(pqxx::connection& c) {
  {
    pqxx::work w(c);
    pqxx::pipeline p(w);
    p.retain(10);
    std::vector<pqxx::pipeline::query_id> ids;
    for (int i = 1; i <= 6; ++i)
      ids.push_back(p.insert("SELECT name FROM item WHERE id = " + std::to_string(i)));
    p.complete();
    for (auto id : ids) say(all(p.retrieve(id)));
  }
  pqxx::work w(c);
  pqxx::pipeline p(w);
  p.retain(3);
  auto good = p.insert("SELECT 1");
  auto bad = p.insert("SELECT 1/0");
  auto after = p.insert("SELECT 2");
  p.resume();
  say("good " + all(p.retrieve(good)));
  expect<pqxx::sql_error>("bad", [&] { p.retrieve(bad); });
  expect<std::exception>("after", [&] { p.retrieve(after); });
}

void streams(pqxx::connection& c) {
  pqxx::work w(c);
  w.exec0("CREATE TABLE copied (id int, text text, d double precision)");
  {
    pqxx::stream_to to(w, "copied", std::vector<std::string>{"id", "text", "d"});
    for (int i = 0; i < 1000; ++i) {
      std::unique_ptr<std::string> text;
      if (i % 10 != 0) text = std::make_unique<std::string>("tab\tand\nline " + std::to_string(i));
      to << std::make_tuple(i, text.get(), i / 4.0);
    }
    to.complete();
  }
  say(all(w.exec("SELECT count(*), count(text), sum(d) FROM copied")));
  size_t lines = 0, bytes = 0;
  {
    pqxx::stream_from from(w, "copied", std::vector<std::string>{"id", "text"});
    for (std::string line; from.get_raw_line(line); bytes += line.size()) ++lines;
    from.complete();
  }
  say("streamed " + std::to_string(lines) + " " + std::to_string(bytes));
  w.commit();
}

void cursors(pqxx::connection& c) {
  pqxx::work w(c);
  pqxx::stateless_cursor<pqxx::cursor_base::read_only, pqxx::cursor_base::owned> cursor(
      w, "SELECT id FROM copied ORDER BY id", "mine", false);
  say("size " + std::to_string(cursor.size()));
  say(all(cursor.retrieve(10, 13)));
  say(all(cursor.retrieve(5, 2)));
  pqxx::icursorstream stream(w, "SELECT id FROM copied ORDER BY id", "stream", 400);
  pqxx::result block;
  while (stream >> block) say("block of " + std::to_string(block.size()));
}

void transactions(pqxx::connection& c) {
  {
    pqxx::work w(c);
    {
      pqxx::subtransaction s(w, "inner");
      s.exec0("DELETE FROM item");
      say("inside " + all(s.exec("SELECT count(*) FROM item")));
      s.abort();
    }
    {
      pqxx::subtransaction s(w, "failing");
      expect<pqxx::unique_violation>("unique",
                                     [&] { s.exec0("INSERT INTO item VALUES (1, 'x', 1)"); });
      s.abort();
    }
    say("outside " + all(w.exec("SELECT count(*) FROM item")));
    w.commit();
  }
  {
    pqxx::transaction<pqxx::serializable> t(c);
    t.exec0("INSERT INTO item VALUES (100, 'hundred', 1)");
    t.commit();
  }
  {
    pqxx::transaction<pqxx::read_committed, pqxx::read_only> t(c);
    say(all(t.exec("SHOW transaction_isolation")) + " " +
        all(t.exec("SHOW transaction_read_only")));
    expect<pqxx::sql_error>("read only", [&] { t.exec0("DELETE FROM item"); });
  }
  pqxx::perform([&c] {
    pqxx::work w(c);
    w.exec0("UPDATE item SET price = 7 WHERE id = 100");
    w.commit();
  });
  pqxx::nontransaction n(c);
  say(all(n.exec("SELECT * FROM item WHERE id = 100")));
  expect<pqxx::check_violation>("check",
                                [&] { n.exec0("INSERT INTO item VALUES (200, 'neg', -1)"); });
  expect<pqxx::not_null_violation>("null", [&] { n.exec0("INSERT INTO item VALUES (NULL)"); });
  expect<pqxx::syntax_error>("syntax", [&] { n.exec0("SELEC"); });
  expect<pqxx::undefined_table>("table", [&] { n.exec0("SELECT * FROM nothing"); });
  expect<pqxx::undefined_column>("column", [&] { n.exec0("SELECT nothing FROM item"); });
  expect<pqxx::data_exception>("division", [&] { n.exec0("SELECT 1/0"); });
  n.exec0("DROP TABLE item");
  n.exec0("DROP TABLE copied");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    pqxx::connection c(argv[1]);
    say("protocol " + std::to_string(c.protocol_version()) + " encoding " +
        c.get_client_encoding());
    statements(c);
    prepared(c);
    pipelines(c);
    streams(c);
    cursors(c);
    transactions(c);
    say("done");
  } catch (const std::exception& e) {
    say(std::string("unexpected: ") + e.what());
    return 1;
  }
  return 0;
}
