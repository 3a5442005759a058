"""The workloads: each is prepared once on each system and run many times. A run returns what it counted."""

import json
import os
import re
import subprocess
import time

from systems import TOP

TPCC = os.path.join(TOP, "build", "tpcc")
SYSBENCH_TABLES = 1


class Failed(Exception):
    """A client ended with an error; the text is its last lines."""


def call(command, seconds):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 600,
                          env={**os.environ, "PGCONNECT_TIMEOUT": "10"})
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise Failed(" / ".join(lines[-3:]) or f"exit code {done.returncode}")
    return done.stdout + done.stderr


class Result:
    """tps: transactions a second; count: transactions in all; extra: shown beside them."""

    def __init__(self, tps, count, extra=None):
        self.tps, self.count, self.extra = tps, count, extra or {}


class Tpcc:
    group = "tpcc"
    name = "TPC-C"
    canned = False

    def __init__(self, warehouses):
        self.warehouses = str(warehouses)

    def prepare(self, system, options):
        call([TPCC, "load", "-q", "--drop", "--url", system.urls(), "--warehouses", self.warehouses], 1800)

    def run(self, system, clients, seconds):
        level = ["--isolation", system.isolation] if system.isolation else []
        text = call([TPCC, "run", "-q", "--no-wait", "--url", system.urls(), "--warehouses", self.warehouses,
                     "--terminals", str(clients), "--duration", str(seconds), "--json", "-"] + level, seconds)
        report = json.loads(text[text.index("{"):])
        errors = sum(report["errors"].values())
        extra = {"tpmC": round(report["tpmC"]), "retries": sum(report["retries"].values()), "errors": errors,
                 "p99 ms": round(report["kinds"]["new-order"]["p99_ms"], 1)}
        return Result(report["tx_per_s"], report["transactions"], extra)

    def finish(self, system):
        call([TPCC, "check", "-q", "--url", system.urls(), "--warehouses", self.warehouses], 600)


class Copy:
    """Bulk load: COPY of rows with a bigint key and 100 bytes into an empty table. tx/s are rows/s."""

    group = "copy"
    canned = False
    clients = 1  # whatever is asked for

    def __init__(self, rows):
        self.name, self.rows = f"COPY of {rows:,} rows", rows

    def psql(self, system, *more):
        return call(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(system.ports[0]), "-U", system.user,
                     "-d", system.database, *more], 600)

    def prepare(self, system, options):
        self.file = os.path.join(os.path.dirname(system.directory), "copy.tsv")
        if not os.path.exists(self.file):
            with open(self.file, "w") as f:
                f.writelines(f"{i}\t{str(i * 7919):x>100}\n" for i in range(self.rows))
            os.chmod(self.file, 0o644)

    def run(self, system, clients, seconds):
        self.psql(system, "-c", "DROP TABLE IF EXISTS copied", "-c",
                  "CREATE TABLE copied (id bigint PRIMARY KEY, payload varchar(100))")
        start = time.time()
        self.psql(system, "-c", f"\\copy copied FROM '{self.file}'")
        return Result(self.rows / (time.time() - start), self.rows)


class Pgbench:
    group = "pgbench"

    def __init__(self, name, script, scale):
        self.name, self.script, self.scale = f"pgbench {name}", script, str(scale)
        self.canned = script == "select-only"

    def address(self, system):
        return ["-h", "127.0.0.1", "-p", str(system.ports[0]), "-U", system.user, system.database]

    def prepare(self, system, options):
        if not system.canned:
            call(["pgbench", "-i", "-q", "-s", self.scale] + self.address(system), 600)

    def run(self, system, clients, seconds):
        text = call(["pgbench", "-n", "-M", "prepared", "-b", self.script, "-c", str(clients), "-j", str(min(clients, 4)),
                     "-T", str(seconds), "--max-tries=100"] + self.address(system), seconds)
        tps = float(re.search(r"tps = ([\d.]+)", text)[1])
        count = int(re.search(r"transactions actually processed: (\d+)", text)[1])
        retried = re.search(r"total number of retries: (\d+)", text)
        return Result(tps, count, {"retries": int(retried[1]) if retried else 0})


class Sysbench:
    group = "sysbench"

    def __init__(self, script, rows, canned=False):
        self.name, self.script, self.rows, self.canned = f"sysbench {script}", script, str(rows), canned

    def command(self, system, *more):
        return ["sysbench", "--db-driver=pgsql", "--pgsql-host=127.0.0.1", f"--pgsql-port={system.ports[0]}",
                f"--pgsql-user={system.user}", f"--pgsql-db={system.database}", f"--tables={SYSBENCH_TABLES}",
                f"--table-size={self.rows}", *more]

    def prepare(self, system, options):
        if system.canned or getattr(system, "sysbench_filled", False):
            return
        call(self.command(system, "oltp_read_write", "prepare"), 600)
        system.sysbench_filled = True

    def run(self, system, clients, seconds):
        text = call(self.command(system, f"--threads={clients}", f"--time={seconds}", self.script, "run"), seconds)
        count, tps = re.search(r"transactions:\s+(\d+)\s+\(([\d.]+) per sec", text).groups()
        p95 = re.search(r"95th percentile:\s+([\d.]+)", text)
        ignored = re.search(r"ignored errors:\s+(\d+)", text)
        return Result(float(tps), int(count), {"retries": int(ignored[1]), "p95 ms": float(p95[1])})


def make(only, warehouses, scale, rows):
    every = [
        Sysbench("oltp_point_select", rows, canned=True), Sysbench("oltp_read_only", rows, canned=True),
        Sysbench("oltp_read_write", rows, canned=True), Sysbench("oltp_write_only", rows, canned=True),
        Sysbench("oltp_update_index", rows, canned=True), Sysbench("oltp_insert", rows, canned=True),
        Pgbench("select-only", "select-only", scale), Pgbench("TPC-B", "tpcb-like", scale), Tpcc(warehouses),
        Copy(1_000_000),
    ]
    if not only:
        return every
    chosen = [w for w in every if any(o == w.group or o in w.name.lower() for o in only)]
    if not chosen:
        raise SystemExit(f"compare: no such workload: {', '.join(only)}; there are: " + ", ".join(w.name for w in every))
    return chosen
