// Names and strings as SQL writes them.
#pragma once

#include <string>

#include "base/bytes.h"

namespace quorate::sql {

// In double quotes where PostgreSQL's quote_ident() would put them.
std::string quoted_identifier(BytesView name);
// As quote_literal() gives it.
std::string quoted_literal(BytesView text);

}  // namespace quorate::sql
