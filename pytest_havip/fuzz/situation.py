"""How things stand in a story: who is attached, whose link is cut, who may own which HAVIP."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pytest_havip.fuzz.actions import (
    GATEWAY,
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
from pytest_havip.fuzz.world import World

__all__ = ["Owners", "Situation"]

#: Who may own a HAVIP, `None` standing for nobody.
Owners = tuple[str | None, ...]


class Situation:
    """What is so now. At first every machine is attached, and every HAVIP exists and is unbound.

    Args:
        world: Where it all happens.

    Attributes:
        at: The subnet of each machine's NIC, or where it was.
        attached: The machines whose NIC is attached.
        cut: The machines whose link is cut.
        silent: The machines that answer no ARP.
        owners: Who may own each HAVIP that exists.
        ranges: The machines in the drift range of each HAVIP whose range is in force.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.at = {name: machine.subnet for name, machine in world.machines.items()}
        self.attached = set(world.machines)
        self.cut: set[str] = set()
        self.silent: set[str] = set()
        self.owners: dict[str, Owners] = dict.fromkeys(world.havips, (None,))
        self.ranges: dict[str, set[str]] = {}
        self._hearers: dict[str, frozenset[str]] = {}

    def fit(self, action: Action) -> Action | None:
        """The action as far as it can happen now, `None` if it cannot: that is no part of the story."""
        if isinstance(action, Race | Restart):
            parts = tuple(part for part in action.announcements if self._is_claim(part))
            return replace(action, announcements=parts) if parts or isinstance(action, Restart) else None
        return action if _CAN_HAPPEN[type(action)](self, action) else None

    def is_live(self, machine: str) -> bool:
        """It is attached and its link is whole."""
        return machine in self.attached and machine not in self.cut

    def others(self, machine: str) -> frozenset[str]:
        """The machines that a broadcast by this one reaches."""
        found = self._hearers.get(machine)
        if found is None:
            subnet = self.at[machine]
            live = (each for each, where in self.at.items() if where == subnet and self.is_live(each))
            found = self._hearers[machine] = frozenset(live) - {machine}
        return found

    def way_home(self) -> Iterator[Action]:
        """Actions that bring every machine back to where it was at the beginning, and as it was."""
        for name, machine in self.world.machines.items():
            if name not in self.attached:
                yield Attach(name)
            if self.at[name] != machine.subnet:
                yield Move(name, machine.subnet)
            elif name in self.cut:
                yield Mend(name)
            if name in self.silent:
                yield Wake(name)

    def machines_changed(self) -> None:
        """Some machine was attached, detached, cut or mended."""
        self._hearers.clear()

    def havip(self, address: str, machine: str) -> str | None:
        """The HAVIP that a named address is in a machine's VPC; another VPC may have one with an equal address."""
        return self.world.havip_at(address, self.at[machine])

    def twins(self, address: str, machine: str) -> Sequence[str]:
        """The HAVIPs of other VPCs than a machine's that have a named address."""
        return self.world.twins_at(address, self.at[machine])

    def standing(self, havip: str, machine: str) -> str:
        """How a HAVIP stands to a machine."""
        owners = self.owners.get(havip)
        if owners is None:
            return "released"
        if self.world.havips[havip].subnet != self.at[machine]:
            return "another subnet's"
        if len(owners) > 1:
            return "raced for"
        if owners[0] is None:
            return "unbound"
        return "own" if owners[0] == machine else "another's"

    def is_shut_out(self, havip: str, machine: str) -> bool:
        """The HAVIP's drift range is in force, and the machine is not in it."""
        return havip in self.ranges and machine not in self.ranges[havip]

    def holder(self, address: str, machine: str) -> str:
        """Whose an address is, seen from a machine's subnet, that is no HAVIP of its VPC."""
        if address == machine:
            return "own"
        if address in self.world.havips:
            return "another VPC's"
        if address == GATEWAY:
            return "the gateway's"
        is_held = address in self.attached and self.at[address] == self.at[machine]
        return "another machine's" if is_held else "nobody's"

    def _may_change(self, machine: str) -> bool:
        return machine in self.attached and not self.world.machines[machine].observes

    def _may_leave(self, machine: str) -> bool:
        """Its NIC may be detached: it is in no drift range (HAVIP-RANGE-014)."""
        return self._may_change(machine) and not any(machine in members for members in self.ranges.values())

    def _may_be_admitted(self, action: Admit | Confine) -> bool:
        is_near = self.at[action.machine] == self.world.havips[action.havip].subnet
        return is_near and self._may_change(action.machine)

    def _may_be_reached_from_afar(self, action: RoutedProbe) -> bool:
        """From another subnet of its VPC, while it has one owner who answers the gateway."""
        subnets, here, there = self.world.subnets, self.at[action.machine], self.world.havips[action.havip].subnet
        is_remote = here != there and subnets[here].vpc == subnets[there].vpc and self.is_live(action.machine)
        owner, *others = self.owners.get(action.havip, (None,))
        return is_remote and owner is not None and not others and self.is_live(owner) and owner not in self.silent

    def _is_rival(self, action: Release) -> bool:
        return self._is_claim(Announce(action.against, action.havip))

    def _may_follow(self, action: Follow) -> bool:
        return self._is_claim(Announce(action.machine, action.havip)) and self._has_company(action.machine, action.by)

    def _has_company(self, sender: str, to: str) -> bool:
        return self.is_live(sender) and to in self.others(sender)

    def _may_ask(self, machine: str, havip: str) -> bool:
        return self.is_live(machine) and self.at[machine] == self.world.havips[havip].subnet

    def _may_announce(self, action: Announce) -> bool:
        sender, to = action.machine, action.to
        # What an observer announces itself, it does not hear.
        is_able = self.is_live(sender) and not self.world.machines[sender].observes
        return is_able and (not to or to in self.others(sender))

    def _is_claim(self, action: Announce) -> bool:
        if action.fault or not self._may_announce(action):
            return False
        havip = self.havip(action.address, action.machine)
        if havip is None or self.is_shut_out(havip, action.machine):
            return False
        return self.standing(havip, action.machine) not in {"released", "another subnet's"}


_CAN_HAPPEN: dict[type[Action], Callable[[Situation, Any], bool]] = {
    Announce: lambda now, it: now._may_announce(it),  # noqa: SLF001 - its own
    Speak: lambda now, it: now._has_company(it.machine, it.to),  # noqa: SLF001 - its own
    Packet: lambda now, it: now._has_company(it.machine, it.to),  # noqa: SLF001 - its own
    DataProbe: lambda now, it: now._may_ask(it.machine, it.havip),  # noqa: SLF001 - its own
    WhoHas: lambda now, it: now._may_ask(it.machine, it.havip),  # noqa: SLF001 - its own
    Probe: lambda now, it: now._may_ask(it.machine, it.havip),  # noqa: SLF001 - its own
    RoutedProbe: lambda now, it: now._may_be_reached_from_afar(it),  # noqa: SLF001 - its own
    Follow: lambda now, it: now._may_follow(it),  # noqa: SLF001 - its own
    Look: lambda _, __: True,
    Create: lambda now, it: it.havip not in now.owners,
    Release: lambda now, it: it.havip in now.owners and (not it.against or now._is_rival(it)),  # noqa: SLF001 - its own
    Rename: lambda now, it: it.havip in now.owners,
    Confine: lambda now, it: it.havip not in now.owners and now._may_be_admitted(it),  # noqa: SLF001 - its own
    Admit: lambda now, it: (
        now._may_be_admitted(it)  # noqa: SLF001 - its own
        and it.havip in now.ranges
        and it.machine not in now.ranges[it.havip]
    ),
    Expel: lambda now, it: it.machine in now.ranges.get(it.havip, ()) and it.machine not in now.owners[it.havip],
    Attach: lambda now, it: it.machine not in now.attached,
    Detach: lambda now, it: now._may_leave(it.machine),  # noqa: SLF001 - its own
    Move: lambda now, it: now._may_leave(it.machine) and now.at[it.machine] != it.subnet,  # noqa: SLF001 - its own
    Cut: lambda now, it: now._may_change(it.machine) and it.machine not in now.cut,  # noqa: SLF001 - its own
    Mend: lambda now, it: it.machine in now.cut,
    Silence: lambda now, it: it.machine not in now.silent,
    Wake: lambda now, it: it.machine in now.silent,
    Wait: lambda _, __: True,
}
