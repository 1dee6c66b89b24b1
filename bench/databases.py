"""Databases whose primary is killed again and again while users write by the HAVIP: is an acknowledged write lost?

    python bench/databases.py [--kills 10] [--writes 1000] [--client keepalived|wsfc|both]

Two PostgreSQL replicate synchronously; the HA client promotes the standby. Faults take turns: the primary's machine
dies, its database alone, and with keepalived its client alone, which leaves an old primary alive (a WSFC-like cluster's
standby leaves the address to such a ghost). After each kill the old primary is rebuilt from the new one.

A write is acknowledged when the server has said that it is committed. One that was under way when the connection was
lost is neither acknowledged nor refused: it may be there, or not. After each kill all writes that were ever
acknowledged must be in the new primary, and none that was refused.
"""

import argparse
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice

from pytest_havip.clients.faults import KILLED, SERVICE_DEAD, Fault
from pytest_havip.fixtures.numbers import Number
from pytest_havip.fixtures.replication import (
    MACHINE_DEAD,
    ReplicatedAct,
    form_with_keepalived,
    form_with_wsfc,
    replicated,
)
from pytest_havip.fixtures.takeovers import play
from pytest_havip.lab import Lab
from pytest_havip.observe.attempts import Outcome
from pytest_havip.reports.table import table
from pytest_havip.targets import open_target

CLIENTS = {
    "keepalived": (form_with_keepalived, (MACHINE_DEAD, SERVICE_DEAD, KILLED)),
    "wsfc": (form_with_wsfc, (MACHINE_DEAD, SERVICE_DEAD)),
}
HEADER = ["client", "killed", "outage ms", "acknowledged before", "under way", "acknowledged after", "lost"]


def programme(kills: int, writes: int, clients: list[str]) -> dict[str, Number]:
    """The numbers to be played, all at the same time."""

    def faults(client: str) -> Iterator[Fault]:
        return islice(cycle(CLIENTS[client][1]), kills)

    return {
        client: Number(CLIENTS[client][0], replicated(*faults(client), writes=writes), of=ReplicatedAct)
        for client in clients
    }


def rows(act: ReplicatedAct) -> Iterator[list[str]]:
    """A row for each kill."""
    for kill in act.kills:
        taken = act.takeovers[kill.number]
        outage = f"{act.outage(taken).seconds * 1000:.0f}"
        counts = (kill.before, kill.under_way, kill.after, len(kill.lost))
        yield [act.scene.cluster.traits.name, taken.fault.name, outage, *map(str, counts)]


def main() -> None:
    """Play, and print the table; the exit code is 1 if a write was lost or a kill did not come about."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10, help="kills for each client (default: 10)")
    parser.add_argument("--writes", type=int, default=1000, help="writes before and after each kill (default: 1000)")
    parser.add_argument("--client", choices=[*CLIENTS, "both"], default="both")
    given = parser.parse_args()
    clients = list(CLIENTS) if given.client == "both" else [given.client]
    with Lab.open() as lab, open_target("reference", lab) as target, ExitStack() as ends:
        acts = play(ends, lab, target, programme(given.kills, given.writes, clients))
    played = [act for act in acts.values() if isinstance(act, ReplicatedAct)]
    if len(played) < len(acts):
        raise SystemExit(f"not installed: {[act for act in acts.values() if not isinstance(act, ReplicatedAct)]}")
    print("\n".join(table(HEADER, [row for act in played for row in rows(act)], right=frozenset(range(2, 7)))))
    for act in played:
        counts = {outcome.value: sum(1 for _ in act.writes.having(outcome)) for outcome in Outcome}
        outages = [act.outage(act.takeovers[kill.number]).seconds for kill in act.kills]
        print(f"\n{act.scene.cluster.traits.name}: {len(act.kills)} kills; writes: {counts}")
        if outages:
            print(f"outage in seconds: median {statistics.median(outages):.2f}, longest {max(outages):.2f}")
        if act.error:
            print(f"ended early: {act.error}")
    lost = sum(len(kill.lost) + len(kill.risen) for act in played for kill in act.kills)
    if lost or any(act.error for act in played):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
