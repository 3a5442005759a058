// PostgreSQL's command tag of a statement.
#pragma once

#include <string_view>

struct PgQuery__Node;

namespace quorate::sql {

// Without row counts. What has no tag of its own here gives the statement's name as PostgreSQL's
// manual has it, so that a refusal can name it.
std::string_view command_tag(const PgQuery__Node& node);

}  // namespace quorate::sql
