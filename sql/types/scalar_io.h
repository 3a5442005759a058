// Text forms of the simple types, one function a type; text_io.cc chooses among them.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

Result<Datum> bool_input(std::string_view text);
// smallint, integer, bigint.
Result<Datum> int_input(Oid type, std::string_view text);
// oid, xid, cid: 32 bits without sign; xid8: 64.
Result<Datum> oid_input(Oid type, std::string_view text);
Result<Datum> float_input(Oid type, std::string_view text);
void float_output(Oid type, double v, int extra_float_digits, Bytes& out);
Result<Datum> bytea_input(std::string_view text);
void bytea_output(BytesView v, ByteaOutput style, Bytes& out);
Result<Datum> uuid_input(std::string_view text);
void uuid_output(BytesView v, Bytes& out);
Datum name_input(std::string_view text);
Result<Datum> reg_input(Oid type, std::string_view text, const IoContext& io);
void reg_output(Oid type, Oid value, const IoContext& io, Bytes& out);

// Characters of UTF-8, the unit of varchar(n) and of length(): bytes that are not continuations.
size_t utf8_length(std::string_view s);
// The bytes of the first n characters.
size_t utf8_prefix(std::string_view s, size_t n);

}  // namespace quorate::sql
