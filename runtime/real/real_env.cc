#include "runtime/real/real_env.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "runtime/real/fd.h"
#include "runtime/real/helper_pool.h"
#include "runtime/real/posix_disk.h"
#include "runtime/real/reactor.h"
#include "runtime/real/tcp_network.h"

namespace quorate::runtime {
namespace {

// A checkpoint beside commits: a third of their share of a processor.
constexpr int kBackgroundNice = 5;

class RealClock : public Clock {
 public:
  uint64_t wall_micros() const override {
    auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
  }
};

void fill_random(char* out, size_t bytes) {
  while (bytes > 0) {
    ssize_t n = ::getrandom(out, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    CHECK(n > 0);
    out += n;
    bytes -= n;
  }
}

// Unpredictable bytes in portions: each transaction draws an id, and a system call costs more than
// all the rest of that. What was handed out is not kept.
class EntropyPool {
 public:
  void take(char* out, size_t bytes) {
    if (bytes > sizeof(pool_) / 4) return fill_random(out, bytes);
    if (sizeof(pool_) - used_ < bytes) {
      fill_random(pool_, sizeof(pool_));
      used_ = 0;
    }
    std::memcpy(out, pool_ + used_, bytes);
    ::explicit_bzero(pool_ + used_, bytes);
    used_ += bytes;
  }

 private:
  char pool_[1024];
  size_t used_ = sizeof(pool_);
};

uint64_t random_seed() {
  uint64_t seed;
  fill_random(reinterpret_cast<char*>(&seed), sizeof seed);
  return seed;
}

// The directory's lock is held as long as the descriptor is open, and goes with the process.
Result<Fd> lock_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::string path = directory + "/LOCK";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return Status(StatusCode::kFailedPrecondition, sqlstate::kIoError,
                  fmt::format("could not open \"{}\": {}", path, std::strerror(errno)));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return failed_precondition(
        fmt::format("data directory \"{}\" is in use by another process", directory));
  }
  return fd;
}

}  // namespace

struct RealEnv::Parts {
  Parts(const RealEnvOptions& options, Fd lock)
      : lock(std::move(lock)),
        log(options.log, options.log_least, options.log_tag),
        random(random_seed()),
        reactor(metrics, log,
                {.stall_counted = options.stall_counted,
                 .stall_logged = options.stall_logged,
                 .spin = options.spin}),
        helpers(options.helper_threads, metrics),
        background(1, metrics, kBackgroundNice),
        network(reactor, helpers, metrics, log, random.fork("network")),
        disk(reactor, helpers, background, metrics, options.data_directory) {}
  Fd lock;
  Metrics metrics;
  Logger log;
  RealClock clock;
  Random random;
  EntropyPool entropy;
  Reactor reactor;
  HelperPool helpers, background;
  TcpNetwork network;
  PosixDisk disk;
};

Result<std::unique_ptr<RealEnv>> RealEnv::open(RealEnvOptions options) {
  if (options.data_directory.empty()) return invalid_argument("no data directory is given");
  ASSIGN_OR_RETURN(Fd lock, lock_directory(options.data_directory));
  auto parts = std::make_unique<Parts>(options, std::move(lock));
  return std::unique_ptr<RealEnv>(new RealEnv(std::move(parts)));
}

RealEnv::RealEnv(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  env_.executor = &parts_->reactor;
  env_.clock = &parts_->clock;
  env_.network = &parts_->network;
  env_.disk = &parts_->disk;
  env_.random = &parts_->random;
  env_.metrics = &parts_->metrics;
  env_.log = parts_->log;
  env_.entropy = [pool = &parts_->entropy](char* out, size_t bytes) { pool->take(out, bytes); };
}

RealEnv::~RealEnv() = default;

void RealEnv::adopt() { parts_->reactor.adopt(); }
void RealEnv::run() { parts_->reactor.run(); }
void RealEnv::stop() { parts_->reactor.stop(); }
void RealEnv::set_cluster_id(std::string id) { parts_->network.set_cluster_id(std::move(id)); }
std::string RealEnv::message_address() const { return parts_->network.local_address(); }
void RealEnv::disconnect(PeerId peer) { parts_->network.disconnect(peer); }

}  // namespace quorate::runtime
