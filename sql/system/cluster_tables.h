// Relations whose rows the server knows: quorate.*, and pg_catalog's on sessions and locks.
#pragma once

#include "sql/system/cluster_info.h"
#include "sql/system/rows.h"

namespace quorate::sql::system {

using ClusterFill = runtime::Task<Status> (*)(ClusterInfo*, SystemTableContext, Rows*);
// nullptr where the server is not asked.
ClusterFill cluster_fill(std::string_view schema, std::string_view name);

}  // namespace quorate::sql::system
