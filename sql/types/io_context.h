// What the text form of a value depends on besides the value: the session's settings and the time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quorate::sql {

using Oid = uint32_t;
class TimeZone;

enum class DateStyle : uint8_t { kIso, kPostgres, kSql, kGerman };
enum class DateOrder : uint8_t { kMdy, kDmy, kYmd };
enum class IntervalStyle : uint8_t { kPostgres, kPostgresVerbose, kSqlStandard, kIso8601 };
enum class ByteaOutput : uint8_t { kHex, kEscape };

// Names of catalog objects, for the reg* types. Lookups may not block: the session resolves against
// the catalog version that its statement uses.
class CatalogNames {
 public:
  virtual ~CatalogNames() = default;
  // `type` is regclass, regproc, regprocedure, regnamespace or regrole; `name` as the user wrote it
  // (possibly qualified and quoted). Gives PostgreSQL's error where there is no such object (42P01,
  // 42883, ...).
  virtual Result<Oid> resolve(Oid type, std::string_view name) const = 0;
  // The text that names it, qualified where it isn't visible; empty when there is no such object.
  virtual std::string name_of(Oid type, Oid object) const = 0;
};

struct IoContext {
  DateStyle date_style = DateStyle::kIso;
  DateOrder date_order = DateOrder::kMdy;
  IntervalStyle interval_style = IntervalStyle::kPostgres;
  ByteaOutput bytea_output = ByteaOutput::kHex;
  int extra_float_digits = 1;
  const TimeZone* time_zone = nullptr;  // not owned; null: UTC
  int64_t transaction_micros =
      0;  // the transaction's timestamp, microseconds since 2000-01-01 UTC: 'now', 'today'
  const CatalogNames* catalog =
      nullptr;  // not owned; null: reg* types are read and written as numbers
};

}  // namespace quorate::sql
