#include "sql/system/btree_classes.h"

namespace quorate::sql::system {
namespace {

// Facts of PostgreSQL 15's pg_opclass: oid, name, family, input type, "=", family's name.
constexpr BtreeClass kClasses[] = {
    {10003, "bool_ops", 424, 16, 91, "bool_ops"},
    {10006, "bytea_ops", 428, 17, 1955, "bytea_ops"},
    {10007, "char_ops", 429, 18, 92, "char_ops"},
    {10028, "name_ops", 1994, 19, 93, "text_ops"},
    {3124, "int8_ops", 1976, 20, 410, "integer_ops"},
    {1979, "int2_ops", 1976, 21, 94, "integer_ops"},
    {1978, "int4_ops", 1976, 23, 96, "integer_ops"},
    {3126, "text_ops", 1994, 25, 98, "text_ops"},
    {1981, "oid_ops", 1989, 26, 607, "oid_ops"},
    {10050, "tid_ops", 2789, 27, 387, "tid_ops"},
    {10032, "oidvector_ops", 1991, 30, 649, "oidvector_ops"},
    {10012, "float4_ops", 1970, 700, 620, "float_ops"},
    {3123, "float8_ops", 1970, 701, 670, "float_ops"},
    {10004, "bpchar_ops", 426, 1042, 1054, "bpchar_ops"},
    {3122, "date_ops", 434, 1082, 1093, "datetime_ops"},
    {10038, "time_ops", 1996, 1083, 1108, "time_ops"},
    {3128, "timestamp_ops", 434, 1114, 2060, "datetime_ops"},
    {3127, "timestamptz_ops", 434, 1184, 1320, "datetime_ops"},
    {10022, "interval_ops", 1982, 1186, 1330, "interval_ops"},
    {10041, "timetz_ops", 2000, 1266, 1550, "timetz_ops"},
    {10002, "bit_ops", 423, 1560, 1784, "bit_ops"},
    {10043, "varbit_ops", 2002, 1562, 1804, "varbit_ops"},
    {3125, "numeric_ops", 1988, 1700, 1752, "numeric_ops"},
    {10034, "record_ops", 2994, 2249, 2988, "record_ops"},
    {10000, "array_ops", 397, 2277, 1070, "array_ops"},
    {10065, "uuid_ops", 2968, 2950, 2972, "uuid_ops"},
    {10069, "enum_ops", 3522, 3500, 3516, "enum_ops"},
    {10088, "jsonb_ops", 4033, 3802, 3240, "jsonb_ops"},
    {10053, "xid8_ops", 5067, 5069, 5068, "xid8_ops"},
};

}  // namespace

std::span<const BtreeClass> btree_classes() { return kClasses; }

const BtreeClass* btree_class_of(Oid type) {
  const TypeInfo* info = find_type(type);
  if (info == nullptr) return nullptr;
  if (type == oid::kVarchar) type = oid::kText;
  if (info->is_array()) type = oid::kAnyArray;
  for (const BtreeClass& c : kClasses)
    if (c.type == type) return &c;
  return nullptr;
}

}  // namespace quorate::sql::system
