#include "pgwire/row_encoder.h"

#include <charconv>

#include "pgwire/codec.h"
#include "sql/types/binary_io.h"
#include "sql/types/text_io.h"

namespace quorate::pgwire {
namespace {

using sql::Datum;
using sql::Type;

void put_decimal(Bytes& out, int64_t v) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, v).ptr;
  out.append(text, static_cast<size_t>(end - text));
}

}  // namespace

// The types that benchmarks and most tables are made of are written here, without the detour
// through the type's own functions.
Status put_value(Bytes& out, Type type, int16_t format, const Datum& v, const sql::IoContext& io) {
  switch (type.oid) {
    case sql::oid::kText:
    case sql::oid::kVarchar:
    case sql::oid::kBpchar:
    case sql::oid::kName:
    case sql::oid::kUnknown:
      out.append(v.as_bytes());
      return Status();
    case sql::oid::kInt4:
      if (format == 0) {
        put_decimal(out, v.as_int());
      } else {
        put_int32(out, static_cast<int32_t>(v.as_int()));
      }
      return Status();
    case sql::oid::kInt8:
      if (format == 0) {
        put_decimal(out, v.as_int());
      } else {
        put_int32(out, static_cast<int32_t>(v.as_int() >> 32));
        put_int32(out, static_cast<int32_t>(v.as_int()));
      }
      return Status();
    default:
      if (format == 1) return sql::send_binary(type, v, io, out);
      sql::output_text(type, v, io, out);
      return Status();
  }
}

Status put_rows(Bytes& out, const sql::ResultShape& shape, const sql::RowBatch& rows, size_t begin,
                size_t end, const sql::IoContext& io) {
  const size_t width = shape.columns.size();
  for (size_t r = begin; r < end; ++r) {
    std::span<const Datum> row = rows.row(r);
    size_t message = begin_message(out, 'D');
    put_int16(out, static_cast<int16_t>(width));
    for (size_t c = 0; c < width; ++c) {
      if (row[c].is_null()) {
        put_int32(out, -1);
        continue;
      }
      size_t at = out.size();
      out.append(4, '\0');
      Status s = put_value(out, shape.columns[c].type, shape.format(c), row[c], io);
      if (!s.ok()) {
        out.resize(message - 1);
        return s;
      }
      auto n = static_cast<uint32_t>(out.size() - at - 4);
      out[at] = static_cast<char>(n >> 24);
      out[at + 1] = static_cast<char>(n >> 16);
      out[at + 2] = static_cast<char>(n >> 8);
      out[at + 3] = static_cast<char>(n);
    }
    end_message(out, message);
  }
  return Status();
}

void put_shape(Bytes& out, const sql::ResultShape& shape) {
  // What is kept with the plan is told by the first column's format: 0 or 1 for all columns.
  bool uniform = shape.formats.size() <= 1;
  Bytes* kept = nullptr;
  if (uniform && shape.description != nullptr) {
    kept = &shape.description[shape.formats.empty() ? 0 : (shape.formats[0] & 1)];
    if (!kept->empty()) {
      out.append(*kept);
      return;
    }
  }
  std::vector<FieldDescription> fields;
  fields.reserve(shape.columns.size());
  for (size_t i = 0; i < shape.columns.size(); ++i) {
    const sql::PlanColumn& c = shape.columns[i];
    const sql::TypeInfo* type = sql::find_type(c.type.oid);
    fields.push_back({.name = c.name,
                      .table_oid = c.table_oid,
                      .column_number = c.column_number,
                      .type_oid = c.type.oid,
                      .type_size = type != nullptr ? type->len : int16_t{-1},
                      .type_modifier = c.type.typmod,
                      .format = shape.format(i)});
  }
  size_t at = out.size();
  put_row_description(out, fields);
  if (kept != nullptr) kept->assign(out, at, out.size() - at);
}

}  // namespace quorate::pgwire
