// Text forms of values: what literals, text-format parameters, COPY and text results use.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

// PostgreSQL's input function of the type, then the length coercion of type.typmod as input
// functions do it (varchar(n) that is too long is 22001). The result owns its bytes. Errors have
// PostgreSQL's messages: 22P02 `invalid input syntax for type integer: "x"`, 22003 `value "..." is
// out of range for type integer`, 22007, 22008 and so on. 0A000 for types that have no text input
// (record). Not checked here: that `text` is valid UTF-8 (the session checks what comes from a
// client, see valid_utf8).
Result<Datum> input_text(Type type, std::string_view text, const IoContext& io);
// Appends the output function's text. `v` is not null.
void output_text(Type type, const Datum& v, const IoContext& io, Bytes& out);
inline std::string to_text(Type type, const Datum& v, const IoContext& io) {
  Bytes out;
  output_text(type, v, io, out);
  return out;
}

// 22021 `invalid byte sequence for encoding "UTF8": 0x..` where `text` is not UTF-8 or holds a zero
// byte.
Status check_utf8(std::string_view text);

}  // namespace quorate::sql
