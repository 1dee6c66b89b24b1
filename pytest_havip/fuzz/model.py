"""What a network may let one observe, written from the requirements alone.

It shares no code with any network: one mistake cannot stand on both sides. Each HAVIP is a register, and the model
keeps who may own it: one machine, or several after a race that nobody has judged yet; a reading narrows them down.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_havip.fuzz.actions import (
    Action,
    Admit,
    Announce,
    Attach,
    Confine,
    Create,
    Cut,
    DataProbe,
    Detach,
    Expel,
    Follow,
    Look,
    Mend,
    Move,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.blame import BY_FAULT, BY_HOLDER, Disagreement, Note, of_announcement, reaching
from pytest_havip.fuzz.executor import Observation
from pytest_havip.fuzz.judging import NOBODY, Names
from pytest_havip.fuzz.lives import Lives

if TYPE_CHECKING:
    from pytest_havip.fuzz.situation import Owners

__all__ = ["Model"]

#: How a HAVIP may stand to a machine whose announcement binds it.
_BINDING = frozenset({"unbound", "own", "another's", "raced for"})


class Model(Lives):
    """The state that the requirements promise, and the judge of what was observed."""

    def judge(self, action: Action, observation: Observation) -> Disagreement | None:
        """Compare what was observed with what may be, and let the action have happened.

        Args:
            action: One that `Situation.fit` lets happen.
            observation: What came of it.

        Returns:
            What speaks against the network; then nothing has happened yet, and a completer observation may be judged.
        """
        return _JUDGES[type(action)](self, action, observation)

    def _announce(self, action: Announce, observation: Observation) -> Disagreement | None:
        sender = action.machine
        havip = self.now.havip(action.address, sender)
        state = self.now.holder(action.address, sender) if havip is None else self.now.standing(havip, sender)
        if havip is None and state == "own":
            return None
        if havip is not None and state in _BINDING and self.now.is_shut_out(havip, sender):
            state = "outside its range"
        if state in {"another VPC's", *_BINDING}:
            self._note_twins(action.address, sender, "HAVIP-SCOPE-002" if havip is None else "HAVIP-SCOPE-003")
        if action.fault or state not in _BINDING:
            requirement = BY_FAULT[action.fault] if action.fault else BY_HOLDER[state]
            rule = f"announce with wrong {action.fault}" if action.fault else "announce"
            return self._settled(
                self._reaches(observation, NOBODY, requirement), rule, state, havip, Note(requirement, sender)
            )
        assert havip is not None
        requirement = "HAVIP-RANGE-007" if havip in self.now.ranges else of_announcement(action, state)
        found = self._heard(action, observation, requirement)
        if found is None:
            self._claim(havip, (sender,))
            self._registers[havip].is_told = not action.to
            rule = "announce to one machine" if action.to else f"announce by {action.operation}"
            self._settled(None, rule, state, havip, Note(requirement, sender, binds=True))
        return found

    def _follow(self, action: Follow, observation: Observation) -> Disagreement | None:
        """Who has heard a new owner announce reaches no other one."""
        announcement, probe = observation.parts
        told = Announce(action.machine, action.havip)
        state = self.now.standing(action.havip, action.machine)
        elsewhere = frozenset(probe.reached) - {action.machine, action.by}
        if elsewhere and action.by in announcement.reached:
            only = reaching((action.machine,))
            if found := self._against("HAVIP-MOVE-002", only, reaching(probe.reached)):
                return found
        return self._announce(told, announcement) or self._settled(None, "follow", state)

    def _race(self, action: Race, observation: Observation) -> Disagreement | None:
        """Announcements at once: each machine's last one may be the last one of all; a cable may lose any."""
        is_lossy = action.fault == "loss"
        runners: dict[str, dict[str, None]] = {}
        for part, seen in zip(action.announcements, observation.parts, strict=True):
            found = None if is_lossy and not seen.reached else self._heard(part, seen, "HAVIP-BIND-012")
            if found is not None:
                return found
            havip = self.now.havip(part.address, part.machine)
            assert havip is not None
            runners.setdefault(havip, {})[part.machine] = None
        rule = f"race with {action.fault}" if action.fault else "race"
        for havip, machines in runners.items():
            before, register = self.now.owners[havip], self._registers[havip]
            state = "unbound" if before == (None,) else "bound"
            self._claim(havip, tuple(dict.fromkeys((*machines, *(before if is_lossy else ())))))
            is_for_all = not any(part.to for part in action.announcements)
            register.is_told = is_for_all and (register.is_told or not is_lossy)
            for machine in machines:
                self._settled(None, rule, state, havip, Note("HAVIP-ORDER-001", machine, binds=True))
        return None

    def _restart(self, action: Restart, observation: Observation) -> Disagreement | None:
        """Nothing changes; what is announced meanwhile is in force afterwards, the last of it winning."""
        is_judged = self.is_judged("HAVIP-DUR-005")
        for part, seen in zip(action.announcements, observation.parts, strict=True):
            if is_judged and (found := self._heard(part, seen, "HAVIP-DUR-005")):
                return replace(found, requirement="HAVIP-DUR-005")
        for register in self._registers.values():
            register.note("HAVIP-DUR-001")
            register.is_resumed = True
        for part in action.announcements:
            havip = self.now.havip(part.address, part.machine)
            assert havip is not None
            before = () if is_judged else self.now.owners[havip]
            self._claim(havip, tuple(dict.fromkeys((*before, part.machine))))
            self._registers[havip].is_told = is_judged and not part.to
            self._registers[havip].note("HAVIP-DUR-005")
        return self._settled(None, "restart", "announcements" if action.announcements else "quiet")

    def _heard(self, action: Announce, observation: Observation, requirement: str) -> Disagreement | None:
        """Everybody in the subnet, or the one addressed, and nobody else has heard an accepted announcement."""
        others = self.now.others(action.machine)
        wanted = others & {action.to} if action.to else others
        found = frozenset(observation.reached)
        if found == wanted:
            return None
        if wanted <= found:
            requirement = "HAVIP-BIND-011" if action.to else "HAVIP-BIND-012"
        return self._reaches(observation, wanted, requirement)

    def _speak(self, action: Speak, observation: Observation) -> Disagreement | None:
        sender = action.machine
        havip = self.now.havip(action.address, sender)
        state = self.now.holder(action.address, sender) if havip is None else self.now.standing(havip, sender)
        rule = f"speak by {action.operation}"
        if state == "own":
            requirement = "HAVIP-PATH-007" if havip is None else "HAVIP-PATH-006"
            found = self._reaches(observation, frozenset({action.to}), requirement, strictly=False)
            return self._settled(found, rule, "own" if havip else "ordinary")
        if havip is None or state == "raced for":
            return None
        moves = "HAVIP-BIND-007" if action.operation == "request" else "HAVIP-SPOOF-006"
        found = self._reaches(observation, NOBODY, "HAVIP-SPOOF-006")
        return self._settled(found, rule, state, havip, Note(moves, sender))

    def _packet(self, action: Packet, observation: Observation) -> Disagreement | None:
        sender = action.machine
        havip = self.now.havip(action.source, sender)
        state = self.now.holder(action.source, sender) if havip is None else self.now.standing(havip, sender)
        if state == "own":
            requirement = "HAVIP-PATH-007" if havip is None else "HAVIP-PATH-006"
            return self._settled(self._reaches(observation, frozenset({action.to}), requirement), "packet", state)
        if state == "raced for":
            return None
        requirement = "HAVIP-SPOOF-010" if havip is None or state == "released" else "HAVIP-SPOOF-007"
        return self._settled(
            self._reaches(observation, NOBODY, requirement), "packet", state, havip, Note(requirement, sender)
        )

    def _data_probe(self, action: DataProbe, observation: Observation) -> Disagreement | None:
        state = self.now.standing(action.havip, action.machine)
        return self._settled(self._asked(action, observation.reached, "HAVIP-PATH-003"), "data probe", state)

    def _routed_probe(self, action: RoutedProbe, observation: Observation) -> Disagreement | None:
        (owner,) = self.now.owners[action.havip]
        assert owner is not None
        found = self._reaches(observation, frozenset((owner,)), "HAVIP-PATH-004")
        # No requirement says how soon a gateway follows a move.
        return self._settled(found and replace(found, is_missing=True), "routed probe", "bound")

    def _who_has(self, action: WhoHas, observation: Observation) -> Disagreement | None:
        havip, sender = action.havip, action.machine
        state = self.now.standing(havip, sender)
        if state == "unbound" and observation.reached:
            return self._reaches(observation, NOBODY, self._blame(havip, observation.reached[0], "HAVIP-PATH-001"))
        return self._settled(
            self._asked(action, observation.answers, "HAVIP-PATH-002", mute=self.now.silent),
            "who-has",
            state,
            havip,
            Note("HAVIP-BIND-006", sender),
        )

    def _probe(self, action: Probe, observation: Observation) -> Disagreement | None:
        havip, sender = action.havip, action.machine
        state = self.now.standing(havip, sender)
        if state not in {"released", "raced for"}:
            (owner,) = self.now.owners[havip]
            others = self.now.others(sender)
            wanted = others if owner is None else others & {owner}
            blamed = self._blame(havip, next(iter(observation.reached), None), "HAVIP-PATH-005")
            if found := self._reaches(observation, wanted, blamed):
                return found
        return self._settled(None, "probe", state, havip, Note("HAVIP-BIND-005", sender))

    def _asked(
        self, action: DataProbe | WhoHas, met: Iterable[str], requirement: str, *, mute: Container[str] = ()
    ) -> Disagreement | None:
        """A question to whoever owns a HAVIP met these; narrow the possible owners down to them."""
        havip, sender, found = action.havip, action.machine, frozenset(met) - {action.machine}
        possible: Owners = self.now.owners.get(havip, (None,))
        consistent = tuple(owner for owner in possible if found == self._meets(owner, sender, mute))
        if consistent:
            if len(consistent) < len(possible):
                self._know(havip, consistent)
            if found:
                self._registers[havip].notes.clear()
            return None
        owner = min(found, default=None)
        blamed = self._released.get(havip, "HAVIP-RELEASE-001")
        if havip in self.now.owners:
            blamed = self._blame(havip, owner, "HAVIP-PATH-001" if possible == (None,) else requirement)
        expected = " or ".join(reaching(self._meets(owner, sender, mute)) for owner in possible)
        seen = reaching(found)
        if disagreement := self._against(blamed, expected, seen, is_missing=not found, else_owner=(havip, owner)):
            return disagreement if found else replace(disagreement, on_the_way=requirement)
        return None

    def _meets(self, owner: str | None, sender: str, mute: Container[str]) -> Names:
        if owner is None or owner == sender or owner in mute or not self.now.is_live(owner):
            return NOBODY
        return frozenset((owner,))


_JUDGES: dict[type[Action], Callable[[Model, Any, Observation], Disagreement | None]] = {
    Announce: Model._announce,  # noqa: SLF001 - its own
    RoutedProbe: Model._routed_probe,  # noqa: SLF001 - its own
    Follow: Model._follow,  # noqa: SLF001 - its own
    Race: Model._race,  # noqa: SLF001 - its own
    Speak: Model._speak,  # noqa: SLF001 - its own
    Packet: Model._packet,  # noqa: SLF001 - its own
    DataProbe: Model._data_probe,  # noqa: SLF001 - its own
    WhoHas: Model._who_has,  # noqa: SLF001 - its own
    Probe: Model._probe,  # noqa: SLF001 - its own
    Look: Model._look,  # noqa: SLF001 - its own
    Create: Model._create,  # noqa: SLF001 - its own
    Release: Model._release,  # noqa: SLF001 - its own
    Rename: Model._rename,  # noqa: SLF001 - its own
    Confine: Model._create,  # noqa: SLF001 - its own
    Admit: Model._edit_range,  # noqa: SLF001 - its own
    Expel: Model._edit_range,  # noqa: SLF001 - its own
    Attach: Model._attach,  # noqa: SLF001 - its own
    Detach: Model._detach,  # noqa: SLF001 - its own
    Move: Model._detach,  # noqa: SLF001 - its own
    Cut: Model._turn,  # noqa: SLF001 - its own
    Mend: Model._turn,  # noqa: SLF001 - its own
    Silence: Model._turn,  # noqa: SLF001 - its own
    Wake: Model._turn,  # noqa: SLF001 - its own
    Restart: Model._restart,  # noqa: SLF001 - its own
    Wait: Model._wait,  # noqa: SLF001 - its own
}
