#include "sql/parse/tokens.h"

#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <string>

namespace quorate::sql {

std::vector<ScannedToken> scan_tokens(std::string_view sql) {
  PgQueryScanResult raw = pg_query_scan(std::string(sql).c_str());
  std::vector<ScannedToken> out;
  if (raw.error == nullptr && raw.pbuf.len > 0) {
    PgQuery__ScanResult* result = pg_query__scan_result__unpack(
        nullptr, raw.pbuf.len, reinterpret_cast<const uint8_t*>(raw.pbuf.data));
    if (result != nullptr) {
      out.reserve(result->n_tokens);
      for (size_t i = 0; i < result->n_tokens; ++i) {
        const PgQuery__ScanToken& t = *result->tokens[i];
        out.push_back({t.token, static_cast<size_t>(t.start), static_cast<size_t>(t.end)});
      }
      pg_query__scan_result__free_unpacked(result, nullptr);
    }
  }
  pg_query_free_scan_result(raw);
  return out;
}

}  // namespace quorate::sql
