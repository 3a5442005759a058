// What the executor costs above its transaction, in microseconds a statement: a point select, a
// one-row update and a one-row insert by prepared plans over the store in memory, beside the bare
// reads and writes of the same transaction.
//
//     exec_bench [ITERATIONS]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "sql/testing/mini_session.h"

namespace quorate::sql {
namespace {

using runtime::Task;

struct Bench {
  MiniNode node;
  MiniSession session{node};
  size_t iterations = 200'000;

  Task<Status> bare_get(txn::Transaction* txn, std::shared_ptr<const RowCodec> codec) {
    for (size_t i = 0; i < iterations; ++i) {
      std::vector<Datum> values{Datum::of_int(static_cast<int64_t>(i % 1000))};
      Bytes key;
      CO_RETURN_IF_ERROR(codec->encode_prefix(0, values, &key));
      std::vector<Bytes> keys;
      keys.push_back(std::move(key));
      txn->begin_statement();
      txn::ReadOptions options;
      auto rows = co_await txn->get(std::move(keys), options);
      if (!rows.ok()) co_return rows.status();
      CHECK(rows->present(0));
    }
    co_return Status();
  }

  Task<Status> bare_update(txn::Transaction* txn, std::shared_ptr<const RowCodec> codec) {
    for (size_t i = 0; i < iterations; ++i) {
      std::vector<Datum> values{Datum::of_int(static_cast<int64_t>(i % 1000))};
      Bytes key;
      CO_RETURN_IF_ERROR(codec->encode_prefix(0, values, &key));
      std::vector<Bytes> keys;
      keys.push_back(std::move(key));
      txn->begin_statement();
      txn::ReadOptions options;
      options.lock = txn::LockMode::kExclusive;
      auto rows = co_await txn->get(std::move(keys), options);
      if (!rows.ok()) co_return rows.status();
      CO_RETURN_IF_ERROR(txn->put(rows->key(0), rows->value(0), 2, rows->ts(0)));
    }
    co_return Status();
  }

  Task<Status> run_plan(txn::Transaction* txn, PlanRef plan, bool second) {
    RowBatch batch;
    std::vector<Datum> params(1 + second);
    for (size_t i = 0; i < iterations; ++i) {
      params[second] = Datum::of_int(static_cast<int64_t>(i % 1000));
      if (second) params[0] = Datum::of_int(static_cast<int64_t>(i));
      ExecContext context;
      context.txn = txn;
      context.eval = &session.eval();
      context.executor = &node.client.executor();
      context.params = params;
      txn->begin_statement();
      auto execution = Execution::create(plan, context);
      do {
        CO_RETURN_IF_ERROR(co_await execution->next(&batch));
      } while (!execution->finished());
    }
    co_return Status();
  }

  void time(const char* what, size_t n, Task<Status> task) {
    auto begin = std::chrono::steady_clock::now();
    Status s = run_task(node.client.executor(), std::move(task));
    auto end = std::chrono::steady_clock::now();
    CHECK_MSG(s.ok(), s.to_string());
    std::printf(
        "%-32s %7.3f us\n", what,
        std::chrono::duration<double, std::micro>(end - begin).count() / static_cast<double>(n));
  }

  PlanRef plan(std::string_view sql, std::vector<Type> types) {
    auto p = session.prepare(sql, std::move(types));
    CHECK_MSG(p.ok(), p.status().to_string());
    return *p;
  }

  void run() {
    CHECK(session
              .run("CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL DEFAULT 0, c char(120) NOT "
                   "NULL DEFAULT '', pad char(60) NOT NULL DEFAULT ''); CREATE TABLE u (id int "
                   "PRIMARY KEY, k int, c char(120)); INSERT INTO t SELECT g, g, 'text', 'pad' "
                   "FROM generate_series(0, 999) g; INSERT INTO u SELECT g, g, 'text' FROM "
                   "generate_series(0, 999) g; CREATE INDEX t_k ON t (k)")
              .status.ok());
    const TablePtr t = node.manager.snapshot()->table(kPublicSchema, "t");
    const Type int8{oid::kInt8, -1};
    txn::TxnOptions reads, writes;
    reads.read_only = true;
    auto r = node.client.begin(reads);
    auto codec = node.codec(t);
    const size_t n = iterations;
    time("get", n, bare_get(r.get(), codec));
    time("select c by id", n, run_plan(r.get(), plan("SELECT c FROM t WHERE id = $1", {int8}), 0));
    time("select 4 columns by id", n,
         run_plan(r.get(), plan("SELECT * FROM t WHERE id = $1", {int8}), 0));
    time("select k + 1 by id", n,
         run_plan(r.get(), plan("SELECT k + 1 FROM t WHERE id = $1", {int8}), 0));
    auto w = node.client.begin(writes);
    time("get for update, put", n, bare_update(w.get(), codec));
    w = node.client.begin(writes);
    time("update k + 1 by id", n,
         run_plan(w.get(), plan("UPDATE u SET k = k + 1 WHERE id = $1", {int8}), 0));
    w = node.client.begin(writes);
    time("update k + 1 by id, indexed", n,
         run_plan(w.get(), plan("UPDATE t SET k = k + 1 WHERE id = $1", {int8}), 0));
    w = node.client.begin(writes);
    time("update c by id, index unchanged", n,
         run_plan(w.get(), plan("UPDATE t SET c = 'other' WHERE id = $1", {int8}), 0));
    iterations = 300;
    time("select 100 rows by range", iterations,
         run_plan(r.get(), plan("SELECT c FROM t WHERE id BETWEEN $1 AND $1 + 99", {int8}), 0));
  }
};

}  // namespace
}  // namespace quorate::sql

int main(int argc, char** argv) {
  quorate::sql::Bench bench;
  if (argc > 1) bench.iterations = std::strtoull(argv[1], nullptr, 10);
  bench.run();
}
