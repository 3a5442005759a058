#include "sim/sql/sql_client.h"

#include "runtime/sync.h"

namespace quorate::sim {

using runtime::CancelSource;
using runtime::CancelToken;
using runtime::Duration;
using runtime::Task;

namespace {

constexpr size_t kMessageBytesMax = 16u << 20;
constexpr int32_t kProtocol = 3 << 16;
constexpr int32_t kCancelRequest = 80877102;
constexpr Duration kCancelPatience = std::chrono::seconds(5);
constexpr size_t kInputBytes = 100;  // of a message; lines lie across their ends

// Cancels a source when its time is over, unless it goes before.
class Alarm {
 public:
  Alarm(runtime::Executor& executor, Duration patience) : executor_(executor) {
    timer_ = executor.schedule_after(
        patience, [this] { source_.cancel(unavailable("the client's patience is over")); });
  }
  ~Alarm() { executor_.cancel_timer(timer_); }
  Alarm(const Alarm&) = delete;
  CancelToken token() const { return source_.token(); }

 private:
  runtime::Executor& executor_;
  CancelSource source_;
  runtime::TimerId timer_ = 0;
};

int32_t int_at(BytesView b, size_t at, size_t bytes) {
  uint32_t v = 0;
  for (size_t i = 0; i < bytes; ++i) v = v << 8 | static_cast<unsigned char>(b[at + i]);
  return bytes == 2 ? static_cast<int16_t>(v) : static_cast<int32_t>(v);
}

std::vector<std::optional<std::string>> read_row(BytesView body) {
  std::vector<std::optional<std::string>> row(static_cast<size_t>(int_at(body, 0, 2)));
  size_t at = 2;
  for (auto& value : row) {
    const int32_t length = int_at(body, at, 4);
    at += 4;
    if (length < 0) continue;
    value = std::string(body.substr(at, static_cast<size_t>(length)));
    at += static_cast<size_t>(length);
  }
  return row;
}

StatusCode code_of(std::string_view state) {
  if (state == "40003") return StatusCode::kAmbiguous;
  if (state == "40001" || state == "40P01") return StatusCode::kAborted;
  if (state.starts_with("08") || state.starts_with("57P") || state == "25P03")
    return StatusCode::kUnavailable;
  return StatusCode::kInvalidArgument;
}

// The fields of an ErrorResponse.
Status read_error(BytesView body) {
  std::string state, message, detail;
  for (size_t at = 0; at < body.size() && body[at] != '\0';) {
    const size_t end = body.find('\0', at + 1);
    if (end == BytesView::npos) break;
    const std::string_view text = body.substr(at + 1, end - at - 1);
    if (body[at] == 'C') state = text;
    if (body[at] == 'M') message = text;
    if (body[at] == 'D') detail = text;
    at = end + 1;
  }
  SqlState parsed = sqlstate::kInternalError;
  for (size_t i = 0; i < 5 && i < state.size(); ++i) parsed.text[i] = state[i];
  if (!detail.empty()) message += " (" + detail + ")";
  return Status(code_of(state), parsed, state + " " + message);
}

}  // namespace

void SqlClient::close() {
  stream_.reset();
  in_.clear();
}

Task<Result<SqlClient::Message>> SqlClient::receive(CancelToken token) {
  for (;;) {
    Result<std::optional<pgwire::Frame>> frame = pgwire::next_frame(in_, kMessageBytesMax);
    if (!frame.ok()) co_return frame.status();
    if (*frame) {
      Message m{(*frame)->type, Bytes((*frame)->body)};
      in_.erase(0, (*frame)->bytes);
      co_return m;
    }
    Status read = co_await stream_->read(in_, 64 << 10, token);
    if (!read.ok()) co_return unavailable("the connection is lost: " + read.message());
  }
}

// Up to and with ReadyForQuery. An error that ends the connection comes without one.
Task<Result<SqlAnswer>> SqlClient::receive_answer(CancelToken token) {
  SqlAnswer answer;
  Status error;
  // Where a statement's rows are told twice all of them count.
  bool next_statement = true;
  for (;;) {
    Result<Message> m = co_await receive(token);
    if (!m.ok()) {
      if (error.ok()) co_return m.status();
      co_return error;
    }
    switch (m->type) {
      case 'T':
        if (next_statement) answer.rows.clear();
        next_statement = false;
        break;
      case 'D':
        answer.rows.push_back(read_row(m->body));
        break;
      case 'C':
        answer.tag = m->body.substr(0, m->body.find('\0'));
        next_statement = true;
        break;
      case 'G': {
        Status sent = co_await send_input(token);
        if (!sent.ok()) co_return sent;
        break;
      }
      case 'd':
        answer.copied += m->body;
        break;
      case 'E':
        error = read_error(m->body);
        break;
      case 'R':
        if (int_at(m->body, 0, 4) != 0)
          co_return failed_precondition("the server asks for a password, and this client has none");
        break;
      case 'K':
        key_.pid = static_cast<uint32_t>(int_at(m->body, 0, 4));
        key_.secret = static_cast<uint32_t>(int_at(m->body, 4, 4));
        break;
      case 'Z':
        if (!error.ok()) co_return error;
        co_return std::move(answer);
      default:
        break;
    }
  }
}

Task<Status> SqlClient::send_input(CancelToken token) {
  Bytes out;
  for (size_t at = 0; at < input_.size(); at += kInputBytes) {
    const size_t length_at = pgwire::begin_message(out, 'd');
    out.append(input_, at, kInputBytes);
    pgwire::end_message(out, length_at);
  }
  const size_t length_at = pgwire::begin_message(out, breaks_off_ ? 'f' : 'c');
  if (breaks_off_) out.push_back('\0');
  pgwire::end_message(out, length_at);
  input_.clear();
  Status sent = co_await stream_->write(out, token);
  co_return sent;
}

Task<Status> SqlClient::greet(std::string address, CancelToken token) {
  CO_ASSIGN_OR_RETURN(stream_, co_await env_.network->connect_stream(address, token));
  Bytes hello;
  pgwire::put_int32(hello, 0);
  pgwire::put_int32(hello, kProtocol);
  std::vector<std::string_view> words{"user", login_.user, "database", login_.database};
  if (!login_.search_path.empty()) words.insert(words.end(), {"search_path", login_.search_path});
  for (std::string_view word : words) {
    hello.append(word);
    hello.push_back('\0');
  }
  hello.push_back('\0');
  pgwire::end_message(hello, 0);
  CO_RETURN_IF_ERROR(co_await stream_->write(hello, token));
  Result<SqlAnswer> ready = co_await receive_answer(token);
  co_return ready.status();
}

Task<Status> SqlClient::connect(std::string address, Duration patience) {
  close();
  address_ = address;
  Alarm alarm(*env_.executor, patience);
  Status done = co_await greet(address, alarm.token());
  if (!done.ok()) close();
  co_return done;
}

Task<Result<SqlAnswer>> SqlClient::ask(std::string text, CancelToken token) {
  Bytes message;
  const size_t length_at = pgwire::begin_message(message, 'Q');
  message.append(text);
  message.push_back('\0');
  pgwire::end_message(message, length_at);
  CO_RETURN_IF_ERROR(co_await stream_->write(message, token));
  co_return co_await receive_answer(token);
}

void SqlClient::cancel_after(Duration delay) {
  if (connected()) cancels_.spawn(send_cancel(address_, key_, delay));
}

Task<void> SqlClient::send_cancel(std::string address, pgwire::CancelKey key, Duration delay) {
  Status slept = co_await runtime::sleep_for(*env_.executor, delay);
  if (!slept.ok()) co_return;
  Alarm alarm(*env_.executor, kCancelPatience);
  Result<std::unique_ptr<runtime::Stream>> stream =
      co_await env_.network->connect_stream(std::move(address), alarm.token());
  if (!stream.ok()) co_return;
  Bytes request;
  for (const int32_t word :
       {0, kCancelRequest, static_cast<int32_t>(key.pid), static_cast<int32_t>(key.secret)})
    pgwire::put_int32(request, word);
  pgwire::end_message(request, 0);
  Status sent = co_await (*stream)->write(request, alarm.token());
  if (!sent.ok()) co_return;
  // The server closes the connection when it has done so.
  Bytes nothing;
  (void)co_await (*stream)->read(nothing, 1, alarm.token());
}

Task<Result<SqlAnswer>> SqlClient::query(std::string text, Duration patience, std::string input,
                                         bool breaks_off) {
  if (!connected()) co_return unavailable("not connected");
  input_ = std::move(input);
  breaks_off_ = breaks_off;
  Alarm alarm(*env_.executor, patience);
  Result<SqlAnswer> answer = co_await ask(std::move(text), alarm.token());
  // What the server says about a statement leaves the connection as it is.
  if (!answer.ok() && answer.status().code() == StatusCode::kUnavailable) close();
  co_return answer;
}

}  // namespace quorate::sim
