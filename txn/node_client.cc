#include "txn/node_client.h"

#include "txn/transaction_impl.h"

namespace quorate::txn {

std::unique_ptr<Transaction> NodeClient::begin(TxnOptions options) {
  return std::make_unique<TransactionImpl>(parts_, options);
}

}  // namespace quorate::txn
