#!/usr/bin/env python3
"""Writes what PostgreSQL answers into the scripts of sql/testdata.

    expect.py CONNINFO FILE...

A script holds statements, each after the other, separated by a line "----", the answer, and a blank
line. The answers are replaced by PostgreSQL's; sql/testdata/scripts_test.cc compares them with ours.
Each file runs in a database of its own. Rows of a statement without ORDER BY are sorted by text.
"""
import ctypes
import ctypes.util
import re
import sys

pq = ctypes.CDLL(ctypes.util.find_library("pq"))
for name in ("PQconnectdb", "PQexec"):
    getattr(pq, name).restype = ctypes.c_void_p
for name in ("PQresultErrorField", "PQfname", "PQgetvalue", "PQcmdStatus", "PQerrorMessage"):
    getattr(pq, name).restype = ctypes.c_char_p
NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
FIELDS = (("DETAIL", "D"), ("HINT", "H"), ("POSITION", "P"), ("SCHEMA", "s"), ("TABLE", "t"),
          ("COLUMN", "c"), ("CONSTRAINT", "n"))


def field(result, code):
    value = pq.PQresultErrorField(ctypes.c_void_p(result), ord(code))
    return value.decode() if value else ""


class Connection:
    def __init__(self, conninfo):
        self.handle = ctypes.c_void_p(pq.PQconnectdb(conninfo.encode()))
        if pq.PQstatus(self.handle) != 0:
            sys.exit(pq.PQerrorMessage(self.handle).decode())
        self.notices = []
        self.receiver = NOTICE(lambda _, r: self.notices.append(field(r, "M")))
        pq.PQsetNoticeReceiver(self.handle, self.receiver, None)

    def close(self):
        pq.PQfinish(self.handle)

    def run(self, sql):
        self.notices.clear()
        result = pq.PQexec(self.handle, sql.encode())
        r = ctypes.c_void_p(result)
        lines = ["NOTICE " + n for n in self.notices]
        status = pq.PQresultStatus(r)
        if status not in (1, 2):
            lines.append("ERROR %s: %s" % (field(result, "C"), field(result, "M")))
            lines += ["%s: %s" % (n, field(result, c)) for n, c in FIELDS if field(result, c)]
        else:
            if status == 2:
                columns = range(pq.PQnfields(r))
                lines.append("|".join("%s:%d" % (pq.PQfname(r, c).decode(), pq.PQftype(r, c))
                                      for c in columns))
                rows = []
                for row in range(pq.PQntuples(r)):
                    rows.append("|".join("NULL" if pq.PQgetisnull(r, row, c) else
                                         pq.PQgetvalue(r, row, c).decode() for c in columns) or "''")
                if not re.search("order by", sql, re.I):
                    rows.sort(key=lambda s: s.encode())
                lines += rows
            lines.append(pq.PQcmdStatus(r).decode())
        pq.PQclear(r)
        return "\n".join(lines)


def main():
    conninfo = sys.argv[1]
    for path in sys.argv[2:]:
        admin = Connection(conninfo)
        admin.run("DROP DATABASE IF EXISTS expect")
        print(path, admin.run("CREATE DATABASE expect TEMPLATE template0"))
        c = Connection(conninfo + " dbname=expect")
        with open(path) as f:
            text = f.read()
        out = []
        for block in re.split(r"\n\s*\n", text.strip()):
            lines = block.split("\n")
            comment = [l for l in lines if l.startswith("#")]
            sql = [l for l in lines if not l.startswith("#")]
            if "----" in sql:
                sql = sql[:sql.index("----")]
            if not sql:
                out.append("\n".join(comment))
                continue
            # While a script is written, a block without an answer may hold several statements.
            statements = [sql]
            if "----" not in lines:
                statements = [t.split("\n") for t in re.split(r";\n", "\n".join(sql).rstrip(";"))]
            for s in statements:
                body = "\n".join(s).rstrip(";")
                out.append("\n".join(comment + [body, "----", c.run(body)]))
                comment = []
        c.close()
        admin.run("DROP DATABASE expect")
        admin.close()
        with open(path, "w") as f:
            f.write("\n\n".join(out) + "\n")


main()
