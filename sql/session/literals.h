// Lifting literals out of a statement's text, so that texts which differ in them share a plan.
#pragma once

#include "sql/parse/normalize.h"
#include "sql/types/type.h"

namespace quorate::sql {

// Positions in text.literals of those that shape the statement and so may not become parameters:
// ordinals of ORDER BY and GROUP BY, LIMIT and OFFSET, type modifiers, INTERVAL '...' and other
// typed literals. Decided by the words around them; the analyzer has the last word, since a text
// with parameters that it refuses is taken as it was written.
std::vector<uint32_t> shaping_literals(std::string_view sql, const NormalizedText& text);

// The text with $1, $2 ... for the literals in `lifted` (ascending).
std::string with_parameters(std::string_view sql, const NormalizedText& text,
                            const std::vector<uint32_t>& lifted);
// The type that a parameter in a literal's place is declared with; kUnknown for strings.
Type literal_type(std::string_view sql, const Literal& literal);
// Its value as the parameter's type. Errors are told at the literal's position.
Result<Datum> literal_value(std::string_view sql, const Literal& literal, Type type,
                            const IoContext& io);

}  // namespace quorate::sql
