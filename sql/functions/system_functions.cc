// Functions about the session, the server and the types themselves.
#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

// Clients parse it: the first number is the version whose behaviour and protocol they may expect.
constexpr std::string_view kVersion = "PostgreSQL 15.0 (Quorate)";

Result<Datum> version(EvalContext&, Args) { return Datum::of_bytes(kVersion); }
Result<Datum> current_database(EvalContext& ctx, Args) {
  return Datum::of_bytes(ctx.session->current_database());
}
Result<Datum> current_user(EvalContext& ctx, Args) {
  return Datum::of_bytes(ctx.session->current_user());
}
Result<Datum> session_user(EvalContext& ctx, Args) {
  return Datum::of_bytes(ctx.session->session_user());
}
Result<Datum> current_schema(EvalContext& ctx, Args) {
  std::vector<std::string> schemas = ctx.session->current_schemas(false);
  return schemas.empty() ? Datum::null() : Datum::of_bytes(schemas.front());
}
Result<Datum> current_schemas(EvalContext& ctx, Args a) {
  std::vector<Datum> names;
  for (const std::string& s : ctx.session->current_schemas(a[0].as_bool()))
    names.push_back(Datum::of_bytes(s));
  return Array::of(oid::kName, std::move(names)).to_datum();
}
Result<Datum> backend_pid(EvalContext& ctx, Args) {
  return Datum::of_int(ctx.session->backend_pid());
}

Result<Datum> int_result(Result<int64_t> r) {
  if (!r.ok()) return r.status();
  return Datum::of_int(*r);
}
Oid sequence_of(const Datum& v) { return static_cast<Oid>(v.as_int()); }
Result<Datum> nextval(EvalContext& ctx, Args a) {
  return int_result(ctx.session->nextval(sequence_of(a[0])));
}
Result<Datum> currval(EvalContext& ctx, Args a) {
  return int_result(ctx.session->currval(sequence_of(a[0])));
}
Result<Datum> lastval(EvalContext& ctx, Args) { return int_result(ctx.session->lastval()); }
Result<Datum> setval(EvalContext& ctx, Args a) {
  return int_result(
      ctx.session->setval(sequence_of(a[0]), a[1].as_int(), a.size() < 3 || a[2].as_bool()));
}

Result<Datum> transfer_lease(EvalContext& ctx, Args a) {
  RETURN_IF_ERROR(ctx.session->transfer_lease(a[0].as_int(), a[1].as_int()));
  return Datum::of_bool(true);
}

Result<Datum> current_setting(EvalContext& ctx, Args a) {
  bool missing_ok = a.size() > 1 && a[1].as_bool();
  Result<std::string> r = ctx.session->setting(a[0].as_bytes(), missing_ok);
  if (!r.ok()) return r.status();
  return Datum::of_bytes(*r);
}
Result<Datum> set_config(EvalContext& ctx, Args a) {
  if (a[0].is_null())
    return invalid_argument("SET requires parameter name", sqlstate::kNullValueNotAllowed);
  const Datum empty = Datum::of_bytes("");
  const Datum& value = a[1].is_null() ? empty : a[1];
  Result<std::string> r = ctx.session->set_setting(a[0].as_bytes(), value.as_bytes(),
                                                   !a[2].is_null() && a[2].as_bool());
  if (!r.ok()) return r.status();
  return Datum::of_bytes(*r);
}

Result<Datum> type_of(EvalContext& ctx, Args) {
  return Datum::of_int(ctx.arg_types.empty() ? oid::kUnknown : ctx.arg_types[0].oid);
}
Result<Datum> format_type_of(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  auto type = static_cast<Oid>(a[0].as_int());
  // Without a modifier argument bpchar is called by its SQL name; with -1 by its own.
  if (!a[1].is_null() && a[1].as_int() < 0 && type == oid::kBpchar)
    return Datum::of_bytes("bpchar");
  return Datum::of_bytes(
      format_type(Type{type, a[1].is_null() ? -1 : static_cast<int32_t>(a[1].as_int())}));
}

Result<Datum> encoding_name(EvalContext&, Args a) {
  switch (a[0].as_int()) {
    case 0:
      return Datum::of_bytes("SQL_ASCII");
    case 6:
      return Datum::of_bytes("UTF8");
    case 8:
      return Datum::of_bytes("LATIN1");
    default:
      return Datum::of_bytes("");
  }
}

// The one encoding that there is.
Result<Datum> database_encoding(EvalContext&, Args) { return Datum::of_bytes("UTF8"); }

// Of what no object here is or has: partitions.
class NoRows final : public RowGenerator {
 public:
  Result<bool> next(std::vector<Datum>*) override { return false; }
};
Result<std::unique_ptr<RowGenerator>> no_rows(EvalContext&, Args) {
  return Result<std::unique_ptr<RowGenerator>>(std::make_unique<NoRows>());
}

Result<Datum> random_uuid(EvalContext& ctx, Args) {
  uint64_t words[2] = {ctx.session->random_u64(), ctx.session->random_u64()};
  char b[16];
  std::memcpy(b, words, sizeof(b));
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);  // version 4
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  return Datum::of_bytes({b, 16});
}

Result<Datum> byte_size(EvalContext& ctx, Args a) {
  // What the value takes when it is stored uncompressed; PostgreSQL's figure for fixed types.
  const TypeInfo& t = type_info(ctx.arg_types[0].oid);
  if (t.len > 0) return Datum::of_int(t.len);
  return Datum::of_int(static_cast<int64_t>(a[0].as_bytes().size()) + 4);
}

template <bool kNulls>
Result<Datum> count_nulls(EvalContext&, Args a) {
  int64_t n = 0;
  for (const Datum& v : a) n += v.is_null() == kNulls;
  return Datum::of_int(n);
}

// pg_catalog functions that need the catalog: the session answers, with the function's OID.
template <Oid kOid>
Result<Datum> from_catalog(EvalContext& ctx, Args a) {
  const FunctionInfo* f = find_function(kOid);
  return ctx.session->catalog_function(kOid, f->name, a);
}

Result<Datum> pg_sleep(EvalContext& ctx, std::span<const Datum> a) {
  RETURN_IF_ERROR(ctx.session->sleep(a[0].as_double()));
  return Datum::of_bytes("");
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    // Of the schema quorate: found by this name alone.
    {13950, "quorate.transfer_lease", 16, {20, 20}, Volatility::kVolatile, true, transfer_lease},
    {89, "version", 25, {}, Volatility::kStable, true, version},
    {861, "current_database", 19, {}, Volatility::kStable, true, current_database},
    {745, "current_user", 19, {}, Volatility::kStable, true, current_user},
    {746, "session_user", 19, {}, Volatility::kStable, true, session_user},
    {710, "getpgusername", 19, {}, Volatility::kStable, true, current_user},
    {1402, "current_schema", 19, {}, Volatility::kStable, true, current_schema},
    {1403, "current_schemas", 1003, {16}, Volatility::kStable, true, current_schemas},
    {2026, "pg_backend_pid", 23, {}, Volatility::kStable, true, backend_pid},
    {1574, "nextval", 20, {2205}, Volatility::kVolatile, true, nextval},
    {1575, "currval", 20, {2205}, Volatility::kVolatile, true, currval},
    {2559, "lastval", 20, {}, Volatility::kVolatile, true, lastval},
    {1576, "setval", 20, {2205, 20}, Volatility::kVolatile, true, setval},
    {1765, "setval", 20, {2205, 20, 16}, Volatility::kVolatile, true, setval},
    {2077, "current_setting", 25, {25}, Volatility::kStable, true, current_setting},
    {3294, "current_setting", 25, {25, 16}, Volatility::kStable, true, current_setting},
    {2078, "set_config", 25, {25, 25, 16}, Volatility::kVolatile, false, set_config},
    {1619, "pg_typeof", 2206, {2276}, Volatility::kStable, false, type_of, nullptr, 0, true},
    {1081, "format_type", 25, {26, 23}, Volatility::kStable, false, format_type_of},
    {1597, "pg_encoding_to_char", 19, {23}, Volatility::kStable, true, encoding_name},
    {3432, "gen_random_uuid", 2950, {}, Volatility::kVolatile, true, random_uuid},
    {1269, "pg_column_size", 23, {2276}, Volatility::kStable, true, byte_size, nullptr, 0, true},
    {438, "num_nulls", 23, {2276}, Volatility::kImmutable, false, count_nulls<true>, nullptr, 2276, true},
    {440, "num_nonnulls", 23, {2276}, Volatility::kImmutable, false, count_nulls<false>, nullptr, 2276, true},
    {2093, "pg_conversion_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2093>},
    {3829, "pg_opfamily_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3829>},
    {3403, "pg_statistics_obj_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3403>},
    {3768, "pg_ts_config_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3768>},
    {3757, "pg_ts_dict_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3757>},
    {3756, "pg_ts_parser_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3756>},
    {3769, "pg_ts_template_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3769>},
    {1039, "getdatabaseencoding", 19, {}, Volatility::kStable, true, database_encoding},
    {3425, "pg_partition_ancestors", 2205, {2205}, Volatility::kImmutable, true, nullptr, no_rows},
    {1216, "col_description", 25, {26, 23}, Volatility::kStable, true, from_catalog<1216>},
    {3024, "has_any_column_privilege", 16, {19, 25, 25}, Volatility::kStable, true, from_catalog<3024>},
    {3025, "has_any_column_privilege", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<3025>},
    {3026, "has_any_column_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<3026>},
    {3027, "has_any_column_privilege", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<3027>},
    {3028, "has_any_column_privilege", 16, {25, 25}, Volatility::kStable, true, from_catalog<3028>},
    {3029, "has_any_column_privilege", 16, {26, 25}, Volatility::kStable, true, from_catalog<3029>},
    {3012, "has_column_privilege", 16, {19, 25, 25, 25}, Volatility::kStable, true, from_catalog<3012>},
    {3013, "has_column_privilege", 16, {19, 25, 21, 25}, Volatility::kStable, true, from_catalog<3013>},
    {3014, "has_column_privilege", 16, {19, 26, 25, 25}, Volatility::kStable, true, from_catalog<3014>},
    {3015, "has_column_privilege", 16, {19, 26, 21, 25}, Volatility::kStable, true, from_catalog<3015>},
    {3016, "has_column_privilege", 16, {26, 25, 25, 25}, Volatility::kStable, true, from_catalog<3016>},
    {3017, "has_column_privilege", 16, {26, 25, 21, 25}, Volatility::kStable, true, from_catalog<3017>},
    {3018, "has_column_privilege", 16, {26, 26, 25, 25}, Volatility::kStable, true, from_catalog<3018>},
    {3019, "has_column_privilege", 16, {26, 26, 21, 25}, Volatility::kStable, true, from_catalog<3019>},
    {3020, "has_column_privilege", 16, {25, 25, 25}, Volatility::kStable, true, from_catalog<3020>},
    {3021, "has_column_privilege", 16, {25, 21, 25}, Volatility::kStable, true, from_catalog<3021>},
    {3022, "has_column_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<3022>},
    {3023, "has_column_privilege", 16, {26, 21, 25}, Volatility::kStable, true, from_catalog<3023>},
    {2250, "has_database_privilege", 16, {19, 25, 25}, Volatility::kStable, true, from_catalog<2250>},
    {2251, "has_database_privilege", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<2251>},
    {2252, "has_database_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<2252>},
    {2253, "has_database_privilege", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<2253>},
    {2254, "has_database_privilege", 16, {25, 25}, Volatility::kStable, true, from_catalog<2254>},
    {2255, "has_database_privilege", 16, {26, 25}, Volatility::kStable, true, from_catalog<2255>},
    {2268, "has_schema_privilege", 16, {19, 25, 25}, Volatility::kStable, true, from_catalog<2268>},
    {2269, "has_schema_privilege", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<2269>},
    {2270, "has_schema_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<2270>},
    {2271, "has_schema_privilege", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<2271>},
    {2272, "has_schema_privilege", 16, {25, 25}, Volatility::kStable, true, from_catalog<2272>},
    {2273, "has_schema_privilege", 16, {26, 25}, Volatility::kStable, true, from_catalog<2273>},
    {2181, "has_sequence_privilege", 16, {19, 25, 25}, Volatility::kStable, true, from_catalog<2181>},
    {2182, "has_sequence_privilege", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<2182>},
    {2183, "has_sequence_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<2183>},
    {2184, "has_sequence_privilege", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<2184>},
    {2185, "has_sequence_privilege", 16, {25, 25}, Volatility::kStable, true, from_catalog<2185>},
    {2186, "has_sequence_privilege", 16, {26, 25}, Volatility::kStable, true, from_catalog<2186>},
    {1922, "has_table_privilege", 16, {19, 25, 25}, Volatility::kStable, true, from_catalog<1922>},
    {1923, "has_table_privilege", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<1923>},
    {1924, "has_table_privilege", 16, {26, 25, 25}, Volatility::kStable, true, from_catalog<1924>},
    {1925, "has_table_privilege", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<1925>},
    {1926, "has_table_privilege", 16, {25, 25}, Volatility::kStable, true, from_catalog<1926>},
    {1927, "has_table_privilege", 16, {26, 25}, Volatility::kStable, true, from_catalog<1927>},
    {2197, "inet_client_port", 23, {}, Volatility::kStable, false, from_catalog<2197>},
    {2199, "inet_server_port", 23, {}, Volatility::kStable, false, from_catalog<2199>},
    {1215, "obj_description", 25, {26, 19}, Volatility::kStable, true, from_catalog<1215>},
    {1348, "obj_description", 25, {26}, Volatility::kStable, true, from_catalog<1348>},
    {2171, "pg_cancel_backend", 16, {23}, Volatility::kVolatile, true, from_catalog<2171>},
    {1264, "pg_char_to_encoding", 23, {19}, Volatility::kStable, true, from_catalog<1264>},
    {3815, "pg_collation_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<3815>},
    {2034, "pg_conf_load_time", 1184, {}, Volatility::kStable, true, from_catalog<2034>},
    {5059, "pg_current_xact_id", 5069, {}, Volatility::kStable, true, from_catalog<5059>},
    {2168, "pg_database_size", 20, {19}, Volatility::kVolatile, true, from_catalog<2168>},
    {2324, "pg_database_size", 20, {26}, Volatility::kVolatile, true, from_catalog<2324>},
    {3537, "pg_describe_object", 25, {26, 26, 23}, Volatility::kStable, true, from_catalog<3537>},
    {2081, "pg_function_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2081>},
    {1387, "pg_get_constraintdef", 25, {26}, Volatility::kStable, true, from_catalog<1387>},
    {2508, "pg_get_constraintdef", 25, {26, 16}, Volatility::kStable, true, from_catalog<2508>},
    {1716, "pg_get_expr", 25, {194, 26}, Volatility::kStable, true, from_catalog<1716>},
    {2509, "pg_get_expr", 25, {194, 26, 16}, Volatility::kStable, true, from_catalog<2509>},
    {2162, "pg_get_function_arguments", 25, {26}, Volatility::kStable, true, from_catalog<2162>},
    {2232, "pg_get_function_identity_arguments", 25, {26}, Volatility::kStable, true, from_catalog<2232>},
    {2165, "pg_get_function_result", 25, {26}, Volatility::kStable, true, from_catalog<2165>},
    {2098, "pg_get_functiondef", 25, {26}, Volatility::kStable, true, from_catalog<2098>},
    {1643, "pg_get_indexdef", 25, {26}, Volatility::kStable, true, from_catalog<1643>},
    {2507, "pg_get_indexdef", 25, {26, 23, 16}, Volatility::kStable, true, from_catalog<2507>},
    {3352, "pg_get_partkeydef", 25, {26}, Volatility::kStable, true, from_catalog<3352>},
    {6120, "pg_get_replica_identity_index", 2205, {2205}, Volatility::kStable, true, from_catalog<6120>},
    {1573, "pg_get_ruledef", 25, {26}, Volatility::kStable, true, from_catalog<1573>},
    {2504, "pg_get_ruledef", 25, {26, 16}, Volatility::kStable, true, from_catalog<2504>},
    {1665, "pg_get_serial_sequence", 25, {25, 25}, Volatility::kStable, true, from_catalog<1665>},
    {6174, "pg_get_statisticsobjdef_columns", 25, {26}, Volatility::kStable, true, from_catalog<6174>},
    {1662, "pg_get_triggerdef", 25, {26}, Volatility::kStable, true, from_catalog<1662>},
    {2730, "pg_get_triggerdef", 25, {26, 16}, Volatility::kStable, true, from_catalog<2730>},
    {1642, "pg_get_userbyid", 19, {26}, Volatility::kStable, true, from_catalog<1642>},
    {1640, "pg_get_viewdef", 25, {25}, Volatility::kStable, true, from_catalog<1640>},
    {1641, "pg_get_viewdef", 25, {26}, Volatility::kStable, true, from_catalog<1641>},
    {2505, "pg_get_viewdef", 25, {25, 16}, Volatility::kStable, true, from_catalog<2505>},
    {2506, "pg_get_viewdef", 25, {26, 16}, Volatility::kStable, true, from_catalog<2506>},
    {3159, "pg_get_viewdef", 25, {26, 23}, Volatility::kStable, true, from_catalog<3159>},
    {2705, "pg_has_role", 16, {19, 19, 25}, Volatility::kStable, true, from_catalog<2705>},
    {2706, "pg_has_role", 16, {19, 26, 25}, Volatility::kStable, true, from_catalog<2706>},
    {2707, "pg_has_role", 16, {26, 19, 25}, Volatility::kStable, true, from_catalog<2707>},
    {2708, "pg_has_role", 16, {26, 26, 25}, Volatility::kStable, true, from_catalog<2708>},
    {2709, "pg_has_role", 16, {19, 25}, Volatility::kStable, true, from_catalog<2709>},
    {2710, "pg_has_role", 16, {26, 25}, Volatility::kStable, true, from_catalog<2710>},
    {2998, "pg_indexes_size", 20, {2205}, Volatility::kVolatile, true, from_catalog<2998>},
    {3810, "pg_is_in_recovery", 16, {}, Volatility::kVolatile, true, from_catalog<3810>},
    {2855, "pg_is_other_temp_schema", 16, {26}, Volatility::kStable, true, from_catalog<2855>},
    {2854, "pg_my_temp_schema", 26, {}, Volatility::kStable, true, from_catalog<2854>},
    {2083, "pg_opclass_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2083>},
    {2082, "pg_operator_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2082>},
    {2560, "pg_postmaster_start_time", 1184, {}, Volatility::kStable, true, from_catalog<2560>},
    {2999, "pg_relation_filenode", 26, {2205}, Volatility::kStable, true, from_catalog<2999>},
    {6121, "pg_relation_is_publishable", 16, {2205}, Volatility::kStable, true, from_catalog<6121>},
    {2325, "pg_relation_size", 20, {2205}, Volatility::kVolatile, true, from_catalog<2325>},
    {2332, "pg_relation_size", 20, {2205, 25}, Volatility::kVolatile, true, from_catalog<2332>},
    {4032, "pg_sequence_last_value", 20, {2205}, Volatility::kVolatile, true, from_catalog<4032>},
    {2288, "pg_size_pretty", 25, {20}, Volatility::kImmutable, true, from_catalog<2288>},
    {3166, "pg_size_pretty", 25, {1700}, Volatility::kImmutable, true, from_catalog<3166>},
    {2626, "pg_sleep", 2278, {701}, Volatility::kVolatile, true, pg_sleep},
    {2079, "pg_table_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2079>},
    {2997, "pg_table_size", 20, {2205}, Volatility::kVolatile, true, from_catalog<2997>},
    {3778, "pg_tablespace_location", 25, {26}, Volatility::kStable, true, from_catalog<3778>},
    {2096, "pg_terminate_backend", 16, {23, 20}, Volatility::kVolatile, true, from_catalog<2096>, nullptr, 0, false, 1},
    {2286, "pg_total_relation_size", 20, {2205}, Volatility::kVolatile, true, from_catalog<2286>},
    {2080, "pg_type_is_visible", 16, {26}, Volatility::kStable, true, from_catalog<2080>},
    {5066, "pg_xact_status", 25, {5069}, Volatility::kVolatile, true, from_catalog<5066>},
    {3298, "row_security_active", 16, {26}, Volatility::kStable, true, from_catalog<3298>},
    {3299, "row_security_active", 16, {25}, Volatility::kStable, true, from_catalog<3299>},
    {1993, "shobj_description", 25, {26, 19}, Volatility::kStable, true, from_catalog<1993>},
    {3495, "to_regclass", 2205, {25}, Volatility::kStable, true, from_catalog<3495>},
    {4086, "to_regnamespace", 4089, {25}, Volatility::kStable, true, from_catalog<4086>},
    {3494, "to_regproc", 24, {25}, Volatility::kStable, true, from_catalog<3494>},
    {3493, "to_regtype", 2206, {25}, Volatility::kStable, true, from_catalog<3493>},
    {2943, "txid_current", 20, {}, Volatility::kStable, true, from_catalog<2943>},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> system_functions() { return kFunctions; }

}  // namespace quorate::sql
