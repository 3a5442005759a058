// The settings that we know. Those of PostgreSQL that nothing here depends on (planner and memory
// knobs, logging) are kept because clients set and show them; their values are checked and told
// back.
#include "sql/session/settings.h"

namespace quorate::sql {
namespace {

constexpr double kIntMax = 2147483647;
constexpr auto kBool = SettingKind::kBool;
constexpr auto kInt = SettingKind::kInt;
constexpr auto kReal = SettingKind::kReal;
constexpr auto kEnum = SettingKind::kEnum;
constexpr auto kString = SettingKind::kString;
constexpr auto kMs = SettingUnit::kMilliseconds;
constexpr auto kKb = SettingUnit::kKilobytes;
constexpr auto kBlocks = SettingUnit::kBlocks;
constexpr auto kInternal = SettingContext::kInternal;
constexpr auto kPostmaster = SettingContext::kPostmaster;

constexpr std::string_view kLevels = "debug5 debug4 debug3 debug2 debug1 log notice warning error";
constexpr std::string_view kIsolation =
    "serializable|repeatable read|read committed|read uncommitted";

constexpr SettingInfo boolean(std::string_view name, std::string_view initial,
                              std::string_view text = "") {
  return {.name = name, .kind = kBool, .initial = initial, .description = text};
}
constexpr SettingInfo integer(std::string_view name, std::string_view initial, double min,
                              double max, SettingUnit unit = SettingUnit::kNone,
                              std::string_view text = "") {
  return {.name = name,
          .kind = kInt,
          .initial = initial,
          .min = min,
          .max = max,
          .unit = unit,
          .description = text};
}
constexpr SettingInfo real(std::string_view name, std::string_view initial, double min,
                           double max) {
  return {.name = name, .kind = kReal, .initial = initial, .min = min, .max = max};
}
constexpr SettingInfo choice(std::string_view name, std::string_view initial,
                             std::string_view choices, std::string_view text = "") {
  return {.name = name, .kind = kEnum, .initial = initial, .choices = choices, .description = text};
}
constexpr SettingInfo text(std::string_view name, std::string_view initial,
                           std::string_view description = "") {
  return {.name = name, .kind = kString, .initial = initial, .description = description};
}
constexpr SettingInfo fixed(SettingInfo s, SettingContext context) {
  s.context = context;
  return s;
}
constexpr SettingInfo reported(SettingInfo s) {
  s.reported = true;
  return s;
}
constexpr SettingInfo planned(SettingInfo s) {
  s.in_plans = true;
  return s;
}

// By name, without regard to case.
constexpr SettingInfo kSettings[] = {
    reported(text("application_name", "", "The name that the client gives itself.")),
    boolean("array_nulls", "on"),
    integer("backend_flush_after", "0", 0, 256, kBlocks),
    choice("backslash_quote", "safe_encoding", "safe_encoding on off"),
    fixed(integer("block_size", "8192", 8192, 8192), kInternal),
    planned(choice("bytea_output", "hex", "escape hex", "Text form of bytea values.")),
    boolean("check_function_bodies", "on"),
    reported(text("client_encoding", "UTF8", "The client's character set.")),
    choice("client_min_messages", "notice", kLevels, "The least level that clients are told."),
    choice("constraint_exclusion", "partition", "partition on off"),
    real("cpu_index_tuple_cost", "0.005", 0, 1e308),
    real("cpu_operator_cost", "0.0025", 0, 1e308),
    real("cpu_tuple_cost", "0.01", 0, 1e308),
    real("cursor_tuple_fraction", "0.1", 0, 1),
    fixed(boolean("data_checksums", "on"), kInternal),
    planned(reported(text("DateStyle", "ISO, MDY", "Form and reading of dates."))),
    integer("deadlock_timeout", "1s", 1, kIntMax, kMs),
    integer("default_statistics_target", "100", 1, 10000),
    text("default_table_access_method", "heap"),
    text("default_tablespace", ""),
    text("default_text_search_config", "pg_catalog.english"),
    choice("default_toast_compression", "pglz", "pglz lz4"),
    boolean("default_transaction_deferrable", "off"),
    choice("default_transaction_isolation", "serializable", kIsolation,
           "The isolation level of new transactions."),
    reported(
        boolean("default_transaction_read_only", "off", "Whether new transactions may only read.")),
    integer("effective_cache_size", "4GB", 1, kIntMax, kBlocks),
    integer("effective_io_concurrency", "1", 0, 1000),
    boolean("enable_async_append", "on"),
    boolean("enable_bitmapscan", "on"),
    boolean("enable_gathermerge", "on"),
    boolean("enable_hashagg", "on"),
    boolean("enable_hashjoin", "on"),
    boolean("enable_incremental_sort", "on"),
    boolean("enable_indexonlyscan", "on"),
    boolean("enable_indexscan", "on"),
    boolean("enable_material", "on"),
    boolean("enable_memoize", "on"),
    boolean("enable_mergejoin", "on"),
    boolean("enable_nestloop", "on"),
    boolean("enable_parallel_append", "on"),
    boolean("enable_parallel_hash", "on"),
    boolean("enable_partition_pruning", "on"),
    boolean("enable_partitionwise_aggregate", "off"),
    boolean("enable_partitionwise_join", "off"),
    boolean("enable_seqscan", "on"),
    boolean("enable_sort", "on"),
    boolean("enable_tidscan", "on"),
    boolean("escape_string_warning", "on"),
    boolean("exit_on_error", "off"),
    planned(integer("extra_float_digits", "1", -15, 3, SettingUnit::kNone,
                    "Digits of floating-point values in text.")),
    integer("from_collapse_limit", "8", 1, kIntMax),
    fixed(boolean("fsync", "on"), kPostmaster),
    boolean("geqo", "on"),
    integer("geqo_threshold", "12", 2, kIntMax),
    integer("gin_fuzzy_search_limit", "0", 0, kIntMax),
    real("hash_mem_multiplier", "2", 1, 1000),
    integer("idle_in_transaction_session_timeout", "0", 0, kIntMax, kMs,
            "How long a transaction may wait for its client."),
    integer("idle_session_timeout", "0", 0, kIntMax, kMs,
            "How long a session may wait for its client outside of a transaction."),
    fixed(reported(boolean("in_hot_standby", "off")), kInternal),
    fixed(reported(boolean("integer_datetimes", "on")), kInternal),
    planned(reported(choice("IntervalStyle", "postgres",
                            "postgres postgres_verbose sql_standard iso_8601",
                            "Text form of intervals."))),
    fixed(reported(boolean("is_superuser", "on")), kInternal),
    boolean("jit", "off"),
    integer("join_collapse_limit", "8", 1, kIntMax),
    fixed(text("lc_collate", "C"), kInternal),
    fixed(text("lc_ctype", "C"), kInternal),
    text("lc_messages", "C"),
    text("lc_monetary", "C"),
    text("lc_numeric", "C"),
    text("lc_time", "C"),
    fixed(text("listen_addresses", "localhost"), kPostmaster),
    boolean("lo_compat_privileges", "off"),
    text("local_preload_libraries", ""),
    integer("lock_timeout", "0", 0, kIntMax, kMs, "How long a statement waits for one lock."),
    integer("log_min_duration_statement", "-1", -1, kIntMax, kMs),
    choice("log_statement", "none", "none ddl mod all"),
    boolean("log_duration", "off"),
    boolean("log_executor_stats", "off"),
    boolean("log_parser_stats", "off"),
    boolean("log_planner_stats", "off"),
    boolean("log_statement_stats", "off"),
    choice("log_error_verbosity", "default", "terse default verbose"),
    choice("log_min_messages", "warning",
           "debug5 debug4 debug3 debug2 debug1 info notice warning error log fatal panic"),
    integer("logical_decoding_work_mem", "64MB", 64, kIntMax, kKb),
    integer("maintenance_work_mem", "64MB", 1024, kIntMax, kKb),
    fixed(integer("max_connections", "1000", 1, 262143), kPostmaster),
    fixed(integer("max_function_args", "100", 100, 100), kInternal),
    fixed(integer("max_identifier_length", "63", 63, 63), kInternal),
    fixed(integer("max_index_keys", "32", 32, 32), kInternal),
    fixed(integer("max_locks_per_transaction", "64", 10, kIntMax), kPostmaster),
    integer("max_parallel_maintenance_workers", "2", 0, 1024),
    integer("max_parallel_workers", "8", 0, 1024),
    integer("max_parallel_workers_per_gather", "2", 0, 1024),
    fixed(integer("max_prepared_transactions", "0", 0, 262143), kPostmaster),
    integer("max_stack_depth", "2MB", 100, kIntMax, kKb),
    fixed(integer("max_worker_processes", "8", 0, 262143), kPostmaster),
    choice("password_encryption", "scram-sha-256", "md5 scram-sha-256"),
    choice("plan_cache_mode", "auto", "auto force_generic_plan force_custom_plan"),
    fixed(integer("port", "5432", 1, 65535), kPostmaster),
    boolean("quote_all_identifiers", "off"),
    real("random_page_cost", "4", 0, 1e308),
    text("role", "none"),
    boolean("row_security", "on"),
    planned(text("search_path", "\"$user\", public", "Where names without a schema are found.")),
    fixed(integer("segment_size", "1GB", 1, kIntMax, kBlocks), kInternal),
    real("seq_page_cost", "1", 0, 1e308),
    fixed(reported(text("server_encoding", "UTF8")), kInternal),
    fixed(reported(text("server_version", "15.0 (Quorate)")), kInternal),
    fixed(integer("server_version_num", "150000", 150000, 150000), kInternal),
    fixed(reported(text("session_authorization", "postgres")), kInternal),
    choice("session_replication_role", "origin", "origin replica local"),
    fixed(integer("shared_buffers", "128MB", 16, 1073741823, kBlocks), kPostmaster),
    fixed(text("shared_preload_libraries", ""), kPostmaster),
    fixed(boolean("ssl", "off"), kPostmaster),
    reported(boolean("standard_conforming_strings", "on")),
    integer("statement_timeout", "0", 0, kIntMax, kMs, "How long a statement may run."),
    boolean("synchronize_seqscans", "on"),
    choice("synchronous_commit", "on", "local remote_write remote_apply on off"),
    integer("tcp_keepalives_count", "0", 0, kIntMax),
    integer("tcp_keepalives_idle", "0", 0, kIntMax, SettingUnit::kSeconds),
    integer("tcp_keepalives_interval", "0", 0, kIntMax, SettingUnit::kSeconds),
    integer("tcp_user_timeout", "0", 0, kIntMax, kMs),
    integer("temp_buffers", "8MB", 100, 1073741823, kBlocks),
    integer("temp_file_limit", "-1", -1, kIntMax, kKb),
    text("temp_tablespaces", ""),
    planned(reported(text("TimeZone", "UTC", "The zone of timestamps with time zone."))),
    text("timezone_abbreviations", "Default"),
    boolean("trace_notify", "off"),
    boolean("track_activities", "on"),
    boolean("track_counts", "on"),
    choice("track_functions", "none", "none pl all"),
    boolean("track_io_timing", "off"),
    boolean("transaction_deferrable", "off"),
    choice("transaction_isolation", "serializable", kIsolation,
           "The current transaction's isolation level."),
    boolean("transaction_read_only", "off", "Whether the current transaction may only read."),
    boolean("transform_null_equals", "off"),
    integer("vacuum_cost_delay", "0", 0, 100, kMs),
    integer("vacuum_freeze_min_age", "50000000", 0, 1000000000),
    integer("vacuum_freeze_table_age", "150000000", 0, 2000000000),
    fixed(choice("wal_level", "replica", "minimal replica logical"), kPostmaster),
    fixed(integer("wal_segment_size", "16MB", 1048576, 1073741824), kInternal),
    integer("work_mem", "4MB", 64, kIntMax, kKb),
    choice("xmlbinary", "base64", "base64 hex"),
    choice("xmloption", "content", "content document"),
};

}  // namespace

std::span<const SettingInfo> all_settings() { return kSettings; }

}  // namespace quorate::sql
