#include "sql/parse/parse.h"

#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <algorithm>

#include "sql/parse/as_of.h"
#include "sql/parse/command_tag.h"
#include "sql/parse/nesting.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

class ParseTree {
 public:
  using Moments = std::vector<std::pair<size_t, std::string>>;
  ParseTree(std::string source, PgQuery__ParseResult* result, Moments moments)
      : source_(std::move(source)), result_(result), moments_(std::move(moments)) {}
  ~ParseTree() { pg_query__parse_result__free_unpacked(result_, nullptr); }
  ParseTree(const ParseTree&) = delete;
  const std::string& source() const { return source_; }
  const PgQuery__ParseResult& result() const { return *result_; }
  const Moments& moments() const { return moments_; }

 private:
  std::string source_;
  PgQuery__ParseResult* result_;
  Moments moments_;  // of AS OF SYSTEM TIME, by where they stood
};

std::string_view ParsedStatement::source() const { return owner_->source(); }

std::string_view ParsedStatement::as_of() const {
  for (const auto& [at, moment] : owner_->moments())
    if (at >= begin_ && at < begin_ + size_) return moment;
  return {};
}

int32_t error_position(std::string_view source, int32_t byte_offset) {
  if (byte_offset < 0) return 0;
  size_t end = std::min<size_t>(source.size(), static_cast<size_t>(byte_offset));
  int32_t characters = 0;
  for (size_t i = 0; i < end; ++i)
    if ((static_cast<unsigned char>(source[i]) & 0xc0) != 0x80) ++characters;
  return characters + 1;
}

namespace {

// The hints of the grammar's own errors, which pg_query leaves out.
std::string_view hint_for(std::string_view message) {
  if (message == "subquery in FROM must have an alias")
    return "For example, FROM (SELECT ...) [AS] foo.";
  if (message == "VALUES in FROM must have an alias")
    return "For example, FROM (VALUES ...) [AS] foo.";
  return {};
}

// "trailing junk after numeric literal" quotes the junk's first byte, be it a character's first
// one.
std::string whole_characters(std::string_view message) {
  std::string out;
  while (!message.empty()) {
    size_t size = 1;
    while (size < message.size() && (static_cast<unsigned char>(message[size]) & 0xc0) == 0x80)
      ++size;
    if (check_utf8(message.substr(0, size)).ok()) out += message.substr(0, size);
    message.remove_prefix(size);
  }
  return out;
}

Result<std::shared_ptr<const ParseTree>> parse_tree(std::string source,
                                                    ParseTree::Moments moments = {}) {
  PgQueryProtobufParseResult raw = pg_query_parse_protobuf(source.c_str());
  if (raw.error != nullptr) {
    Status error = Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                          whole_characters(raw.error->message));
    // Unlike the locations in trees, this one counts characters.
    if (raw.error->cursorpos > 0) error = std::move(error).with_position(raw.error->cursorpos);
    if (std::string_view hint = hint_for(raw.error->message); !hint.empty())
      error = std::move(error).with_hint(std::string(hint));
    pg_query_free_protobuf_parse_result(raw);
    return error;
  }
  PgQuery__ParseResult* result = pg_query__parse_result__unpack(
      nullptr, raw.parse_tree.len, reinterpret_cast<const uint8_t*>(raw.parse_tree.data));
  pg_query_free_protobuf_parse_result(raw);
  if (result == nullptr) return internal_error("the parser's answer can't be read");
  return std::make_shared<const ParseTree>(std::move(source), result, std::move(moments));
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// A word of `text` at or after `from`, letters compared without case; npos where it isn't next.
size_t skip_word(std::string_view text, size_t from, std::string_view word) {
  while (from < text.size() && is_blank(text[from])) ++from;
  if (text.size() - from < word.size()) return std::string_view::npos;
  for (size_t i = 0; i < word.size(); ++i)
    if ((text[from + i] | 0x20) != word[i]) return std::string_view::npos;
  return from + word.size();
}

// The end of a possibly qualified, possibly quoted name.
size_t skip_name(std::string_view text, size_t from) {
  while (from < text.size() && is_blank(text[from])) ++from;
  bool quoted = false;
  while (from < text.size() && (quoted || !is_blank(text[from]))) {
    if (text[from] == '"') quoted = !quoted;
    ++from;
  }
  return from;
}

// ALTER TABLE t SPLIT AT VALUES (...) is read by PostgreSQL's grammar as INSERT INTO t VALUES (...)
// with every location kept: both beginnings have eleven characters, SPLIT AT becomes blanks. So is
// ALTER INDEX, and `kind` tells which it was.
std::optional<std::string> split_at_as_insert(std::string_view sql, SplitKind* kind) {
  constexpr size_t kNone = std::string_view::npos;
  size_t start = 0;
  while (start < sql.size() && is_blank(sql[start])) ++start;
  const size_t object = skip_word(sql, start, "alter");
  if (object == kNone) return std::nullopt;
  size_t at = skip_word(sql, object, "table");
  *kind = at != kNone ? SplitKind::kTable : SplitKind::kIndex;
  if (at == kNone) at = skip_word(sql, object, "index");
  if (at == kNone || at - start != 11) return std::nullopt;
  size_t split = skip_name(sql, at);
  size_t end = skip_word(sql, split, "split");
  if (end != kNone) end = skip_word(sql, end, "at");
  if (end == kNone || skip_word(sql, end, "values") == kNone) return std::nullopt;
  std::string out(sql);
  out.replace(start, 11, "INSERT INTO");
  std::fill(out.begin() + static_cast<ptrdiff_t>(split), out.begin() + static_cast<ptrdiff_t>(end),
            ' ');
  return out;
}

std::vector<ParsedStatement> statements(const std::shared_ptr<const ParseTree>& tree,
                                        SplitKind split_at) {
  std::vector<ParsedStatement> out;
  const PgQuery__ParseResult& result = tree->result();
  for (size_t i = 0; i < result.n_stmts; ++i) {
    const PgQuery__RawStmt& raw = *result.stmts[i];
    size_t begin = static_cast<size_t>(raw.stmt_location);
    size_t size =
        raw.stmt_len > 0 ? static_cast<size_t>(raw.stmt_len) : tree->source().size() - begin;
    while (size > 0 && is_blank(tree->source()[begin])) ++begin, --size;
    out.emplace_back(tree, raw.stmt, begin, size, split_at);
  }
  return out;
}

}  // namespace

Result<std::vector<ParsedStatement>> parse(std::string_view sql) {
  RETURN_IF_ERROR(check_nesting(sql));
  auto tree = parse_tree(std::string(sql));
  if (tree.ok()) return statements(*tree, SplitKind::kNone);
  SplitKind kind;
  if (auto insert = split_at_as_insert(sql, &kind)) {
    auto split = parse_tree(std::move(*insert));
    if (split.ok() && (*split)->result().n_stmts == 1) return statements(*split, kind);
  }
  if (auto present = without_as_of(sql)) {
    auto past = parse_tree(std::move(present->sql), std::move(present->moments));
    if (!past.ok()) return past.status();
    std::vector<ParsedStatement> list = statements(*past, SplitKind::kNone);
    const auto with = std::count_if(list.begin(), list.end(),
                                    [](const ParsedStatement& s) { return !s.as_of().empty(); });
    // Else it stood alone, twice in one statement, or said nothing.
    if (static_cast<size_t>(with) == (*past)->moments().size()) return list;
  }
  return tree.status();
}

std::string_view ParsedStatement::tag() const {
  if (split_at_ == SplitKind::kTable) return "ALTER TABLE";
  if (split_at_ == SplitKind::kIndex) return "ALTER INDEX";
  return command_tag(*node_);
}

bool ParsedStatement::is_transaction_control() const {
  return node_->node_case == PG_QUERY__NODE__NODE_TRANSACTION_STMT;
}

bool ParsedStatement::is_query() const {
  switch (node_->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return node_->select_stmt->into_clause == nullptr;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return split_at_ == SplitKind::kNone;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return true;
    default:
      return false;
  }
}

}  // namespace quorate::sql
