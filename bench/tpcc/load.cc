#include "bench/tpcc/load.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>

#include "bench/tpcc/client.h"
#include "bench/tpcc/random.h"
#include "bench/tpcc/schema.h"

namespace quorate::bench {

namespace {

constexpr int kTriesMax = 10;
constexpr int64_t kRowsPerInsert = 250;
// About: an order has 5 to 15 lines.
constexpr int64_t kRowsPerWarehouse = 1 + 10 + 100'000 + 10 * (3000 + 3000 + 3000 + 900 + 30'000);
constexpr char kLoadTime[] = "2026-01-01 00:00:00";

// Collects the rows of one table and sends them batch by batch, each a transaction of its own. A
// batch that failed without effect is sent again.
class TableWriter {
 public:
  TableWriter(Client& client, const LoadOptions& options, std::atomic<int64_t>& rows_done,
              std::string table)
      : client_(client), options_(options), rows_done_(rows_done), table_(std::move(table)) {}

  TableWriter& add(int64_t v) { return add_raw(std::to_string(v)); }
  TableWriter& cents(int64_t v) { return add_raw(format_cents(v)); }
  TableWriter& null() { return add_raw(options_.use_insert ? "NULL" : "\\N"); }
  // The generated texts hold neither quotes nor tabs nor backslashes.
  TableWriter& text(const std::string& v) {
    return add_raw(options_.use_insert ? "'" + v + "'" : v);
  }

  void end_row() {
    row_open_ = false;
    if (!options_.use_insert) batch_ += '\n';
    ++rows_;
    if (rows_ >= (options_.use_insert ? kRowsPerInsert : options_.batch_rows)) flush();
  }

  void flush() {
    if (rows_ == 0) return;
    if (options_.use_insert) batch_ += ")";
    for (int attempt = 1;; ++attempt) {
      try {
        send();
        break;
      } catch (const SqlError& e) {
        // After a lost connection the batch may be there or not; only the transaction's own "no" is
        // sure.
        if (!e.retryable() || attempt == kTriesMax) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(50 * attempt));
      }
    }
    rows_done_ += rows_;
    rows_ = 0;
    batch_.clear();
  }

 private:
  TableWriter& add_raw(const std::string& v) {
    if (options_.use_insert) {
      batch_ += row_open_ ? "," : rows_ == 0 ? "(" : "),(";
    } else if (row_open_) {
      batch_ += '\t';
    }
    row_open_ = true;
    batch_ += v;
    return *this;
  }

  void send() {
    if (options_.use_insert) {
      client_.exec("INSERT INTO " + table_ + " VALUES " + batch_);
      return;
    }
    client_.copy_begin("COPY " + table_ + " FROM STDIN");
    constexpr size_t kPiece = 64 << 10;
    for (size_t at = 0; at < batch_.size(); at += kPiece) {
      client_.copy_put(std::string_view(batch_).substr(at, kPiece));
    }
    client_.copy_end();
  }

  Client& client_;
  const LoadOptions& options_;
  std::atomic<int64_t>& rows_done_;
  const std::string table_;
  std::string batch_;
  int64_t rows_ = 0;
  bool row_open_ = false;
};

// What one task needs; a task is the items, or one part of one warehouse.
struct Loader {
  Client& client;
  const LoadOptions& options;
  std::atomic<int64_t>& rows_done;
  Random random;

  TableWriter writer(const char* table) { return TableWriter(client, options, rows_done, table); }

  void address(TableWriter& out) {
    out.text(random.a_string(10, 20)).text(random.a_string(10, 20)).text(random.a_string(10, 20));
    out.text(random.a_string(2, 2)).text(random.zip());
  }

  std::string tax() {  // 0.0000 .. 0.2000
    std::string digits = std::to_string(random.uniform(0, 2000));
    return "0." + std::string(4 - digits.size(), '0') + digits;
  }

  void items() {
    TableWriter out = writer("item");
    for (int64_t i = 1; i <= 100'000; ++i) {
      out.add(i).add(random.uniform(1, 10'000)).text(random.a_string(14, 24));
      out.cents(random.uniform(100, 10'000)).text(random.data()).end_row();
    }
    out.flush();
  }

  void warehouse(int64_t w) {
    TableWriter out = writer("warehouse");
    out.add(w).text(random.a_string(6, 10));
    address(out);
    out.text(tax()).cents(30'000'000).end_row();
    out.flush();
    TableWriter districts = writer("district");
    for (int64_t d = 1; d <= 10; ++d) {
      districts.add(w).add(d).text(random.a_string(6, 10));
      address(districts);
      districts.text(tax()).cents(3'000'000).add(3001).end_row();
    }
    districts.flush();
  }

  void stock(int64_t w) {
    TableWriter out = writer("stock");
    for (int64_t i = 1; i <= 100'000; ++i) {
      out.add(w).add(i).add(random.uniform(10, 100));
      for (int d = 0; d < 10; ++d) out.text(random.a_string(24, 24));
      out.add(0).add(0).add(0).text(random.data()).end_row();
    }
    out.flush();
  }

  void customers(int64_t w, int64_t d) {
    TableWriter out = writer("customer");
    TableWriter history = writer("history");
    for (int64_t c = 1; c <= 3000; ++c) {
      const int64_t name = c <= 1000 ? c - 1 : random.last_name_number_at_load();
      out.add(w).add(d).add(c).text(random.a_string(8, 16)).text("OE").text(last_name(name));
      address(out);
      out.text(random.n_string(16, 16)).text(kLoadTime).text(random.percent(10) ? "BC" : "GC");
      out.cents(5'000'000);
      std::string discount = std::to_string(random.uniform(0, 5000));
      out.text("0." + std::string(4 - discount.size(), '0') + discount);
      out.cents(-1000).cents(1000).add(1).add(0).text(random.a_string(300, 500)).end_row();
      history.add(c).add(d).add(w).add(d).add(w).text(kLoadTime).cents(1000);
      history.text(random.a_string(12, 24)).end_row();
    }
    out.flush();
    history.flush();
  }

  void orders(int64_t w, int64_t d) {
    TableWriter out = writer("orders"), fresh = writer("new_order"), lines = writer("order_line");
    const std::vector<int> customer = random.permutation(3000);
    for (int64_t o = 1; o <= 3000; ++o) {
      const bool delivered = o < 2101;
      const int64_t count = random.uniform(5, 15);
      out.add(w).add(d).add(o).add(customer[o - 1]).text(kLoadTime);
      delivered ? out.add(random.uniform(1, 10)) : out.null();
      out.add(count).add(1).end_row();
      if (!delivered) fresh.add(w).add(d).add(o).end_row();
      for (int64_t n = 1; n <= count; ++n) {
        lines.add(w).add(d).add(o).add(n).add(random.uniform(1, 100'000)).add(w);
        delivered ? lines.text(kLoadTime) : lines.null();
        lines.add(5)
            .cents(delivered ? 0 : random.uniform(1, 999'999))
            .text(random.a_string(24, 24))
            .end_row();
      }
    }
    out.flush();
    fresh.flush();
    lines.flush();
  }

  // Tasks 0..: items, then 22 for each warehouse: itself, its stock, customers and orders of each
  // district.
  void run(int64_t task) {
    if (task == 0) return items();
    const int64_t w = (task - 1) / 22 + 1, part = (task - 1) % 22;
    if (part == 0) return warehouse(w);
    if (part == 1) return stock(w);
    part < 12 ? customers(w, part - 1) : orders(w, part - 11);
  }
};

// A bar on a terminal; a line every ten seconds elsewhere.
class Progress {
 public:
  Progress(int64_t total, bool quiet)
      : total_(total), quiet_(quiet), tty_(isatty(STDERR_FILENO) == 1) {}

  void show(int64_t done, bool last) {
    if (quiet_) return;
    const auto now = std::chrono::steady_clock::now();
    if (!last && now - shown_ < std::chrono::milliseconds(tty_ ? 200 : 10'000)) return;
    shown_ = now;
    const double s = std::chrono::duration<double>(now - start_).count();
    const int width = static_cast<int>(30 * done / std::max<int64_t>(total_, 1));
    std::fprintf(stderr, "%sloading [%.*s%*s] %3d%%  %ld rows  %.0f/s%s", tty_ ? "\r" : "", width,
                 "==============================", 30 - width, "",
                 static_cast<int>(100 * done / total_), static_cast<long>(done),
                 done / std::max(s, 0.001), tty_ && !last ? "   " : "\n");
  }

 private:
  const int64_t total_;
  const bool quiet_, tty_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_ = start_;
};

void fill(const LoadOptions& options) {
  const int64_t tasks = 1 + 22 * options.warehouses;
  std::atomic<int64_t> next{0}, rows{0};
  std::atomic<int> running{options.threads};
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (int t = 0; t < options.threads; ++t) {
    threads.emplace_back([&, t] {
      try {
        Client client(options.urls[t % options.urls.size()], {});
        client.connect();
        for (int64_t task; (task = next++) < tasks;) {
          Loader{client, options, rows, Random(options.seed * 1'000'003 + task)}.run(task);
        }
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = tasks;
      }
      --running;
    });
  }
  const int64_t total = 100'000 + kRowsPerWarehouse * options.warehouses;
  Progress progress(total, options.quiet);
  while (running > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    progress.show(std::min<int64_t>(rows, total - 1), false);
  }
  for (std::thread& t : threads) t.join();
  if (failure) std::rethrow_exception(failure);
  progress.show(total, true);
}

void run_all(Client& client, const char* what, const std::vector<std::string>& statements,
             bool quiet) {
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < statements.size(); ++i) {
    if (!quiet) std::fprintf(stderr, "%s %zu/%zu\n", what, i + 1, statements.size());
    client.exec(statements[i]);
  }
  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!quiet) std::fprintf(stderr, "%s: done in %.1f s\n", what, s);
}

}  // namespace

void load(const LoadOptions& options) {
  Client client(options.urls[0], {});
  client.connect();
  if (options.drop_first)
    run_all(client, "dropping tables", drop_table_statements(), options.quiet);
  run_all(client, "creating tables", create_table_statements(), options.quiet);
  fill(options);
  run_all(client, "creating indexes", create_index_statements(), options.quiet);
  if (options.foreign_keys)
    run_all(client, "adding foreign keys", foreign_key_statements(), options.quiet);
  if (options.split)
    run_all(client, "splitting ranges", split_statements(options.warehouses), options.quiet);
  try {
    run_all(client, "gathering statistics", {"ANALYZE"}, options.quiet);
  } catch (const SqlError& e) {
    if (e.state() != "0A000") throw;  // a server that plans without statistics may say so
  }
}

}  // namespace quorate::bench
