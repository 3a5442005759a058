// One analyzed statement, whatever its kind, as sql/session works on it: nobody above sees a parse
// tree. What the grammar accepts and nothing here stands for was refused with 0A000.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sql/analyze/ddl.h"
#include "sql/analyze/query.h"
#include "sql/parse/parse.h"

namespace quorate::sql {

struct TransactionModes {
  std::optional<range::Isolation> isolation;
  bool uncommitted = false;  // READ UNCOMMITTED, which is READ COMMITTED by another name
  std::optional<bool> read_only, deferrable;
  std::optional<Timestamp> as_of;  // reads what was there then; never in a statement's tree
};

struct TransactionStatement {
  enum class Kind : uint8_t {
    kBegin,
    kCommit,
    kRollback,
    kSavepoint,
    kRelease,
    kRollbackTo
  } kind = Kind::kBegin;
  TransactionModes modes;  // kBegin
  std::string savepoint;
  bool chain = false;  // AND CHAIN
};

struct SetStatement {
  enum class Kind : uint8_t {
    kValue,            // SET name = values
    kDefault,          // SET name TO DEFAULT, RESET name
    kResetAll,         // RESET ALL
    kTransaction,      // SET TRANSACTION modes
    kCharacteristics,  // SET SESSION CHARACTERISTICS AS TRANSACTION modes
    kConstraints       // SET CONSTRAINTS: none is deferrable here, so there is nothing to set
  } kind = Kind::kValue;
  std::string name;                 // lower case as written: "search_path", "timezone"
  std::vector<std::string> values;  // a list for search_path and its like
  bool is_local = false;
  TransactionModes modes;
  bool deferred = false;  // kConstraints
};

struct ShowStatement {
  std::string name;  // "all" for SHOW ALL
};

struct PrepareStatement {
  std::string name;
  std::vector<Type> params;  // declared ones
  ParsedStatement body;
};
struct ExecuteStatement {
  std::string name;
  ParsedStatement parsed;  // analyze_execute_args() reads the arguments
  size_t arguments = 0;
};
struct DeallocateStatement {
  std::string name;  // empty: ALL
};

struct ExplainStatement {
  bool analyze = false, verbose = false, costs = true, buffers = false, timing = true,
       summary = false, settings = false, wal = false;
  enum class Format : uint8_t { kText, kJson, kXml, kYaml } format = Format::kText;
  ParsedStatement body;  // a query, EXECUTE or DECLARE
};

struct CopyOptions {
  enum class Format : uint8_t { kText, kCsv, kBinary } format = Format::kText;
  bool freeze = false;
  bool header = false, header_match = false;
  char delimiter = '\t';
  std::string null_text = "\\N";
  char quote = '"', escape = '"';
  std::vector<uint32_t> force_quote, force_not_null, force_null;  // table columns
  bool force_quote_all = false;
};
struct CopyStatement {
  bool from = false;
  CopyOptions options;
  // COPY FROM: an INSERT without source: insert_columns, defaults and checks as for INSERT.
  // COPY TO: the SELECT whose rows go out.
  std::unique_ptr<Query> query;
};

struct CreateTableAsStatement {
  CreateTable table;
  bool with_data = true;
  ParsedStatement parsed;  // analyze_create_table_as_rows() reads the query
};

struct DeclareStatement {
  std::string name;
  bool binary = false, scroll = false, no_scroll = false, hold = false;
  ParsedStatement body;
};
struct FetchStatement {
  std::string name;
  enum class Direction : uint8_t {
    kForward,
    kBackward,
    kAbsolute,
    kRelative
  } direction = Direction::kForward;
  int64_t count = 1;  // INT64_MAX: ALL
  bool move = false;
};
struct CloseStatement {
  std::string name;  // empty: ALL
};

struct VacuumStatement {
  bool vacuum = true, analyze = false;
  std::vector<TablePtr> tables;  // empty: all
};
struct LockTableStatement {
  std::vector<TablePtr> tables;
  int mode = 8;  // PostgreSQL's lock level: 1 ACCESS SHARE to 8 ACCESS EXCLUSIVE
  bool nowait = false;
};
struct DiscardStatement {
  enum class What : uint8_t { kAll, kPlans, kSequences, kTemp } what = What::kAll;
};
struct CheckpointStatement {};

using StatementBody =
    std::variant<std::unique_ptr<Query>, Ddl, TransactionStatement, SetStatement, ShowStatement,
                 PrepareStatement, ExecuteStatement, DeallocateStatement, ExplainStatement,
                 CopyStatement, DeclareStatement, FetchStatement, CloseStatement, VacuumStatement,
                 LockTableStatement, DiscardStatement, CheckpointStatement, CreateTableAsStatement>;

struct Statement {
  std::string_view tag;  // PostgreSQL's command tag, static
  StatementBody body;
};

}  // namespace quorate::sql
