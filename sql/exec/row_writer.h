// Writes rows of one table with everything that belongs to it: NOT NULL and CHECK, unique and other
// indexes, foreign keys both ways. One a statement; used by INSERT, UPDATE, DELETE and COPY.
//
// A row is written as a whole image, made from the row as read under its lock (safety: whole-row).
// Keys of unique indexes are locked and read before anything is written; foreign keys are checked
// by finish(), at the end of the statement, with a share lock on the parent at every isolation
// level.
#pragma once

#include <absl/container/flat_hash_set.h>

#include "sql/exec/execution.h"

namespace quorate::sql {

// One index entry of a row.
struct IndexEntry {
  size_t index = 0;
  Bytes key, value;
  bool probed = false;   // of a unique index, all columns given: must not exist yet
  bool present = false;  // found by probe()
  Timestamp base;        // what probe() found there
};

struct NewRow {
  std::vector<Datum> values;  // the codec's row: all columns, then the hidden row id
  std::vector<IndexEntry> entries;
  std::optional<size_t> conflict() const {
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].present) return i;
    }
    return std::nullopt;
  }
};

class RowWriter {
 public:
  RowWriter(const TableWrite& write, ExecContext& context) : RowWriter(write, context, nullptr) {}
  RowWriter(const RowWriter&) = delete;

  // Gives the row its hidden id, checks NOT NULL and CHECK, and makes its entries.
  Status prepare(NewRow* row);
  // Locks and reads the unique keys of all rows at once; marks what is there, rows of this
  // statement included.
  runtime::Task<Status> probe(std::vector<NewRow>* rows);
  // After probe(); 23505 where a key is taken.
  Status insert(const NewRow& row);
  // The same for a row of a statement that writes many, and reads none of them: neither probed nor
  // locked, but checked where it goes, by relieve() and finish(). Not where may_load() says no.
  Status load(const NewRow& row);
  bool may_load() const { return !write_.remembers_rows && top_ == nullptr; }
  // Between batches: keeps the statement's memory bounded.
  runtime::Task<Status> relieve();
  Status duplicate_error(const NewRow& row, size_t entry) const;

  // `updated.values` replaces `old`, whose primary entry has version `version`. Prepares and probes
  // as needed.
  runtime::Task<Status> update(std::span<const Datum> old, std::optional<Timestamp> version,
                               NewRow* updated) {
    return update_image(old, version, updated, nullptr);
  }
  runtime::Task<Status> remove(std::span<const Datum> old, std::optional<Timestamp> version) {
    return remove_image(old, version, nullptr);
  }
  // False when this statement has written or removed the row already.
  bool first_touch(std::span<const Datum> row);
  // Whether the statement itself has written the primary key of the row.
  bool written_here(const Bytes& key) const { return top().written_.contains(key); }

  // The end of the statement: foreign keys are checked, their actions carried out.
  runtime::Task<Status> finish();

 private:
  struct PendingParent {
    const ParentStep* step;
    std::vector<Datum> values;
    Bytes key;
  };
  struct PendingChild {
    const ChildStep* step;
    std::vector<Datum> values;   // of the referenced key
    std::vector<Datum> updated;  // what it has become; empty: deleted
    bool deleted;
  };
  // What has become of a row in this statement.
  struct Image {
    std::vector<Datum> row;
    bool removed = false;
  };
  RowWriter(const TableWrite& write, ExecContext& context, RowWriter* top)
      : write_(write), context_(context), top_(top) {}
  RowWriter& top() { return top_ != nullptr ? *top_ : *this; }
  const RowWriter& top() const { return top_ != nullptr ? *top_ : *this; }
  // The writer of a child's table; null where no action writes it.
  RowWriter* writer_of(const ChildStep& step);
  // `origin`: the key under which the statement's reads find the row; null: the key of `old`.
  runtime::Task<Status> update_image(std::span<const Datum> old, std::optional<Timestamp> version,
                                     NewRow* updated, const Bytes* origin);
  runtime::Task<Status> remove_image(std::span<const Datum> old, std::optional<Timestamp> version,
                                     const Bytes* origin);
  bool refers(const ChildStep& step, std::span<const Datum> row,
              const std::vector<Datum>& values) const;
  // Primary keys of the rows that refer to `values`, as the statement found them.
  runtime::Task<Status> referring_rows(const ChildStep* step, const std::vector<Datum>* values,
                                       std::vector<Bytes>* keys);
  runtime::Task<Status> act(const PendingChild* pending, RowWriter* writer,
                            std::vector<Bytes> keys);
  runtime::Task<Status> act_on_row(const PendingChild* pending, RowWriter* writer,
                                   std::vector<Datum> row, std::optional<Timestamp> version,
                                   const Bytes* origin);
  // 23505 for a loaded row whose key is taken.
  Status taken_error() const;
  Status still_referenced(const PendingChild& pending) const;
  Status check_row(std::span<const Datum> row) const;
  std::string failing_row(std::span<const Datum> row) const;
  std::string key_text(const TableDescriptor& table, const std::vector<uint32_t>& columns,
                       std::span<const Datum> values) const;
  Status make_primary(std::span<const Datum> row, bool for_removal, IndexEntry* e) const;
  bool concerned(size_t index, const std::vector<bool>& differs) const;
  Status make_entries(std::span<const Datum> row, bool for_removal,
                      const std::vector<bool>* differs, std::vector<IndexEntry>* entries) const;
  Status note_parents(std::span<const Datum> row, std::span<const Datum> old);
  void note_children(std::span<const Datum> old, const std::vector<Datum>* updated);
  runtime::Task<Status> check_parents();
  runtime::Task<Status> check_child(PendingChild pending);
  bool same(size_t column, const Datum& a, const Datum& b) const;

  const TableWrite& write_;
  ExecContext& context_;
  // Of a writer for a foreign key's action: the statement's own, which knows all keys that the
  // statement has written.
  RowWriter* top_;
  std::map<const TableWrite*, std::unique_ptr<RowWriter>> others_;
  absl::flat_hash_set<Bytes> written_, removed_;  // keys, by this statement
  absl::flat_hash_set<Bytes> touched_;
  absl::flat_hash_set<Bytes> known_parents_;  // keys in parents_
  std::map<Bytes, Image> images_;             // where write_.remembers_rows
  bool finishing_ = false;
  std::vector<PendingParent> parents_;
  std::vector<PendingChild> children_;
};

}  // namespace quorate::sql
