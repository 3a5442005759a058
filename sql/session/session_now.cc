// Messages that have nothing to wait for, worked on in place: no coroutine, no operators and, for a
// point read, no allocation. Everything here gives up (false) before it has done anything that the
// ordinary way would not do again, and that way then tells what is wrong.
#include "base/limits.h"
#include "sql/exec/index_span.h"
#include "sql/session/session_impl.h"
#include "sql/session/session_running.h"

namespace quorate::sql {

namespace {
// What a session keeps of the memory of its last result.
constexpr size_t kKeptRowBytesMax = 64 * 1024;
}  // namespace

// need_catalog() where the node has one.
bool SessionImpl::catalog_now() {
  if (writer_ != nullptr) return false;
  if (catalog_ != nullptr) return true;
  if (modes_.as_of) return false;
  catalog_ = node_.catalog.snapshot();
  const DatabaseDescriptor* d =
      catalog_ == nullptr ? nullptr : catalog_->database(world_.database_name);
  if (d == nullptr) {
    drop_catalog();
    return false;
  }
  world_.catalog = catalog_;
  world_.database = d->oid;
  return true;
}

// current() where nothing has changed.
const CachedStatement* SessionImpl::current_now(const PreparedStatement& prepared) {
  const CachedStatement* known = prepared.current.get();
  if (known == nullptr || block_ == Block::kFailed || !catalog_now()) return nullptr;
  if (known->utility != nullptr) return known;
  return known->cacheable && prepared.prefix == cache_prefix() ? known : nullptr;
}

bool SessionImpl::describe_portal_now(std::string_view name, Description* out) {
  auto found = portals_.find(name);
  if (found == portals_.end()) return false;
  const Portal& portal = *found->second;
  if (portal.empty || portal.statement != nullptr) return false;
  const CachedStatement* statement = current_now(*portal.prepared);
  if (statement == nullptr) return false;
  out->has_rows = statement->gives_rows();
  if (!out->has_rows) return statement->plan != nullptr || statement->utility != nullptr;
  out->shape = shape_of(*statement, portal.formats);
  return true;
}

bool SessionImpl::execute_now(std::string_view name, uint64_t rows_max, bool commits,
                              ResultSink* sink) {
  // The nameless portal ends with its one execution; others stay.
  if (!name.empty() || rows_max != 0 || portals_.size() != 1) return false;
  auto found = portals_.begin();
  if (!found->first.empty()) return false;
  Portal& portal = *found->second;
  if (portal.started || portal.empty || portal.is_cursor) return false;
  const CachedStatement* statement = current_now(*portal.prepared);
  if (statement == nullptr) return false;
  const bool done = statement->utility != nullptr ? control_now(*statement, sink)
                                                  : query_now(*statement, portal, commits, sink);
  if (!done) return false;
  tell_settings(sink);
  if (!portals_.empty()) spare_portal_ = portals_.extract(portals_.begin());
  return true;
}

bool SessionImpl::query_now(const CachedStatement& statement, const Portal& portal, bool commits,
                            ResultSink* sink) {
  if (statement.plan == nullptr || statement.plan->in_place == InPlace::kNo) return false;
  const bool alone = block_ == Block::kNone && txn_ == nullptr && commits && !has_modes();
  // A block's first statement is admitted, which may have to wait.
  if (!alone && (block_ != Block::kExplicit || txn_ == nullptr)) return false;
  Running running(*this);
  note_query(portal.prepared->text);
  if (!alone) begin_statement();
  const uint64_t mark = sink->mark();
  uint64_t rows = 0;
  if (!read_now(statement, portal, sink, &rows)) {
    CHECK(sink->rewind(mark));
    return false;
  }
  if (alone) {
    drop_catalog();
  } else {
    ++statements_in_txn_;
    txn_->note_results_seen();
  }
  sink->complete(complete_tag(statement, {}, rows));
  return true;
}

// BEGIN, and COMMIT of what has only read.
bool SessionImpl::control_now(const CachedStatement& statement, ResultSink* sink) {
  const auto& control = std::get<TransactionStatement>(statement.utility->body);
  const TransactionModes& modes = control.modes;
  if (control.kind == TransactionStatement::Kind::kBegin) {
    if (block_ != Block::kNone || txn_ != nullptr || has_modes()) return false;
    if (modes.isolation || modes.read_only || modes.deferrable) return false;
    Running running(*this);
    block_ = Block::kExplicit;
    transaction_time_fixed_ = true;
    eval_.io.transaction_micros = eval_.statement_micros;
    show_modes();
  } else if (control.kind == TransactionStatement::Kind::kCommit) {
    if (block_ != Block::kExplicit || control.chain || changes_schema()) return false;
    if (txn_ != nullptr && !txn_->try_commit()) return false;
    // The portal that says COMMIT is made use of again.
    spare_portal_ = portals_.extract(portals_.begin());
    forget_transaction(true);
  } else {
    return false;
  }
  sink->complete(control.kind == TransactionStatement::Kind::kCommit ? "COMMIT" : statement.tag);
  return true;
}

bool SessionImpl::read_now(const CachedStatement& statement, const Portal& portal, ResultSink* sink,
                           uint64_t* rows) {
  const PlanNode& node = *statement.plan->root;
  Frame frame;
  frame.params = portal.params;
  frame.context = &eval_;
  now_rows_.clear();
  const bool read = statement.plan->in_place == InPlace::kPoint ? read_point_now(node, frame)
                                                                : read_range_now(node, frame);
  if (!read) return false;
  batch_.reset(node.width);
  now_values_.resize(node.codec->row_width());
  for (size_t i = 0; i < now_rows_.size(); ++i) {
    if (!now_rows_.present(i)) continue;
    const BytesView key = now_rows_.key(i), value = now_rows_.value(i);
    const size_t index = node.range.index;
    Status decoded = index == 0
                         ? node.codec->decode_primary(key, value, node.columns, now_values_)
                         : node.codec->decode_index(index, key, value, node.columns, now_values_);
    if (!decoded.ok()) return false;
    std::span<Datum> row = batch_.add();
    for (size_t c = 0; c < row.size(); ++c) row[c] = std::move(now_values_[node.columns[c]]);
  }
  *rows = batch_.rows();
  if (*rows > 0) {
    const ResultShape shape = shape_of(statement, portal.formats);
    if (!sink->add_rows(shape, batch_, 0, *rows, eval_.io).ok()) return false;
  }
  if (now_rows_.bytes() > kKeptRowBytesMax) now_rows_ = range::RowSet();
  return true;
}

bool SessionImpl::read_point_now(const PlanNode& node, const Frame& frame) {
  const std::vector<CompiledExpr>& key = node.keys[0];
  now_values_.resize(key.size());
  for (size_t i = 0; i < key.size(); ++i) {
    if (!key[i].eval(frame, &now_values_[i])) return false;
    if (now_values_[i].is_null()) return true;  // nothing equals it
  }
  if (!node.codec->encode_prefix(0, now_values_, &now_key_[0]).ok()) return false;
  if (txn_ == nullptr) return node_.client.try_get(now_key_, node.used, &now_rows_);
  txn::ReadOptions options;
  options.columns = node.used;
  options.stored = node.codec->stored_columns();
  return txn_->try_get(now_key_, options, &now_rows_);
}

// What fits into one chunk.
bool SessionImpl::read_range_now(const PlanNode& node, const Frame& frame) {
  auto span = index_span(node.range, *node.codec, frame);
  if (!span.ok()) return false;
  if (!span->has_value()) return true;
  now_scan_.span = std::move(**span);
  now_scan_.reverse = node.reverse;
  now_scan_.columns = node.used;
  if (node.range.index == 0) now_scan_.stored = node.codec->stored_columns();
  now_scan_.rows_max = limits::kScanYieldRows;
  const bool read = txn_ == nullptr ? node_.client.try_scan(now_scan_, &now_scan_.span, &now_rows_)
                                    : txn_->try_scan(now_scan_, &now_scan_.span, &now_rows_);
  return read && now_scan_.span.empty();
}

bool SessionImpl::sync_now(ResultSink* sink) {
  if (!in_block()) {
    if (txn_ != nullptr || block_ == Block::kImplicit) return false;
    drop_catalog();
    if (!portals_.empty()) drop_portals(true);
  }
  tell_settings(sink);
  return true;
}

}  // namespace quorate::sql
