"""DBOS' side of the comparison: a workflow of three journaled steps that do nothing, called from one thread and from 16.

Argument: the address of the database that it keeps its state in. Prints one JSON object.
"""

import json
import logging
import sys
import threading
import time

from dbos import DBOS

CLIENTS = 16
WARM_UP = 50
SEQUENTIAL = 200
LOAD_FOR = 8.0

DBOS(config={"name": "three", "system_database_url": sys.argv[1], "run_admin_server": False})


@DBOS.step()
def nothing() -> None:
    """Does nothing."""


@DBOS.workflow()
def three() -> None:
    """Three steps, one after the other."""
    nothing()
    nothing()
    nothing()


def one_run() -> float:
    """Milliseconds from the call to its end."""
    begun = time.perf_counter()
    three()
    return (time.perf_counter() - begun) * 1_000


def main() -> None:
    """Measures one client, then all of them."""
    logging.disable(logging.WARNING)
    DBOS.launch()
    for _ in range(WARM_UP):
        one_run()
    alone = sorted(one_run() for _ in range(SEQUENTIAL))
    taken: list[float] = []
    begun = time.perf_counter()

    def client() -> None:
        while time.perf_counter() - begun < LOAD_FOR:
            taken.append(one_run())

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    taken.sort()
    print(
        json.dumps(
            {
                "p50_1": alone[len(alone) // 2],
                "rate": len(taken) / seconds,
                "p50": taken[len(taken) // 2],
                "p99": taken[len(taken) * 99 // 100],
            }
        )
    )
    DBOS.destroy()


main()
