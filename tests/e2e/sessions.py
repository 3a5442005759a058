"""Sessions of one thread over libpq: several transactions that wait for each other, told in order.

    s = Session(port); s("UPDATE ..."); s.send("UPDATE ..."); s.waits(); s.result()

A result is the rows as lists of strings, a command's tag, or an Error with `state` and `message`.
"""

import ctypes
import ctypes.util
import select
import time

_pq = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for _name, _result, *_arguments in [
        ("PQconnectdb", ctypes.c_void_p, ctypes.c_char_p), ("PQstatus", ctypes.c_int, ctypes.c_void_p),
        ("PQerrorMessage", ctypes.c_char_p, ctypes.c_void_p), ("PQfinish", None, ctypes.c_void_p),
        ("PQsendQuery", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p), ("PQsocket", ctypes.c_int, ctypes.c_void_p),
        ("PQconsumeInput", ctypes.c_int, ctypes.c_void_p), ("PQisBusy", ctypes.c_int, ctypes.c_void_p),
        ("PQgetResult", ctypes.c_void_p, ctypes.c_void_p), ("PQresultStatus", ctypes.c_int, ctypes.c_void_p),
        ("PQresultErrorField", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int), ("PQclear", None, ctypes.c_void_p),
        ("PQntuples", ctypes.c_int, ctypes.c_void_p), ("PQnfields", ctypes.c_int, ctypes.c_void_p),
        ("PQgetvalue", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
        ("PQcmdStatus", ctypes.c_char_p, ctypes.c_void_p), ("PQsetNoticeProcessor", None, ctypes.c_void_p, ctypes.c_void_p,
                                                            ctypes.c_void_p)]:
    _function = getattr(_pq, _name)
    _function.restype, _function.argtypes = _result, _arguments
_silent = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(lambda _, __: None)


class Error:
    def __init__(self, state, message):
        self.state, self.message = state, message

    def __repr__(self):
        return f"{self.state}: {self.message}"

    def __eq__(self, other):
        return self.state == other or self.message == other or repr(self) == other


class Session:
    def __init__(self, port, user="postgres", database="postgres"):
        self.conn = _pq.PQconnectdb(f"host=127.0.0.1 port={port} user={user} dbname={database} connect_timeout=10".encode())
        if _pq.PQstatus(self.conn) != 0:
            raise RuntimeError(_pq.PQerrorMessage(self.conn).decode())
        _pq.PQsetNoticeProcessor(self.conn, _silent, None)

    def send(self, text):
        if not _pq.PQsendQuery(self.conn, text.encode()):
            raise RuntimeError(_pq.PQerrorMessage(self.conn).decode())
        self.sent = time.time()

    def ready(self, seconds):
        """Whether the answer is there within so many seconds."""
        until = time.time() + seconds
        while True:
            _pq.PQconsumeInput(self.conn)
            if not _pq.PQisBusy(self.conn):
                return True
            left = until - time.time()
            if left <= 0:
                return False
            select.select([_pq.PQsocket(self.conn)], [], [], left)

    def waits(self, seconds=0.3):
        return not self.ready(seconds)

    def result(self, seconds=20):
        """Of the last statement; `took` is the time since send()."""
        if not self.ready(seconds):
            raise RuntimeError(f"no answer within {seconds} s")
        self.took = time.time() - self.sent
        out = None
        while True:
            r = _pq.PQgetResult(self.conn)
            if not r:
                return out
            status = _pq.PQresultStatus(r)
            if status == 7:
                out = Error(_pq.PQresultErrorField(r, ord("C")).decode(), _pq.PQresultErrorField(r, ord("M")).decode())
            elif status == 2:
                out = [[_pq.PQgetvalue(r, i, c).decode() for c in range(_pq.PQnfields(r))] for i in range(_pq.PQntuples(r))]
            else:
                out = _pq.PQcmdStatus(r).decode()
            _pq.PQclear(r)

    def __call__(self, text, seconds=20):
        self.send(text)
        return self.result(seconds)

    def close(self):
        if self.conn:
            _pq.PQfinish(self.conn)
        self.conn = None
