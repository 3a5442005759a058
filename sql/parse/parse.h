// SQL text to parse trees: PostgreSQL 15's own grammar (libpg_query), plus what is ours.
//
// The trees are pg_query's C structs. Only sources of sql/parse, sql/analyze and sql/schema look
// into them; everybody else carries a ParsedStatement around.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

struct PgQuery__Node;  // pg_query/pg_query.pb-c.h

namespace quorate::sql {

enum class SplitKind : uint8_t { kNone, kTable, kIndex };

class ParseTree;  // owns one unpacked result and its text

// One statement of a string. Cheap to copy; copies share the tree, which lives as long as any of
// them.
class ParsedStatement {
 public:
  ParsedStatement() = default;
  ParsedStatement(std::shared_ptr<const ParseTree> owner, const PgQuery__Node* node, size_t begin,
                  size_t size, SplitKind split_at = SplitKind::kNone)
      : owner_(std::move(owner)), node_(node), begin_(begin), size_(size), split_at_(split_at) {}

  explicit operator bool() const { return node_ != nullptr; }
  const PgQuery__Node* node() const { return node_; }
  // The whole string: locations in the tree are byte offsets into it.
  std::string_view source() const;
  // This statement's own part of it, without the semicolon.
  std::string_view text() const { return source().substr(begin_, size_); }
  size_t begin() const { return begin_; }
  // The same source with another node of the same tree: the statement inside EXPLAIN or PREPARE.
  ParsedStatement inner(const PgQuery__Node* node) const {
    return ParsedStatement(owner_, node, begin_, size_);
  }
  // What AS OF SYSTEM TIME says in it; empty: it is not there.
  std::string_view as_of() const;
  // ALTER TABLE t or ALTER INDEX t SPLIT AT VALUES (...): `node` is an INSERT of the same values
  // into t.
  SplitKind split_at() const { return split_at_; }

  // PostgreSQL's command tag without row counts: "SELECT", "INSERT", "CREATE TABLE", "BEGIN".
  std::string_view tag() const;
  // BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their like: what may run in a failed transaction is for
  // the session to tell from Statement.
  bool is_transaction_control() const;
  // SELECT, VALUES, INSERT, UPDATE, DELETE: what a plan is made of.
  bool is_query() const;

 private:
  std::shared_ptr<const ParseTree> owner_;
  const PgQuery__Node* node_ = nullptr;
  size_t begin_ = 0, size_ = 0;
  SplitKind split_at_ = SplitKind::kNone;
};

// The statements of a string in order; none for an empty one. 42601 with PostgreSQL's message and
// position; 54001 for what is nested too deep (nesting.h). `sql` may not hold a zero byte.
Result<std::vector<ParsedStatement>> parse(std::string_view sql);

// The position that errors give for a byte offset: 1-based, in characters; 0 for a negative offset.
int32_t error_position(std::string_view source, int32_t byte_offset);

}  // namespace quorate::sql
