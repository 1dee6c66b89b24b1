"""What a stream of data probes saw: numbered datagrams, who answered them, and the outage a user felt."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Answer", "Outage", "Probe", "ProbeRecord", "RecordReader", "Tenure"]

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a probe: the name of the host that answered, and when it arrived (CLOCK_REALTIME, ns)."""

    owner: str
    received: int


@dataclass(frozen=True, slots=True)
class Probe:
    """One numbered datagram: when it was handed to the kernel (CLOCK_REALTIME, ns), and its answers as they arrived."""

    number: int
    sent: int
    answers: tuple[Answer, ...] = ()

    @property
    def owners(self) -> frozenset[str]:
        """Names of all hosts that answered this one datagram."""
        return frozenset(answer.owner for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A host began to answer after another one (or after nobody): its name, and its first answer's arrival in ns."""

    owner: str
    since: int


@dataclass(frozen=True, slots=True)
class Outage:
    """The longest time for which a user who sent at `start`, and tried again and again, had no answer.

    `start` is the sending of the first datagram concerned and `end` the first answer to it or to a later one (ns;
    when `served` is false nothing answered any more and `end` is the last datagram's sending). `lost` counts the
    datagrams of that time which were never answered; `before` and `after` name who answered before and after it.
    A stream that sends every N ms sees a true outage up to N ms too short.
    """

    start: int
    end: int
    served: bool
    lost: int
    before: str | None
    after: str | None

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / NANOSECONDS

    def __str__(self) -> str:
        then = f"then {self.after} answered" if self.served else "and nobody answered any more"
        before = self.before or "nobody"
        return f"{self.seconds * 1000:.1f} ms, {self.lost} probes lost ({before} answered before, {then})"


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """All probes of a stream in the order of sending; `interval` is the pause between two of them in seconds."""

    probes: tuple[Probe, ...]
    interval: float

    def outage(self, fault: int, until: int | None = None) -> Outage:
        """Return the longest outage around a fault.

        A datagram sent up to one interval before the fault may already be hit by it (it was on its way), so the search
        begins there. Without any trouble the result is the longest round trip and `lost` is 0.

        Args:
            fault: when the fault was made, CLOCK_REALTIME in ns.
            until: datagrams sent later are left out of the search; default: all are searched.

        Raises:
            ValueError: the stream sent nothing in that time, so that nothing can be said.
        """
        since = fault - round(self.interval * NANOSECONDS)
        served = self._served()
        worst: tuple[int, int] | None = None
        for index, probe in enumerate(self.probes):
            if probe.sent < since or (until is not None and probe.sent > until):
                continue
            answer = served[index]
            wait = (answer.received if answer else self.probes[-1].sent) - probe.sent
            if worst is None or wait > worst[0]:
                worst = (wait, index)
        if worst is None:
            raise ValueError(
                f"no probe was sent between {since} and {until if until is not None else 'the end'} ns: the stream "
                "was not running then; start it before the fault and stop it after the recovery"
            )
        return self._outage_at(worst[1], served[worst[1]])

    def lost(self, since: int = 0, until: int | None = None) -> tuple[Probe, ...]:
        """Return the probes sent in [since, until] ns that nobody ever answered."""
        return tuple(
            probe
            for probe in self.probes
            if not probe.answers and probe.sent >= since and (until is None or probe.sent <= until)
        )

    def dual_answers(self, since: int = 0) -> tuple[Probe, ...]:
        """Return the probes, sent at or after `since` ns, that more than one host answered: two served at once."""
        return tuple(probe for probe in self.probes if probe.sent >= since and len(probe.owners) > 1)

    def first_answer(self, owner: str | None = None, since: int = 0) -> Answer | None:
        """Return the earliest answer, by `owner` if given, to a probe sent at or after `since` ns, or None."""
        answers = (
            answer
            for probe in self.probes
            if probe.sent >= since
            for answer in probe.answers
            if owner is None or answer.owner == owner
        )
        return min(answers, key=lambda answer: answer.received, default=None)

    def takeover(self, owner: str, fault: int) -> float | None:
        """Return seconds from a fault (ns) to the first answer by `owner` to a probe sent after it; None if never.

        It differs from the outage where the old owner goes on serving for a while (its daemon is dead, its kernel not).
        """
        answer = self.first_answer(owner, fault)
        return None if answer is None else (answer.received - fault) / NANOSECONDS

    def overlap(self, old: str, new: str, fault: int, until: int | None = None) -> float | None:
        """Return seconds in which both hosts answered after a fault: from the new one's first answer to the old's last.

        Args:
            old: who answered before.
            new: who answers after.
            fault: when the fault was made, CLOCK_REALTIME in ns; answers to older probes don't count.
            until: probes sent later don't count either.

        Returns:
            0 if the old one had ended by then, None if the new one never answered.
        """
        began = self.first_answer(new, fault)
        if began is None:
            return None
        probes = (probe for probe in self.probes if probe.sent >= fault and (until is None or probe.sent <= until))
        ended = (answer.received for probe in probes for answer in probe.answers if answer.owner == old)
        return max(0, max(ended, default=0) - began.received) / NANOSECONDS

    def tenures(self) -> tuple[Tenure, ...]:
        """Return who answered, one entry for each change, in the order of the answers' arrival."""
        found: list[Tenure] = []
        for answer in sorted(self._answers(), key=lambda answer: answer.received):
            if not found or found[-1].owner != answer.owner:
                found.append(Tenure(answer.owner, answer.received))
        return tuple(found)

    def longest_pause(self, since: int = 0) -> float:
        """Return the longest time in seconds between two sendings after `since` ns: how long the prober was held up."""
        sent = [probe.sent for probe in self.probes if probe.sent >= since]
        return max((later - earlier for earlier, later in pairwise(sent)), default=0) / NANOSECONDS

    def _answers(self) -> Iterator[Answer]:
        for probe in self.probes:
            yield from probe.answers

    def _served(self) -> list[Answer | None]:
        """For each probe the earliest answer to it or to any later one: when a user who keeps trying is served."""
        served: list[Answer | None] = [None] * len(self.probes)
        best: Answer | None = None
        for index in range(len(self.probes) - 1, -1, -1):
            for answer in self.probes[index].answers:
                if best is None or answer.received < best.received:
                    best = answer
            served[index] = best
        return served

    def _outage_at(self, index: int, answer: Answer | None) -> Outage:
        start = self.probes[index].sent
        end = answer.received if answer else self.probes[-1].sent
        earlier = [found for found in self._answers() if found.received < start]
        return Outage(
            start=start,
            end=end,
            served=answer is not None,
            lost=len(self.lost(start, end)),
            before=max(earlier, key=lambda found: found.received).owner if earlier else None,
            after=answer.owner if answer else None,
        )


class RecordReader:
    """Reads what a prober writes: a line `s NUMBER NS` for each sending, `a NUMBER NS OWNER` for each answer.

    `arrivals` lists the answers in the order in which they were written, each with the time of its probe's sending.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.arrivals: list[tuple[int, Answer]] = []
        self._sent: dict[int, int] = {}
        self._answers: dict[int, list[Answer]] = {}
        self._rest = b""

    def feed(self, text: bytes) -> None:
        """Take in more text; a line that is not finished yet is kept for the next time.

        Raises:
            ValueError: a line is none of the two, or answers a number that was not sent.
        """
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self._take(line.decode())

    def record(self, interval: float) -> ProbeRecord:
        """Return what has been read so far, of a stream with this pause between two probes in seconds."""
        probes = (Probe(number, time, tuple(self._answers.get(number, ()))) for number, time in self._sent.items())
        return ProbeRecord(tuple(probes), interval)

    def _take(self, line: str) -> None:
        match line.split(" ", 3):
            case ["s", number, time]:
                self._sent[int(number)] = int(time)
            case ["a", number, time, owner] if int(number) in self._sent:
                answer = Answer(owner, int(time))
                self._answers.setdefault(int(number), []).append(answer)
                self.arrivals.append((self._sent[int(number)], answer))
            case _:
                raise ValueError(f"the prober wrote {line!r}, which is neither a sending nor an answer to one")
