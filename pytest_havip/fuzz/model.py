"""What a network may let one observe, written from the requirements alone.

It shares no code with any network: one mistake cannot stand on both sides. Each HAVIP is a register, and the model
keeps who may own it: one machine, or several after a race that nobody has judged yet; a reading narrows them down.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import Any

from pytest_havip.fuzz.actions import (
    Action,
    Announce,
    Attach,
    Create,
    Cut,
    DataProbe,
    Detach,
    Look,
    Mend,
    Move,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
)
from pytest_havip.fuzz.blame import BY_FAULT, BY_HOLDER, Disagreement, Note, of_announcement, owned_by, reaching
from pytest_havip.fuzz.executor import Observation, View
from pytest_havip.fuzz.register import Register
from pytest_havip.fuzz.situation import Owners, Situation
from pytest_havip.fuzz.world import World

__all__ = ["Model"]

_Names = frozenset[str]
_NOBODY: _Names = frozenset()
#: How a HAVIP may stand to a machine whose announcement binds it.
_BINDING = frozenset({"unbound", "own", "another's", "raced for"})


class Model:
    """The state that the requirements promise, and the judge of what was observed.

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

    def judge(self, action: Action, observation: Observation) -> Disagreement | None:
        """Compare what was observed with what may be, and let the action have happened.

        Args:
            action: One that `Situation.fit` lets happen.
            observation: What came of it.

        Returns:
            What speaks against the network; then nothing has happened yet, and a completer observation may be judged.
        """
        return _JUDGES[type(action)](self, action, observation)

    # --- frames

    def _announce(self, action: Announce, observation: Observation) -> Disagreement | None:
        sender = action.machine
        havip = self.now.havip(action.address, sender)
        state = self.now.holder(action.address, sender) if havip is None else self.now.standing(havip, sender)
        if havip is None and state == "own":
            return None
        if state in {"another VPC's", *_BINDING}:
            self._note_twins(action.address, sender, "HAVIP-SCOPE-002" if havip is None else "HAVIP-SCOPE-003")
        if action.fault or state not in _BINDING:
            requirement = BY_FAULT[action.fault] if action.fault else BY_HOLDER[state]
            rule = f"announce with wrong {action.fault}" if action.fault else "announce"
            return self._settled(
                self._reaches(observation, _NOBODY, requirement), rule, state, havip, Note(requirement, sender)
            )
        assert havip is not None
        requirement = of_announcement(action, state)
        found = self._heard(action, observation, requirement)
        if found is None:
            self._claim(havip, (sender,))
            self._registers[havip].is_told = not action.to
            rule = "announce to one machine" if action.to else f"announce by {action.operation}"
            self._settled(None, rule, state, havip, Note(requirement, sender, binds=True))
        return found

    def _race(self, action: Race, observation: Observation) -> Disagreement | None:
        """Announcements at once: each machine's last one may be the last one of all."""
        runners: dict[str, dict[str, None]] = {}
        for part, seen in zip(action.announcements, observation.parts, strict=True):
            if found := self._heard(part, seen, "HAVIP-BIND-012"):
                return found
            havip = self.now.havip(part.address, part.machine)
            assert havip is not None
            runners.setdefault(havip, {})[part.machine] = None
        for havip, machines in runners.items():
            state = "unbound" if self.now.owners[havip] == (None,) else "bound"
            self._claim(havip, tuple(machines))
            self._registers[havip].is_told = not any(part.to for part in action.announcements)
            for machine in machines:
                self._settled(None, "race", state, havip, Note("HAVIP-ORDER-001", machine, binds=True))
        return None

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
        found = self._reaches(observation, _NOBODY, "HAVIP-SPOOF-006")
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
            self._reaches(observation, _NOBODY, requirement), "packet", state, havip, Note(requirement, sender)
        )

    def _data_probe(self, action: DataProbe, observation: Observation) -> Disagreement | None:
        state = self.now.standing(action.havip, action.machine)
        return self._settled(self._asked(action, observation.reached, "HAVIP-PATH-003"), "data probe", state)

    def _who_has(self, action: WhoHas, observation: Observation) -> Disagreement | None:
        havip, sender = action.havip, action.machine
        state = self.now.standing(havip, sender)
        if state == "unbound" and observation.reached:
            return self._reaches(observation, _NOBODY, self._blame(havip, observation.reached[0], "HAVIP-PATH-001"))
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
        blamed = "HAVIP-RELEASE-001"
        if havip in self.now.owners:
            blamed = self._blame(havip, owner, "HAVIP-PATH-001" if possible == (None,) else requirement)
        expected = " or ".join(reaching(self._meets(owner, sender, mute)) for owner in possible)
        seen = reaching(found)
        if disagreement := self._against(blamed, expected, seen, is_missing=not found, else_owner=(havip, owner)):
            return disagreement if found else replace(disagreement, on_the_way=requirement)
        return None

    def _meets(self, owner: str | None, sender: str, mute: Container[str]) -> _Names:
        if owner is None or owner == sender or owner in mute or not self.now.is_live(owner):
            return _NOBODY
        return frozenset((owner,))

    # --- the control plane

    def _look(self, action: Look, observation: Observation) -> Disagreement | None:
        havip, view = action.havip, observation.view
        assert view is not None
        possible = self.now.owners.get(havip)
        if possible is None or not view.exists:
            if (possible is None) == (not view.exists):
                return self._settled(None, "look", "released")
            blamed = "HAVIP-RELEASE-001" if view.exists else "HAVIP-API-002"
            return self._against(blamed, *("known", "not known")[:: -1 if view.exists else 1])
        if view.owner not in possible:
            blamed = self._blame(havip, view.owner, "HAVIP-API-002")
            seen = f"{owned_by(view.owner)}, says the control plane"
            return self._against(blamed, owned_by(*possible), seen, else_owner=(havip, view.owner))
        if found := self._look_closer(havip, view):
            return found
        if len(possible) > 1:
            self._know(havip, (view.owner,))
        return self._settled(None, "look", "unbound" if view.owner is None else "bound")

    def _look_closer(self, havip: str, view: View) -> Disagreement | None:
        register = self._registers[havip]
        if view.owner not in {None, view.belief} and register.is_told:
            heard = f"{owned_by(view.belief)}, by the last announcement that a third host heard"
            if found := self._against("HAVIP-API-002", owned_by(view.owner), heard, is_missing=True):
                return found
        if (odd := register.odd_listing(view)) and (found := self._against("HAVIP-API-003", *odd)):
            return found
        stamped = "HAVIP-API-012" if register.is_renamed else "HAVIP-BIND-004"
        return self._against(stamped, *odd) if (odd := register.odd_stamp(view)) else None

    def _create(self, action: Create, observation: Observation) -> Disagreement | None:
        havip = action.havip
        if observation.refused:
            return self._against("HAVIP-RELEASE-002", "the free address is given", f"refused: {observation.refused}")
        self.now.owners[havip], self._registers[havip] = (None,), Register([Note("HAVIP-RELEASE-002")])
        return self._settled(None, "create", "released")

    def _release(self, action: Release, _: Observation) -> None:
        owners = self.now.owners.pop(action.havip)
        for havip in self.now.owners:
            self._registers[havip].note("HAVIP-RELEASE-003")
        self._settled(None, "release", "unbound" if owners == (None,) else "bound")

    def _rename(self, action: Rename, _: Observation) -> None:
        state = "unbound" if self.now.owners[action.havip] == (None,) else "bound"
        self._registers[action.havip].is_renamed = True
        self._settled(None, "rename", state, action.havip, Note("HAVIP-API-001"))

    # --- machines

    def _attach(self, action: Attach, _: Observation) -> None:
        self.now.attached.add(action.machine)
        self.now.machines_changed()
        self._settled(None, "attach", "")

    def _detach(self, action: Detach | Move, _: Observation) -> None:
        machine = action.machine
        owned = self._happens_to(action, "HAVIP-BIND-015")
        for havip in owned:
            owners = (None if each == machine else each for each in self.now.owners[havip])
            self._claim(havip, tuple(dict.fromkeys(owners)))
        for havip in self.now.owners.keys() - owned:
            self._registers[havip].note("HAVIP-API-023")
        self.now.attached.discard(machine)
        self.now.cut.discard(machine)
        if isinstance(action, Move):
            self.now.at[machine] = action.subnet
            self.now.attached.add(machine)
        self.now.machines_changed()

    def _turn(self, action: Cut | Mend | Silence | Wake, _: Observation) -> None:
        is_link = isinstance(action, Cut | Mend)
        group = self.now.cut if is_link else self.now.silent
        (group.add if isinstance(action, Cut | Silence) else group.discard)(action.machine)
        self.now.machines_changed()
        self._happens_to(action, "HAVIP-BIND-009" if is_link else "HAVIP-BIND-008")

    def _wait(self, _: Wait, __: Observation) -> None:
        for havip, owners in self.now.owners.items():
            is_dead = any(owner in self.now.cut for owner in owners)
            self._registers[havip].note("HAVIP-BIND-009" if is_dead else "HAVIP-BIND-008")
        self._settled(None, "wait", "")

    def _happens_to(self, action: Detach | Move | Cut | Mend | Silence | Wake, requirement: str) -> list[str]:
        """Note something that happens to a machine, and return the HAVIPs that it may own."""
        owned = [havip for havip, owners in self.now.owners.items() if action.machine in owners]
        for havip in owned:
            self._registers[havip].note(requirement)
        self._settled(None, action.name, "owns" if owned else "owns nothing")
        return owned

    # --- what all of them use

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
        self, observation: Observation, wanted: _Names, requirement: str, *, strictly: bool = True
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
        if self._judged is None or requirement in self._judged:
            return Disagreement(requirement, expected, seen, is_missing)
        if else_owner is not None:
            self._know(else_owner[0], (else_owner[1],))
        return None


_JUDGES: dict[type[Action], Callable[[Model, Any, Observation], Disagreement | None]] = {
    Announce: Model._announce,  # noqa: SLF001 - its own
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
    Attach: Model._attach,  # noqa: SLF001 - its own
    Detach: Model._detach,  # noqa: SLF001 - its own
    Move: Model._detach,  # noqa: SLF001 - its own
    Cut: Model._turn,  # noqa: SLF001 - its own
    Mend: Model._turn,  # noqa: SLF001 - its own
    Silence: Model._turn,  # noqa: SLF001 - its own
    Wake: Model._turn,  # noqa: SLF001 - its own
    Wait: Model._wait,  # noqa: SLF001 - its own
}
