// Rows as keys and values.
//
//   primary index   key:   table / index / key columns (order-preserving)
//                   value: a compact tuple of all other columns, and of key columns whose key form
//                   is
//                          not exact (numeric, bpchar, ...): see row_codec.cc for the bytes
//                          (frozen)
//   other indexes   key:   table / index / index columns, then the primary key's columns; a unique
//   one
//                          leaves these out of the key (and keeps them in the value) unless an
//                          index column is null
//                   value: for unique ones the primary key columns' encodings, and inexact columns
//
// One column of a value is read without decoding the others: null bitmap, then offsets. A value
// begins with a format byte and the number of columns it knows, so that ADD COLUMN rewrites no row.
// A RowCodec is made once a table version (it holds what can be precomputed) and is shared by
// plans.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "range/api.h"
#include "sql/catalog/descriptor.h"

namespace quorate::sql {

class RowCodec {
 public:
  virtual ~RowCodec() = default;
  static std::shared_ptr<const RowCodec> create(TablePtr table);
  virtual const TableDescriptor& table() const = 0;

  // A row has one Datum for each entry of table().columns (dropped ones null), in that order, then
  // the rowid where there is a hidden one.
  size_t row_width() const { return table().columns.size() + (table().hidden_rowid ? 1 : 0); }

  // The columns that stand in a primary entry's value: what tells its slots apart for a proof that
  // a row has not changed (range/row_view.h).
  virtual range::ColumnSet stored_columns() const = 0;

  // 54000 naming the index where a key is longer than limits::kKeyBytesMax; value limits likewise.
  virtual Status encode_primary(std::span<const Datum> row, Bytes* key, Bytes* value) const = 0;
  // The entry of a secondary index (position in table().indexes).
  virtual Status encode_index(size_t index, std::span<const Datum> row, Bytes* key,
                              Bytes* value) const = 0;
  // The key prefix for the first values.size() columns of an index; with all columns of a unique
  // index (and none null), or of the primary one, it is the whole key.
  virtual Status encode_prefix(size_t index, std::span<const Datum> values, Bytes* key) const = 0;

  // Decodes the wanted columns (positions in the row; others are left alone) from a primary entry.
  // Datums may be views of key and value.
  virtual Status decode_primary(BytesView key, BytesView value, std::span<const uint32_t> wanted,
                                std::span<Datum> row) const = 0;
  // The same from a secondary entry; what the index does not hold is left alone: index_covers
  // tells.
  virtual Status decode_index(size_t index, BytesView key, BytesView value,
                              std::span<const uint32_t> wanted, std::span<Datum> row) const = 0;
  virtual bool index_covers(size_t index, std::span<const uint32_t> wanted) const = 0;
  // The primary key that a secondary entry points to.
  virtual Status primary_key_of(size_t index, BytesView key, BytesView value,
                                Bytes* primary_key) const = 0;
};

}  // namespace quorate::sql
