// Statements that have been parsed, analyzed and planned, kept for the next client that sends the
// same text. One a node, shared by its sessions; bounded, the least recently used goes first.
//
// The key holds everything that the plan depends on: database, role and the settings that matter
// (interned as one number), the catalog's version, declared parameter types, and the text. Simple
// queries use the text with its literals lifted out (sql/parse/normalize.h); where some literals
// shape the plan, the entry under that key only names them, and the plan is kept under the key with
// these literals put back.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sql/analyze/statement.h"
#include "sql/plan/planner.h"

namespace quorate::sql {

// Immutable but for `description`; shared by sessions and running portals.
struct CachedStatement {
  ParsedStatement parsed;  // of the text with $n for lifted literals
  std::string_view tag;    // static
  PlanRef plan;            // null: not a query
  // BEGIN, COMMIT and their like, which need no catalog; null: analyzed at each execution.
  std::shared_ptr<const Statement> utility;
  std::vector<Type> params;
  bool cacheable = true;
  uint64_t catalog_version = 0;
  // Literals (positions in NormalizedText::literals) that are lifted, one a parameter; and those
  // that belong to the key. Where `plan` and `parsed` are empty this is a signpost.
  std::vector<uint32_t> lifted, baked;
  bool is_signpost = false;
  mutable Bytes description[2];  // ResultShape::description
  bool gives_rows() const {
    return plan != nullptr && (!plan->columns.empty() || plan->command == Command::kSelect);
  }
};
using StatementRef = std::shared_ptr<const CachedStatement>;

class PlanCache {
 public:
  static constexpr size_t kEntriesMax = 4096;
  static constexpr size_t kKeyBytesMax = 16 * 1024;  // longer texts are not kept

  // Null: there is none.
  StatementRef find(std::string_view key);
  void put(std::string_view key, StatementRef statement);
  // A number for a text of settings, the same for the same text while it is in use.
  uint32_t intern(const std::string& settings);
  void clear();
  size_t size() const { return entries_.size(); }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  struct Entry {
    std::string key;
    StatementRef statement;
  };
  std::list<Entry> entries_;  // the most recently used first
  absl::flat_hash_map<std::string_view, std::list<Entry>::iterator> index_;
  std::map<std::string, uint32_t> interned_;
  uint32_t next_interned_ = 1;
  uint64_t hits_ = 0, misses_ = 0;
};

// Codecs of table versions; bounded.
class CodecCache {
 public:
  static constexpr size_t kEntriesMax = 4096;
  std::shared_ptr<const RowCodec> codec(const TablePtr& table);

 private:
  std::map<std::pair<Oid, uint64_t>, std::shared_ptr<const RowCodec>> codecs_;
};

}  // namespace quorate::sql
