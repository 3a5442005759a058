// From the first byte to ReadyForQuery.
#include <charconv>

#include "base/limits.h"
#include "base/mark.h"
#include "pgwire/connection.h"

namespace quorate::pgwire {
namespace {

using runtime::Task;

Status invalid_authorization(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidAuthorizationSpecification,
                std::move(message));
}

// "-c name=value", "-cname=value" or "--name=value", as the server's own command line takes them.
Status command_line_settings(std::string_view options,
                             std::vector<std::pair<std::string, std::string>>* out) {
  std::vector<std::string> words = split_options(options);
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c") {
      if (i + 1 == words.size()) {
        return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                      "option requires an argument: -c");
      }
      word = words[++i];
    } else if (word.starts_with("--") || word.starts_with("-c")) {
      word.remove_prefix(2);
    } else {
      return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                    "invalid command-line argument for server process: " + words[i]);
    }
    size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                    "-c " + std::string(word) + " requires a value");
    }
    std::string name(word.substr(0, equals));
    for (char& c : name) c = c == '-' ? '_' : c;
    out->emplace_back(std::move(name), word.substr(equals + 1));
  }
  return Status();
}

}  // namespace

Task<Result<Frame>> Connection::startup_frame() {
  for (;;) {
    Result<std::optional<Frame>> next = next_startup_frame(pending());
    if (!next.ok()) co_return next.status();
    if (next->has_value()) co_return **next;
    in_.erase(0, in_at_);
    in_at_ = 0;
    CO_RETURN_IF_ERROR(co_await fill(leave_.token()));
  }
}

// True when a session is open and has told that it is ready.
Task<bool> Connection::start_up() {
  runtime::TimerId timer = env_.executor->schedule_after(options_.startup_limit, [this] {
    MARK("pgwire: a start-up packet does not come");
    leave_.cancel(Status(StatusCode::kDeadlineExceeded, sqlstate::kProtocolViolation,
                         "timed out waiting for the startup packet"));
  });
  bool opened = false;
  for (;;) {
    Result<Frame> frame = co_await startup_frame();
    if (!frame.ok()) {
      if (frame.status().sqlstate() != sqlstate::kConnectionFailure) fatal(frame.status());
      break;
    }
    Result<StartupPacket> packet = decode_startup(frame->body);
    if (!packet.ok()) {
      fatal(packet.status());
      break;
    }
    if (packet->kind == StartupPacket::Kind::kCancel) {
      MARK("pgwire: a statement is cancelled");
      cancels_->cancel(packet->cancel);
      break;
    }
    if (packet->kind != StartupPacket::Kind::kStartup) {
      // What a client sent behind its request without waiting would, with encryption, have come in
      // the clear: nobody may do that.
      if (pending().size() > frame->bytes) {
        fatal(Status(StatusCode::kInvalidArgument, sqlstate::kProtocolViolation,
                     "received unencrypted data after encryption request"));
        break;
      }
      in_at_ += frame->bytes;
      out_.push_back('N');
      Status s = co_await write_out();
      if (!s.ok()) break;
      continue;
    }
    opened = co_await open_session(std::move(*packet));
    in_at_ += frame->bytes;
    break;
  }
  env_.executor->cancel_timer(timer);
  co_return opened;
}

Task<bool> Connection::open_session(StartupPacket packet) {
  sql::SessionOptions options;
  std::vector<std::string_view> unknown;
  Status s = startup_options(packet, &options, &unknown);
  if (s.ok() && options_.refused) {
    MARK("pgwire: a client too many");
    s = Status(StatusCode::kResourceExhausted, sqlstate::kTooManyConnections,
               "sorry, too many clients already");
  }
  if (!s.ok()) {
    fatal(s);
    co_return false;
  }
  if ((packet.protocol & 0xffff) > 0 || !unknown.empty()) put_negotiate_version(out_, 0, unknown);
  key_ = cancels_->reserve();
  options.backend_pid = static_cast<int32_t>(key_.pid);
  const std::string peer = stream_->peer_address();
  if (const size_t colon = peer.rfind(':'); colon != std::string::npos) {
    options.client_addr = peer.substr(0, colon);
    std::from_chars(peer.data() + colon + 1, peer.data() + peer.size(), options.client_port);
  }
  options.terminate = [this] { shut_down(); };
  Result<std::unique_ptr<sql::Session>> session = co_await (*factory_)(std::move(options));
  if (!session.ok()) {
    fatal(session.status());
    co_return false;
  }
  session_ = std::move(*session);
  cancels_->attach(key_, session_.get());
  put_authentication_ok(out_);
  session_->report_settings(this);
  put_backend_key_data(out_, key_);
  ready();
  co_return true;
}

Status Connection::startup_options(const StartupPacket& packet, sql::SessionOptions* out,
                                   std::vector<std::string_view>* unknown) {
  std::vector<std::pair<std::string, std::string>> command_line, settings;
  for (auto [name, value] : packet.parameters) {
    if (name == "user") {
      out->user = value;
    } else if (name == "database") {
      out->database = value;
    } else if (name == "options") {
      RETURN_IF_ERROR(command_line_settings(value, &command_line));
    } else if (name == "replication") {
      if (value != "false" && value != "off" && value != "0" && value != "no")
        return unimplemented("the replication protocol");
    } else if (name.starts_with("_pq_.")) {
      unknown->push_back(name);
    } else {
      settings.emplace_back(name, value);
    }
  }
  if (out->user.empty())
    return invalid_authorization("no PostgreSQL user name specified in startup packet");
  if (out->database.empty()) out->database = out->user;
  // As in PostgreSQL, `options` comes first and the packet's own parameters win.
  out->settings = std::move(command_line);
  for (auto& s : settings) out->settings.push_back(std::move(s));
  return Status();
}

}  // namespace quorate::pgwire
