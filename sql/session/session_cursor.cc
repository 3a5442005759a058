// Cursors. A cursor keeps the rows it has given where it may go back to them (it may, unless it was
// declared NO SCROLL), so its memory is bounded as a statement's is.
#include "base/limits.h"
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

namespace {

Status no_cursor(const std::string& name) {
  return Status(StatusCode::kNotFound, sqlstate::kInvalidCursorName,
                "cursor \"" + name + "\" does not exist");
}

}  // namespace

Task<Status> SessionImpl::declare(DeclareStatement* s, Run r) {
  if (!in_block() && !s->hold) {
    if (block_ == Block::kNone || r.commits) {
      co_return Status(StatusCode::kFailedPrecondition, sqlstate::kNoActiveSqlTransaction,
                       "DECLARE CURSOR can only be used in transaction blocks");
    }
  }
  if (portals_.contains(s->name)) {
    co_return Status(StatusCode::kAlreadyExists, sqlstate::kDuplicateCursor,
                     "cursor \"" + s->name + "\" already exists");
  }
  Result<StatementRef> made =
      co_await make_statement(s->body, std::vector<Type>(r.statement->params), true);
  if (!made.ok()) co_return made.status();
  if ((*made)->plan == nullptr || (*made)->plan->command == Command::kInsert ||
      (*made)->plan->command == Command::kUpdate || (*made)->plan->command == Command::kDelete) {
    co_return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidCursorDefinition,
                     "DECLARE CURSOR must specify a SELECT");
  }
  CO_RETURN_IF_ERROR(co_await need_txn());
  if (!portals_.empty()) CO_RETURN_IF_ERROR(co_await settle_portals(**made));
  begin_statement();
  auto portal = std::make_unique<Portal>();
  portal->name = s->name;
  portal->statement = *made;
  portal->params.assign(r.params.begin(), r.params.end());
  if (s->binary) portal->formats = {1};
  portal->is_cursor = true;
  portal->scroll = !s->no_scroll;
  portal->hold = s->hold;
  portal->started = true;
  portal->made_at_mark = txn_->savepoint();
  txn_->release(portal->made_at_mark);
  fill_exec(&portal->exec, portal->params);
  portal->execution = Execution::create((*made)->plan, portal->exec);
  portals_[s->name] = std::move(portal);
  ++statements_in_txn_;
  txn_->note_results_seen();
  co_return co_await finish(r, r.statement->tag);
}

// Reads until `until` rows have been fetched in all, or to the end.
Task<Status> SessionImpl::cursor_fill(Portal* portal, int64_t until) {
  while (!portal->all_fetched && static_cast<int64_t>(portal->rows.size()) < until) {
    if (portal->execution == nullptr) {
      portal->all_fetched = true;
      break;
    }
    portal->exec.cancel = cancel_.token();
    txn_->set_cancel(cancel_.token());
    CO_RETURN_IF_ERROR(co_await portal->execution->next(&portal->batch));
    if (portal->batch.rows() == 0) {
      portal->all_fetched = portal->done = true;
      break;
    }
    for (size_t i = 0; i < portal->batch.rows(); ++i) {
      std::vector<Datum> row;
      row.reserve(portal->batch.width());
      for (const Datum& d : portal->batch.row(i)) {
        row.push_back(d.own());
        portal->bytes += sizeof(Datum) + row.back().heap_bytes();
      }
      portal->rows.push_back(std::move(row));
    }
    if (portal->bytes > limits::kStatementBytesMax) {
      co_return Status(StatusCode::kResourceExhausted, sqlstate::kOutOfMemory, "out of memory")
          .with_detail("Cursor \"" + portal->name + "\" has kept more rows than fit.");
    }
  }
  co_return Status();
}

Task<Status> SessionImpl::hold_cursors() {
  for (auto& [name, portal] : portals_) {
    Portal* p = portal.get();
    if (p->is_cursor && p->hold && !p->from_earlier_transaction)
      CO_RETURN_IF_ERROR(co_await cursor_fill(p, INT64_MAX));
  }
  co_return Status();
}

// Positions count from 1; 0 is before the first row, rows + 1 behind the last.
Task<Status> SessionImpl::fetch(const FetchStatement* s, Run r) {
  using D = FetchStatement::Direction;
  auto found = portals_.find(s->name);
  if (found == portals_.end() || !found->second->is_cursor) co_return no_cursor(s->name);
  Portal* p = found->second.get();
  D direction = s->direction;
  int64_t count = s->count;
  if ((direction == D::kForward || direction == D::kBackward) && count < 0) {
    direction = direction == D::kForward ? D::kBackward : D::kForward;
    count = count == INT64_MIN ? INT64_MAX : -count;
  }
  bool goes_back = direction == D::kBackward ||
                   (direction == D::kAbsolute && (count < 0 || count < p->position)) ||
                   (direction == D::kRelative && count < 0);
  if (goes_back && !p->scroll) {
    co_return Status(StatusCode::kFailedPrecondition, sqlstate::kObjectNotInPrerequisiteState,
                     "cursor can only scan forward")
        .with_hint("Declare it with SCROLL option to enable backward scan.");
  }
  int64_t first = 0, last = -1, step = 1;  // the rows to give, from first to last
  int64_t stays_at = p->position;
  auto rows = [p] { return static_cast<int64_t>(p->rows.size()); };
  switch (direction) {
    case D::kForward: {
      if (count == 0) {
        first = last = p->position;
        break;
      }
      int64_t until = count > INT64_MAX - p->position ? INT64_MAX : p->position + count;
      CO_RETURN_IF_ERROR(co_await cursor_fill(p, until));
      first = p->position + 1;
      last = std::min(until, rows());
      stays_at = until <= rows() ? until : rows() + 1;
      break;
    }
    case D::kBackward: {
      if (count == 0) {
        first = last = p->position;
        break;
      }
      step = -1;
      first = std::min(p->position, rows() + 1) - 1;
      last = count >= p->position ? 1 : p->position - count;
      stays_at = count >= p->position ? 0 : last;
      break;
    }
    case D::kAbsolute:
    case D::kRelative: {
      int64_t target = count;
      if (direction == D::kRelative) {
        target = count > INT64_MAX - p->position ? INT64_MAX : p->position + count;
      } else if (count < 0) {
        CO_RETURN_IF_ERROR(co_await cursor_fill(p, INT64_MAX));
        target = rows() + 1 + count;
      }
      target = std::max<int64_t>(target, 0);
      CO_RETURN_IF_ERROR(co_await cursor_fill(p, target));
      first = last = target;
      stays_at = std::min(target, rows() + 1);
      break;
    }
  }
  RowBatch batch;
  batch.reset(static_cast<uint32_t>(p->statement->plan->columns.size()));
  uint64_t given = 0;
  ResultShape shape = shape_of(*p->statement, p->formats);
  if (!p->formats.empty() && r.extended) shape.formats = p->formats;
  if (p->formats.empty() && r.extended) shape.formats = r.formats;
  if (!s->move && r.describe) r.sink->describe(shape);
  for (int64_t at = first; step > 0 ? at <= last : at >= last; at += step) {
    if (at < 1 || at > rows()) continue;
    ++given;
    if (s->move) continue;
    const std::vector<Datum>& row = p->rows[static_cast<size_t>(at - 1)];
    std::copy(row.begin(), row.end(), batch.add().begin());
    if (batch.full()) {
      CO_RETURN_IF_ERROR(r.sink->add_rows(shape, batch, 0, batch.rows(), eval_.io));
      batch.reset(batch.width());
      if (r.sink->should_flush()) CO_RETURN_IF_ERROR(co_await r.sink->flush());
    }
  }
  if (batch.rows() > 0)
    CO_RETURN_IF_ERROR(r.sink->add_rows(shape, batch, 0, batch.rows(), eval_.io));
  p->position = stays_at;
  co_return co_await finish(r, (s->move ? "MOVE " : "FETCH ") + std::to_string(given));
}

Task<Status> SessionImpl::close_cursor(const CloseStatement* s, Run r) {
  if (s->name.empty()) {
    for (auto it = portals_.begin(); it != portals_.end();)
      it = it->second->is_cursor ? portals_.erase(it) : std::next(it);
    co_return co_await finish(r, "CLOSE CURSOR ALL");
  }
  auto found = portals_.find(s->name);
  if (found == portals_.end()) co_return no_cursor(s->name);
  portals_.erase(found);
  co_return co_await finish(r, "CLOSE CURSOR");
}

}  // namespace quorate::sql
