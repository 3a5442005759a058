// Transaction blocks.
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

namespace {

std::string_view isolation_name(range::Isolation i) {
  switch (i) {
    case range::Isolation::kSerializable:
      return "serializable";
    case range::Isolation::kRepeatableRead:
      return "repeatable read";
    case range::Isolation::kReadCommitted:
      return "read committed";
  }
  UNREACHABLE("isolation level");
}

Status no_block(std::string_view what) {
  return Status(StatusCode::kFailedPrecondition, sqlstate::kNoActiveSqlTransaction,
                std::string(what) + " can only be used in transaction blocks");
}

Status no_savepoint(const std::string& name) {
  return Status(StatusCode::kFailedPrecondition, sqlstate::kInvalidSavepointSpecification,
                "savepoint \"" + name + "\" does not exist");
}

}  // namespace

// --- the transaction of txn/ ---

Task<Status> SessionImpl::need_txn() {
  if (txn_ != nullptr) co_return Status();
  const Settings::Typed& t = settings_.typed();
  txn::TxnOptions options;
  options.isolation = modes_.isolation.value_or(t.default_isolation);
  options.read_only = modes_.read_only.value_or(t.default_read_only);
  options.as_of = modes_.as_of;
  options.lock_timeout_ms = static_cast<uint64_t>(t.lock_timeout_ms);
  txn_ = node_.client.begin(options);
  transaction_time_fixed_ = true;
  if (block_ == Block::kExplicit) {
    Status s = co_await txn_->admit(cancel_.token());
    if (!s.ok()) {
      txn_.reset();
      co_return s;
    }
  }
  if (writer_ == nullptr) CO_RETURN_IF_ERROR(co_await need_catalog());
  co_return Status();
}

void SessionImpl::begin_statement() {
  txn_->begin_statement();
  txn_->set_cancel(cancel_.token());
  if (in_block())
    txn_->set_lock_timeout_ms(static_cast<uint64_t>(settings_.typed().lock_timeout_ms));
}

Task<Status> SessionImpl::commit_txn() {
  if (txn_ == nullptr) co_return Status();
  if (!portals_.empty()) CO_RETURN_IF_ERROR(co_await hold_cursors());
  txn::CommitDeadline deadline{deadline_, nullptr};
  if (writer_ == nullptr && catalog_ != nullptr && !node_.client.planted.lease_outlived)
    deadline.renewed = std::shared_ptr<const Timestamp>(catalog_, &catalog_->lease_expiry());
  txn_->set_deadline(std::move(deadline));
  if (writer_ != nullptr) CO_RETURN_IF_ERROR(writer_->seal());
  CO_RETURN_IF_ERROR(world_.record_commit());
  Status s = co_await txn_->commit();
  if (s.code() == StatusCode::kAmbiguous && node_.client.planted.unknown_as_failed)
    s = aborted(s.message());
  co_return s;
}

Task<Status> SessionImpl::commit_all() {
  Status s = co_await commit_txn();
  if (!s.ok() && txn_ != nullptr && s.code() != StatusCode::kAmbiguous) {
    drop_portals(false);
    co_await txn_->rollback();
  }
  co_await end_transaction(s.ok());
  co_return s;
}

Task<void> SessionImpl::rollback_all() {
  drop_portals(false);
  if (txn_ != nullptr) co_await txn_->rollback();
  co_await end_transaction(false);
}

void SessionImpl::drop_portals(bool committed) {
  for (auto it = portals_.begin(); it != portals_.end();) {
    Portal& p = *it->second;
    // What was held before stays whatever becomes of this transaction.
    bool stays = p.is_cursor && p.hold && (p.from_earlier_transaction || committed);
    if (stays) {
      p.from_earlier_transaction = true;
      p.execution.reset();
      ++it;
    } else {
      it = portals_.erase(it);
    }
  }
}

void SessionImpl::forget_transaction(bool committed) {
  if (!portals_.empty()) drop_portals(committed);
  txn_.reset();
  if (committed)
    settings_.commit();
  else
    settings_.rollback();
  statements_in_txn_ = 0;
  savepoints_.clear();
  transaction_time_fixed_ = false;
  deadline_ = Timestamp::max();
  const bool modes_were_set = has_modes();
  modes_ = TransactionModes();
  const bool block = block_ != Block::kNone;
  block_ = Block::kNone;
  drop_catalog();
  if (block || modes_were_set) show_modes();
}

Task<void> SessionImpl::end_transaction(bool committed) {
  forget_transaction(committed);
  if (changes_schema()) {
    writer_.reset();
    world_.writer = nullptr;
    world_.forget_own();
    node_.sequences.forget_all();
    Status s;
    if (committed)
      s = co_await finish_block(&ddl_context_);
    else
      s = co_await bring_online(&ddl_context_);
    // The change itself stands or is undone; what is left here is done by its deadline.
    (void)s;
    ddl_context_.offline.clear();
  }
}

Task<void> SessionImpl::failed() {
  notices_.clear();
  if (block_ == Block::kFailed) co_return;
  if (block_ != Block::kExplicit) {
    co_await rollback_all();
    co_return;
  }
  block_ = Block::kFailed;
  for (auto it = portals_.begin(); it != portals_.end();) {
    bool stays = it->second->is_cursor && it->second->from_earlier_transaction;
    it = stays ? std::next(it) : portals_.erase(it);
  }
  // Nothing of it can be kept, so what it holds is given back at once.
  if (savepoints_.empty() && txn_ != nullptr) {
    co_await txn_->rollback();
    txn_.reset();
    drop_catalog();
  }
}

// --- statements ---

Task<Status> SessionImpl::transaction_control(const TransactionStatement* t, Run r) {
  using Kind = TransactionStatement::Kind;
  switch (t->kind) {
    case Kind::kBegin:
      return begin_block(t, r);
    case Kind::kCommit:
      return commit_block(t->chain, r);
    case Kind::kRollback:
      return rollback_block(t->chain, r);
    case Kind::kSavepoint:
    case Kind::kRelease:
    case Kind::kRollbackTo:
      return savepoint_statement(t, r);
  }
  UNREACHABLE("transaction statement");
}

Task<Status> SessionImpl::begin_block(const TransactionStatement* t, Run r) {
  if (block_ == Block::kFailed) {
    co_return failed_precondition(
        "current transaction is aborted, commands ignored until end of transaction block",
        sqlstate::kInFailedSqlTransaction);
  }
  if (block_ == Block::kExplicit)
    warn(r.sink, sqlstate::kActiveSqlTransaction, "there is already a transaction in progress");
  // What an implicit transaction has done becomes part of the block.
  block_ = Block::kExplicit;
  if (!transaction_time_fixed_) {
    transaction_time_fixed_ = true;
    eval_.io.transaction_micros = eval_.statement_micros;
  }
  CO_RETURN_IF_ERROR(set_modes(t->modes));
  CO_RETURN_IF_ERROR(set_as_of(r.statement->parsed.as_of()));
  show_modes();
  r.sink->complete(r.statement->tag);
  co_return Status();
}

Status SessionImpl::set_modes(const TransactionModes& modes) {
  if (modes.isolation) {
    if (txn_ != nullptr && statements_in_txn_ > 0 && txn_->isolation() != *modes.isolation) {
      return failed_precondition("SET TRANSACTION ISOLATION LEVEL must be called before any query",
                                 sqlstate::kActiveSqlTransaction);
    }
    modes_.isolation = modes.isolation;
    modes_.uncommitted = modes.uncommitted;
  }
  if (modes_.as_of && modes.read_only && !*modes.read_only) {
    return failed_precondition("a transaction that reads the past can't be set read-write",
                               sqlstate::kActiveSqlTransaction);
  }
  if (modes.read_only) {
    bool was = modes_.read_only.value_or(settings_.typed().default_read_only);
    if (txn_ != nullptr && statements_in_txn_ > 0 && was && !*modes.read_only) {
      return failed_precondition("transaction read-write mode must be set before any query",
                                 sqlstate::kActiveSqlTransaction);
    }
    modes_.read_only = modes.read_only;
  }
  if (modes.deferrable) modes_.deferrable = modes.deferrable;
  return Status();
}

// The settings that tell of the transaction.
void SessionImpl::show_modes() {
  const Settings::Typed& t = settings_.typed();
  const bool uncommitted = modes_.isolation ? modes_.uncommitted : t.default_uncommitted;
  settings_.force(
      "transaction_isolation",
      uncommitted ? "read uncommitted"
                  : std::string(isolation_name(modes_.isolation.value_or(t.default_isolation))));
  settings_.force("transaction_read_only",
                  modes_.read_only.value_or(t.default_read_only) ? "on" : "off");
  settings_.force("transaction_deferrable", modes_.deferrable.value_or(false) ? "on" : "off");
}

Task<Status> SessionImpl::commit_block(bool chain, Run r) {
  const TransactionModes modes = modes_;
  if (chain && !in_block()) co_return no_block("COMMIT AND CHAIN");
  std::string_view tag = "COMMIT";
  if (block_ == Block::kFailed) {
    if (!node_.client.planted.failed_block_commits) tag = "ROLLBACK";
    co_await rollback_all();
  } else {
    if (block_ != Block::kExplicit)
      warn(r.sink, sqlstate::kNoActiveSqlTransaction, "there is no transaction in progress");
    CO_RETURN_IF_ERROR(co_await commit_all());
  }
  if (chain) {
    block_ = Block::kExplicit;
    modes_ = modes;
    show_modes();
  }
  r.sink->complete(tag);
  co_return Status();
}

Task<Status> SessionImpl::rollback_block(bool chain, Run r) {
  const TransactionModes modes = modes_;
  if (chain && !in_block()) co_return no_block("ROLLBACK AND CHAIN");
  if (!in_block())
    warn(r.sink, sqlstate::kNoActiveSqlTransaction, "there is no transaction in progress");
  co_await rollback_all();
  if (chain) {
    block_ = Block::kExplicit;
    modes_ = modes;
    show_modes();
  }
  r.sink->complete(r.statement->tag);
  co_return Status();
}

Task<Status> SessionImpl::savepoint_statement(const TransactionStatement* t, Run r) {
  using Kind = TransactionStatement::Kind;
  if (!in_block()) {
    co_return no_block(t->kind == Kind::kSavepoint ? "SAVEPOINT"
                       : t->kind == Kind::kRelease ? "RELEASE SAVEPOINT"
                                                   : "ROLLBACK TO SAVEPOINT");
  }
  if (block_ == Block::kFailed && t->kind != Kind::kRollbackTo) {
    co_return failed_precondition(
        "current transaction is aborted, commands ignored until end of transaction block",
        sqlstate::kInFailedSqlTransaction);
  }
  if (t->kind == Kind::kSavepoint) {
    CO_RETURN_IF_ERROR(co_await need_txn());
    savepoints_.push_back({t->savepoint, txn_->savepoint(), settings_.mark(),
                           writer_ != nullptr ? writer_->mark() : 0});
    r.sink->complete(r.statement->tag);
    co_return Status();
  }
  // The newest of that name.
  size_t at = savepoints_.size();
  while (at > 0 && savepoints_[at - 1].name != t->savepoint) --at;
  if (at == 0) co_return no_savepoint(t->savepoint);
  if (t->kind == Kind::kRelease) {
    txn_->release(savepoints_[at - 1].mark);
    savepoints_.resize(at - 1);
    r.sink->complete(r.statement->tag);
    co_return Status();
  }
  savepoints_.resize(at);
  const Savepoint& s = savepoints_.back();
  settings_.rollback_to(s.settings_mark);
  CO_RETURN_IF_ERROR(txn_->rollback_to(s.mark));
  txn_->set_cancel(cancel_.token());
  block_ = Block::kExplicit;
  for (auto it = portals_.begin(); it != portals_.end();) {
    bool newer = it->second->made_at_mark > s.mark && !it->second->from_earlier_transaction;
    it = newer ? portals_.erase(it) : std::next(it);
  }
  if (writer_ != nullptr) {
    world_.forget_own();
    CO_RETURN_IF_ERROR(writer_->rollback_to(s.catalog_mark));
    CO_RETURN_IF_ERROR(co_await need_catalog());
  }
  r.sink->complete(r.statement->tag);
  co_return Status();
}

}  // namespace quorate::sql
