#include "sql/system/cluster_tables.h"

#include "sql/system/key_text.h"

namespace quorate::sql::system {
namespace {

Datum text_or_null(const std::string& v) { return v.empty() ? null() : text(v); }
Datum time_or_null(int64_t micros) { return micros == 0 ? null() : num(micros); }

runtime::Task<Status> fill_ranges(ClusterInfo* info, SystemTableContext context, Rows* out) {
  auto ranges = co_await info->ranges();
  if (!ranges.ok()) co_return ranges.status();
  const KeyText names(*context.catalog, context.database);
  for (const RangeRow& r : *ranges)
    out->add({num(static_cast<int64_t>(r.id)), text_or_null(names.tables_in(r.span)),
              text(names.key(r.span.start)), text(names.key(r.span.end)),
              number_array(oid::kInt8, r.replicas),
              r.leaseholder == 0 ? null() : num(static_cast<int64_t>(r.leaseholder)),
              num(static_cast<int64_t>(r.term)), num(static_cast<int64_t>(r.applied_index)),
              num(static_cast<int64_t>(r.size_bytes)), num(static_cast<int64_t>(r.rows))});
  co_return Status();
}

runtime::Task<Status> fill_nodes(ClusterInfo* info, SystemTableContext, Rows* out) {
  auto nodes = co_await info->nodes();
  if (!nodes.ok()) co_return nodes.status();
  for (const NodeRow& n : *nodes)
    out->add({num(static_cast<int64_t>(n.id)), text(n.address), text(n.sql_address),
              text(n.version), flag(n.alive), flag(n.draining), time_or_null(n.started_at),
              num(static_cast<int64_t>(n.ranges)), num(static_cast<int64_t>(n.leases))});
  co_return Status();
}

runtime::Task<Status> fill_locks(ClusterInfo* info, SystemTableContext context, Rows* out) {
  auto locks = co_await info->locks();
  if (!locks.ok()) co_return locks.status();
  const KeyText names(*context.catalog, context.database);
  for (const LockRow& l : *locks)
    out->add({num(static_cast<int64_t>(l.range_id)), text_or_null(names.table_of(l.key)),
              text(names.key(l.key)), text(l.transaction), text(l.mode), flag(l.granted),
              time_or_null(l.since)});
  co_return Status();
}

runtime::Task<Status> fill_checksums(ClusterInfo* info, SystemTableContext, Rows* out) {
  auto checksums = co_await info->replica_checksums();
  if (!checksums.ok()) co_return checksums.status();
  for (const ChecksumRow& c : *checksums) {
    const bool known = !c.checksum.empty();
    out->add({num(static_cast<int64_t>(c.range_id)), num(static_cast<int64_t>(c.node_id)),
              num(static_cast<int64_t>(c.replica_id)),
              known ? num(static_cast<int64_t>(c.applied_index)) : null(),
              known ? num(static_cast<int64_t>(c.rows)) : null(), text_or_null(c.checksum)});
  }
  co_return Status();
}

runtime::Task<Status> fill_activity(ClusterInfo* info, SystemTableContext context, Rows* out) {
  auto sessions = co_await info->sessions();
  if (!sessions.ok()) co_return sessions.status();
  for (const SessionRow& s : *sessions) {
    const DatabaseDescriptor* database = context.catalog->database(s.database);
    out->add({database != nullptr ? num(database->oid) : null(),
              text_or_null(s.database),
              num(s.pid),
              null(),
              num(kSuperuser),
              text_or_null(s.user),
              text(s.application_name),
              text_or_null(s.client_addr),
              null(),
              s.client_port == 0 ? null() : num(s.client_port),
              time_or_null(s.backend_start),
              time_or_null(s.xact_start),
              time_or_null(s.query_start),
              time_or_null(s.state_change),
              null(),
              null(),
              text_or_null(s.state),
              null(),
              null(),
              null(),
              text(s.query),
              text("client backend")});
  }
  co_return Status();
}

}  // namespace

ClusterFill cluster_fill(std::string_view schema, std::string_view name) {
  if (schema == "quorate") {
    if (name == "ranges") return fill_ranges;
    if (name == "nodes") return fill_nodes;
    if (name == "locks") return fill_locks;
    if (name == "replica_checksums") return fill_checksums;
  }
  if (schema == "pg_catalog" && name == "pg_stat_activity") return fill_activity;
  return nullptr;
}

}  // namespace quorate::sql::system
