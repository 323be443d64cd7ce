"""Adds a web server to the pool while it is not full: a decider in Python, with psycopg 3.

    python add_web.py "$(foreword url)" acme/prod 8
"""

import random
import sys
import time
import uuid

import psycopg
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    SerializationFailure,
    UniqueViolation,
)
from psycopg.types.json import Jsonb

TRIES_MAX = 10
ASKING_S_MAX = 30


def connect(url: str) -> psycopg.Connection:
    conn = psycopg.connect(url, autocommit=True)
    conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    # Nothing waits inside a decision: an open one costs everybody conflicts.
    conn.execute("set idle_in_transaction_session_timeout = '1s'")
    conn.execute("set lock_timeout = '2s'")
    return conn


def decide(conn: psycopg.Connection, decision: uuid.UUID, scope: str, pool_max: int) -> bool:
    """One try, one transaction. False: refused, on reads that were true."""
    with conn.transaction():
        found = conn.execute("select name from foreword.find(%s, 'vm', 'role', 'web')", [scope])
        pool = {name for (name,) in found}
        (cores,) = conn.execute("select foreword.counter(%s, 'cores')", [scope]).fetchone()
        free = [f"web-{n}" for n in range(1, pool_max + 1) if f"web-{n}" not in pool]
        if not free or cores + 4 > 64:
            return False
        name = free[0]
        (state,) = conn.execute(
            "select state from foreword.assume(%s, 'vm', %s)", [scope, name]
        ).fetchone()
        if state is not None:
            return False
        conn.execute(
            "select foreword.intend(%s, 'vm', %s, 'create', %s, %s)",
            [
                scope,
                name,
                Jsonb({"size": "m"}),
                Jsonb({"labels": {"role": "web"}, "counters": {"cores": 4}}),
            ],
        )
        conn.execute("select foreword.decide('add-web', %s, %s)", [f"at most {pool_max}", decision])
    return True


def committed(url: str, decision: uuid.UUID) -> bool:
    """What became of a decision whose connection was lost. The answer is final."""
    deadline = time.monotonic() + ASKING_S_MAX
    while True:
        try:
            # In autocommit: were this rolled back, a "no" would be none.
            with psycopg.connect(url, autocommit=True) as conn:
                return conn.execute("select foreword.committed(%s)", [decision]).fetchone()[0]
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.1, 1))


def add_web(url: str, scope: str, pool_max: int) -> uuid.UUID | None:
    """The id of the decision that has committed; None: refused. Raises when others were faster each time."""
    conn = connect(url)
    try:
        for tries in range(1, TRIES_MAX + 1):
            # Chosen here, and anew for each try, so that the outcome of each can be asked for.
            decision = uuid.uuid4()
            try:
                return decision if decide(conn, decision, scope, pool_max) else None
            except (SerializationFailure, DeadlockDetected, LockNotAvailable, UniqueViolation):
                pass  # Somebody was first. What he has written is there to be read.
            except psycopg.OperationalError:
                if not conn.closed:
                    raise
                # The connection is lost, and with it, perhaps, the answer to COMMIT.
                if committed(url, decision):
                    return decision
                conn = connect(url)
            time.sleep(random.uniform(0, min(0.05, 0.001 * 2**tries)))
        raise TimeoutError(f"others were faster {TRIES_MAX} times")
    finally:
        conn.close()


if __name__ == "__main__":
    url, scope, pool_max = sys.argv[1], sys.argv[2], int(sys.argv[3])
    decided = add_web(url, scope, pool_max)
    print("refused: the pool is full" if decided is None else f"decided {decided}")
