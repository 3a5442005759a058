// A session without a wire, for tests: SQL text in, rows as text, command tags and errors out.
//
//     MiniNode node;                       // a store in memory, its catalog, a database
//     MiniSession s(node);
//     MiniResult r = s.run("SELECT 1");    // the last statement's result
//     s.query("SELECT 1")                  // as text: see to_text()
//
// Runs what a real session runs (parse, analyze, plan, execute; schema changes through sql/schema)
// over txn/testing/map_client.h. Each statement outside BEGIN ... COMMIT is a transaction of its
// own. Nothing is retried: a serialization failure is the statement's result. Sequences live in
// memory with the node and are not transactional, as in PostgreSQL.
#pragma once

#include <map>

#include "sql/analyze/analyze.h"
#include "sql/catalog/catalog_manager.h"
#include "sql/catalog/catalog_writer.h"
#include "sql/catalog/row_codec.h"
#include "sql/catalog/system_table.h"
#include "sql/exec/execution.h"
#include "sql/functions/eval_context.h"
#include "sql/plan/planner.h"
#include "sql/schema/schema_change.h"
#include "sql/system/catalog_functions.h"
#include "sql/system/system_tables.h"
#include "txn/testing/map_client.h"

namespace quorate::sql {

// What sessions of one node share.
class MiniNode {
 public:
  explicit MiniNode(const SystemTables* system_tables = nullptr);

  txn::MapClient client;
  CatalogManager manager;
  const SystemTables* system_tables;
  void* system_node = nullptr;  // SystemTableContext::node
  struct Sequence {
    int64_t last = 0;
    bool called = false;
  };
  std::map<Oid, Sequence> sequences;
  // Estimates for the planner, by table name; 1000 where there is none.
  std::map<std::string, double> rows;

  std::shared_ptr<const RowCodec> codec(const TablePtr& table);

 private:
  std::map<std::pair<Oid, uint64_t>, std::shared_ptr<const RowCodec>> codecs_;
};

struct MiniResult {
  std::string tag;  // "INSERT 0 2"; empty after an error
  bool has_rows = false;
  std::vector<PlanColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::vector<Status> notices;
  Status status;
};

// One line of "name:type oid|...", one a row with values separated by |, nulls as NULL, then the
// tag; or "ERROR state: message" and a line for each further field. `sorted`: rows in the order of
// their texts.
std::string to_text(const MiniResult& r, bool sorted = false);

class MiniSession : public SessionFunctions, public CatalogNames {
 public:
  explicit MiniSession(MiniNode& node);
  ~MiniSession() override;

  // All statements of the text up to the first error; the result of the last one that ran.
  MiniResult run(std::string_view sql);
  // One statement with parameters in text form; `types` may be shorter: the rest is inferred.
  MiniResult run_with(std::string_view sql, std::vector<std::optional<std::string>> params,
                      std::vector<Type> types = {});
  std::string query(std::string_view sql, bool sorted = false) { return to_text(run(sql), sorted); }
  // The plan of a query as an indented tree of nodes and notes.
  std::string explain(std::string_view sql);
  // A plan to be run many times, and one such run; for measurements.
  Result<PlanRef> prepare(std::string_view sql, std::vector<Type> types = {});
  MiniResult execute(const PlanRef& plan, std::span<const Datum> params);

  txn::Isolation isolation = txn::Isolation::kSerializable;
  std::vector<std::string> search_path{"public"};
  bool in_block() const { return block_ != nullptr; }
  EvalContext& eval() { return *eval_; }

  // SessionFunctions
  int64_t clock_micros() override;
  uint64_t random_u64() override;
  void set_seed(double) override {}
  double random_double() override;
  std::string current_database() override { return "postgres"; }
  std::string current_user() override { return "postgres"; }
  std::string session_user() override { return "postgres"; }
  std::vector<std::string> current_schemas(bool implicit) override;
  int32_t backend_pid() override { return 4711; }
  Result<int64_t> nextval(Oid sequence) override;
  Result<int64_t> currval(Oid sequence) override;
  Result<int64_t> lastval() override;
  Result<int64_t> setval(Oid sequence, int64_t value, bool is_called) override;
  Result<std::string> setting(std::string_view name, bool missing_ok) override;
  Result<std::string> set_setting(std::string_view, std::string_view value, bool) override {
    return std::string(value);
  }
  // CatalogNames
  Result<Oid> resolve(Oid type, std::string_view name) const override;
  std::string name_of(Oid type, Oid object) const override;
  Result<Datum> catalog_function(Oid oid, std::string_view name,
                                 std::span<const Datum> args) override;

 private:
  struct Block;
  struct Bound;
  MiniResult run_one(const ParsedStatement& parsed, std::vector<Type> types,
                     const std::vector<std::optional<std::string>>& params);
  MiniResult run_query(const Query& query, const std::vector<Type>& types,
                       const std::vector<std::optional<std::string>>& params, std::string_view tag);
  MiniResult run_plan(const PlanRef& plan, std::span<const Datum> params, std::string_view tag);
  MiniResult run_ddl(const Ddl& ddl, std::string_view tag);
  MiniResult run_transaction(const TransactionStatement& s, std::string_view tag);
  AnalyzeContext analyze_context();
  Result<PlanRef> make_plan(const Query& query);
  CatalogPtr catalog() const;
  CatalogReader reader() const;
  void begin_micros();

  MiniNode& node_;
  std::unique_ptr<EvalContext> eval_;
  std::unique_ptr<Block> block_;
  std::map<Oid, int64_t> current_values_;
  std::optional<Oid> last_sequence_;
};

// A node with the system tables and one session on it, whose results are told as psql -At -P
// null=NULL with verbose errors prints them.
class TextSession {
 public:
  TextSession() : node_(&system_tables()), session_(node_) {}
  std::string run(std::string_view sql);
  MiniSession& session() { return session_; }

 private:
  MiniNode node_;
  MiniSession session_;
};

}  // namespace quorate::sql
