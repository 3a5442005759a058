#include "sim/scenario.h"

#include <fmt/format.h>

#include "runtime/sim/sim_fault_points.h"
#include "sim/checkers/watch.h"
#include "sim/nemesis.h"
#include "sim/sim_cluster.h"
#include "sim/timeline/replica_sampler.h"
#include "sim/workload.h"

namespace quorate::sim {

using runtime::Random;
using runtime::SimWorld;
using runtime::Task;

namespace {

constexpr auto kFormLimit = std::chrono::seconds(60);
constexpr auto kHealLimit = std::chrono::seconds(90);
constexpr auto kLookEvery = std::chrono::milliseconds(5);
constexpr auto kCheckLimit = std::chrono::minutes(3);

runtime::SimOptions world_options(const ScenarioOptions& options) {
  runtime::SimOptions sim;
  sim.lines_kept = options.lines_kept;
  sim.print_lines = options.print_lines;
  sim.long_step_chance = 0.0005;
  return sim;
}

runtime::Duration ms(uint64_t n) { return std::chrono::milliseconds(n); }

// Limits that a run would hardly ever meet, each in some seeds only, since what waits at one does
// not come to the next.
void draw_limits(Random random, server::KvNodeOptions& n) {
  range::RangeLimits& l = n.limits;
  if (random.chance(0.3)) l.uncommitted_bytes = size_t{256} << random.below(8);
  if (random.chance(0.3)) l.lock_waiters = 1 + random.below(4);
  if (random.chance(0.3)) l.recent_commits = 1 + random.below(64);
  if (random.chance(0.3)) l.refresh_compares = random.below(4);
  if (random.chance(0.3)) l.scan_yield_rows = 2 + random.below(16);
  if (random.chance(0.3)) l.publish_bytes = 1 + random.below(4'000);
  // What is collected in a step must be more than what a run leaves behind meanwhile.
  if (random.chance(0.3)) l.gc_records = size_t{8} << random.below(6);
  if (random.chance(0.3)) l.cleared_rows = 1 + random.below(2);
  if (random.chance(0.3)) n.upkeep.split_bytes = size_t{4'096} << random.below(5);
}

// What may differ from cluster to cluster differs from seed to seed.
SimCluster::Options draw_cluster(Random& random, const Workload& workload,
                                 const ScenarioOptions& options) {
  SimCluster::Options o;
  o.make_node = workload.node_maker();
  o.nodes = random.chance(0.75) ? 3 : 5;
  o.restart_after = ms(50 + random.below(2'000));
  o.clients = random.below(3);
  server::KvNodeOptions& n = o.node;
  n.planted = options.planted;
  n.max_clock_offset_micros = static_cast<int64_t>(50'000 + random.below(400'000));
  n.raft_tick = ms(30 + random.below(150));
  n.deadlock_step = ms(50 + random.below(400));
  n.liveness.support = ms(1'600 + random.below(2'500));
  n.liveness.renew = n.liveness.support / (3 + random.below(3));
  n.liveness.clock_horizon = n.liveness.renew * (5 + random.below(12)) / 4;
  n.liveness.step = ms(30 + random.below(150));
  n.engine.segment_bytes = size_t{256} << 10;
  n.engine.memtable_bytes = size_t{4'096} << random.below(8);
  n.engine.memtable_age = ms(300 + random.below(8'000));
  n.engine.log_retained_bytes = size_t{1} << (20 + random.below(4));
  n.engine.entry_cache_bytes = size_t{16'384} << random.below(8);
  n.engine.disk_reserve_bytes = 1u << 20;
  n.upkeep.step = ms(100 + random.below(500));
  // Else the nemesis alone splits.
  n.upkeep.split_bytes = 64u << 20;
  // Longer than most faults, and, where there are nodes to spare, shorter than some.
  n.upkeep.replace_after = ms(60'000);
  if (o.nodes > 3)
    n.upkeep.replace_after = ms(3'000 + random.below(random.chance(0.5) ? 3'000 : 21'000));
  n.upkeep.history =
      ms(random.chance(0.5) ? 100 + random.below(4'900) : 5'000 + random.below(30'000));
  n.upkeep.records = ms(random.chance(0.5) ? 500 + random.below(5'000) : 20'000);
  n.upkeep.collect_every = ms(500 + random.below(5'000));
  n.upkeep.log_entries_kept = 10 + random.below(random.chance(0.5) ? 100 : 5'000);
  n.upkeep.lease_requests_least = 20 + random.below(200);
  // Streams of their own, so that other draws stay what they were. `load` always writes runs; other
  // transactions do where even small ones are too large for their buffer.
  Random copy = random;
  Random bulk = copy.fork("bulk");
  if (workload.name() == "load" || bulk.chance(0.2))
    n.txn.spill_bytes = bulk.chance(0.5) ? 0 : bulk.below(3'000);
  Random raft = copy.fork("raft");
  if (raft.chance(0.5)) n.append_bytes = size_t{32} << raft.below(12);
  Random sizes = copy.fork("sizes");
  if (sizes.chance(0.5)) n.engine.segment_bytes = size_t{128} << (10 + sizes.below(3));
  n.upkeep.lease_majority = 0.5 + 0.4 * sizes.uniform();
  if (sizes.chance(0.3)) n.engine.entry_cache_bytes = size_t{256} << sizes.below(6);
  draw_limits(copy.fork("limits"), n);
  Random checkpoint = copy.fork("checkpoint");
  o.lmdb = options.checkpoint.empty() ? checkpoint.below(16) == 0 : options.checkpoint == "lmdb";
  Random scrub = copy.fork("scrub");
  n.upkeep.scrub.every = ms(1'000 + scrub.below(9'000));
  n.upkeep.scrub.bytes = size_t{65'536} << scrub.below(5);
  // Where nobody is replaced for being silent, who is known to be gone must be.
  Random patience = copy.fork("patience");
  if (o.nodes == 3 && patience.chance(0.5)) n.upkeep.replace_after = ms(600'000);
  n.txn.run_bytes = 100 + bulk.below(2'000);
  n.txn.load_bytes_max = 200 + bulk.below(4'000);
  return o;
}

class Scenario {
 public:
  explicit Scenario(const ScenarioOptions& options)
      : options_(options),
        world_(options.seed, world_options(options)),
        points_(options.seed),
        random_(world_.fork_random("scenario " + std::string(options.workload.name))),
        workload_(options.workload.make(random_.fork("workload"))),
        cluster_(world_, draw_cluster(random_, *workload_, options)),
        profile_(Nemesis::draw_profile(random_)),
        nemesis_(cluster_, *workload_, profile_, random_.fork("nemesis")),
        watch_(cluster_),
        served_(cluster_.size()) {
    draw_points();
    if (profile_.wild_clocks) workload_->forgive_real_time();
    if (options.log != nullptr) {
      options.log->open(world_, cluster_.hosts());
      sampler_ = std::make_unique<ReplicaSampler>(cluster_, *options.log);
      workload_->listen(options.log);
      nemesis_.listen(options.log);
    }
    if (options.plan != nullptr) nemesis_.follow(options.plan, options.filter);
    nemesis_.record(options.record);
    nemesis_.favor(options.often);
    if (!workload_->outside()) return;
    outside_ = std::make_unique<runtime::SimNodeEnv>(world_, "clients");
    clients_ = std::make_unique<runtime::TaskScope>(outside_->executor());
    std::vector<std::string> addresses;
    for (const std::string& host : cluster_.hosts()) addresses.push_back(host + ":5432");
    workload_->attach(&outside_->env(), std::move(addresses));
  }
  ~Scenario() {
    *alive_ = false;
    if (options_.log != nullptr) options_.log->close();
  }

  ScenarioOutcome run() {
    ScenarioOutcome out;
    out.violation = judge();
    out.trace_hash = world_.trace_hash();
    out.events = world_.events_run();
    out.virtual_time = world_.now().since_start;
    out.committed = workload_->counts().committed;
    out.failed = workload_->counts().failed;
    out.unknown = workload_->counts().unknown;
    out.ranges = watch_.ranges();
    out.faults = nemesis_.done();
    for (const runtime::FaultPointInfo& info : runtime::fault_point_infos()) {
      if (points_.fired(info.point) > 0)
        out.faults[std::string(info.name)] = points_.fired(info.point);
    }
    out.last_lines.assign(world_.recent_lines().begin(), world_.recent_lines().end());
    if (!out.violation.empty()) {
      for (std::string& line : cluster_.describe()) out.last_lines.push_back(std::move(line));
    }
    return out;
  }

 private:
  void draw_points();
  void phase(std::string what);
  std::string judge();
  std::string break_and_heal();
  std::string final_check();
  void look();
  void serve();
  // Until `done`, or a violation, or the limit.
  bool run_until(const std::function<bool()>& done, runtime::Duration limit) {
    return world_.run_until([&] { return !watch_.violation().empty() || done(); }, limit);
  }
  static Task<void> run_setup(Workload* workload, server::KvNode* node,
                              std::optional<Status>* out) {
    Status done = co_await workload->setup(node);
    out->emplace(std::move(done));
  }
  static Task<void> run_check(Workload* workload, server::KvNode* node,
                              std::optional<Result<std::string>>* out) {
    Result<std::string> done = co_await workload->check(node);
    out->emplace(std::move(done));
  }

  const ScenarioOptions& options_;
  SimWorld world_;
  runtime::SimFaultPoints points_;
  Random random_;
  std::unique_ptr<Workload> workload_;
  SimCluster cluster_;
  std::unique_ptr<runtime::SimNodeEnv> outside_;  // of clients that are no part of a node
  std::unique_ptr<runtime::TaskScope> clients_;
  const Nemesis::Profile profile_;
  Nemesis nemesis_;
  Watch watch_;
  std::unique_ptr<ReplicaSampler> sampler_;
  std::vector<uint64_t> served_;  // by node: the life that has sessions
  bool serving_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// They fire from the beginning, while the cluster forms and nothing else breaks, until all heals.
void Scenario::draw_points() {
  points_.draw();
  for (const runtime::FaultPointInfo& info : runtime::fault_point_infos()) {
    if (options_.plan != nullptr && !options_.filter.allows(info.name))
      points_.set_chance(info.point, 0);
    if (points_.chance(info.point) > 0)
      world_.line(fmt::format("{}: {:.4f}", info.name, points_.chance(info.point)));
  }
  world_.set_fault_points(&points_);
}

void Scenario::look() {
  watch_.look();
  watch_.look_for_damage(nemesis_.rotten());
  if (sampler_ != nullptr) sampler_->look();
  world_.after(kLookEvery, [this, alive = alive_] {
    if (*alive) look();
  });
}

void Scenario::phase(std::string what) {
  if (options_.log != nullptr)
    options_.log->mark({.kind = EventLog::MarkKind::kPhase, .text = std::move(what)});
}

// Every node that serves has its sessions.
void Scenario::serve() {
  if (clients_ != nullptr) {
    const size_t sessions = 3 + random_.below(6);
    for (size_t s = 0; s < sessions; ++s) {
      const uint64_t seed = random_.next();
      if (s < options_.sessions_max) clients_->spawn(workload_->session(nullptr, seed));
    }
    return;
  }
  for (size_t i = 0; serving_ && i < cluster_.size(); ++i) {
    if (cluster_.node(i) == nullptr || served_[i] == cluster_.lives(i)) continue;
    served_[i] = cluster_.lives(i);
    const size_t sessions = 1 + random_.below(3);
    for (size_t s = 0; s < sessions; ++s) {
      const uint64_t seed = random_.next();
      if (s < options_.sessions_max) cluster_.spawn(i, workload_->session(cluster_.node(i), seed));
    }
  }
  world_.after(ms(50), [this, alive = alive_] {
    if (*alive) serve();
  });
}

std::string Scenario::judge() {
  look();
  std::string wrong = cluster_.form(kFormLimit);
  if (!wrong.empty()) return "the cluster does not form: " + wrong;
  std::optional<Status> prepared;
  if (clients_ != nullptr)
    clients_->spawn(run_setup(workload_.get(), nullptr, &prepared));
  else
    cluster_.spawn(0, run_setup(workload_.get(), cluster_.node(0), &prepared));
  if (!run_until([&] { return prepared.has_value(); }, kFormLimit)) return "the set-up hangs";
  if (prepared && !prepared->ok()) return "the set-up fails: " + prepared->to_string();
  Timestamp prepared_by;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    if (cluster_.node(i) != nullptr) prepared_by.forward(cluster_.node(i)->clock().peek());
  }
  workload_->begin_history(prepared_by);
  phase("the cluster has formed");
  nemesis_.spread();
  run_until([] { return false; }, ms(2'000));
  wrong = break_and_heal();
  if (options_.record != nullptr) return {};
  if (wrong.empty()) wrong = final_check();
  return watch_.violation().empty() ? wrong : watch_.violation();
}

std::string Scenario::break_and_heal() {
  phase("clients and faults begin");
  serving_ = true;
  serve();
  nemesis_.start();
  const runtime::Duration faults = ms(8'000 + random_.below(22'000));
  run_until([] { return false; }, std::min(faults, options_.until));
  if (options_.record != nullptr) return {};
  phase("everything heals");
  nemesis_.heal();
  points_.stop();
  // The healed cluster must serve again, not only end what it had.
  const uint64_t before = workload_->counts().committed;
  run_until([] { return false; }, ms(1'000 + random_.below(4'000)));
  std::string missing = "?";
  const bool healthy = run_until(
      [&] {
        missing = cluster_.up(0) ? cluster_.unhealthy() : "n1 is down";
        // Sessions and upkeep go on, so replicas are rarely level: that comes later.
        return missing.empty() || missing.starts_with("replicas of");
      },
      kHealLimit);
  if (!healthy) return "the healed cluster stays unhealthy: " + missing;
  // Damage that nobody has read is found, and its replica replaced, before anything is judged.
  if (const std::optional<size_t> rotten = nemesis_.rotten_checkpoint()) {
    const bool sound = run_until(
        [&] {
          server::KvNode* node = cluster_.node(*rotten);
          if (node == nullptr || node->store().scrubs() == 0) return false;
          missing = cluster_.unhealthy();
          return missing.empty() || missing.starts_with("replicas of");
        },
        kHealLimit);
    if (!sound) return "damaged rows are not made good: " + missing;
  }
  if (!run_until([&] { return workload_->counts().committed > before; }, kHealLimit))
    return "the healed cluster commits nothing";
  phase("the healed cluster serves again; clients stop");
  workload_->stop();
  serving_ = false;
  if (!run_until([&] { return workload_->sessions() == 0; }, kHealLimit))
    return fmt::format("{} sessions hang", workload_->sessions());
  return {};
}

std::string Scenario::final_check() {
  server::KvNode* node = cluster_.any();
  if (node == nullptr) return "no node serves in the end";
  std::optional<Result<std::string>> judged;
  phase("the final state is read and judged");
  size_t host = 0;
  while (cluster_.node(host) != node) ++host;
  if (clients_ != nullptr)
    clients_->spawn(run_check(workload_.get(), nullptr, &judged));
  else
    cluster_.spawn(host, run_check(workload_.get(), node, &judged));
  if (!run_until([&] { return judged.has_value(); }, kCheckLimit)) return "the check hangs";
  if (!judged) return {};
  if (!judged->ok()) return "the check can't read: " + judged->status().to_string();
  if (!(*judged)->empty()) return **judged;
  std::string missing;
  if (!run_until(
          [&] {
            missing = cluster_.unhealthy();
            return missing.empty();
          },
          kHealLimit)) {
    return "the idle cluster stays unhealthy: " + missing;
  }
  // It costs too much to be looked for after every event.
  const runtime::Instant limit = world_.now() + kHealLimit;
  while (!(missing = left_behind(cluster_)).empty()) {
    if (world_.now() >= limit) return "in the idle cluster " + missing;
    run_until([] { return false; }, ms(250));
  }
  if (!run_until([&] { return cluster_.unhealthy().empty(); }, kHealLimit))
    return "the idle cluster stays unhealthy: " + cluster_.unhealthy();
  return judge_agreement(cluster_);
}

}  // namespace

ScenarioOutcome run_scenario(const ScenarioOptions& options) {
  Scenario scenario(options);
  return scenario.run();
}

}  // namespace quorate::sim
