// MD5 and base64, as the SQL functions of those names need them. Not for secrets: pgwire has
// OpenSSL for those.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace quorate::sql {

Bytes md5_digest(BytesView v);     // 16 bytes
Bytes base64_encode(BytesView v);  // lines of 76 characters, as PostgreSQL's encode()
std::optional<Bytes> base64_decode(BytesView v);  // blanks are skipped; nullopt on bad input

}  // namespace quorate::sql
