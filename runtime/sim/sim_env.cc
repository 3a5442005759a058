#include "runtime/sim/sim_env.h"

#include <fmt/format.h>

#include <cstring>

namespace quorate::runtime {

void SimNodeEnv::Sink::write(LogLevel level, std::string_view tags, std::string_view text) {
  static constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};
  world_.line(fmt::format("{} {} [{}] {}", name_, kNames[static_cast<size_t>(level)], tags, text));
}

SimNodeEnv::SimNodeEnv(SimWorld& world, const std::string& machine)
    : world_(world),
      machine_(world.machine(machine)),
      sink_(world, machine),
      executor_(world, machine),
      network_(world.network(), machine, executor_, metrics_),
      disk_(machine_.disk_, executor_),
      random_(world.fork_random("node " + machine)),
      entropy_(world.fork_random("entropy " + machine)) {
  ++machine_.incarnations_;
  world.line(fmt::format("{} starts, life {}", machine, machine_.incarnations_));
  if (auto* o = world.observer()) o->on_start(machine);
  env_.executor = &executor_;
  env_.clock = &machine_.clock_;
  env_.network = &network_;
  env_.disk = &disk_;
  env_.random = &random_;
  env_.metrics = &metrics_;
  env_.faults = world.fault_points();
  env_.log = Logger(&sink_, LogLevel::kInfo);
  env_.entropy = [this](char* out, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 8) {
      uint64_t word = entropy_.next();
      std::memcpy(out + i, &word, std::min<size_t>(8, bytes - i));
    }
  };
}

SimNodeEnv::~SimNodeEnv() { crash(SimCrash::kProcess); }

void SimNodeEnv::crash(SimCrash how) {
  if (executor_.dead()) return;
  world_.line(fmt::format("{} crashes: {}", machine_.name(),
                          how == SimCrash::kPower ? "power" : "process"));
  if (auto* o = world_.observer()) o->on_crash(machine_.name(), how == SimCrash::kPower);
  network_.detach(how == SimCrash::kProcess);
  if (how == SimCrash::kPower)
    machine_.disk_.power_cut();
  else
    machine_.disk_.process_killed();
  executor_.die();
}

}  // namespace quorate::runtime
