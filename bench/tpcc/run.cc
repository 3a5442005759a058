#include "bench/tpcc/run.h"

#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "bench/tpcc/acked_log.h"
#include "bench/tpcc/random.h"
#include "bench/tpcc/transactions.h"

namespace quorate::bench {

namespace {

using Clock = Stats::Clock;

// Lets terminals sleep until a time or the end of the run, whichever comes first.
class StopSignal {
 public:
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }
  // False once the run is over.
  bool sleep(double seconds) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return stopped_; });
    return !stopped_;
  }
  bool stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

struct Shared {
  const RunOptions& options;
  Stats& stats;
  StopSignal& stop;
  AckedLog* acked;  // may be null
  std::string run_id;
};

// Clause 5.2.5.7: keying time, and the mean of the think time, in seconds.
constexpr double kKeying[kKinds] = {18, 3, 2, 2, 2};
constexpr double kThinking[kKinds] = {12, 12, 10, 5, 5};

// One transaction's inputs, kept over its retries.
struct Work {
  Kind kind;
  NewOrderInput new_order{};
  PaymentInput payment{};
  OrderStatusInput order_status{};
  DeliveryInput delivery{};
  StockLevelInput stock_level{};
};

class Terminal {
 public:
  Terminal(Shared& shared, int number)
      : shared_(shared),
        number_(number),
        random_(shared.options.seed * 1'000'003 + number),
        url_((shared.options.home_urls ? number % shared.options.warehouses : number) %
             shared.options.urls.size()) {}

  void run() {
    while (!shared_.stop.stopped()) {
      const Kind kind = deck_.deal(random_);
      const int k = static_cast<int>(kind);
      if (shared_.options.waits && !shared_.stop.sleep(kKeying[k])) return;
      const Work work = draw(kind);
      const Clock::time_point begin = Clock::now();
      const Outcome outcome = until_done(work);
      shared_.stats.finished(kind, outcome, begin, Clock::now());
      if (shared_.options.waits && !shared_.stop.sleep(random_.exponential(kThinking[k]))) return;
    }
  }

 private:
  // A terminal has a home warehouse and district for life. Without waits there may be fewer
  // terminals than warehouses; each transaction then draws its home, so that all of the data is
  // used.
  int64_t home() {
    const int64_t w = shared_.options.warehouses;
    return shared_.options.terminals < w ? random_.uniform(1, w) : number_ % w + 1;
  }

  Work draw(Kind kind) {
    Work work{kind};
    const int64_t w = home(), all = shared_.options.warehouses;
    switch (kind) {
      case Kind::kNewOrder:
        work.new_order = NewOrderInput::draw(random_, w, all);
        break;
      case Kind::kPayment:
        work.payment = PaymentInput::draw(random_, w, all);
        if (shared_.acked) {
          work.payment.history_data =
              shared_.run_id + "-" + std::to_string(number_) + "-" + std::to_string(++payments_);
        }
        break;
      case Kind::kOrderStatus:
        work.order_status = OrderStatusInput::draw(random_, w);
        break;
      case Kind::kDelivery:
        work.delivery = DeliveryInput::draw(random_, w);
        break;
      case Kind::kStockLevel:
        work.stock_level = StockLevelInput::draw(random_, w, number_ / all % 10 + 1);
        break;
    }
    return work;
  }

  // Runs it until it is done, refused for good, or of unknown outcome. While no server answers, the
  // same transaction waits: its latency then tells of the outage.
  Outcome until_done(const Work& work) {
    for (int attempt = 1;; ++attempt) {
      Session session{client_, shared_.options.per_line};
      bool begun = false;
      try {
        if (!client_.connected()) client_.connect();
        begun = true;
        return once(session, work);
      } catch (const SqlError& e) {
        const bool unknown = e.state() == "40003" || (e.connection_lost() && session.at_commit);
        clean_up(e);
        const bool go_on = !shared_.stop.stopped();
        if (e.retryable() && attempt < shared_.options.tries_max && go_on) {
          shared_.stats.retried(work.kind, e.state());
          back_off(attempt);
          continue;
        }
        shared_.stats.error(e.state());
        if (!begun && go_on) continue;
        if (unknown && work.kind == Kind::kPayment && shared_.acked) {
          shared_.acked->payment(work.payment.warehouse, work.payment.history_data, false);
        }
        return unknown ? Outcome::kUnknown : Outcome::kFailed;
      }
    }
  }

  Outcome once(Session& session, const Work& work) {
    switch (work.kind) {
      case Kind::kNewOrder: {
        const int64_t order = run_new_order(session, work.new_order);
        if (order == 0) return Outcome::kRolledBack;
        if (shared_.acked)
          shared_.acked->new_order(work.new_order.warehouse, work.new_order.district, order);
        break;
      }
      case Kind::kPayment:
        run_payment(session, work.payment);
        if (shared_.acked)
          shared_.acked->payment(work.payment.warehouse, work.payment.history_data, true);
        break;
      case Kind::kOrderStatus:
        run_order_status(session, work.order_status);
        break;
      case Kind::kDelivery:
        run_delivery(session, work.delivery);
        break;
      case Kind::kStockLevel:
        run_stock_level(session, work.stock_level);
        break;
    }
    return Outcome::kCommitted;
  }

  // Leaves the client ready for the next transaction: rolled back, or disconnected with the next
  // URL chosen.
  void clean_up(const SqlError& e) {
    if (!e.connection_lost()) {
      try {
        client_.exec("ROLLBACK");
        return;
      } catch (const SqlError&) {
        // A connection that can't roll back is of no use.
      }
    }
    url_ = (url_ + 1) % shared_.options.urls.size();
    client_ = Client(shared_.options.urls[url_], shared_.options.client);
    shared_.stop.sleep(0.05);  // when no server answers, don't spin
  }

  void back_off(int attempt) {
    if (attempt > 1)
      shared_.stop.sleep(random_.unit() * std::min(0.001 * (1 << std::min(attempt, 8)), 0.1));
  }

  Shared& shared_;
  const int number_;
  Random random_;
  CardDeck deck_;
  size_t url_;
  Client client_{shared_.options.urls[url_], shared_.options.client};
  uint64_t payments_ = 0;
};

// Fails early and clearly when there is nothing to run against.
void check_tables(const RunOptions& options) {
  std::string last_error;
  for (const std::string& url : options.urls) {
    try {
      Client client(url, options.client);
      client.connect();
      const int64_t there = client.exec("SELECT count(*) FROM warehouse").integer(0, 0);
      if (there >= options.warehouses) return;
      throw std::runtime_error("the database holds " + std::to_string(there) + " warehouses, not " +
                               std::to_string(options.warehouses));
    } catch (const SqlError& e) {
      last_error = e.what();
      if (!e.connection_lost()) break;
    }
  }
  throw std::runtime_error(last_error);
}

void show_progress(const Snapshot& s, double elapsed, double total, bool tty) {
  Second window;  // the last second, or the last ten where each line stays
  const size_t end = std::min<size_t>(static_cast<size_t>(elapsed), s.seconds.size());
  const size_t width = std::min<size_t>(end, tty ? 1 : 10);
  for (size_t i = end - width; i < end; ++i) {
    for (int k = 0; k < kKinds; ++k) window.done[k] += s.seconds[i].done[k];
    window.retries += s.seconds[i].retries;
    window.errors += s.seconds[i].errors;
    window.latency.merge(s.seconds[i].latency);
  }
  uint64_t done = 0;
  for (uint32_t n : window.done) done += n;
  const double w = std::max<double>(width, 1);
  std::fprintf(
      stderr,
      "%s%4.0f/%.0f s  %7.0f tx/s  %8.0f tpmC  p50 %.1f ms  p99 %.1f ms  retries %u  errors %u%s",
      tty ? "\r" : "", elapsed, total, done / w, window.done[0] * 60 / w,
      window.latency.percentile(50) / 1000.0, window.latency.percentile(99) / 1000.0,
      window.retries, window.errors, tty ? "   " : "\n");
}

std::string new_run_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char id[16];
  std::snprintf(
      id, sizeof id, "%08lx",
      static_cast<unsigned long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(now).count() & 0xffffffff) ^
          (static_cast<unsigned long>(getpid()) << 16 & 0xffffffff));
  return id;
}

}  // namespace

Snapshot run(const RunOptions& given) {
  RunOptions options = given;
  if (options.home_urls && options.terminals != 0 && options.terminals < options.warehouses)
    throw std::runtime_error("with --home-urls each warehouse needs a terminal of its own");
  if (options.terminals == 0) options.terminals = static_cast<int>(10 * options.warehouses);
  const std::string run_id = new_run_id();
  if (options.seed == 0) options.seed = std::stoull(run_id, nullptr, 16);
  check_tables(options);

  std::unique_ptr<AckedLog> acked;
  if (!options.acked_log.empty()) acked = std::make_unique<AckedLog>(options.acked_log, run_id);
  const Clock::time_point start = Clock::now();
  Stats stats(start, options.warmup_s, options.duration_s);
  StopSignal stop;
  Shared shared{options, stats, stop, acked.get(), run_id};
  std::vector<std::unique_ptr<Terminal>> terminals;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::exception_ptr failure;
  for (int t = 0; t < options.terminals; ++t) {
    terminals.push_back(std::make_unique<Terminal>(shared, t));
    threads.emplace_back([&, terminal = terminals.back().get()] {
      try {
        terminal->run();
      } catch (
          ...) {  // not the server's fault: our own log can't be written, or a value can't be read
        std::lock_guard lock(mutex);
        failure = std::current_exception();
        stop.stop();
      }
    });
  }
  const double total = options.warmup_s + options.duration_s;
  const bool tty = isatty(STDERR_FILENO) == 1;
  double next_show = tty ? 1 : 10;
  while (stop.sleep(0.1)) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    if (elapsed >= total) break;
    if (elapsed < next_show || options.quiet) continue;
    show_progress(stats.snapshot(), elapsed, total, tty);
    next_show += tty ? 1 : 10;
  }
  const Snapshot result = stats.snapshot();
  stop.stop();
  for (std::thread& t : threads) t.join();
  if (tty && !options.quiet) std::fprintf(stderr, "\n");
  if (failure) std::rethrow_exception(failure);
  return result;
}

}  // namespace quorate::bench
