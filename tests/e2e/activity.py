"""What sessions see of each other: pg_stat_activity, pg_cancel_backend(), and what became of a transaction.

    activity.py PORT,PORT,...    one a node
"""

import sys
import time

from sessions import Session

ports = [int(p) for p in sys.argv[1].split(",")]
failures = 0


def check(what, got, wanted):
    global failures
    if got != wanted:
        failures += 1
        print(f"{what}: got {got!r}, wanted {wanted!r}")


def becomes(what, ask, wanted, seconds=20):
    until = time.time() + seconds
    while (got := ask()) != wanted and time.time() < until:
        time.sleep(0.1)
    check(what, got, wanted)


def sessions_of_a_node():
    a, b = Session(ports[0]), Session(ports[0])
    a("SET application_name = 'first'")
    pid = a("SELECT pg_backend_pid()")[0][0]
    row = f"""SELECT datname, usename, application_name, client_addr, client_port > 0, state, query,
                     backend_start <= query_start, query_start <= state_change, xact_start IS NULL
              FROM pg_stat_activity WHERE pid = {pid}"""
    check("idle", b(row), [["postgres", "postgres", "first", "127.0.0.1", "t", "idle", "SELECT pg_backend_pid()", "t", "t", "t"]])
    a("BEGIN")
    a("SELECT 1")
    check("in a block", b(row)[0][5:7] + b(row)[0][9:], ["idle in transaction", "SELECT 1", "f"])
    a("SELECT 1/0")
    check("in a failed block", b(row)[0][5], "idle in transaction (aborted)")
    a("ROLLBACK")
    a.send("SELECT pg_sleep(30)")
    time.sleep(0.3)
    check("running", b(row)[0][5:7], ["active", "SELECT pg_sleep(30)"])
    check("itself", b("SELECT state FROM pg_stat_activity WHERE pid = pg_backend_pid()"), [["active"]])
    check("cancel", b(f"SELECT pg_cancel_backend({pid})"), [["t"]])
    check("cancelled", a.result(), "57014: canceling statement due to user request")
    check("still there", a("SELECT 1"), [["1"]])
    check("terminate", b(f"SELECT pg_terminate_backend({pid})"), [["t"]])
    becomes("gone", lambda: b(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"), [["0"]])
    check("nobody", b("SELECT pg_cancel_backend(123456789)"), [["f"]])
    a.close()
    b.close()


def a_join_of_many_rows():
    a, b = Session(ports[0]), Session(ports[0])
    a("CREATE TABLE many AS SELECT g AS a FROM generate_series(1, 20000) g")
    pid = a("SELECT pg_backend_pid()")[0][0]
    a.send("SELECT count(*) FROM many x, many y, many z WHERE x.a <= y.a AND y.a <= z.a")
    time.sleep(0.5)
    for _ in range(5):
        b("SELECT 1")
        check("others go on", b.took < 1, True)
    b(f"SELECT pg_cancel_backend({pid})")
    check("cancelled", a.result(), "57014: canceling statement due to user request")
    a.close()
    b.close()


def outcomes():
    a, b = Session(ports[0]), Session(ports[-1])
    a("CREATE TABLE noted (a int)")
    status = lambda xid: b(f"SELECT pg_xact_status('{xid}')")[0][0]
    a("BEGIN")
    a("INSERT INTO noted VALUES (1)")
    xid = a("SELECT txid_current()")[0][0]
    check("the same in one transaction", a("SELECT pg_current_xact_id()")[0][0], xid)
    check("its own", a(f"SELECT pg_xact_status('{xid}')")[0][0], "in progress")
    check("another's", status(xid), "in progress")
    check("COMMIT", a("COMMIT"), "COMMIT")
    check("committed", status(xid), "committed")
    a("BEGIN")
    other = a("SELECT txid_current()")[0][0]
    check("another transaction, another number", int(other) > int(xid), True)
    a("SAVEPOINT s")
    a("INSERT INTO noted VALUES (2)")
    a("ROLLBACK TO s")
    check("COMMIT after ROLLBACK TO", a("COMMIT"), "COMMIT")
    check("committed after ROLLBACK TO", status(other), "committed")
    a("BEGIN")
    xid = a("SELECT txid_current()")[0][0]
    a("INSERT INTO noted VALUES (3)")
    a("ROLLBACK")
    becomes("aborted", lambda: status(xid), "aborted")
    a("BEGIN")
    xid = a("SELECT txid_current()")[0][0]
    a.close()
    becomes("aborted with its client", lambda: status(xid), "aborted")
    check("alone", b("SELECT txid_current() > 0"), [["t"]])
    check("too old", b("SELECT pg_xact_status('3') IS NULL"), [["t"]])
    check("the future", b("SELECT pg_xact_status('9000000000000000000')"), "22023: transaction ID 9000000000000000000 is in the future")
    check("rows", b("SELECT count(*) FROM noted"), [["1"]])
    b.close()


def space_comes_back():
    a = Session(ports[0])
    rows = lambda: a("SELECT sum(row_count)::int FROM quorate.ranges")[0][0]
    a("CREATE TABLE large (a int PRIMARY KEY, b text)")
    before = int(rows())
    a("INSERT INTO large SELECT g, 'x' FROM generate_series(1, 3000) g")
    check("rows of a table", int(rows()) >= before + 3000, True)
    a("TRUNCATE large")
    becomes("rows after TRUNCATE", lambda: int(rows()) < before + 100, True, 60)
    a("INSERT INTO large SELECT g, 'x' FROM generate_series(1, 3000) g")
    a("DROP TABLE large")
    becomes("rows after DROP", lambda: int(rows()) < before + 100, True, 60)
    a.close()


sessions_of_a_node()
a_join_of_many_rows()
outcomes()
space_comes_back()
sys.exit(1 if failures else 0)
