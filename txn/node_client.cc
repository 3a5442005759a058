#include "txn/node_client.h"

#include "txn/transaction_impl.h"

namespace quorate::txn {

std::unique_ptr<Transaction> NodeClient::begin(TxnOptions options) {
  return std::make_unique<TransactionImpl>(parts_, options);
}

Timestamp NodeClient::oldest_read() const {
  Timestamp oldest;
  for (const auto& [id, header] : parts_.open) {
    if (!oldest || header->read_ts < oldest) oldest = header->read_ts;
  }
  return oldest;
}

}  // namespace quorate::txn
