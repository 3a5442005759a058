#!/usr/bin/env python3
"""TPC-C while servers are killed with SIGKILL and started again: nothing acknowledged may be lost.

Every few seconds one node, drawn at random, dies and comes back with the same command. At the end the
consistency conditions must hold, all replicas of each range must be equal, every acknowledged new order and payment must be there exactly once, none
that was reported as failed may be, and half of the throughput before each kill must be back in time.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import systems
from workloads import TPCC


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench recovery", description=__doc__.split("\n\n")[0],
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--system", default="q3", help="q3, q1, or pg (one node, so its outage is everybody's)")
    p.add_argument("--warehouses", type=int, default=4)
    p.add_argument("--terminals", type=int, default=12, help="spread over the nodes")
    p.add_argument("--duration", type=int, default=300, help="seconds")
    p.add_argument("--kill-every", type=float, default=20, help="seconds from kill to kill")
    p.add_argument("--down", type=float, default=3, help="seconds until a killed node is started again")
    p.add_argument("--back-within", type=float, default=5, help="seconds after which half the throughput must be back; "
                   "with one node counted from its restart")
    p.add_argument("--seed", type=int, default=None, help="of the choice of victims")
    p.add_argument("--svg", default="", help="where to leave the picture over time")
    p.add_argument("--directory", default="", help="where the servers keep their data; default: a temporary one")
    p.add_argument("--keep", action="store_true", help="leave the data directory")
    return p.parse_args()


def kill_and_restart(system, run, options, rng, start):
    """Until the run ends. Returns the seconds (into the run) of each kill and restart, and the victim."""
    events = []
    due = options.kill_every
    while due + options.down + options.back_within < options.duration:
        while time.time() - start < due:
            if run.poll() is not None:
                return events
            time.sleep(0.05)
        victim = rng.randrange(len(system.processes))
        killed = time.time() - start
        system.kill(victim)
        print(f"{killed:6.1f} s  killed node {victim + 1}", flush=True)
        time.sleep(options.down)
        system.restart(victim)
        events.append((killed, time.time() - start, victim))
        due += options.kill_every
    return events


def recovered_after(done, second, before):
    """Seconds from `second` until half of `before` is served again; None: never."""
    for t in range(int(second) + 1, len(done)):
        if done[t] >= before / 2:
            return t - second
    return None


def judge(report, events, options, single):
    done = [sum(s["done"]) for s in report["seconds"]]
    ok = True
    for killed, restarted, victim in events:
        window = done[max(0, int(killed) - 5):int(killed)]
        before = statistics.median(window) if window else 0
        took = recovered_after(done, restarted if single else killed, before)
        fine = took is not None and took <= options.back_within
        ok = ok and fine
        shown = "never" if took is None else f"{took:.1f} s"
        print(f"{'ok  ' if fine else 'FAIL'}  node {victim + 1} killed at {killed:.1f} s: {before:.0f} tx/s before, half of it back after {shown}")
    return ok


def replicas_equal(system, patience=60):
    """Whether all replicas of each range hold the same bytes, once they have applied the same entries."""
    if not isinstance(system, systems.Quorate):
        return True
    query = "SELECT range_id, node_id, applied_index, checksum FROM quorate.replica_checksums"
    until = time.time() + patience
    wrong = "nothing"
    while time.time() < until:
        done = subprocess.run(["psql", "-qAtX", "-F", ",", "-h", "127.0.0.1", "-p", str(system.ports[0]), "-U", system.user,
                               "-d", system.database, "-c", query], capture_output=True, text=True)
        ranges = {}
        for line in done.stdout.split():
            range_id, node, applied, checksum = line.split(",")
            ranges.setdefault(range_id, []).append((node, applied, checksum))
        wrong = done.stderr.strip() or None
        for range_id, replicas in ranges.items():
            if len(replicas) != system.nodes or len({r[1:] for r in replicas}) != 1 or "" in replicas[0]:
                wrong = f"range {range_id}: {replicas}"
            if len({r[1] for r in replicas}) == 1 and len({r[2] for r in replicas}) > 1 and all(r[2] for r in replicas):
                print(f"FAIL  replicas differ at the same index: {wrong}")
                return False
        if ranges and wrong is None:
            print(f"ok    the replicas of all {len(ranges)} ranges are equal")
            return True
        time.sleep(1)
    print(f"FAIL  the replicas do not become equal: {wrong}")
    return False


def main():
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}; {systems.enter_cgroup()}")
    directory = tempfile.mkdtemp(prefix="quorate-recovery-", dir=options.directory or None)
    os.chmod(directory, 0o755)
    system = systems.make(options.system, directory)
    log, report = os.path.join(directory, "acked"), os.path.join(directory, "report.json")
    run, passed = None, False
    try:
        system.start()
        common = ["--url", system.urls(), "--warehouses", str(options.warehouses)]
        subprocess.run([TPCC, "load", *common], check=True)
        start = time.time()
        run = subprocess.Popen([TPCC, "run", *common, "--terminals", str(options.terminals), "--duration", str(options.duration),
                                "--no-wait", "--json", report, "--acked-log", log] + (["--svg", options.svg] if options.svg else []))
        events = kill_and_restart(system, run, options, random.Random(seed), start)
        if run.wait() != 0:
            raise RuntimeError("the driver failed")
        with open(report) as f:
            throughput = judge(json.load(f), events, options, len(system.processes) == 1)
        consistent = subprocess.run([TPCC, "check", *common, "--acked-log", log]).returncode == 0
        passed = throughput and consistent and replicas_equal(system)
        print("passed" if passed else f"FAILED (seed {seed}; data in {directory})")
        return 0 if passed else 1
    finally:
        if run is not None and run.poll() is None:
            run.kill()
        system.stop()
        if passed and not options.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as e:
        sys.exit(f"recovery: {e}")
