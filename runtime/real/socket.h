// The few socket calls that the network needs, as values and Status.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "runtime/cancel.h"
#include "runtime/real/fd.h"
#include "runtime/real/helper_pool.h"

namespace quorate::runtime {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  std::string to_string() const;  // "127.0.0.1:5432", "[::1]:5432"
};

// "host:port", "[::1]:port" or ":port" (any address). Asks the resolver unless `numeric_only`; then
// kNotFound means that it would have to be asked, which blocks.
Result<std::vector<SocketAddress>> resolve_address(const std::string& address, bool numeric_only);

// A non-blocking listening socket, and where it really listens.
struct ListeningSocket {
  Fd fd;
  SocketAddress address;
};
Result<ListeningSocket> listen_on(const std::string& address);

// Connects, without Nagle's delay; names are resolved on a helper.
Task<Result<Fd>> connect_to(Reactor* reactor, HelperPool* helpers, std::string address,
                            CancelToken token, Instant deadline);

void set_no_delay(int fd);
// Breaks the connection when what was sent is not acknowledged for that long. Without it a peer
// that was cut off is silent for minutes after the cut has healed, as TCP's retries are far apart
// by then.
void set_unacknowledged_timeout(int fd, Duration timeout);
Status socket_error(std::string_view what, int error);

}  // namespace quorate::runtime
