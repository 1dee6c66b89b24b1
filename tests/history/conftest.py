"""Writing histories by hand: a line for everything that happens, in microseconds."""

from dataclasses import dataclass, field

import pytest

from pytest_havip.history import (
    Announcement,
    Change,
    Created,
    Effect,
    Handled,
    Header,
    Judgement,
    Listing,
    Plugged,
    Quota,
    Reading,
    Record,
    Released,
    Unplugged,
    View,
    judge,
)

HEADER = Header("made by hand", "tests")
HAVIP, VPC, SUBNET = "havip-1", "vpc-1", "subnet-1"


@dataclass
class Story:
    """A network with the machines a, b and c in one subnet and one HAVIP, and what happens in it.

    Each step begins 10 microseconds after the one before it and takes 4; `at` and `until` say otherwise.
    """

    records: list[Record] = field(default_factory=list)
    now: int = 0

    @classmethod
    def begin(cls) -> "Story":
        story = cls()
        for name in "abc":
            story.plug(name)
        story.create()
        return story

    def span(self, at: int | None, until: int | None) -> tuple[int, int]:
        begun = self.now if at is None else at
        ended = begun + 4 if until is None else until
        self.now = max(self.now, begun) + 10
        return begun * 1000, ended * 1000

    def plug(self, name: str, *, subnet: str = SUBNET) -> None:
        self.records.append(Plugged(*self.span(None, None), name, VPC, subnet, "10.0.0.9", "02:00:00:00:00:09", name))

    def unplug(self, name: str, at: int | None = None, until: int | None = None) -> None:
        self.records.append(Unplugged(*self.span(at, until), name))

    def create(self, havip: str = HAVIP, *, refused: str = "") -> None:
        self.records.append(Created(*self.span(None, None), havip, VPC, SUBNET, "10.0.0.3", refused))

    def release(self, havip: str = HAVIP, at: int | None = None, until: int | None = None) -> None:
        self.records.append(Released(*self.span(at, until), havip))

    def quota(self, limit: int) -> None:
        self.records.append(Quota(*self.span(None, None), VPC, limit))

    def announce(
        self, name: str, at: int | None = None, until: int | None = None, *, effect: Effect = Effect.CERTAIN
    ) -> None:
        self.records.append(Announcement(*self.span(at, until), name, HAVIP, effect))

    def handled(self, name: str = "", at: int | None = None, until: int | None = None) -> None:
        self.records.append(Handled(*self.span(at, until), name))

    def settle(self, *names: str) -> None:
        """The machines announce one after the other, and all of it is handled."""
        for name in names:
            self.announce(name)
        self.handled()

    def read(
        self,
        *names: str,
        view: View = View.DATA,
        at: int | None = None,
        until: int | None = None,
        stamp: str = "",
    ) -> None:
        self.records.append(Reading(*self.span(at, until), HAVIP, view, names, "observer", stamp))

    def list(self, *changes: tuple[int, str, str]) -> None:
        listed = tuple(Change(number, HAVIP, old, new) for number, old, new in changes)
        self.records.append(Listing(*self.span(None, None), listed))

    def judged(self, checker: str) -> Judgement:
        (judgement,) = judge(HEADER, self.records, [checker])
        return judgement

    def outcome(self, checker: str) -> str:
        return self.judged(checker).outcome.value


@pytest.fixture
def story() -> Story:
    return Story.begin()
