#!/usr/bin/env python3
"""Runs the same workloads against PostgreSQL and Quorate on this machine, alternately, and compares.

One figure from one run says little on a shared machine. So all systems run side by side, idle ones idle, each
round visits each system once (A B A B), the median of the rounds counts, and the servers' CPU time for one
transaction, which noise moves least, stands beside the throughput. The result goes to bench/RESULTS.md.
"""

import argparse
import datetime
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import systems
import workloads


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench compare", description=__doc__.split("\n\n")[0],
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--systems", default="", help="of pg, pg+2 (two standbys, quorum), pg-ser (SERIALIZABLE), q1, q3 (Quorate, "
                   "one and three nodes), floor, floor+2 (canned answers); default: pg,pg+2,q1,q3,floor as far as they are built")
    p.add_argument("--only", default="", help="workloads by group or part of a name, e.g. pgbench,point_select,tpcc; default: all")
    p.add_argument("--clients", default="8", help="numbers of clients, e.g. 8,32")
    p.add_argument("--seconds", type=int, default=15, help="of each run")
    p.add_argument("--rounds", type=int, default=3, help="runs of each workload on each system")
    p.add_argument("--warehouses", type=int, default=2, help="of TPC-C")
    p.add_argument("--scale", type=int, default=10, help="of pgbench")
    p.add_argument("--rows", type=int, default=100_000, help="of sysbench's table")
    p.add_argument("--directory", default="", help="where the servers keep their data; default: a temporary one")
    p.add_argument("--results", default=os.path.join(systems.TOP, "bench", "RESULTS.md"), help="- for none")
    return p.parse_args()


def split(text):
    return [x for x in text.split(",") if x]


class Progress:
    """One line that tells what runs and how long it will still take; plain lines where there is no terminal."""

    def __init__(self, total):
        self.total, self.done, self.start, self.tty = total, 0, time.time(), sys.stderr.isatty()

    def show(self, text):
        left = ""
        if self.done:
            left = f", {(time.time() - self.start) / self.done * (self.total - self.done) / 60:.0f} min left"
        line = f"[{self.done}/{self.total}{left}] {text}"
        sys.stderr.write(("\r\033[K" + line[:150]) if self.tty else line + "\n")
        sys.stderr.flush()

    def clear(self):
        if self.tty:
            sys.stderr.write("\r\033[K")


class Cell:
    """All runs of one workload at one number of clients on one system."""

    def __init__(self):
        self.results, self.cpu_us, self.error = [], [], None

    def tps(self):
        return statistics.median(r.tps for r in self.results) if self.results else None

    def cpu(self):
        return statistics.median(self.cpu_us) if self.cpu_us else None

    def spread(self):
        """Half of (most - least) over the median, in percent."""
        values = [r.tps for r in self.results]
        return 50 * (max(values) - min(values)) / max(statistics.median(values), 1e-9)

    def best(self):
        return max(r.tps for r in self.results)

    def extra(self):
        names = self.results[0].extra.keys() if self.results else []
        return ", ".join(f"{n} {statistics.median(r.extra[n] for r in self.results):g}" for n in names)


def fits(workload, system):
    return workload.canned or not system.canned


def measure_once(workload, system, clients, seconds, cell):
    before = system.cpu()
    try:
        result = workload.run(system, clients, seconds)
    except (workloads.Failed, subprocess.TimeoutExpired) as e:
        cell.error = str(e)
        return
    cell.results.append(result)
    cell.cpu_us.append(1e6 * (system.cpu() - before) / max(result.count, 1))


def measure(workload, running, clients, options, progress, table):
    for system in running:
        if not fits(workload, system) or system.canned:
            continue
        progress.show(f"preparing {workload.name} on {system.name}")
        try:
            workload.prepare(system, options)
        except workloads.Failed as e:
            for c in clients:
                table[workload.name, c, system.name].error = f"prepare: {e}"
    for c in clients:
        if c != getattr(workload, "clients", c) and c != clients[0]:
            progress.done += options.rounds * len(running)
            continue
        for round_number in range(options.rounds):
            for system in running:
                cell = table[workload.name, c, system.name]
                if fits(workload, system) and cell.error is None:
                    progress.show(f"{workload.name}, {c} clients, round {round_number + 1}: {system.name}")
                    measure_once(workload, system, c, options.seconds, cell)
                progress.done += 1
    for system in running:
        if hasattr(workload, "finish") and fits(workload, system) and all(table[workload.name, c, system.name].error is None for c in clients):
            progress.show(f"checking {workload.name} on {system.name}")
            try:
                workload.finish(system)
            except workloads.Failed as e:
                table[workload.name, clients[-1], system.name].error = f"check: {e}"


def number(v):
    if v is None:
        return "–"
    return f"{v:,.0f}" if v >= 100 else f"{v:.1f}"


def baseline_of(system, running):
    """What a system is held against: replicated Quorate against PostgreSQL with its standbys, all else against
    PostgreSQL alone."""
    names = [s.name for s in running]
    for candidate in (["pg+2", "pg"] if system.name == "q3" else ["pg"]):
        if candidate in names and candidate != system.name:
            return candidate
    return None


def row(workload, c, system, running, table):
    cell = table[workload.name, c, system.name]
    if not cell.results:
        return f"| {workload.name} | {c} | {system.name} | {'failed: ' + cell.error if cell.error else '–'} | | | | | |"
    ratios = []
    for name in dict.fromkeys([baseline_of(system, running), "pg"]):
        other = table.get((workload.name, c, name))
        if name and name != system.name and other is not None and other.tps():
            ratios.append(f"{cell.tps() / other.tps():.2f}× {name}")
    note = cell.extra() + (f"; then FAILED: {cell.error}" if cell.error else "")
    return (f"| {workload.name} | {getattr(workload, 'clients', c)} | {system.name} | {number(cell.tps())} | ±{cell.spread():.0f} % | {number(cell.best())} | {number(cell.cpu())} | "
            f"{', '.join(ratios)} | {note} |")


def report(running, chosen, clients, options, table, cgroup, started):
    cpu = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    lines = [
        "# Side by side", "",
        f"`./dev bench compare {shlex.join(sys.argv[1:])}`".replace(" `", "`"), "",
        f"{started:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs ({cpu}), Linux {platform.release()}; clients and all servers on this "
        f"machine; {systems_note(cgroup)}. Medians of {options.rounds} rounds of {options.seconds} s, systems alternating. "
        "`±` is half the distance between the best and the worst round. CPU is that of all server processes of the system. "
        f"Load average at the end: {os.getloadavg()[0]:.1f}.", ""]
    lines += [f"- `{s.name}`: {s.title}" for s in running] + [""]
    lines += ["| workload | clients | system | tx/s | | best | server CPU µs/tx | ratio | |", "|---|---|---|---|---|---|---|---|---|"]
    for workload in chosen:
        for c in clients:
            lines += [row(workload, c, s, running, table) for s in running if fits(workload, s)]
    return "\n".join(lines) + "\n"


def systems_note(cgroup):
    return cgroup + "; every commit waits for its sync"


def default_systems():
    names = ["pg", "pg+2"]
    if os.path.exists(os.path.join(systems.TOP, "build", "quorate")):
        names += ["q1", "q3"]
    return names + ["floor"]


def main():
    options = arguments()
    names = split(options.systems) or default_systems()
    clients = [int(c) for c in split(options.clients)]
    chosen = workloads.make(split(options.only), options.warehouses, options.scale, options.rows)
    started = datetime.datetime.now(datetime.timezone.utc)
    cgroup = systems.enter_cgroup()
    directory = tempfile.mkdtemp(prefix="quorate-compare-", dir=options.directory or None)
    os.chmod(directory, 0o755)
    running = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        progress = Progress(len(names) * len(clients) * len(chosen) * options.rounds)
        for name in names:
            system = systems.make(name, directory)
            progress.show(f"starting {system.title}")
            running.append(system)
            system.start()
        table = {(w.name, c, s.name): Cell() for w in chosen for c in clients for s in running}
        for workload in chosen:
            measure(workload, running, clients, options, progress, table)
            progress.clear()
            for c in clients:
                for s in running:
                    if fits(workload, s):
                        print(row(workload, c, s, running, table), flush=True)
        text = report(running, chosen, clients, options, table, cgroup, started)
        if options.results != "-":
            with open(options.results, "w") as f:
                f.write(text)
            print(f"\nwritten: {options.results}")
        return 1 if any(cell.error for cell in table.values()) else 0
    finally:
        for system in running:
            system.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as e:
        sys.exit(f"compare: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
