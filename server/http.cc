#include "server/http.h"

#include <boost/beast/http.hpp>

#include "base/metrics.h"

namespace quorate::server {
namespace {

namespace http = boost::beast::http;
constexpr size_t kRequestBytesMax = 16 << 10;
constexpr size_t kClientsMax = 64;
constexpr auto kClientPatience = std::chrono::seconds(10);

std::string prometheus(const Metrics& metrics) {
  std::string out;
  for (const auto& s : metrics.samples()) {
    if (!s.help.empty()) out += "# HELP " + s.name + " " + s.help + "\n";
    out += "# TYPE " + s.name + (s.name.ends_with("_total") ? " counter\n" : " gauge\n");
    out += s.name + " " + std::to_string(s.value) + "\n";
  }
  return out;
}

std::string_view reason(int code) { return http::obsolete_reason(static_cast<http::status>(code)); }

}  // namespace

HttpServer::HttpServer(runtime::Env& env, std::function<bool()> healthy)
    : env_(env), healthy_(std::move(healthy)), scope_(*env.executor) {}

HttpServer::~HttpServer() { scope_.cancel_all(); }

Status HttpServer::listen(const std::string& address) {
  ASSIGN_OR_RETURN(listener_, env_.network->listen_stream(address));
  scope_.spawn(accept_all());
  return Status();
}

runtime::Task<void> HttpServer::accept_all() {
  for (;;) {
    auto stream = co_await listener_->accept({});
    if (!stream.ok()) co_return;
    if (scope_.size() <= kClientsMax) scope_.spawn(serve(std::move(*stream)));
  }
}

std::string HttpServer::answer(const std::string& target, int* code) const {
  *code = 200;
  if (target == "/metrics") return prometheus(*env_.metrics);
  if (target == "/health" || target == "/health?ready=1") {
    if (healthy_()) return "ok\n";
    *code = 503;
    return "not serving yet\n";
  }
  *code = 404;
  return "try /health or /metrics\n";
}

runtime::Task<void> HttpServer::serve(std::unique_ptr<runtime::Stream> stream) {
  runtime::CancelSource patience;
  const runtime::TimerId timer = env_.executor->schedule_after(kClientPatience, [&patience] {
    patience.cancel(deadline_exceeded("the client is too slow"));
  });
  struct Timer {
    runtime::Executor& executor;
    runtime::TimerId id;
    ~Timer() { executor.cancel_timer(id); }
  } cancel{*env_.executor, timer};
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kRequestBytesMax);
  Bytes input;
  int code = 400;
  std::string body = "bad request\n";
  while (!parser.is_header_done()) {
    Status got = co_await stream->read(input, kRequestBytesMax, patience.token());
    if (!got.ok() || input.size() > kRequestBytesMax) co_return;
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(input.data(), input.size()), error);
    if (error == http::error::need_more) continue;
    if (error) break;
    input.erase(0, used);
  }
  if (parser.is_header_done()) {
    if (parser.get().method() == http::verb::get) {
      body = answer(std::string(parser.get().target()), &code);
    } else {
      code = 405;
      body = "only GET is served\n";
    }
  }
  const std::string response = "HTTP/1.1 " + std::to_string(code) + " " +
                               std::string(reason(code)) +
                               "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  (void)co_await stream->write(response, patience.token());
  stream->close();
}

}  // namespace quorate::server
