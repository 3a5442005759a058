#include "pgwire/connection.h"

#include "base/limits.h"
#include "base/mark.h"
#include "pgwire/row_encoder.h"

namespace quorate::pgwire {
namespace {

using runtime::CancelToken;
using runtime::Task;

constexpr size_t kReadBytes = 64 * 1024;
// Output beyond this leaves before the statement ends.
constexpr size_t kOutBytesMax = 256 * 1024;
// Buffers that grew larger than this for one message are given back.
constexpr size_t kKeptBytesMax = 1024 * 1024;
// What is read while a statement runs; the rest waits in the socket.
constexpr size_t kAheadBytesMax = 1024 * 1024;

Status client_gone() {
  return Status(StatusCode::kUnavailable, sqlstate::kConnectionFailure,
                "connection to client lost");
}

bool is_gone(const Status& s) { return s.sqlstate() == sqlstate::kConnectionFailure; }

Status violation(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kProtocolViolation, std::move(message));
}

}  // namespace

Connection::Connection(runtime::Env& env, std::unique_ptr<runtime::Stream> stream,
                       SessionFactory* factory, CancelRegistry* cancels, ConnectionOptions options)
    : env_(env),
      stream_(std::move(stream)),
      factory_(factory),
      cancels_(cancels),
      options_(options),
      ahead_done_(*env.executor),
      scope_(*env.executor) {}

Connection::~Connection() {
  if (key_.pid != 0) cancels_->release(key_);
}

Task<void> Connection::run() {
  bool started = co_await start_up();
  while (started && !ending_) {
    Result<std::optional<Frame>> next = next_frame(pending(), limits::kClientMessageBytesMax);
    if (next.ok() && !next->has_value()) {
      Result<bool> more = co_await more_input();
      if (more.ok() && *more) continue;
      if (more.ok()) break;
      next = more.status();
    }
    if (!next.ok()) {
      if (shutdown_.ok()) fatal(next.status());
      break;
    }
    const Frame frame = **next;
    if (frame.type == 'X') break;
    ++messages_;
    frame_bytes_ = frame.bytes;
    if (!dispatch_now(frame)) {
      bool go_on = co_await dispatch(frame);
      if (!go_on) break;
    }
    in_at_ += frame_bytes_;
    if (!held_.empty()) held_.clear();
  }
  if (!shutdown_.ok()) fatal(shutdown_);
  if (!out_.empty()) (void)co_await write_out();
  if (key_.pid != 0) cancels_->attach(key_, nullptr);
  session_.reset();
  stream_->close();
}

void Connection::tick() {
  bool long_running =
      session_ != nullptr && session_->is_running() && messages_ == messages_at_tick_ && !copying_;
  messages_at_tick_ = messages_;
  if (long_running && !reading_ahead_ && ahead_.size() < kAheadBytesMax && ahead_error_.ok()) {
    reading_ahead_ = true;
    scope_.spawn(read_ahead());
  }
}

void Connection::shut_down() {
  ending_ = true;
  shutdown_ = Status(StatusCode::kUnavailable, sqlstate::kAdminShutdown,
                     "terminating connection due to administrator command");
  if (waiting_ || session_ == nullptr) leave_.cancel(shutdown_);
}

// --- input ---

Task<void> Connection::read_ahead() {
  Status s = co_await stream_->read(ahead_, kReadBytes, CancelToken());
  reading_ahead_ = false;
  if (!s.ok()) {
    MARK("pgwire: a client goes while its statement runs");
    ahead_error_ = client_gone();
    if (session_ != nullptr) session_->cancel(ahead_error_);
  }
  ahead_done_.wake_all();
}

Task<Status> Connection::fill(CancelToken token) {
  while (reading_ahead_) CO_RETURN_IF_ERROR(co_await ahead_done_.wait(token));
  if (!ahead_.empty()) {
    in_.append(ahead_);
    ahead_.clear();
    co_return Status();
  }
  if (!ahead_error_.ok()) co_return ahead_error_;
  Status s = co_await stream_->read(in_, kReadBytes, token);
  if (!s.ok() && !token.cancelled()) s = client_gone();
  co_return s;
}

// Until something has come, once what the client waits for has left. False: the client is gone. One
// that may not be idle for ever is told so (FATAL).
Task<Result<bool>> Connection::more_input() {
  if (flush_wanted_) {
    Status s = co_await write_out();
    if (!s.ok()) co_return false;
  }
  in_.erase(0, in_at_);
  in_at_ = 0;
  if (in_.empty() && in_.capacity() > kKeptBytesMax) in_.shrink_to_fit();

  runtime::TimerId timer = 0;
  if (runtime::Duration limit = session_->idle_limit(); limit.count() > 0) {
    timer = env_.executor->schedule_after(limit, [this] { leave_.cancel(session_->idle_error()); });
  }
  waiting_ = true;
  Status s = co_await fill(leave_.token());
  waiting_ = false;
  if (timer != 0) env_.executor->cancel_timer(timer);
  if (!s.ok() && is_gone(s)) co_return false;
  if (!s.ok()) co_return s;
  co_return true;
}

Task<Status> Connection::write_out() {
  flush_wanted_ = false;
  Status s = co_await stream_->write(out_, CancelToken());
  left_bytes_ += out_.size();
  out_.clear();
  if (out_.capacity() > kKeptBytesMax) out_.shrink_to_fit();
  if (!s.ok()) {
    ending_ = true;
    co_return client_gone();
  }
  co_return Status();
}

// --- messages ---

// The messages of an ordinary statement, where they need no wait: no coroutine. False: nothing has
// been done, dispatch() it.
bool Connection::dispatch_now(const Frame& frame) {
  // A long pipeline's output leaves by the ordinary way.
  if (skipping_ || should_flush()) return false;
  switch (frame.type) {
    case 'B':
      return bind(frame.body).ok();
    case 'D': {
      Result<TargetMessage> m = decode_target(frame.body, 'D');
      sql::Session::Description d;
      if (!m.ok() || m->kind != 'P' || !session_->describe_portal_now(m->name, &d)) return false;
      tell(d);
      return true;
    }
    case 'E': {
      Result<ExecuteMessage> m = decode_execute(frame.body);
      return m.ok() && session_->execute_now(m->portal, static_cast<uint64_t>(m->rows_max),
                                             sync_follows(), this);
    }
    case 'S':
      if (!session_->sync_now(this)) return false;
      ready();
      return true;
    default:
      return false;
  }
}

Task<bool> Connection::dispatch(Frame frame) {
  switch (frame.type) {
    case 'Q':
      if (skipping_) co_return true;
      co_await query(frame.body);
      co_return true;
    case 'S':
      co_await sync();
      co_return true;
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C':
    case 'H': {
      if (skipping_) co_return true;
      Status s = co_await extended(frame);
      if (!s.ok()) {
        if (is_gone(s)) co_return false;
        put_error(out_, 'E', "ERROR", s);
        if (lost_sync_) {
          fatal(violation("terminating connection because protocol synchronization was lost"));
          co_return false;
        }
        skipping_ = true;
        flush_wanted_ = true;
      }
      co_return true;
    }
    case 'd':
    case 'c':
    case 'f':
      // What is left of a COPY that failed.
      co_return true;
    case 'F': {
      put_error(out_, 'E', "ERROR", unimplemented("the function call protocol"));
      co_await session_->fail();
      ready();
      co_return true;
    }
    default:
      fatal(violation("invalid frontend message type " +
                      std::to_string(static_cast<unsigned char>(frame.type))));
      co_return false;
  }
}

Task<void> Connection::query(BytesView body) {
  Result<std::string_view> text = decode_query(body);
  if (!text.ok()) {
    put_error(out_, 'E', "ERROR", text.status());
    co_await session_->fail();
    ready();
    co_return;
  }
  Status s = co_await session_->run_query(*text, this);
  if (!s.ok()) {
    if (is_gone(s)) {
      ending_ = true;
      co_return;
    }
    put_error(out_, 'E', "ERROR", s);
    if (lost_sync_) {
      fatal(violation("terminating connection because protocol synchronization was lost"));
      ending_ = true;
      co_return;
    }
  }
  ready();
}

Task<Status> Connection::extended(Frame frame) {
  Status s;
  switch (frame.type) {
    case 'P':
      s = co_await parse(frame.body);
      break;
    case 'B':
      s = bind(frame.body);
      break;
    case 'D':
      s = co_await describe(frame.body);
      break;
    case 'E':
      s = co_await execute(frame.body);
      co_return s;  // the session has failed by itself
    case 'C':
      s = close(frame.body);
      break;
    case 'H':
      flush_wanted_ = true;
      break;
  }
  if (!s.ok()) co_await session_->fail();
  co_return s;
}

Task<Status> Connection::parse(BytesView body) {
  Result<ParseMessage> m = decode_parse(body);
  if (!m.ok()) co_return m.status();
  CO_RETURN_IF_ERROR(co_await session_->parse(m->statement, m->text, m->types, this));
  put_empty(out_, '1');
  co_return Status();
}

Status Connection::bind(BytesView body) {
  RETURN_IF_ERROR(decode_bind(body, &bind_));
  bound_.resize(bind_.params.size());
  for (size_t i = 0; i < bound_.size(); ++i) {
    bound_[i].bytes = bind_.params[i];
    bound_[i].format = bind_.param_formats.empty()       ? int16_t{0}
                       : bind_.param_formats.size() == 1 ? bind_.param_formats[0]
                                                         : bind_.param_formats[i];
  }
  RETURN_IF_ERROR(session_->bind(bind_.portal, bind_.statement, bound_, bind_.result_formats));
  put_empty(out_, '2');
  return Status();
}

Task<Status> Connection::describe(BytesView body) {
  Result<TargetMessage> m = decode_target(body, 'D');
  if (!m.ok()) co_return m.status();
  Result<sql::Session::Description> d(Status(internal_error("not described")));
  if (m->kind == 'S')
    d = co_await session_->describe_statement(m->name);
  else
    d = co_await session_->describe_portal(m->name);
  if (!d.ok()) co_return d.status();
  if (m->kind == 'S') put_parameter_description(out_, d->params);
  tell(*d);
  co_return Status();
}

void Connection::tell(const sql::Session::Description& d) {
  if (d.has_rows)
    put_shape(out_, d.shape);
  else
    put_empty(out_, 'n');
}

Task<Status> Connection::execute(BytesView body) {
  Result<ExecuteMessage> m = decode_execute(body);
  if (!m.ok()) {
    co_await session_->fail();
    co_return m.status();
  }
  co_return co_await session_->execute(m->portal, static_cast<uint64_t>(m->rows_max),
                                       sync_follows(), this);
}

Status Connection::close(BytesView body) {
  Result<TargetMessage> m = decode_target(body, 'C');
  if (!m.ok()) return m.status();
  if (m->kind == 'S')
    session_->close_statement(m->name);
  else
    session_->close_portal(m->name);
  put_empty(out_, '3');
  return Status();
}

Task<void> Connection::sync() {
  skipping_ = false;
  Status s = co_await session_->sync(this);
  if (!s.ok() && !is_gone(s)) put_error(out_, 'E', "ERROR", s);
  ready();
}

void Connection::ready() {
  put_ready_for_query(out_, session_->transaction_status());
  flush_wanted_ = true;
}

// Whether the message after the one being worked on (the first of pending()) is a Sync.
bool Connection::sync_follows() const {
  BytesView rest = pending();
  Result<std::optional<Frame>> now = next_frame(rest, limits::kClientMessageBytesMax);
  if (!now.ok() || !now->has_value()) return false;
  rest.remove_prefix((*now)->bytes);
  return !rest.empty() && rest[0] == 'S';
}

void Connection::fatal(const Status& error) {
  put_error(out_, 'E', "FATAL", error);
  flush_wanted_ = true;
}

// --- results ---

void Connection::describe(const sql::ResultShape& shape) { put_shape(out_, shape); }

Status Connection::add_rows(const sql::ResultShape& shape, const sql::RowBatch& rows, size_t begin,
                            size_t end, const sql::IoContext& io) {
  return put_rows(out_, shape, rows, begin, end, io);
}

void Connection::complete(std::string_view tag) { put_command_complete(out_, tag); }
void Connection::suspended() { put_empty(out_, 's'); }
void Connection::empty_query() { put_empty(out_, 'I'); }

void Connection::notice(std::string_view severity, const Status& notice) {
  put_error(out_, 'N', severity, notice);
}

void Connection::parameter_status(std::string_view name, std::string_view value) {
  put_parameter_status(out_, name, value);
}

bool Connection::should_flush() const { return out_.size() >= kOutBytesMax; }
Task<Status> Connection::flush() { return write_out(); }

bool Connection::rewind(uint64_t mark) {
  if (mark < left_bytes_) {
    MARK("pgwire: a result has left and can't be taken back");
    return false;
  }
  out_.resize(mark - left_bytes_);
  return true;
}

// --- COPY ---

void Connection::copy_out_begin(bool binary, size_t columns) {
  put_copy_response(out_, 'H', binary, columns);
}
void Connection::copy_out_data(BytesView data) { put_copy_data(out_, data); }
void Connection::copy_out_end() { put_empty(out_, 'c'); }

Task<Status> Connection::copy_in_begin(bool binary, size_t columns) {
  put_copy_response(out_, 'G', binary, columns);
  // What follows the statement's own message is the copy's. Its bytes stay where they are, for the
  // session still looks at its text.
  if (frame_bytes_ > 0) {
    Bytes further(pending().substr(frame_bytes_));
    held_ = std::move(in_);
    in_ = std::move(further);
    in_at_ = 0;
    frame_bytes_ = 0;
  }
  copying_ = true;
  co_return co_await write_out();
}

Task<Result<std::optional<BytesView>>> Connection::copy_in_read() {
  for (;;) {
    Result<std::optional<Frame>> next = next_frame(pending(), limits::kClientMessageBytesMax);
    if (!next.ok()) co_return next.status();
    if (!next->has_value()) {
      in_.erase(0, in_at_);
      in_at_ = 0;
      CO_RETURN_IF_ERROR(co_await fill(leave_.token()));
      continue;
    }
    Frame frame = **next;
    in_at_ += frame.bytes;
    switch (frame.type) {
      case 'd':
        co_return std::optional<BytesView>(frame.body);
      case 'c':
        co_return std::optional<BytesView>();
      case 'f': {
        Result<std::string_view> why = decode_copy_fail(frame.body);
        if (!why.ok()) co_return why.status();
        if (options_.planted.copy_fail_ends) co_return std::optional<BytesView>();
        co_return Status(StatusCode::kCancelled, sqlstate::kQueryCanceled,
                         "COPY from stdin failed: " + std::string(*why));
      }
      case 'H':
      case 'S':
        // Clients of the extended protocol send Sync behind Execute without looking.
        continue;
      case 'X':
        co_return client_gone();
      default: {
        constexpr std::string_view kHex = "0123456789ABCDEF";
        auto type = static_cast<unsigned char>(frame.type);
        lost_sync_ = true;
        co_return violation(std::string("unexpected message type 0x") + kHex[type >> 4] +
                            kHex[type & 15] + " during COPY from stdin");
      }
    }
  }
}

void Connection::copy_in_end() { copying_ = false; }

}  // namespace quorate::pgwire
