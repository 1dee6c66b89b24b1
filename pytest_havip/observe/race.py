"""Several machines announce one HAVIP at the same time, for real: each from a thread and a socket of its own."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from time import monotonic, time_ns

from pytest_havip.clients.announcer import Instance
from pytest_havip.history import Announcement
from pytest_havip.observe.chronicle import Chronicle
from pytest_havip.targets.base import Havip

__all__ = ["Race", "race"]

#: Seconds for which the owner must stay, read again and again: longer than a queue of a few announcements takes.
_STAY = 0.06
#: Seconds until all machines must be ready to send.
_START = 10.0


@dataclass(frozen=True, slots=True)
class Race:
    """How a race went.

    Args:
        sent: Every announcement, in the order of their beginnings.
        last: Those of whom one was the last: nobody's announcement began after theirs had returned.
        held: Whom packets reached when things were quiet again, reading after reading; each is a list of machines.
        named: Whom the control plane named then (ids of NICs), reading after reading.
    """

    sent: tuple[Announcement, ...]
    last: tuple[Instance, ...]
    held: tuple[tuple[Instance, ...], ...]
    named: tuple[str, ...]

    @property
    def overlaps(self) -> int:
        """How many announcements began while another machine's was being sent."""
        count, until, sender = 0, 0, ""
        for each in self.sent:
            count += each.begun <= until and each.nic != sender
            if each.ended > until:
                until, sender = each.ended, each.nic
        return count


def race(
    chronicle: Chronicle, havip: Havip, machines: Sequence[Instance], *, times: int, straggler: Instance | None = None
) -> Race:
    """Let machines announce a HAVIP at the same time and without a gap, read meanwhile, then wait until it is quiet.

    The first announcements of all overlap; whether later ones do is the machine's business.

    Args:
        chronicle: Notes everything.
        havip: The HAVIP.
        machines: The rivals.
        times: How often each of them announces.
        straggler: One of them that has the last word: it announces once more, as soon as all others have finished.

    Raises:
        Inconclusive: The network carries nothing, or a fence was not seen.
    """
    gate = Barrier(len(machines) + 1)

    def announce(machine: Instance) -> list[Announcement]:
        frame = machine.announcement(havip.address)
        # The first ones begin before anyone sends, so that they overlap on the busiest machine too.
        begun = time_ns()
        gate.wait(_START)
        first = chronicle.send(machine, havip, frame, begun=begun)
        return [first, *(chronicle.send(machine, havip, frame) for _ in range(times - 1))]

    with ThreadPoolExecutor(len(machines)) as pool:
        rivals = [pool.submit(announce, machine) for machine in machines]
        gate.wait(_START)
        _read_until_done(chronicle, havip, rivals)
        sent = [each for rival in rivals for each in rival.result()]
    if straggler is not None:
        sent.append(chronicle.send(straggler, havip, straggler.announcement(havip.address)))
    for machine in machines:
        chronicle.handled(machine)
    sent.sort(key=lambda each: each.begun)
    ends = {each.nic for each in sent if each.ended >= sent[-1].begun}
    held, named = _read_for_a_while(chronicle, havip)
    chronicle.list_changes()
    chronicle.recorder.mark(time_ns())
    last = tuple(machine for machine in machines if machine.nic.id in ends)
    return Race(tuple(sent), last, held, named)


def _read_until_done(chronicle: Chronicle, havip: Havip, rivals: Sequence[Future[list[Announcement]]]) -> None:
    while not all(rival.done() for rival in rivals):
        chronicle.read_data(havip, moving=True)
        chronicle.read_api(havip)


def _read_for_a_while(chronicle: Chronicle, havip: Havip) -> tuple[tuple[tuple[Instance, ...], ...], tuple[str, ...]]:
    held, named = [], []
    chronicle.read_neighbours(havip)
    end = monotonic() + _STAY
    while monotonic() < end:
        held.append(tuple(chronicle.read_data(havip)))
        named.append(chronicle.read_api(havip))
    chronicle.read_neighbours(havip)
    return tuple(held), tuple(named)
