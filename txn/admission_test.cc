// Crowds of clients in virtual time, each running one block after the other.
#include "txn/admission.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "runtime/random.h"
#include "txn/testing/local_executor.h"

namespace quorate::txn {
namespace {

using runtime::CancelToken;
using runtime::Duration;
using runtime::Instant;
using runtime::Task;

struct Crowd {
  // Given how many blocks run: how long one takes, and how likely it is refused.
  std::function<Duration(size_t)> takes;
  std::function<double(size_t)> refused;

  LocalExecutor executor{7};
  runtime::Random random{3};
  Admission admission{executor};
  size_t running = 0, most = 0, committed = 0, ended = 0;

  static Task<void> client(Crowd* c, Instant until) {
    while (c->executor.now() < until) {
      Admission::Ticket ticket;
      bool waited = false;
      CancelToken token;
      Status s = co_await c->admission.enter(&ticket, token, &waited);
      CHECK(s.ok());
      ++c->running;
      Duration d = c->takes(c->running);
      d = d / 2 + Duration(c->random.below(static_cast<uint64_t>(d.count())));
      (void)co_await runtime::sleep_for(c->executor, d);
      bool ok = c->random.below(1000) >= c->refused(c->running) * 1000;
      --c->running;
      ++c->ended;
      c->committed += ok;
      c->admission.note_end(ok);
    }
  }
  // Commits in the last half of the time.
  size_t run(size_t clients, Duration time) {
    runtime::TaskScope scope(executor);
    const Instant until = executor.now() + time, half = executor.now() + time / 2;
    for (size_t i = 0; i < clients; ++i) scope.spawn(client(this, until));
    size_t at_half = 0;
    while (scope.size() > 0) {
      CHECK(executor.step());
      if (executor.now() >= half && at_half == 0) at_half = committed;
      if (executor.now() >= half) most = std::max(most, running);
    }
    return committed - at_half;
  }
};

constexpr Duration kMs = std::chrono::milliseconds(1);

TEST(Admission, a_crowd_on_hot_rows_is_thinned_until_most_commit) {
  Crowd crowd;
  crowd.takes = [](size_t n) { return kMs * n; };  // one processor
  crowd.refused = [](size_t n) { return 1 - std::pow(0.94, n - 1); };
  const size_t committed = crowd.run(32, kMs * 20'000);
  EXPECT_LT(crowd.most, 10u);
  EXPECT_GT(committed, 6000u);  // of 10,000 that one at a time would do; 32 at once do 1,500
}

TEST(Admission, without_refusals_nobody_waits) {
  Crowd crowd;
  crowd.takes = [](size_t n) { return kMs * n; };
  crowd.refused = [](size_t) { return 0.05; };
  crowd.run(32, kMs * 5'000);
  EXPECT_EQ(crowd.admission.limit(), 0u);
  EXPECT_EQ(crowd.most, 32u);
}

// The node has nothing to do while clients think: fewer at a time would only finish less.
TEST(Admission, a_limit_that_does_not_pay_is_taken_back) {
  Crowd crowd;
  crowd.takes = [](size_t) { return kMs * 10; };
  crowd.refused = [](size_t) { return 0.4; };
  const size_t committed = crowd.run(32, kMs * 60'000);
  EXPECT_GT(committed, 30'000 / 10 * 32 * 0.6 * 0.9);
}

TEST(Admission, idle_blocks_do_not_count_and_nobody_waits_for_long) {
  Crowd crowd;
  crowd.takes = [](size_t n) { return kMs * n; };
  crowd.refused = [](size_t n) { return 1 - std::pow(0.5, n - 1); };
  crowd.run(6, kMs * 10'000);
  crowd.refused = [](size_t) { return 0.5; };
  Admission& a = crowd.admission;
  ASSERT_EQ(a.limit(), 2u);
  std::vector<std::unique_ptr<Admission::Ticket>> idle;
  Instant begin = crowd.executor.now();
  for (int i = 0; i < 4; ++i) {
    idle.push_back(std::make_unique<Admission::Ticket>());
    bool waited = false;
    ASSERT_TRUE(run_task(crowd.executor, a.enter(idle.back().get(), CancelToken(), &waited)).ok());
    EXPECT_EQ(waited, i == 2);  // until the first two have gone idle
  }
  EXPECT_LT(crowd.executor.now() - begin, kMs * 100);
  // Blocks that go on working keep their places; who waits comes in beside them in the end.
  bool stop = false;
  runtime::TaskScope busy(crowd.executor);
  auto work = [](Crowd* c, Admission::Ticket* t, bool* over) -> Task<void> {
    while (!*over) {
      t->touch();
      (void)co_await runtime::sleep_for(c->executor, kMs * 5);
    }
  };
  for (auto& t : idle) busy.spawn(work(&crowd, t.get(), &stop));
  begin = crowd.executor.now();
  Admission::Ticket late;
  bool waited = false;
  ASSERT_TRUE(run_task(crowd.executor, a.enter(&late, CancelToken(), &waited)).ok());
  EXPECT_GE(crowd.executor.now() - begin, kMs * 1'000);
  // A cancelled one leaves no trace.
  runtime::CancelSource source;
  source.cancel(unavailable("enough"));
  Admission::Ticket never;
  EXPECT_FALSE(run_task(crowd.executor, a.enter(&never, source.token(), &waited)).ok());
  EXPECT_FALSE(never.admitted());
  EXPECT_EQ(a.waiting(), 0u);
  stop = true;
  while (busy.size() > 0) ASSERT_TRUE(crowd.executor.step());
  idle.clear();
}

}  // namespace
}  // namespace quorate::txn
