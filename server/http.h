// Health and metrics over HTTP/1.1:  GET /health (200 when clients are served, else 503),  GET
// /metrics (Prometheus text). Requests are parsed by Boost.Beast; anything larger than 16 KiB is
// refused, a client has ten seconds, and at most 64 are served at once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/env.h"
#include "runtime/sync.h"

namespace quorate::server {

class HttpServer {
 public:
  HttpServer(runtime::Env& env, std::function<bool()> healthy);
  ~HttpServer();
  Status listen(const std::string& address);

 private:
  runtime::Task<void> accept_all();
  runtime::Task<void> serve(std::unique_ptr<runtime::Stream> stream);
  std::string answer(const std::string& target, int* code) const;

  runtime::Env& env_;
  std::function<bool()> healthy_;
  std::unique_ptr<runtime::Listener> listener_;
  runtime::TaskScope scope_;
};

}  // namespace quorate::server
