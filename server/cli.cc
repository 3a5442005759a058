#include "server/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "server/demo.h"
#include "server/node_thread.h"
#include "server/signals.h"

namespace quorate::server {
namespace {

int fail(const Status& status) {
  fmt::print(stderr, "quorate: {}\n", status.message());
  if (!status.fields().hint.empty()) fmt::print(stderr, "hint: {}\n", status.fields().hint);
  return 1;
}

bool is_loopback(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || host == "::1" || host.starts_with("127.");
}

std::string check_address(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return "expected HOST:PORT, got \"" + address + "\"";
  const std::string port = address.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoul(port) > 65535) return "\"" + port + "\" is not a port";
  return "";
}

struct StartFlags {
  std::string data, sql = "127.0.0.1:26257", rpc = "127.0.0.1:26357", http, log_level = "info";
  std::vector<std::string> join;
  bool single = false, insecure = false;
  uint32_t replace_after = 300;  // seconds
};

LogLevel parse_level(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

int start(const StartFlags& flags) {
  if (flags.single == !flags.join.empty()) {
    fmt::print(stderr, "quorate: give either --single or --join HOST:PORT,...\n");
    return 2;
  }
  // Whoever speaks to a node as another node may do as much as a client.
  for (const auto& [flag, listens] : {std::pair("--sql", flags.sql), {"--rpc", flags.rpc}}) {
    if (flags.insecure || is_loopback(listens)) continue;
    fmt::print(
        stderr,
        "quorate: {} {} is reachable from other machines, and there is no authentication yet.\n"
        "hint: listen on 127.0.0.1, or add --insecure if everyone who can reach it may do "
        "everything.\n",
        flag, listens);
    return 2;
  }
  auto sink = make_stderr_sink();
  NodeThread::Options options;
  options.env.data_directory = flags.data;
  options.env.log = sink.get();
  options.env.log_least = parse_level(flags.log_level);
  options.first = flags.single;
  options.node.sql_listen = flags.sql;
  options.node.http_listen = flags.http;
  KvNodeOptions& kv = options.node.kv;
  kv.address = flags.rpc;
  kv.sql_address = flags.sql;
  kv.http_address = flags.http;
  kv.version = kVersion;
  kv.join = flags.join;
  kv.single = flags.single;
  kv.upkeep.replace_after = std::chrono::seconds(flags.replace_after);
  NodeThread node(options);
  Signals signals([&node](int count) {
    if (count > 1) std::_Exit(1);
    node.request_stop(true);
  });
  if (Status opened = node.open(); !opened.ok())
    return opened.code() == StatusCode::kCancelled ? 0 : fail(opened);
  auto started = node.started();
  Status status = started.get();
  if (status.ok()) {
    fmt::print(stderr, "quorate {} serves clients:  psql \"host={} port={} user=postgres\"\n",
               kVersion, flags.sql.substr(0, flags.sql.rfind(':')),
               flags.sql.substr(flags.sql.rfind(':') + 1));
  }
  Status ended = node.join();
  if (!ended.ok() && ended.code() != StatusCode::kCancelled) return fail(ended);
  return 0;
}

// Talks to one node without being one: an environment of its own on a free port.
template <class Body>
int as_client(Body body) {
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("quorate-client-{}", getpid());
  runtime::RealEnvOptions options;
  options.data_directory = directory.string();
  auto env = runtime::RealEnv::open(options);
  if (!env.ok()) return fail(env.status());
  Status outcome;
  {
    runtime::Rpc rpc((*env)->env());
    Status listening = (*env)->env().network->listen("127.0.0.1:0", "");
    runtime::TaskScope scope(*(*env)->env().executor);
    if (listening.ok()) {
      scope.spawn(body((*env)->env(), rpc, &outcome, env->get()));
      (*env)->run();
    } else {
      outcome = listening;
    }
  }
  env->reset();
  std::filesystem::remove_all(directory);
  return outcome.ok() ? 0 : fail(outcome);
}

struct ClientCall {
  static runtime::Task<void> init(runtime::Env& env, runtime::Rpc& rpc, std::string address,
                                  Status* out, runtime::RealEnv* real) {
    *out = co_await range::Membership::init(env, rpc, address);
    real->stop();
  }
  static runtime::Task<void> drain(runtime::Env& env, runtime::Rpc& rpc, std::string address,
                                   Status* out, runtime::RealEnv* real) {
    const runtime::Instant deadline = env.executor->now() + std::chrono::seconds(60);
    auto answer =
        co_await rpc.call(env.network->peer(address), Node::kDrainMethod, Bytes(), deadline);
    *out = answer.status();
    if (answer.status().code() == StatusCode::kDeadlineExceeded)
      *out = unavailable("no node answers at " + address);
    real->stop();
  }
};

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("Quorate: a distributed SQL database that speaks PostgreSQL's protocol", "quorate");
  app.require_subcommand(1);
  app.footer(
      "quorate COMMAND --help tells more. Commands with helps of their own: `quorate bench` "
      "(TPC-C),\n"
      "`quorate check` (is what a cluster answers right?), `quorate sim` (clusters in "
      "simulation).");
  const CLI::Validator address([](std::string& a) { return check_address(a); }, "HOST:PORT");

  StartFlags flags;
  CLI::App* start_command =
      app.add_subcommand("start", "run a node in the foreground until SIGINT or SIGTERM");
  start_command->add_option("--data", flags.data, "the node's directory; made when missing")
      ->required();
  start_command->add_option("--sql", flags.sql, "where clients connect")
      ->check(address)
      ->capture_default_str();
  start_command->add_option("--rpc", flags.rpc, "where other nodes connect")
      ->check(address)
      ->capture_default_str();
  start_command->add_option("--http", flags.http, "serve /health and /metrics there")
      ->check(address);
  start_command->add_flag("--single", flags.single, "be a cluster of one node");
  start_command
      ->add_option("--join", flags.join, "nodes of the cluster, this one may be among them")
      ->delimiter(',')
      ->check(address);
  start_command->add_flag("--insecure", flags.insecure,
                          "listen beyond loopback without authentication");
  start_command
      ->add_option("--replace-after", flags.replace_after,
                   "seconds of silence after which a node's replicas are made anew on others")
      ->check(CLI::Range(10, 7 * 24 * 3600))
      ->capture_default_str();
  start_command->add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();

  std::string target;
  CLI::App* init_command =
      app.add_subcommand("init", "make a cluster of the nodes that were started with --join; once");
  init_command->add_option("--rpc", target, "any one of the nodes")->required()->check(address);

  DemoFlags demo_flags;
  CLI::App* demo_command =
      app.add_subcommand("demo", "a whole cluster in one process, with psql on it");
  demo_command->add_option("--nodes", demo_flags.nodes, "how many")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  demo_command->add_option("--port", demo_flags.port, "of the first node; the others follow")
      ->capture_default_str();
  demo_command->add_option("--data", demo_flags.data,
                           "keep the data here; without it, it is removed at the end");
  demo_command->add_flag("--no-psql", demo_flags.no_psql,
                         "only run the cluster, until SIGINT or SIGTERM");
  demo_command->add_flag("-v,--verbose", demo_flags.verbose, "show the nodes' logs");
  std::vector<std::string> demo_fault;
  demo_command->add_option("fault", demo_fault, "in a running demo: kill N, start N or status");

  CLI::App* node_command = app.add_subcommand("node", "work on one node of a running cluster");
  node_command->require_subcommand(1);
  CLI::App* drain_command =
      node_command->add_subcommand("drain", "move all leases away from a node");
  drain_command->add_option("--rpc", target, "the node")->required()->check(address);

  CLI::App* version_command = app.add_subcommand("version", "print the version");

  CLI11_PARSE(app, argc, argv);
  if (version_command->parsed()) {
    fmt::print("quorate {}\n", kVersion);
    return 0;
  }
  if (start_command->parsed()) return start(flags);
  if (init_command->parsed()) {
    const int code =
        as_client([&](runtime::Env& env, runtime::Rpc& rpc, Status* out, runtime::RealEnv* real) {
          return ClientCall::init(env, rpc, target, out, real);
        });
    if (code == 0) fmt::print("the cluster is made; the other nodes join by themselves\n");
    return code;
  }
  if (drain_command->parsed()) {
    const int code =
        as_client([&](runtime::Env& env, runtime::Rpc& rpc, Status* out, runtime::RealEnv* real) {
          return ClientCall::drain(env, rpc, target, out, real);
        });
    if (code == 0) fmt::print("the node holds no leases any more\n");
    return code;
  }
  if (demo_command->parsed())
    return demo_fault.empty() ? run_demo(demo_flags) : send_demo_fault(demo_flags, demo_fault);
  return 2;
}

}  // namespace quorate::server
