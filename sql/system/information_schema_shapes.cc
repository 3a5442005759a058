// The relations of information_schema with their columns, as PostgreSQL 15 has them; OIDs are ours.
#include "sql/system/shapes.h"

namespace quorate::sql::system {
namespace {

constexpr Shape kShapes[] = {
    {13200, "information_schema_catalog_name", 'v', "catalog_name name"},
    {13201, "applicable_roles", 'v', "grantee name, role_name name, is_grantable yesno"},
    {13202, "character_sets", 'v',
     "character_set_catalog name, character_set_schema name, character_set_name name, "
     "character_repertoire name, form_of_use name, default_collate_catalog name, "
     "default_collate_schema name, default_collate_name name"},
    {13203, "check_constraints", 'v',
     "constraint_catalog name, constraint_schema name, constraint_name name, "
     "check_clause varchar"},
    {13204, "collations", 'v',
     "collation_catalog name, collation_schema name, collation_name name, "
     "pad_attribute varchar"},
    {13205, "column_domain_usage", 'v',
     "domain_catalog name, domain_schema name, domain_name name, table_catalog name, "
     "table_schema name, table_name name, column_name name"},
    {13206, "column_privileges", 'v',
     "grantor name, grantee name, table_catalog name, table_schema name, table_name name, "
     "column_name name, privilege_type varchar, is_grantable yesno"},
    {13207, "columns", 'v',
     "table_catalog name, table_schema name, table_name name, column_name name, "
     "ordinal_position int4, column_default varchar, is_nullable yesno, data_type varchar, "
     "character_maximum_length int4, character_octet_length int4, numeric_precision int4, "
     "numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, "
     "interval_type varchar, interval_precision int4, character_set_catalog name, "
     "character_set_schema name, character_set_name name, collation_catalog name, "
     "collation_schema name, collation_name name, domain_catalog name, domain_schema name, "
     "domain_name name, udt_catalog name, udt_schema name, udt_name name, "
     "scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, "
     "dtd_identifier name, is_self_referencing yesno, is_identity yesno, "
     "identity_generation varchar, identity_start varchar, identity_increment varchar, "
     "identity_maximum varchar, identity_minimum varchar, identity_cycle yesno, "
     "is_generated varchar, generation_expression varchar, is_updatable yesno"},
    {13208, "constraint_column_usage", 'v',
     "table_catalog name, table_schema name, table_name name, column_name name, "
     "constraint_catalog name, constraint_schema name, constraint_name name"},
    {13209, "constraint_table_usage", 'v',
     "table_catalog name, table_schema name, table_name name, constraint_catalog name, "
     "constraint_schema name, constraint_name name"},
    {13210, "domain_constraints", 'v',
     "constraint_catalog name, constraint_schema name, constraint_name name, "
     "domain_catalog name, domain_schema name, domain_name name, is_deferrable yesno, "
     "initially_deferred yesno"},
    {13211, "domains", 'v',
     "domain_catalog name, domain_schema name, domain_name name, data_type varchar, "
     "character_maximum_length int4, character_octet_length int4, "
     "character_set_catalog name, character_set_schema name, character_set_name name, "
     "collation_catalog name, collation_schema name, collation_name name, "
     "numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, "
     "datetime_precision int4, interval_type varchar, interval_precision int4, "
     "domain_default varchar, udt_catalog name, udt_schema name, udt_name name, "
     "scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, "
     "dtd_identifier name"},
    {13212, "enabled_roles", 'v', "role_name name"},
    {13213, "key_column_usage", 'v',
     "constraint_catalog name, constraint_schema name, constraint_name name, "
     "table_catalog name, table_schema name, table_name name, column_name name, "
     "ordinal_position int4, position_in_unique_constraint int4"},
    {13214, "parameters", 'v',
     "specific_catalog name, specific_schema name, specific_name name, "
     "ordinal_position int4, parameter_mode varchar, is_result yesno, as_locator yesno, "
     "parameter_name name, data_type varchar, character_maximum_length int4, "
     "character_octet_length int4, character_set_catalog name, character_set_schema name, "
     "character_set_name name, collation_catalog name, collation_schema name, "
     "collation_name name, numeric_precision int4, numeric_precision_radix int4, "
     "numeric_scale int4, datetime_precision int4, interval_type varchar, "
     "interval_precision int4, udt_catalog name, udt_schema name, udt_name name, "
     "scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, "
     "dtd_identifier name, parameter_default varchar"},
    {13215, "referential_constraints", 'v',
     "constraint_catalog name, constraint_schema name, constraint_name name, "
     "unique_constraint_catalog name, unique_constraint_schema name, "
     "unique_constraint_name name, match_option varchar, update_rule varchar, "
     "delete_rule varchar"},
    {13216, "routine_privileges", 'v',
     "grantor name, grantee name, specific_catalog name, specific_schema name, "
     "specific_name name, routine_catalog name, routine_schema name, routine_name name, "
     "privilege_type varchar, is_grantable yesno"},
    {13217, "routines", 'v',
     "specific_catalog name, specific_schema name, specific_name name, "
     "routine_catalog name, routine_schema name, routine_name name, routine_type varchar, "
     "module_catalog name, module_schema name, module_name name, udt_catalog name, "
     "udt_schema name, udt_name name, data_type varchar, character_maximum_length int4, "
     "character_octet_length int4, character_set_catalog name, character_set_schema name, "
     "character_set_name name, collation_catalog name, collation_schema name, "
     "collation_name name, numeric_precision int4, numeric_precision_radix int4, "
     "numeric_scale int4, datetime_precision int4, interval_type varchar, "
     "interval_precision int4, type_udt_catalog name, type_udt_schema name, "
     "type_udt_name name, scope_catalog name, scope_schema name, scope_name name, "
     "maximum_cardinality int4, dtd_identifier name, routine_body varchar, "
     "routine_definition varchar, external_name varchar, external_language varchar, "
     "parameter_style varchar, is_deterministic yesno, sql_data_access varchar, "
     "is_null_call yesno, sql_path varchar, schema_level_routine yesno, "
     "max_dynamic_result_sets int4, is_user_defined_cast yesno, "
     "is_implicitly_invocable yesno, security_type varchar, to_sql_specific_catalog name, "
     "to_sql_specific_schema name, to_sql_specific_name name, as_locator yesno, "
     "created timestamptz, last_altered timestamptz, new_savepoint_level yesno, "
     "is_udt_dependent yesno, result_cast_from_data_type varchar, "
     "result_cast_as_locator yesno, result_cast_char_max_length int4, "
     "result_cast_char_octet_length int4, result_cast_char_set_catalog name, "
     "result_cast_char_set_schema name, result_cast_char_set_name name, "
     "result_cast_collation_catalog name, result_cast_collation_schema name, "
     "result_cast_collation_name name, result_cast_numeric_precision int4, "
     "result_cast_numeric_precision_radix int4, result_cast_numeric_scale int4, "
     "result_cast_datetime_precision int4, result_cast_interval_type varchar, "
     "result_cast_interval_precision int4, result_cast_type_udt_catalog name, "
     "result_cast_type_udt_schema name, result_cast_type_udt_name name, "
     "result_cast_scope_catalog name, result_cast_scope_schema name, "
     "result_cast_scope_name name, result_cast_maximum_cardinality int4, "
     "result_cast_dtd_identifier name"},
    {13218, "schemata", 'v',
     "catalog_name name, schema_name name, schema_owner name, "
     "default_character_set_catalog name, default_character_set_schema name, "
     "default_character_set_name name, sql_path varchar"},
    {13219, "sequences", 'v',
     "sequence_catalog name, sequence_schema name, sequence_name name, data_type varchar, "
     "numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, "
     "start_value varchar, minimum_value varchar, maximum_value varchar, "
     "increment varchar, cycle_option yesno"},
    {13220, "sql_features", 'r',
     "feature_id varchar, feature_name varchar, sub_feature_id varchar, "
     "sub_feature_name varchar, is_supported yesno, is_verified_by varchar, "
     "comments varchar"},
    {13221, "table_constraints", 'v',
     "constraint_catalog name, constraint_schema name, constraint_name name, "
     "table_catalog name, table_schema name, table_name name, constraint_type varchar, "
     "is_deferrable yesno, initially_deferred yesno, enforced yesno, nulls_distinct yesno"},
    {13222, "table_privileges", 'v',
     "grantor name, grantee name, table_catalog name, table_schema name, table_name name, "
     "privilege_type varchar, is_grantable yesno, with_hierarchy yesno"},
    {13223, "role_table_grants", 'v',
     "grantor name, grantee name, table_catalog name, table_schema name, table_name name, "
     "privilege_type varchar, is_grantable yesno, with_hierarchy yesno"},
    {13224, "tables", 'v',
     "table_catalog name, table_schema name, table_name name, table_type varchar, "
     "self_referencing_column_name name, reference_generation varchar, "
     "user_defined_type_catalog name, user_defined_type_schema name, "
     "user_defined_type_name name, is_insertable_into yesno, is_typed yesno, "
     "commit_action varchar"},
    {13225, "triggers", 'v',
     "trigger_catalog name, trigger_schema name, trigger_name name, "
     "event_manipulation varchar, event_object_catalog name, event_object_schema name, "
     "event_object_table name, action_order int4, action_condition varchar, "
     "action_statement varchar, action_orientation varchar, action_timing varchar, "
     "action_reference_old_table name, action_reference_new_table name, "
     "action_reference_old_row name, action_reference_new_row name, created timestamptz"},
    {13226, "udt_privileges", 'v',
     "grantor name, grantee name, udt_catalog name, udt_schema name, udt_name name, "
     "privilege_type varchar, is_grantable yesno"},
    {13227, "usage_privileges", 'v',
     "grantor name, grantee name, object_catalog name, object_schema name, "
     "object_name name, object_type varchar, privilege_type varchar, is_grantable yesno"},
    {13228, "user_defined_types", 'v',
     "user_defined_type_catalog name, user_defined_type_schema name, "
     "user_defined_type_name name, user_defined_type_category varchar, "
     "is_instantiable yesno, is_final yesno, ordering_form varchar, "
     "ordering_category varchar, ordering_routine_catalog name, "
     "ordering_routine_schema name, ordering_routine_name name, reference_type varchar, "
     "data_type varchar, character_maximum_length int4, character_octet_length int4, "
     "character_set_catalog name, character_set_schema name, character_set_name name, "
     "collation_catalog name, collation_schema name, collation_name name, "
     "numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, "
     "datetime_precision int4, interval_type varchar, interval_precision int4, "
     "source_dtd_identifier name, ref_dtd_identifier name"},
    {13229, "view_column_usage", 'v',
     "view_catalog name, view_schema name, view_name name, table_catalog name, "
     "table_schema name, table_name name, column_name name"},
    {13230, "view_table_usage", 'v',
     "view_catalog name, view_schema name, view_name name, table_catalog name, "
     "table_schema name, table_name name"},
    {13231, "views", 'v',
     "table_catalog name, table_schema name, table_name name, view_definition varchar, "
     "check_option varchar, is_updatable yesno, is_insertable_into yesno, "
     "is_trigger_updatable yesno, is_trigger_deletable yesno, "
     "is_trigger_insertable_into yesno"},
    {13232, "element_types", 'v',
     "object_catalog name, object_schema name, object_name name, object_type varchar, "
     "collection_type_identifier name, data_type varchar, character_maximum_length int4, "
     "character_octet_length int4, character_set_catalog name, character_set_schema name, "
     "character_set_name name, collation_catalog name, collation_schema name, "
     "collation_name name, numeric_precision int4, numeric_precision_radix int4, "
     "numeric_scale int4, datetime_precision int4, interval_type varchar, "
     "interval_precision int4, domain_default varchar, udt_catalog name, udt_schema name, "
     "udt_name name, scope_catalog name, scope_schema name, scope_name name, "
     "maximum_cardinality int4, dtd_identifier name"},
};

}  // namespace

std::span<const Shape> information_schema_shapes() { return kShapes; }

}  // namespace quorate::sql::system
