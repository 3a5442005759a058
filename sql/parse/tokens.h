// The tokens of a text as PostgreSQL's scanner cuts it.
#pragma once

#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <memory>
#include <string>
#include <string_view>

namespace quorate::sql {

struct FreeTokens {
  void operator()(PgQuery__ScanResult* r) const {
    pg_query__scan_result__free_unpacked(r, nullptr);
  }
};
using Tokens = std::unique_ptr<PgQuery__ScanResult, FreeTokens>;

// Null where the text is empty or can't be cut.
inline Tokens scan_tokens(std::string_view sql) {
  PgQueryScanResult raw = pg_query_scan(std::string(sql).c_str());
  Tokens tokens;
  if (raw.error == nullptr && raw.pbuf.len > 0)
    tokens.reset(pg_query__scan_result__unpack(nullptr, raw.pbuf.len,
                                               reinterpret_cast<const uint8_t*>(raw.pbuf.data)));
  pg_query_free_scan_result(raw);
  return tokens;
}

}  // namespace quorate::sql
