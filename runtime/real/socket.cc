#include "runtime/real/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

constexpr int kBacklog = 1024;

// Waits until a connecting socket can be written, or has failed.
class ConnectWait : public IoHandler {
 public:
  ConnectWait(Reactor& reactor, int fd) : reactor_(reactor), fd_(fd), done_(reactor) {
    reactor_.watch(fd_, this);
  }
  ~ConnectWait() { reactor_.unwatch(fd_, this); }
  void on_io(bool, bool writable, bool) override {
    if (writable) done_.set();
  }
  Task<Status> wait(CancelToken token, Instant deadline) {
    return done_.wait(std::move(token), deadline);
  }

 private:
  Reactor& reactor_;
  const int fd_;
  Event done_;
};

}  // namespace

Status socket_error(std::string_view what, int error) {
  return unavailable(fmt::format("could not {}: {}", what, std::strerror(error)),
                     sqlstate::kConnectionFailure);
}

void set_no_delay(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void set_unacknowledged_timeout(int fd, Duration timeout) {
  unsigned ms = static_cast<unsigned>(timeout.count() / 1'000'000);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

std::string SocketAddress::to_string() const {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(get(), length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  return storage.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                                       : fmt::format("{}:{}", host, port);
}

Result<std::vector<SocketAddress>> resolve_address(const std::string& address, bool numeric_only) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return invalid_argument(fmt::format("address \"{}\" has no port", address));
  }
  std::string host = address.substr(0, colon), port = address.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (host.empty() ? AI_PASSIVE : 0);
  if (numeric_only && !host.empty()) hints.ai_flags |= AI_NUMERICHOST;
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    std::string text = fmt::format("could not resolve \"{}\": {}", address, ::gai_strerror(error));
    if (numeric_only && error == EAI_NONAME) return not_found(std::move(text));
    return unavailable(std::move(text), sqlstate::kConnectionFailure);
  }
  std::vector<SocketAddress> out;
  for (addrinfo* a = found; a != nullptr; a = a->ai_next) {
    SocketAddress s;
    std::memcpy(&s.storage, a->ai_addr, a->ai_addrlen);
    s.length = a->ai_addrlen;
    out.push_back(s);
  }
  ::freeaddrinfo(found);
  return out;
}

Result<ListeningSocket> listen_on(const std::string& address) {
  ASSIGN_OR_RETURN(auto candidates, resolve_address(address, false));
  int error = EADDRNOTAVAIL;
  for (const auto& candidate : candidates) {
    ListeningSocket out;
    out.fd =
        Fd(::socket(candidate.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.fd.valid()) {
      error = errno;
      continue;
    }
    int on = 1;
    ::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(out.fd.get(), candidate.get(), candidate.length) != 0 ||
        ::listen(out.fd.get(), kBacklog) != 0) {
      error = errno;
      continue;
    }
    out.address.length = sizeof out.address.storage;
    ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&out.address.storage),
                  &out.address.length);
    return out;
  }
  return failed_precondition(
      fmt::format("could not listen on \"{}\": {}", address, std::strerror(error)));
}

Task<Result<Fd>> connect_to(Reactor* reactor, HelperPool* helpers, std::string address,
                            CancelToken token, Instant deadline) {
  Result<std::vector<SocketAddress>> resolved = resolve_address(address, true);
  if (resolved.status().code() == StatusCode::kNotFound) {
    Callback ask = [&resolved, &address] { resolved = resolve_address(address, false); };
    Task<void> asking = helpers->run(reactor, std::move(ask));
    co_await asking;
  }
  if (!resolved.ok()) co_return resolved.status();
  Status last = unavailable("no address for " + address, sqlstate::kConnectionFailure);
  for (const SocketAddress& target : *resolved) {
    Fd fd(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) co_return socket_error("make a socket", errno);
    set_no_delay(fd.get());
    int error = ::connect(fd.get(), target.get(), target.length) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      ConnectWait wait(*reactor, fd.get());
      Task<Status> waiting = wait.wait(token, deadline);
      CO_RETURN_IF_ERROR(co_await waiting);
      socklen_t length = sizeof error;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (error == 0) co_return std::move(fd);
    last = socket_error("connect to " + address, error);
  }
  co_return last;
}

}  // namespace quorate::runtime
