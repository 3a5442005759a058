#!/usr/bin/env python3
"""Writes the expected results of *.slt files from a real PostgreSQL 15.

A file is blocks with an empty line between them: SQL, a line "----", what psql prints. Usage:

    freeze.py "host=... port=... user=postgres" FILE...

Each file runs in a database of its own, so that it may make what it likes.
"""
import subprocess
import sys

DATABASE = "quorate_freeze"


def psql(conninfo, database, sql):
    command = ["psql", conninfo + " dbname=" + database, "-XAt", "-P", "null=NULL", "-v",
               "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1"]
    text = "set client_min_messages = notice;\n" + sql + ";\n"
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    lines = []
    for line in done.stdout.splitlines()[1:]:
        if line.startswith(("LOCATION:", "LINE ")) or line.strip() == "^":
            continue
        # psql names the table, column and constraint of an error on lines of their own.
        if line.startswith(("SCHEMA NAME:", "TABLE NAME:", "COLUMN NAME:", "CONSTRAINT NAME:",
                            "DATATYPE NAME:", "CONTEXT:")):
            continue
        lines.append(line.removeprefix("psql:<stdin>:2: "))
    return "\n".join(lines)


def freeze(conninfo, path):
    with open(path, encoding="utf-8") as f:
        blocks = [b for b in f.read().split("\n\n") if b.strip()]
    psql(conninfo, "postgres", "drop database if exists " + DATABASE)
    psql(conninfo, "postgres", "create database " + DATABASE + " template template0")
    out = []
    for block in blocks:
        sql = block.split("\n----")[0].strip("\n").rstrip(";")
        comment_only = all(line.startswith("--") for line in sql.splitlines())
        if comment_only:
            out.append(sql)
            continue
        out.append(sql + "\n----\n" + psql(conninfo, DATABASE, sql))
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n\n".join(b.rstrip("\n") for b in out) + "\n")
    psql(conninfo, "postgres", "drop database " + DATABASE)


for name in sys.argv[2:]:
    freeze(sys.argv[1], name)
