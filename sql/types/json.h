// json and jsonb as text: json keeps what was written, jsonb is brought into PostgreSQL's normal
// form (keys by length and then bytes, the last of equal keys, one blank after : and ,).
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

// 22P02 `invalid input syntax for type json`.
Status json_check(std::string_view text);
Result<Datum> jsonb_input(std::string_view text);
// Equal texts are equal values up to the scale of numbers (1.0 and 1.00 differ here, unlike in
// PostgreSQL).
int jsonb_compare(const Datum& a, const Datum& b);
// A string as a JSON literal, with its quotes.
void json_quote(std::string_view s, Bytes& out);

}  // namespace quorate::sql
