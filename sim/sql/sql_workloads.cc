#include "sim/sql/sql_workloads.h"

#include "sim/sql/sql_append.h"
#include "sim/sql/sql_bank.h"
#include "sim/sql/sql_copy.h"
#include "sim/sql/sql_counter.h"
#include "sim/sql/sql_keys.h"
#include "sim/sql/sql_queue.h"
#include "sim/sql/sql_random.h"
#include "sim/sql/sql_schema.h"
#include "sim/sql/sql_skew.h"
#include "sim/sql/sql_tpcc.h"

namespace quorate::sim {
namespace {

template <class W>
std::unique_ptr<Workload> make(runtime::Random random) {
  return std::make_unique<W>(std::move(random));
}

}  // namespace

std::span<const WorkloadKind> all_workload_kinds() {
  static const std::vector<WorkloadKind> all = [] {
    std::vector<WorkloadKind> kinds(workload_kinds().begin(), workload_kinds().end());
    kinds.push_back({"sql-append", make<SqlAppend>});
    kinds.push_back({"sql-bank", make<SqlBank>});
    kinds.push_back({"sql-copy", make<SqlCopy>});
    kinds.push_back({"sql-counter", make<SqlCounter>});
    kinds.push_back({"sql-keys", make<SqlKeys>});
    kinds.push_back({"sql-queue", make<SqlQueue>});
    kinds.push_back({"sql-random", make<SqlRandom>});
    kinds.push_back({"sql-schema", make<SqlSchema>});
    kinds.push_back({"sql-skew", make<SqlSkew>});
    kinds.push_back({"sql-tpcc", make<SqlTpcc>});
    return kinds;
  }();
  return all;
}

}  // namespace quorate::sim
