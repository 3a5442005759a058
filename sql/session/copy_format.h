// COPY's three formats: bytes to fields and back. Pure; nothing here knows of tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "sql/analyze/statement.h"

namespace quorate::sql {

// Cuts a stream that comes in pieces of any size into rows of fields.
//
//   reader.add(piece);  while (reader.next(&fields, &got).ok() && got) ...
//   reader.end();       the same loop once more
//
// Fields are views into the reader's memory until the next call. A row longer than
// limits::kClientMessageBytesMax is refused. Errors are 22P04 with PostgreSQL's messages.
class CopyReader {
 public:
  CopyReader(const CopyOptions& options, size_t columns);

  void add(BytesView piece);
  // No more will come.
  void end() { ended_ = true; }
  // A field is null or its text (binary: its bytes).
  using Field = std::optional<BytesView>;
  Status next(std::vector<Field>* fields, bool* got);
  // For the error's context: the line (or row, binary) that was given last, from 1.
  uint64_t line() const { return line_; }
  BytesView line_text() const { return line_text_; }
  // The end-of-data mark has been seen: what follows is ignored.
  bool finished() const { return finished_; }

 private:
  Status next_line(bool csv, std::vector<Field>* fields, bool* got);
  Status next_binary(std::vector<Field>* fields, bool* got);
  Status split_text(BytesView row, std::vector<Field>* fields);
  Status split_csv(BytesView row, std::vector<Field>* fields);
  // One line without its end; false: more is needed, or there is nothing left.
  Status take_line(bool csv, BytesView* row, bool* got);
  BytesView rest() const { return BytesView(buffer_).substr(at_); }

  const CopyOptions& options_;
  const size_t columns_;
  Bytes buffer_;
  size_t at_ = 0;        // what is before it has been given
  size_t scanned_ = 0;   // of rest(): has no line's end
  bool quoted_ = false;  // csv: whether scanned_ stands inside quotes
  bool ended_ = false, finished_ = false, header_done_ = false, header_read_ = false;
  Bytes scratch_;  // unescaped fields
  uint64_t line_ = 0;
  BytesView line_text_;
};

// Appends one row. `fields`: null or text (binary: bytes).
class CopyWriter {
 public:
  explicit CopyWriter(const CopyOptions& options) : options_(options) {}
  void begin(Bytes& out) const;  // what precedes the rows: binary's signature
  void header(const std::vector<std::string>& names, Bytes& out) const;
  void begin_row(size_t columns, Bytes& out) const;
  void null_field(size_t column, Bytes& out) const;
  void field(size_t column, BytesView value, Bytes& out) const;
  void end_row(Bytes& out) const;
  void end(Bytes& out) const;  // binary's trailer

 private:
  void separate(size_t column, Bytes& out) const;
  void csv_field(size_t column, BytesView value, Bytes& out) const;
  void text_field(BytesView value, Bytes& out) const;
  const CopyOptions& options_;
};

}  // namespace quorate::sql
