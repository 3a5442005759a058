// Rows as DataRow messages, straight from the executor's batches into the output buffer.
#pragma once

#include "sql/session/result_sink.h"

namespace quorate::pgwire {

// Appends the value's bytes in the format (0 text, 1 binary), without a length. `v` is not null.
Status put_value(Bytes& out, sql::Type type, int16_t format, const sql::Datum& v,
                 const sql::IoContext& io);
// Appends rows [begin, end). On an error nothing of the row that failed is left in `out`.
Status put_rows(Bytes& out, const sql::ResultShape& shape, const sql::RowBatch& rows, size_t begin,
                size_t end, const sql::IoContext& io);
// The RowDescription message of a result.
void put_shape(Bytes& out, const sql::ResultShape& shape);

}  // namespace quorate::pgwire
