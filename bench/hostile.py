"""Hostile requests to the reference network's API: how many it bears, what it answers, and how fast.

    python bench/hostile.py [--requests 100000] [--seed 1]

Ends with 1 when a request got no answer, no answer of the API's shape, or one that says that the service broke.
"""

import argparse
import contextlib
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from pytest_havip.fuzz.hostile import Bombardment, Hostile
from pytest_havip.lab import Lab
from pytest_havip.network.api.server import ACTIONS
from pytest_havip.targets.tencent_api import Credentials

_CREDENTIALS = Credentials.new()
_STEP = 5_000


@contextlib.contextmanager
def network(lab: Lab) -> Iterator[str]:
    """The service with a store, ended afterwards; yields its endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as listener, _CREDENTIALS.file() as file:
        command = [sys.executable, "-m", "pytest_havip.network", "--listen-fd", "3", "--credentials-fd", "4"]
        process = lab.spawn([*command, "--store", "/run/hostile.sqlite"], fds={3: listener.fileno(), 4: file.fileno()})
        host, port = listener.getsockname()
        yield f"{host}:{port}"
    assert process.alive, f"the service ended; it said last: {process.log()[-2000:]}"
    process.kill()


def main() -> int:
    """Bombard it, print the table of answers, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    actions = {name: {**ACTIONS.parameters(name)} for name in ACTIONS.names}
    for parameters in actions.values():
        parameters.pop("WaitSeconds", None)  # a right one waits as long as it says
    with Lab.open() as lab, network(lab) as endpoint:
        chance = Random(given.seed)  # noqa: S311 - it can be drawn again
        bombardment = Bombardment(Hostile(chance, actions, _CREDENTIALS, endpoint, "lab"))
        began = time.perf_counter()
        for sent in range(0, given.requests, _STEP):
            bombardment.send(min(_STEP, given.requests - sent))
            done = min(sent + _STEP, given.requests)
            rate = done / (time.perf_counter() - began)
            print(f"{done:>8} requests, {rate:.0f} /s, {len(bombardment.complaints)} complaints", file=sys.stderr)
    codes = Counter[str]()
    for (_, code), number in bombardment.answers.items():
        codes[code or "done"] += number
    for code, number in codes.most_common():
        print(f"{code:<52}{number:>8}")
    seconds, slowest = bombardment.slowest
    print(f"the slowest took {seconds:.2f} s: {slowest}"[:300])
    for wrong, request in bombardment.complaints[:20]:
        print(f"{wrong}\n    {request}"[:2000])
    return bool(bombardment.complaints)


if __name__ == "__main__":
    sys.exit(main())
