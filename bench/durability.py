"""Moves while the service is killed again and again, each announced once: is any lost, stuck, or told twice?

    python bench/durability.py [--moves 1000] [--seed 1]

Two machines announce an address in turn. After every few announcements the service is killed at a random moment, some
more are sent while it is down, and it is started again. Then the owner, as a third machine sees it and as the service
says, must be the machine that announced last, and the events must tell every move once. Two times are printed: from
the start until the API answers, and until the last announcement that was sent meanwhile is heard by a third machine.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from itertools import count, pairwise

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.stage import Stage
from pytest_havip.lab import Frame, Lab
from pytest_havip.targets.base import Havip
from pytest_havip.targets.reference import ReferenceNetwork

_MOST_BEFORE = 10
_MOST_MEANWHILE = 5
_MOST_DELAY = 0.002
_PATIENCE = 20.0


class Failure(SystemExit):
    """The network lost something; the text says what."""


def _round(stage: Stage, havip: Havip, turns: "count[int]", entropy: random.Random) -> tuple[int, float, float]:
    """Announce, kill, announce, start; return how many moves, and both times in seconds."""
    machines, observing = stage.cast[:2], stage.cast[2]
    before, meanwhile = entropy.randrange(1, _MOST_BEFORE), entropy.randrange(_MOST_MEANWHILE)
    since = last = 0
    for _ in range(before):
        last = next(turns)
        since = machines[last % 2].announce(havip.address)
    end = time.perf_counter() + entropy.uniform(0, _MOST_DELAY)
    while time.perf_counter() < end:
        pass
    stage.target.interrupt()
    for _ in range(meanwhile):
        last = next(turns)
        since = machines[last % 2].announce(havip.address)
    owner = machines[last % 2]
    started = time.time_ns()
    stage.target.resume()
    answered = time.time_ns()
    heard = observing.port.capture.wait(_is_by(owner), timeout=_PATIENCE, since=since)
    state = stage.target.havip_state(havip)
    if state is None or state.nic_id != owner.nic.id:
        raise Failure(f"{owner.name} ({owner.nic.id}) announced last, and the service says {state}")
    return before + meanwhile, (answered - started) / 1e9, (heard.time_ns - started) / 1e9


def _is_by(machine: Instance) -> Callable[[Frame], bool]:
    mac = bytes.fromhex(machine.mac.replace(":", ""))

    def wanted(frame: Frame) -> bool:
        return not frame.outgoing and frame.data[6:12] == mac and frame.data[12:14] == b"\x08\x06"

    return wanted


def main() -> None:
    """Make the moves and print what was seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=1000, help="announcements in all (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which it is killed (default: 1)")
    given = parser.parse_args()
    entropy, turns = random.Random(given.seed), count()  # noqa: S311 - moments, not secrets
    answered, heard, moves = [], [], 0
    with Lab.open() as lab, ReferenceNetwork(lab) as target, Stage.build(lab, target) as stage:
        subnet = stage.subnet()
        for name in ("a", "b", "observer"):
            stage.launch(name, subnet)
        havip = target.create_havip(subnet)
        while moves < given.moves:
            made, until_answered, until_heard = _round(stage, havip, turns, entropy)
            moves += made
            answered.append(until_answered)
            if until_heard > 0:  # else it was heard before the service was killed
                heard.append(until_heard)
        events = target.events()
        owners = [event.new_nic_id for event in events]
        if len(events) != moves or any(one == other for one, other in pairwise(owners)):
            raise Failure(f"{moves} moves were made, {len(events)} were told: {owners}")
        causes = [event.cause for event in events]
    print(f"{moves} moves, {len(answered)} kills: none lost, stuck or told twice; causes:")
    print(", ".join(f"{causes.count(cause)} {cause}" for cause in sorted(set(causes))))
    print(f"start until the API answers      median {statistics.median(answered):.3f} s, most {max(answered):.3f} s")
    print(f"start until the last is heard    median {statistics.median(heard):.3f} s, most {max(heard):.3f} s")


if __name__ == "__main__":
    main()
