// The table behind type.h. Rows are facts of PostgreSQL 15's pg_type for the types that we know.
#include <array>

#include "sql/types/type.h"

namespace quorate::sql {
namespace {

// oid, name, SQL name, array, element, category, preferred, len, by value, align, kind, storage,
// collation, rep, io stem
constexpr TypeInfo kTypes[] = {
    // clang-format off
    {16, "bool", "boolean", 1000, 0, 'B', true, 1, true, 'c', 'b', 'p', 0, Rep::kBool, "bool"},
    {17, "bytea", "bytea", 1001, 0, 'U', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "bytea"},
    {18, "char", "\"char\"", 1002, 0, 'Z', false, 1, true, 'c', 'b', 'p', 0, Rep::kBytes, "char"},
    {19, "name", "name", 1003, 18, 'S', false, 64, false, 'c', 'b', 'p', 950, Rep::kBytes, "name"},
    {20, "int8", "bigint", 1016, 0, 'N', false, 8, true, 'd', 'b', 'p', 0, Rep::kInt, "int8"},
    {21, "int2", "smallint", 1005, 0, 'N', false, 2, true, 's', 'b', 'p', 0, Rep::kInt, "int2"},
    {22, "int2vector", "int2vector", 1006, 21, 'A', false, -1, false, 'i', 'b', 'p', 0, Rep::kBytes, "int2vector"},
    {23, "int4", "integer", 1007, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "int4"},
    {24, "regproc", "regproc", 1008, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regproc"},
    {25, "text", "text", 1009, 0, 'S', true, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "text"},
    {26, "oid", "oid", 1028, 0, 'N', true, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "oid"},
    {27, "tid", "tid", 1010, 0, 'U', false, 6, false, 's', 'b', 'p', 0, Rep::kBytes, "tid"},
    {28, "xid", "xid", 1011, 0, 'U', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "xid"},
    {29, "cid", "cid", 1012, 0, 'U', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "cid"},
    {30, "oidvector", "oidvector", 1013, 26, 'A', false, -1, false, 'i', 'b', 'p', 0, Rep::kBytes, "oidvector"},
    {114, "json", "json", 199, 0, 'U', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "json_"},
    {142, "xml", "xml", 143, 0, 'U', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "xml_"},
    {143, "_xml", "xml[]", 0, 142, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {194, "pg_node_tree", "pg_node_tree", 0, 0, 'Z', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "pg_node_tree_"},
    {199, "_json", "json[]", 0, 114, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {271, "_xid8", "xid8[]", 0, 5069, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {700, "float4", "real", 1021, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kDouble, "float4"},
    {701, "float8", "double precision", 1022, 0, 'N', true, 8, true, 'd', 'b', 'p', 0, Rep::kDouble, "float8"},
    {705, "unknown", "unknown", 0, 0, 'X', false, -2, false, 'c', 'p', 'p', 0, Rep::kBytes, "unknown"},
    {1000, "_bool", "boolean[]", 0, 16, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1001, "_bytea", "bytea[]", 0, 17, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1002, "_char", "\"char\"[]", 0, 18, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1003, "_name", "name[]", 0, 19, 'A', false, -1, false, 'i', 'b', 'x', 950, Rep::kBytes, "array_"},
    {1005, "_int2", "smallint[]", 0, 21, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1006, "_int2vector", "int2vector[]", 0, 22, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1007, "_int4", "integer[]", 0, 23, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1008, "_regproc", "regproc[]", 0, 24, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1009, "_text", "text[]", 0, 25, 'A', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "array_"},
    {1010, "_tid", "tid[]", 0, 27, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1011, "_xid", "xid[]", 0, 28, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1012, "_cid", "cid[]", 0, 29, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1013, "_oidvector", "oidvector[]", 0, 30, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1014, "_bpchar", "character[]", 0, 1042, 'A', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "array_"},
    {1015, "_varchar", "character varying[]", 0, 1043, 'A', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "array_"},
    {1016, "_int8", "bigint[]", 0, 20, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1021, "_float4", "real[]", 0, 700, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1022, "_float8", "double precision[]", 0, 701, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1028, "_oid", "oid[]", 0, 26, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1033, "aclitem", "aclitem", 1034, 0, 'U', false, 12, false, 'i', 'b', 'p', 0, Rep::kBytes, "aclitem"},
    {1034, "_aclitem", "aclitem[]", 0, 1033, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1042, "bpchar", "character", 1014, 0, 'S', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "bpchar"},
    {1043, "varchar", "character varying", 1015, 0, 'S', false, -1, false, 'i', 'b', 'x', 100, Rep::kBytes, "varchar"},
    {1082, "date", "date", 1182, 0, 'D', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "date_"},
    {1083, "time", "time without time zone", 1183, 0, 'D', false, 8, true, 'd', 'b', 'p', 0, Rep::kInt, "time_"},
    {1114, "timestamp", "timestamp without time zone", 1115, 0, 'D', false, 8, true, 'd', 'b', 'p', 0, Rep::kInt, "timestamp_"},
    {1115, "_timestamp", "timestamp without time zone[]", 0, 1114, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1182, "_date", "date[]", 0, 1082, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1183, "_time", "time without time zone[]", 0, 1083, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1184, "timestamptz", "timestamp with time zone", 1185, 0, 'D', true, 8, true, 'd', 'b', 'p', 0, Rep::kInt, "timestamptz_"},
    {1185, "_timestamptz", "timestamp with time zone[]", 0, 1184, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1186, "interval", "interval", 1187, 0, 'T', true, 16, false, 'd', 'b', 'p', 0, Rep::kBytes, "interval_"},
    {1187, "_interval", "interval[]", 0, 1186, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1231, "_numeric", "numeric[]", 0, 1700, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1263, "_cstring", "cstring[]", 0, 2275, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1266, "timetz", "time with time zone", 1270, 0, 'D', false, 12, false, 'd', 'b', 'p', 0, Rep::kBytes, "timetz_"},
    {1270, "_timetz", "time with time zone[]", 0, 1266, 'A', false, -1, false, 'd', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1560, "bit", "bit", 1561, 0, 'V', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "bit_"},
    {1561, "_bit", "bit[]", 0, 1560, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1562, "varbit", "bit varying", 1563, 0, 'V', true, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "varbit_"},
    {1563, "_varbit", "bit varying[]", 0, 1562, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {1700, "numeric", "numeric", 1231, 0, 'N', false, -1, false, 'i', 'b', 'm', 0, Rep::kBytes, "numeric_"},
    {2202, "regprocedure", "regprocedure", 2207, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regprocedure"},
    {2203, "regoper", "regoper", 2208, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regoper"},
    {2204, "regoperator", "regoperator", 2209, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regoperator"},
    {2205, "regclass", "regclass", 2210, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regclass"},
    {2206, "regtype", "regtype", 2211, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regtype"},
    {2207, "_regprocedure", "regprocedure[]", 0, 2202, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {2208, "_regoper", "regoper[]", 0, 2203, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {2209, "_regoperator", "regoperator[]", 0, 2204, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {2210, "_regclass", "regclass[]", 0, 2205, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {2211, "_regtype", "regtype[]", 0, 2206, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {2249, "record", "record", 2287, 0, 'P', false, -1, false, 'd', 'p', 'x', 0, Rep::kBytes, "record_"},
    {2275, "cstring", "cstring", 1263, 0, 'P', false, -2, false, 'c', 'p', 'p', 0, Rep::kBytes, "cstring_"},
    {2276, "any", "\"any\"", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "any_"},
    {2277, "anyarray", "anyarray", 0, 0, 'P', false, -1, false, 'd', 'p', 'x', 0, Rep::kBytes, "anyarray_"},
    {2278, "void", "void", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "void_"},
    {2279, "trigger", "trigger", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "trigger_"},
    {2281, "internal", "internal", 0, 0, 'P', false, 8, true, 'd', 'p', 'p', 0, Rep::kBytes, "internal_"},
    {2283, "anyelement", "anyelement", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "anyelement_"},
    {2776, "anynonarray", "anynonarray", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "anynonarray_"},
    {2950, "uuid", "uuid", 2951, 0, 'U', false, 16, false, 'c', 'b', 'p', 0, Rep::kBytes, "uuid_"},
    {2951, "_uuid", "uuid[]", 0, 2950, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {3500, "anyenum", "anyenum", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "anyenum_"},
    {3802, "jsonb", "jsonb", 3807, 0, 'U', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "jsonb_"},
    {3807, "_jsonb", "jsonb[]", 0, 3802, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {4089, "regnamespace", "regnamespace", 4090, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regnamespace"},
    {4090, "_regnamespace", "regnamespace[]", 0, 4089, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {4096, "regrole", "regrole", 4097, 0, 'N', false, 4, true, 'i', 'b', 'p', 0, Rep::kInt, "regrole"},
    {4097, "_regrole", "regrole[]", 0, 4096, 'A', false, -1, false, 'i', 'b', 'x', 0, Rep::kBytes, "array_"},
    {5069, "xid8", "xid8", 271, 0, 'U', false, 8, true, 'd', 'b', 'p', 0, Rep::kInt, "xid8"},
    {5077, "anycompatible", "anycompatible", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "anycompatible_"},
    {5078, "anycompatiblearray", "anycompatiblearray", 0, 0, 'P', false, -1, false, 'd', 'p', 'x', 0, Rep::kBytes, "anycompatiblearray_"},
    {5079, "anycompatiblenonarray", "anycompatiblenonarray", 0, 0, 'P', false, 4, true, 'i', 'p', 'p', 0, Rep::kBytes, "anycompatiblenonarray_"},
    // clang-format on
};

constexpr Oid kOidMax = 5100;

// Rows by OID: one more than the row's place, 0 where there is no such type.
constexpr std::array<uint8_t, kOidMax> kRowOf = [] {
  std::array<uint8_t, kOidMax> rows{};
  for (size_t i = 0; i < std::size(kTypes); ++i) rows[kTypes[i].oid] = static_cast<uint8_t>(i + 1);
  return rows;
}();
static_assert(std::size(kTypes) < 255);

}  // namespace

const TypeInfo* find_type(Oid oid) {
  return oid < kOidMax && kRowOf[oid] != 0 ? &kTypes[kRowOf[oid] - 1] : nullptr;
}

std::span<const TypeInfo> all_types() { return kTypes; }

}  // namespace quorate::sql
