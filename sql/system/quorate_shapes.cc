// The relations of the schema quorate.
#include "sql/system/shapes.h"

namespace quorate::sql::system {
namespace {

constexpr Shape kShapes[] = {
    {13900, "ranges", 'v',
     "range_id int8, table_name text, start_key text, end_key text, replicas _int8, "
     "leaseholder int8, term int8, applied_index int8, size_bytes int8, row_count int8"},
    {13901, "nodes", 'v',
     "node_id int8, address text, sql_address text, version text, is_live bool, "
     "is_draining bool, started_at timestamptz, ranges int8, leases int8"},
    {13902, "locks", 'v',
     "range_id int8, table_name text, key text, transaction text, mode text, granted bool, "
     "since timestamptz"},
    {13903, "replica_checksums", 'v',
     "range_id int8, node_id int8, replica_id int8, applied_index int8, row_count int8, "
     "checksum text"},
};

}  // namespace

std::span<const Shape> quorate_shapes() { return kShapes; }

}  // namespace quorate::sql::system
