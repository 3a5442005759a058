// A sorted run: rows of one transaction, encoded once where they were made and kept as these bytes
// in log, memtable and checkpoint until their transaction ends (design §9: bulk writes). Publishing
// turns them into versions without another copy of them in the log.
//
// Frozen: on disk. All numbers little-endian:
//
//     format u8 = 1 | row | row | ... | offset of each row u32 | number of rows u32
//     row: flags u8 | key size varint | key | base u64, if told | value size varint | value
//     flags: 1 a deletion (without value), 2 its base is told, 4 no row of that key may be there
//
// Keys ascend strictly.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/timestamp.h"

namespace quorate::storage {

struct RunRow {
  BytesView key, value;
  bool deleted = false;
  bool absent = false;            // no row of that key may have been there
  std::optional<Timestamp> base;  // the version that it was made from; zero: none
};

// What one row takes in a run, appended to `out`.
void append_run_row(const RunRow& row, Bytes& out);
// The row that begins at `at`; false where the bytes are none. `*end`: behind it.
bool parse_run_row(BytesView bytes, size_t at, RunRow& row, size_t* end);
inline size_t run_row_bytes_max(const RunRow& row) {
  return row.key.size() + row.value.size() + 20;
}

// Rows in ascending order become a body.
class RunBuilder {
 public:
  RunBuilder() : bytes_(1, '\1') {}
  void add(BytesView encoded_row) {
    offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
    bytes_.append(encoded_row);
  }
  size_t rows() const { return offsets_.size(); }
  size_t bytes() const { return bytes_.size(); }
  void reserve(size_t rows, size_t bytes) {
    offsets_.reserve(rows);
    bytes_.reserve(bytes + 4 * rows + 8);
  }
  Bytes finish();

 private:
  Bytes bytes_;
  std::vector<uint32_t> offsets_;
};

// Views into a body, which must outlive it.
class RunReader {
 public:
  RunReader() = default;
  // Checks the frame alone: kCorruption where it can't be a run.
  static Result<RunReader> open(BytesView body);
  // Every row, and their order; for bodies that come from elsewhere.
  Status check() const;

  size_t rows() const { return rows_; }
  // Row by row, from `*at` == 1; false at the end, or at malformed bytes (then *at is not end()).
  bool next(size_t* at, RunRow& row) const {
    return parse_run_row(body_.substr(0, offsets_at_), *at, row, at);
  }
  size_t end() const { return offsets_at_; }
  RunRow row(size_t i) const;
  BytesView key(size_t i) const { return row(i).key; }
  // The first row at or above the key; rows(): none.
  size_t lower_bound(BytesView key) const;
  std::optional<RunRow> find(BytesView key) const;

 private:
  uint32_t offset(size_t i) const;
  BytesView body_;
  size_t rows_ = 0;
  size_t offsets_at_ = 0;
};

}  // namespace quorate::storage
