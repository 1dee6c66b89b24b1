"""What requests and faults promise: how HAVIPs and machines come, change and go, and what the control plane says."""

from pytest_havip.fuzz.actions import (
    Admit,
    Attach,
    Confine,
    Create,
    Cut,
    Detach,
    Expel,
    Look,
    Mend,
    Move,
    Release,
    Rename,
    Silence,
    Wait,
    Wake,
)
from pytest_havip.fuzz.blame import Disagreement, Note, owned_by
from pytest_havip.fuzz.executor import Observation, View
from pytest_havip.fuzz.judging import Judging
from pytest_havip.fuzz.register import Register

__all__ = ["Lives"]


class Lives(Judging):
    """Judges all that is no frame."""

    # --- the control plane

    def _look(self, action: Look, observation: Observation) -> Disagreement | None:
        havip, view = action.havip, observation.view
        assert view is not None
        possible = self.now.owners.get(havip)
        if possible is None or not view.exists:
            if (possible is None) == (not view.exists):
                return self._settled(None, "look", "released")
            blamed = self._released.get(havip, "HAVIP-RELEASE-001") if view.exists else "HAVIP-API-002"
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
        listed = "HAVIP-DUR-006" if register.is_resumed else "HAVIP-API-003"
        if (odd := register.odd_listing(view)) and (found := self._against(listed, *odd)):
            return found
        stamped = "HAVIP-API-012" if register.is_renamed else "HAVIP-BIND-004"
        stamped = "HAVIP-DUR-001" if register.is_resumed else stamped
        return self._against(stamped, *odd) if (odd := register.odd_stamp(view)) else None

    def _create(self, action: Create | Confine, observation: Observation) -> Disagreement | None:
        havip = action.havip
        if observation.refused:
            return self._against("HAVIP-RELEASE-002", "the free address is given", f"refused: {observation.refused}")
        self.now.owners[havip], self._registers[havip] = (None,), Register([Note("HAVIP-RELEASE-002")])
        if isinstance(action, Confine):
            self.now.ranges[havip] = {action.machine}
        return self._settled(None, action.name, "released")

    def _release(self, action: Release, _: Observation) -> None:
        owners = self.now.owners.pop(action.havip)
        self.now.ranges.pop(action.havip, None)
        self._released[action.havip] = "HAVIP-RELEASE-005" if action.against else "HAVIP-RELEASE-001"
        for havip in self.now.owners:
            self._registers[havip].note("HAVIP-RELEASE-003")
        rule = "release against announcements" if action.against else "release"
        self._settled(None, rule, "unbound" if owners == (None,) else "bound")

    def _rename(self, action: Rename, _: Observation) -> None:
        state = "unbound" if self.now.owners[action.havip] == (None,) else "bound"
        self._registers[action.havip].is_renamed = True
        self._settled(None, "rename", state, action.havip, Note("HAVIP-API-001"))

    def _edit_range(self, action: Admit | Expel, _: Observation) -> None:
        members = self.now.ranges[action.havip]
        (members.add if isinstance(action, Admit) else members.discard)(action.machine)
        state = "unbound" if self.now.owners[action.havip] == (None,) else "bound"
        self._settled(None, action.name, state, action.havip, Note("HAVIP-RANGE-006"))

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
