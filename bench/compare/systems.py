"""The systems under comparison: each starts from nothing in a directory, listens, and can be stopped.

Every system knows its process ids, so that what its servers spent in CPU time can be read from /proc.
Durability is equal everywhere: every commit waits for fdatasync (PostgreSQL's fsync and full_page_writes at
their defaults), and replicated ones for a second machine's disk as well.
"""

import glob
import os
import pwd
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CGROUP = None  # path of the cgroup that servers and clients share, set by enter_cgroup()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=30, process=None):
    until = time.time() + seconds
    while time.time() < until:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server on port {port} ended with code {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


def enter_cgroup():
    """Puts this process, and so all that it starts, into one CPU cgroup of its own.

    Otherwise the kernel's autogrouping gives each PostgreSQL backend, a session of its own, the CPU weight of
    a whole multi-threaded server. Returns what was done, in words for the report.
    """
    for base, enable in (("/sys/fs/cgroup/cpu", False), ("/sys/fs/cgroup", True)):
        path = os.path.join(base, "quorate-bench")
        try:
            if enable:
                with open(os.path.join(base, "cgroup.subtree_control"), "w") as f:
                    f.write("+cpu")
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, "cgroup.procs"), "w") as f:
                f.write(str(os.getpid()))
            return "servers and clients in one CPU cgroup"
        except OSError:
            continue
    try:
        with open("/proc/sys/kernel/sched_autogroup_enabled") as f:
            if f.read().strip() == "0":
                return "no CPU cgroup; autogrouping is off"
    except OSError:
        pass
    return "NO CPU CGROUP COULD BE MADE: autogrouping favours systems with many processes"


def tree(pids):
    """The processes and all their descendants that are alive now."""
    children = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat) as f:
                text = f.read()
        except OSError:
            continue
        pid = int(text.split(" ", 1)[0])
        parent = int(text.rsplit(")", 1)[1].split()[1])
        children.setdefault(parent, []).append(pid)
    found, todo = set(), list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(children.get(pid, []))
    return found


def cpu_seconds(pids):
    """User and system time of a process tree; a process's dead and reaped children are counted with it."""
    ticks = 0
    for pid in tree(pids):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(x) for x in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


class System:
    name = ""
    title = ""
    database = "postgres"
    user = "postgres"
    isolation = None  # what TPC-C asks for; None: the server's default
    canned = False  # answers with fixed bytes: nothing to load, few workloads

    def __init__(self, directory):
        self.directory = os.path.join(directory, self.name.replace("/", "_").replace("=", "_"))
        self.ports = []
        self.processes = []
        self.launched = {}  # pid -> what spawn() was given

    def urls(self):
        return ",".join(f"postgresql://{self.user}@127.0.0.1:{p}/{self.database}" for p in self.ports)

    def pids(self):
        return [p.pid for p in self.processes]

    def cpu(self):
        return cpu_seconds(self.pids())

    def launch(self, command, log, user=None):
        """Starts a server process; `kill` and `restart` know it by its place in `processes`."""
        process = self.spawn(command, log, user)
        self.processes.append(process)
        return process

    def kill(self, i):
        """As a power cut for the process: it and its children get SIGKILL."""
        for pid in tree([self.processes[i].pid]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.processes[i].wait()

    def restart(self, i):
        self.processes[i] = self.spawn(*self.launched[self.processes[i].pid])

    def spawn(self, command, log, user):
        out = open(os.path.join(self.directory, log), "ab")
        options = {}
        if user is not None and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.directory, **options)
        self.launched[process.pid] = (command, log, user)
        return process

    def wait_for_sql(self):
        for port in self.ports:
            for attempt in range(150):
                done = subprocess.run(["psql", "-qAtX", "-h", "127.0.0.1", "-p", str(port), "-U", self.user,
                                       "-d", self.database, "-c", "SELECT 1"], capture_output=True, text=True)
                if done.returncode == 0:
                    break
                time.sleep(0.2)
            else:
                raise RuntimeError(f"no SQL on port {port}: {done.stderr.strip()}")

    def stop(self):
        for p in self.processes:
            if p.poll() is None:
                p.send_signal(self.stop_signal)
        for p in self.processes:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes = []

    stop_signal = signal.SIGTERM


class Postgres(System):
    """PostgreSQL, alone or with standbys of which any one must have synced."""

    user = "postgres"
    isolation = "read committed"
    stop_signal = signal.SIGINT  # a fast shutdown: clients are cut off

    def __init__(self, directory, standbys=0, serializable=False):
        self.standbys = standbys
        self.name = ("pg-ser" if serializable else "pg") + (f"+{standbys}" if standbys else "")
        self.level = "serializable" if serializable else "read committed"
        self.isolation = self.level
        self.title = "PostgreSQL" + (f" + {standbys} standbys, ANY 1" if standbys else "") + f", {self.level.upper()}"
        super().__init__(directory)
        bins = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
        if not bins:
            raise RuntimeError("PostgreSQL is not installed: see cmake/debian-packages-bench.txt")
        self.bin = bins[-1]

    def run(self, *command):
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(prefix + list(command), check=True, stdout=subprocess.DEVNULL, cwd="/")

    def settings(self, port):
        given = {
            "port": port, "unix_socket_directories": self.directory, "listen_addresses": "127.0.0.1",
            "max_connections": 300, "shared_buffers": "1GB", "max_wal_size": "4GB", "wal_level": "replica",
            "max_wal_senders": 10, "hot_standby": "on", "default_transaction_isolation": self.level,
        }
        return [x for k, v in given.items() for x in ("-c", f"{k}={v}")]

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
        data = os.path.join(self.directory, "data")
        self.run(os.path.join(self.bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        self.ports = [free_port()]
        names = [f"standby{i}" for i in range(self.standbys)]
        more = ["-c", "synchronous_standby_names=ANY 1 (*)"] if names else []
        # Until a standby streams, a commit waits for ever: so the base backups are taken before it is asked for.
        first = self.postgres(data, self.ports[0], [])
        wait_for_port(self.ports[0], process=first)
        self.wait_for_sql()
        for n in names:
            self.run(os.path.join(self.bin, "pg_basebackup"), "-D", os.path.join(self.directory, n), "-R", "-X", "stream",
                     "-c", "fast", "-d", f"host=127.0.0.1 port={self.ports[0]} user=postgres application_name={n}")
        if names:
            first.send_signal(self.stop_signal)
            first.wait()
            self.processes.remove(first)
            wait_for_port(self.ports[0], process=self.postgres(data, self.ports[0], more))
            for n in names:
                port = free_port()
                wait_for_port(port, process=self.postgres(os.path.join(self.directory, n), port, []))
            self.wait_for_sql()

    def postgres(self, data, port, more):
        command = [os.path.join(self.bin, "postgres"), "-D", data] + self.settings(port) + more
        return self.launch(command, f"{os.path.basename(data)}.log", user="postgres")


class Quorate(System):
    """Quorate, one node or a cluster of three, at its default isolation level: SERIALIZABLE."""

    def __init__(self, directory, nodes):
        self.nodes = nodes
        self.name = f"q{nodes}"
        self.title = f"Quorate, {nodes} node{'s' if nodes > 1 else ''}, SERIALIZABLE"
        super().__init__(directory)
        self.binary = os.path.join(TOP, "build", "quorate")

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        self.ports = [free_port() for _ in range(self.nodes)]
        rpc = [f"127.0.0.1:{free_port()}" for _ in range(self.nodes)]
        for i in range(self.nodes):
            how = ["--single"] if self.nodes == 1 else ["--join", rpc[0]]
            command = [self.binary, "start", "--data", os.path.join(self.directory, f"node{i}"),
                       "--sql", f"127.0.0.1:{self.ports[i]}", "--rpc", rpc[i]] + how
            self.launch(command, f"node{i}.log")
        if self.nodes > 1:
            self.initialize(rpc[0])
        for port, process in zip(self.ports, self.processes):
            wait_for_port(port, process=process)
        self.wait_for_sql()

    def initialize(self, rpc):
        for attempt in range(50):
            done = subprocess.run([self.binary, "init", "--rpc", rpc], capture_output=True, text=True)
            if done.returncode == 0:
                return
            time.sleep(0.2)
        raise RuntimeError(f"quorate init: {done.stderr.strip()}")


class Floor(System):
    """Canned answers. `floor` alone; `floor+2` with a synced log and two followers; options as in
    floor+2/sync=helper/reactors=2."""

    canned = True

    def __init__(self, directory, text):
        self.name = text
        parts = text.split("/")
        self.replicas = parts[0] == "floor+2"
        self.flags = [x for p in parts[1:] for x in ("--" + p.split("=")[0], p.split("=")[1])]
        self.title = "canned answers" + (", synced log, two followers" if self.replicas else "") + \
            ("; " + ", ".join(parts[1:]) if parts[1:] else "")
        super().__init__(directory)

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        self.ports = [free_port()]
        log = ["--log", self.directory, "--replicas"] if self.replicas else []
        process = self.launch([os.path.join(TOP, "build", "floor"), "--port", str(self.ports[0])] + log + self.flags, "floor.log")
        wait_for_port(self.ports[0], process=process)


def make(name, directory):
    if name.startswith("pg"):
        base, _, standbys = name.partition("+")
        if base in ("pg", "pg-ser") and (standbys or "0").isdigit():
            return Postgres(directory, int(standbys or 0), base == "pg-ser")
    if name in ("q1", "q3"):
        return Quorate(directory, int(name[1:]))
    if name.split("/")[0] in ("floor", "floor+2"):
        return Floor(directory, name)
    raise SystemExit(f"compare: no such system: {name} (pg, pg+2, pg-ser, q1, q3, floor, floor+2)")
