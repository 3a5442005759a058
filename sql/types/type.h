// The types: PostgreSQL's names, OIDs and properties, as one constant table.
//
// How each type's values stand in a Datum (TypeInfo::rep says which accessor to use):
//
//   bool                           bool
//   int2 int4 int8 oid xid cid     int
//   regclass regtype regproc ...   int (an OID)
//   date                           int: days since 2000-01-01; kDateInfinity, kDateMinusInfinity
//   time                           int: microseconds since midnight, 0 .. 86'400'000'000
//   timestamp, timestamptz         int: microseconds since 2000-01-01 (timestamptz: in UTC);
//   infinities INT64_MAX, INT64_MIN float4 float8                  double; a float4 has been
//   rounded to float text varchar name json xml     bytes: UTF-8. name: at most 63 bytes bpchar
//   bytes: padded with blanks to its length, as stored and as sent to clients "char" bytes: zero or
//   one byte bytea, uuid (16), jsonb (text) bytes interval                       bytes: 16 bytes,
//   see interval.h timetz                         bytes: 12 bytes, see date_time.h numeric bytes:
//   see numeric.h arrays, int2vector, oidvector  bytes: see array.h record bytes: see record.h
//   unknown                        bytes: the text of a literal whose type is not yet known
//   void                           null
//
// The table is immutable and shared by all threads; pointers to its rows live for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "sql/types/datum.h"
#include "sql/types/io_context.h"

namespace quorate::sql {

namespace oid {
inline constexpr Oid kInvalid = 0;
inline constexpr Oid kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21,
                     kInt2Vector = 22, kInt4 = 23, kRegproc = 24, kText = 25, kOid = 26, kTid = 27,
                     kXid = 28, kCid = 29, kOidVector = 30;
inline constexpr Oid kJson = 114, kXml = 142, kPgNodeTree = 194, kFloat4 = 700, kFloat8 = 701,
                     kUnknown = 705;
inline constexpr Oid kAclItem = 1033, kBpchar = 1042, kVarchar = 1043, kDate = 1082, kTime = 1083,
                     kTimestamp = 1114, kTimestamptz = 1184, kInterval = 1186, kTimetz = 1266,
                     kBit = 1560, kVarbit = 1562, kNumeric = 1700;
inline constexpr Oid kRegprocedure = 2202, kRegoper = 2203, kRegoperator = 2204, kRegclass = 2205,
                     kRegtype = 2206;
inline constexpr Oid kRecord = 2249, kCstring = 2275, kAny = 2276, kAnyArray = 2277, kVoid = 2278,
                     kTrigger = 2279, kInternal = 2281, kAnyElement = 2283, kAnyNonArray = 2776,
                     kUuid = 2950, kAnyEnum = 3500, kJsonb = 3802;
inline constexpr Oid kRegnamespace = 4089, kRegrole = 4096, kXid8 = 5069, kAnyCompatible = 5077,
                     kAnyCompatibleArray = 5078, kAnyCompatibleNonArray = 5079;
// Arrays.
inline constexpr Oid kXmlArray = 143, kJsonArray = 199, kXid8Array = 271, kBoolArray = 1000,
                     kByteaArray = 1001, kCharArray = 1002, kNameArray = 1003, kInt2Array = 1005,
                     kInt2VectorArray = 1006, kInt4Array = 1007, kRegprocArray = 1008,
                     kTextArray = 1009, kTidArray = 1010, kXidArray = 1011, kCidArray = 1012,
                     kOidVectorArray = 1013, kBpcharArray = 1014, kVarcharArray = 1015,
                     kInt8Array = 1016, kFloat4Array = 1021, kFloat8Array = 1022, kOidArray = 1028,
                     kAclItemArray = 1034;
inline constexpr Oid kTimestampArray = 1115, kDateArray = 1182, kTimeArray = 1183,
                     kTimestamptzArray = 1185, kIntervalArray = 1187, kNumericArray = 1231,
                     kCstringArray = 1263, kTimetzArray = 1270, kBitArray = 1561,
                     kVarbitArray = 1563, kRegprocedureArray = 2207, kRegoperArray = 2208,
                     kRegoperatorArray = 2209, kRegclassArray = 2210, kRegtypeArray = 2211,
                     kRecordArray = 2287, kUuidArray = 2951, kJsonbArray = 3807,
                     kRegnamespaceArray = 4090, kRegroleArray = 4097;
}  // namespace oid

// A type with its modifier, as columns and expressions carry it. The modifier's bits are
// PostgreSQL's (varchar(5): 9, numeric(4,2): 262150, timestamp(3): 3); -1: none.
struct Type {
  Oid oid = oid::kUnknown;
  int32_t typmod = -1;
  friend bool operator==(const Type&, const Type&) = default;
  template <class Archive>
  void serialize(Archive& a) {
    a(oid, typmod);
  }
};

enum class Rep : uint8_t { kBool, kInt, kDouble, kBytes };

// One row of pg_type. `kind` is typtype ('b' base, 'p' pseudo), `len` typlen, `align` typalign.
struct TypeInfo {
  Oid oid = 0;
  std::string_view name;      // typname: "int4"
  std::string_view sql_name;  // as format_type gives it without modifier: "integer"
  Oid array = 0;              // 0: no array type
  Oid element = 0;            // typelem; also set for int2vector, oidvector, name
  char category = 'U';
  bool preferred = false;
  int16_t len = -1;
  bool by_value = false;
  char align = 'i';
  char kind = 'b';
  char storage = 'p';
  Oid collation = 0;
  Rep rep = Rep::kBytes;
  std::string_view
      io_stem;  // typinput is stem + "in", typoutput stem + "out", and so on: "int4", "timestamp_"

  // A true array type (int4[]), not a type that merely has elements (name, oidvector).
  bool is_array() const {
    return category == 'A' && len == -1 && element != 0 && oid != oid::kInt2Vector &&
           oid != oid::kOidVector;
  }
  bool is_pseudo() const { return kind == 'p'; }
};

// nullptr when there is no such type.
const TypeInfo* find_type(Oid oid);
// The row of a type that is known to exist (CHECKs).
const TypeInfo& type_info(Oid oid);
// By typname ("int4", "_int4") or by SQL's name in lower case ("integer", "double precision",
// "character varying", "timestamp with time zone"); nullptr when unknown. Knows nothing of
// modifiers, "[]" and quoting.
const TypeInfo* find_type_by_name(std::string_view name);
// All rows in the order of their OIDs, for pg_type.
std::span<const TypeInfo> all_types();
// The element type of an array type (also of int2vector and oidvector), or 0.
Oid element_type(Oid array);
// The array type over an element type, or 0.
Oid array_type(Oid element);
bool is_polymorphic(Oid oid);

// PostgreSQL's format_type(): "integer", "character varying(5)", "numeric(4,2)[]", "timestamp(3)
// without time zone".
std::string format_type(Type type);
inline std::string format_type(Oid oid) { return format_type(Type{oid, -1}); }
// The modifier for the arguments in parentheses: varchar(5), numeric(4,2), timestamp(3). An empty
// list gives -1. 22023 where an argument is out of bounds, 42601 where the type takes none
// (messages are PostgreSQL's).
Result<int32_t> make_typmod(Oid oid, std::span<const int32_t> args);
// Reads a type's name as a user writes it in 'x'::regtype: "int", "varchar(5)", "numeric(4,2)[]",
// "pg_catalog.int4". 42704 `type "x" does not exist`, 42601 for a malformed one.
Result<Type> parse_type_name(std::string_view text);

// The declared length of varchar(n) and bpchar(n), or -1.
inline int32_t length_of_typmod(int32_t typmod) { return typmod >= 4 ? typmod - 4 : -1; }

inline constexpr int64_t kTimestampInfinity = INT64_MAX, kTimestampMinusInfinity = INT64_MIN;
inline constexpr int64_t kDateInfinity = INT32_MAX, kDateMinusInfinity = INT32_MIN;

}  // namespace quorate::sql
