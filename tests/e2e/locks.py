#!/usr/bin/env python3
"""Row locks between sessions: who waits, who is refused and with what. Against any server that talks to psql.

    locks.py PORT[,PORT...]     sessions are spread over the ports

Asks for nothing that PostgreSQL 15 does not do too, except where `quorate` is said.
"""

import os
import sys
import time

from sessions import Error, Session

ports = [int(p) for p in sys.argv[1].split(",")]
quorate = len(sys.argv) > 2 and sys.argv[2] == "quorate"
slower = int(os.environ.get("QUORATE_SLOWER", 1))  # under a sanitizer
failures = 0
opened = 0
alive = []


def session():
    global opened
    opened += 1
    alive.append(Session(ports[opened % len(ports)]))
    return alive[-1]


def check(what, got, wanted):
    global failures
    if got != wanted:
        failures += 1
        print(f"FAILED {what}: expected {wanted!r}, got {got!r}", flush=True)


def fresh():
    for s in alive:
        s.close()
    alive.clear()
    session()("UPDATE locks SET v = 0 WHERE v <> 0")


def pair(begin="BEGIN"):
    a, b = session(), session()
    a(begin), b(begin)
    return a, b


def end(*sessions):
    for s in sessions:
        if s.ready(20):
            s("ROLLBACK")


def victim_of(a, b):
    """Of two whose statements are under way: the one that is refused, with its answer, and the other one's."""
    while not a.ready(0.01) and not b.ready(0.01):
        pass
    got = {a: a.result(), b: b.result()}
    refused = [s for s in got if isinstance(got[s], Error)]
    check("one is refused", len(refused), 1)
    victim = refused[0] if refused else a
    other = b if victim is a else a
    return victim, other, got[victim], got[other]


def deadlock():
    """Rows 1 and 900 lie in different ranges."""
    for level in ("READ COMMITTED", "SERIALIZABLE"):
        a, b = pair(f"BEGIN ISOLATION LEVEL {level}")
        check("lock", a("UPDATE locks SET v = v + 1 WHERE id = 1"), "UPDATE 1")
        check("lock", b("UPDATE locks SET v = v + 1 WHERE id = 900"), "UPDATE 1")
        a.send("UPDATE locks SET v = v + 1 WHERE id = 900")
        check("waits", a.waits(), True)
        b.send("UPDATE locks SET v = v + 1 WHERE id = 1")
        victim, other, refusal, answer = victim_of(a, b)
        check(f"deadlock {level}", repr(refusal), "40P01: deadlock detected")
        check("found within a second", victim.took < (1.4 if quorate else 3), True)
        check("the other goes on", answer, "UPDATE 1")
        check("and commits", other("COMMIT"), "COMMIT")
        end(a, b)


def deadlock_of_three():
    s = [session() for _ in range(3)]
    for i, x in enumerate(s):
        x("BEGIN")
        check("lock", x(f"SELECT id FROM locks WHERE id = {1 + 450 * i} FOR UPDATE"), [[str(1 + 450 * i)]])
    for i, x in enumerate(s):
        x.send(f"UPDATE locks SET v = 1 WHERE id = {1 + 450 * ((i + 1) % 3)}")
    answers, until = {}, time.time() + 5 * slower
    while len(answers) < 2 and time.time() < until:
        for i, x in enumerate(s):
            if i not in answers and x.ready(0.01):
                answers[i] = x.result()
    # The victim's lock goes to the one that waits for it; the third goes on when that one ends.
    check("one victim", sorted(repr(a) for a in answers.values()), ["'UPDATE 1'", "40P01: deadlock detected"])
    for i, a in answers.items():
        if a == "UPDATE 1":
            s[i]("COMMIT")
    for i, x in enumerate(s):
        if i not in answers:
            check("the third", x.result(), "UPDATE 1")
    end(*s)


def upgrade():
    """Two that share a row and both want more."""
    a, b = pair("BEGIN ISOLATION LEVEL READ COMMITTED")
    check("share", a("SELECT v FROM locks WHERE id = 2 FOR SHARE"), [["0"]])
    check("share too", b("SELECT v FROM locks WHERE id = 2 FOR SHARE"), [["0"]])
    a.send("UPDATE locks SET v = 7 WHERE id = 2")
    check("waits", a.waits(), True)
    b.send("UPDATE locks SET v = 8 WHERE id = 2")
    _, _, refusal, answer = victim_of(a, b)
    check("upgrade", repr(refusal), "40P01: deadlock detected")
    check("other", answer, "UPDATE 1")
    end(a, b)


def lock_timeout():
    a, b = pair()
    a("UPDATE locks SET v = 1 WHERE id = 3")
    b("SET LOCAL lock_timeout = '300ms'")
    got = b("UPDATE locks SET v = 2 WHERE id = 3")
    check("lock_timeout", repr(got), "55P03: canceling statement due to lock timeout")
    check("in time", 0.25 < b.took < 1.0 * slower, True)
    check("then the block has failed", b("SELECT 1").state, "25P02")
    end(b)
    c = session()
    c("SET lock_timeout = '200ms'")
    check("outside a block", c("DELETE FROM locks WHERE id = 3"), "55P03")
    check("a plain read does not wait", c("SELECT v FROM locks WHERE id = 3"), [["0"]])
    end(a, c)


def long_wait():
    """A lock is waited for longer than any single request to another node may take, through every node."""
    a = session()
    a("BEGIN")
    a("UPDATE locks SET v = 1 WHERE id = 4")
    waiters = [session() for _ in ports]
    for x in waiters:
        x.send("UPDATE locks SET v = v + 1 WHERE id = 4")
    check("waits long", waiters[0].ready(11.5), False)
    a("ROLLBACK")
    for x in waiters:
        check("then it goes on", x.result(), "UPDATE 1")
    end(a)


def statement_timeout():
    a, b = pair()
    a("UPDATE locks SET v = 1 WHERE id = 3")
    b("SET LOCAL statement_timeout = '300ms'")
    got = b("UPDATE locks SET v = 2 WHERE id = 3")
    check("statement_timeout", repr(got), "57014: canceling statement due to statement timeout")
    end(a, b)


def nowait():
    a, b = pair()
    check("a", a("SELECT v FROM locks WHERE id = 4 FOR UPDATE"), [["0"]])
    refused = '55P03: could not obtain lock on row in relation "locks"'
    check("nowait", repr(b("SELECT v FROM locks WHERE id = 4 FOR UPDATE NOWAIT")), refused)
    b("ROLLBACK"), b("BEGIN")
    check("nowait share", repr(b("SELECT v FROM locks WHERE id = 4 FOR SHARE NOWAIT")), refused)
    b("ROLLBACK"), b("BEGIN")
    check("nowait span", repr(b("SELECT v FROM locks WHERE id BETWEEN 3 AND 5 FOR UPDATE NOWAIT")), refused)
    b("ROLLBACK"), b("BEGIN")
    check("nowait by v", repr(b("SELECT id FROM locks WHERE v = 0 AND id < 10 ORDER BY id FOR UPDATE NOWAIT")), refused)
    b("ROLLBACK"), b("BEGIN")
    check("a free row", b("SELECT v FROM locks WHERE id = 5 FOR UPDATE NOWAIT"), [["0"]])
    end(a, b)


def skip_locked():
    a, b = pair()
    c = session()
    c("BEGIN")
    queue = "SELECT id FROM locks WHERE id BETWEEN 10 AND 20 ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED"
    check("first", a(queue), [["10"], ["11"]])
    check("second", b(queue), [["12"], ["13"]])
    check("third", c(queue), [["14"], ["15"]])
    b("ROLLBACK"), b("BEGIN")
    check("again", b(queue), [["12"], ["13"]])
    check("by key", b("SELECT id FROM locks WHERE id = 10 FOR UPDATE SKIP LOCKED"), [])
    check("by keys", b("SELECT id FROM locks WHERE id IN (10, 16) FOR UPDATE SKIP LOCKED"), [["16"]])
    check("a takes what it has", a("DELETE FROM locks WHERE id IN (10, 11)"), "DELETE 2")
    end(a, b, c)


def share():
    a, b = pair("BEGIN ISOLATION LEVEL READ COMMITTED")
    c = session()
    check("a", a("SELECT v FROM locks WHERE id = 30 FOR SHARE"), [["0"]])
    check("b", b("SELECT v FROM locks WHERE id = 30 FOR SHARE"), [["0"]])
    c.send("UPDATE locks SET v = 5 WHERE id = 30")
    check("a writer waits", c.waits(), True)
    d = session()
    check("readers do not", d("SELECT v FROM locks WHERE id = 30"), [["0"]])
    a("COMMIT")
    check("for both", c.waits(), True)
    b("COMMIT")
    check("then writes", c.result(), "UPDATE 1")
    check("seen", d("SELECT v FROM locks WHERE id = 30"), [["5"]])
    end(a, b, c, d)


def queue_is_fair():
    if not quorate:
        return  # PostgreSQL's waiters race once the row has moved
    a = session()
    a("BEGIN"), a("UPDATE locks SET v = 1 WHERE id = 40")
    waiters = [session() for _ in range(4)]
    for i, w in enumerate(waiters):
        w("BEGIN ISOLATION LEVEL READ COMMITTED")
        w.send(f"UPDATE locks SET v = v * 10 + {i} WHERE id = 40")
        time.sleep(0.1)
    a("COMMIT")
    for w in waiters:
        check("in order", w.result(), "UPDATE 1")
        w("COMMIT")
    check("order", a("SELECT v FROM locks WHERE id = 40"), [["10123"]])
    end(a, *waiters)


def repeatable_read():
    a, b = pair("BEGIN ISOLATION LEVEL REPEATABLE READ")
    b("SELECT 1 FROM locks WHERE id = 60")
    a("UPDATE locks SET v = 1 WHERE id = 60")
    b.send("UPDATE locks SET v = 2 WHERE id = 60")
    check("waits", b.waits(), True)
    a("COMMIT")
    check("first updater wins", repr(b.result()), "40001: could not serialize access due to concurrent update")
    b("ROLLBACK"), b("BEGIN ISOLATION LEVEL REPEATABLE READ")
    b("SELECT 1 FROM locks WHERE id = 61")
    a("BEGIN"), a("DELETE FROM locks WHERE id = 61"), a("COMMIT")
    check("deleted", b("SELECT v FROM locks WHERE id = 61 FOR UPDATE"),
          "40001")
    a("INSERT INTO locks VALUES (61, 0)")
    end(a, b)


def rollback_to_savepoint():
    a, b = pair()
    a("SAVEPOINT s"), a("UPDATE locks SET v = 1 WHERE id = 70")
    b.send("UPDATE locks SET v = 2 WHERE id = 70")
    check("waits", b.waits(), True)
    a("ROLLBACK")
    check("goes on", b.result(), "UPDATE 1")
    end(a, b)


def a_client_that_goes():
    a, b = pair()
    a("UPDATE locks SET v = 1 WHERE id = 80")
    b.send("UPDATE locks SET v = 2 WHERE id = 80")
    check("waits", b.waits(), True)
    a.close()
    check("its locks go with it", b.result(5), "UPDATE 1")
    end(b)


def parents():
    s = session()
    s("DROP TABLE IF EXISTS locks_child"), s("DROP TABLE IF EXISTS locks_parent")
    s("CREATE TABLE locks_parent (id int PRIMARY KEY, v int)")
    s("CREATE TABLE locks_child (id int PRIMARY KEY, parent int REFERENCES locks_parent)")
    s("INSERT INTO locks_parent VALUES (1, 0), (2, 0)")
    seen_everywhere("SELECT count(*) FROM locks_parent, locks_child", "0")
    for level in ("READ COMMITTED", "SERIALIZABLE"):
        a, b = pair(f"BEGIN ISOLATION LEVEL {level}")
        check("child", a("INSERT INTO locks_child VALUES (1, 1)"), "INSERT 0 1")
        b.send("DELETE FROM locks_parent WHERE id = 1")
        b.waits()
        check("commit", a("COMMIT"), "COMMIT")
        got = b.result()
        if isinstance(got, str):
            got = b("COMMIT")
        check(f"the parent stays ({level})", got.state in ("23503", "40001") if isinstance(got, Error) else got, True)
        b("ROLLBACK")
        check("rows", a("SELECT count(*) FROM locks_parent"), [["2"]])
        a("DELETE FROM locks_child")
        end(a, b)


def seen_everywhere(query, value):
    """A node learns of another's new table a little later."""
    for p in ports:
        s = Session(p)
        alive.append(s)
        for _ in range(50):
            if s(query) == [[value]]:
                break
            time.sleep(0.1)


setup = session()
setup("DROP TABLE IF EXISTS locks")
setup("CREATE TABLE locks (id int PRIMARY KEY, v int NOT NULL)")
setup("INSERT INTO locks SELECT g, 0 FROM generate_series(1, 1000) g")
if quorate:
    check("split", setup("ALTER TABLE locks SPLIT AT VALUES (300), (600)"), "ALTER TABLE")
    seen_everywhere("SELECT count(*) FROM locks", "1000")
tests = [deadlock, deadlock_of_three, upgrade, lock_timeout, long_wait, statement_timeout, nowait, skip_locked, share, queue_is_fair,
         repeatable_read, rollback_to_savepoint, a_client_that_goes, parents]
chosen = sys.argv[3:] or [t.__name__ for t in tests]
for t in tests:
    if t.__name__ in chosen:
        fresh()
        before = failures
        begin = time.time()
        try:
            t()
        except Exception as e:  # the next one may say more
            failures += 1
            print(f"FAILED {t.__name__}: {e!r}", flush=True)
        print(f"{t.__name__}: {'ok' if failures == before else 'FAILED'} ({time.time() - begin:.1f} s)", flush=True)
sys.exit(1 if failures else 0)
