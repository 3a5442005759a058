// Binary forms of values, as in the protocol's format code 1 and in binary COPY.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

// Reads one whole value. 22P03 `incorrect binary data format` or PostgreSQL's message for the type.
Result<Datum> receive_binary(Type type, BytesView data, const IoContext& io);
// Appends the value's bytes, without a length. `v` is not null. Fails (42883 `no binary output
// function available for type ...`) for types without a binary form.
Status send_binary(Type type, const Datum& v, const IoContext& io, Bytes& out);

}  // namespace quorate::sql
