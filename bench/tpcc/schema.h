// The nine tables of TPC-C (clause 1.3), their keys, the two indexes that the transactions need,
// and the foreign keys. Plain SQL that PostgreSQL and Quorate both take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::bench {

std::vector<std::string> create_table_statements();
std::vector<std::string> create_index_statements();
std::vector<std::string> foreign_key_statements();
// Of tables and indexes that begin with a warehouse's number: a range a warehouse.
std::vector<std::string> split_statements(int64_t warehouses);
std::vector<std::string> drop_table_statements();

}  // namespace quorate::bench
