"""What all judging has in common: how things stand, what is blamed for what, and what is counted."""

from collections import Counter
from collections.abc import Container

from pytest_havip.fuzz.blame import Disagreement, Note, reaching
from pytest_havip.fuzz.executor import Observation
from pytest_havip.fuzz.register import Register
from pytest_havip.fuzz.situation import Owners, Situation
from pytest_havip.fuzz.world import World

__all__ = ["NOBODY", "Judging", "Names"]

Names = frozenset[str]
NOBODY: Names = frozenset()


class Judging:
    """The state that the requirements promise.

    Args:
        world: Where it all happens.
        judged: Ids of the requirements by which to judge; `None` for all. What speaks against another is let pass.

    Attributes:
        now: How things stand.
        reached: How often each pair of rule and state was judged.
        moves: How many announcements have changed an owner and were heard by a third host.
    """

    def __init__(self, world: World, *, judged: Container[str] | None = None) -> None:
        self.world = world
        self.now = Situation(world)
        self.reached: Counter[tuple[str, str]] = Counter()
        self.moves = 0
        self._judged = judged
        self._registers = {name: Register() for name in world.havips}
        self._released: dict[str, str] = {}

    def _claim(self, havip: str, owners: Owners) -> None:
        """These may own it from now on."""
        before = self.now.owners[havip]
        if before != owners or len(owners) > 1:
            self._registers[havip].change(before, owners)
            self.moves += owners != (None,)
            self.now.owners[havip] = owners

    def _note_twins(self, address: str, machine: str, requirement: str) -> None:
        """An announcement must do nothing to a HAVIP of another VPC that has the same address."""
        for twin in self.now.twins(address, machine):
            self._registers[twin].note(requirement)

    def _know(self, havip: str, owners: Owners) -> None:
        """These turned out to be the possible owners."""
        if havip in self.now.owners:
            self.now.owners[havip], self._registers[havip].changes = owners, None

    def _settled(
        self, found: Disagreement | None, rule: str, state: str, havip: str | None = None, note: Note | None = None
    ) -> Disagreement | None:
        """Pass a disagreement on; if there is none, the action has happened, and is counted and noted."""
        if found is None:
            self.reached[rule, state] += 1
            if havip is not None and note is not None:
                self._registers[havip].notes.append(note)
        return found

    def _reaches(
        self, observation: Observation, wanted: Names, requirement: str, *, strictly: bool = True
    ) -> Disagreement | None:
        """It reached all that are wanted, and strictly nobody else."""
        found = frozenset(observation.reached)
        if found == wanted or (wanted <= found and not strictly):
            return None
        return self._against(requirement, reaching(wanted), reaching(found), is_missing=not wanted <= found)

    def _blame(self, havip: str, owner: str | None, otherwise: str) -> str:
        return self._registers[havip].blamed(owner, otherwise)

    def _against(
        self,
        requirement: str,
        expected: str,
        seen: str,
        *,
        is_missing: bool = False,
        else_owner: tuple[str, str | None] | None = None,
    ) -> Disagreement | None:
        """A disagreement; where nobody judges by that requirement, the story goes on from what was seen."""
        if self.is_judged(requirement):
            return Disagreement(requirement, expected, seen, is_missing)
        if else_owner is not None:
            self._know(else_owner[0], (else_owner[1],))
        return None

    def is_judged(self, requirement: str) -> bool:
        """Whether somebody judges by this requirement."""
        return self._judged is None or requirement in self._judged
