"""What an accepted announcement changes: one table, no case that is not in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from pytest_havip.network.core.effects import Cause, Change, Effect, Moved
from pytest_havip.network.core.model import Binding, Havip, Nic

__all__ = ["STEPS", "Standing", "Step", "announce", "recover", "unbind"]


class Standing(Enum):
    """How an announcer stands to a HAVIP before its announcement is accepted."""

    NOBODY_OWNS = "nobody owns it"
    ANNOUNCER_OWNS = "the announcer owns it"
    ANOTHER_OWNS = "another NIC owns it"


@dataclass(frozen=True, slots=True)
class Step:
    """What an accepted announcement does; "last announced" is noted and the frame is re-sent in every case."""

    binds_the_announcer: bool
    moves_flushed_time: bool
    tells_an_event: bool


STEPS: Mapping[Standing, Step] = MappingProxyType(
    {
        Standing.NOBODY_OWNS: Step(binds_the_announcer=True, moves_flushed_time=True, tells_an_event=True),
        Standing.ANNOUNCER_OWNS: Step(binds_the_announcer=False, moves_flushed_time=False, tells_an_event=False),
        Standing.ANOTHER_OWNS: Step(binds_the_announcer=True, moves_flushed_time=True, tells_an_event=True),
    }
)


def announce(havip: Havip, nic: Nic, now: float) -> tuple[Effect, ...]:
    """The last accepted announcement wins, always: the change, and the event if the owner is another one now."""
    old = havip.binding
    if old is None:
        step = STEPS[Standing.NOBODY_OWNS]
    else:
        step = STEPS[Standing.ANNOUNCER_OWNS if old.nic_id == nic.id else Standing.ANOTHER_OWNS]
    after = Havip(
        havip.id,
        havip.name,
        havip.vpc_id,
        havip.subnet_id,
        havip.address,
        havip.created,
        Binding(nic.id, nic.mac, now) if step.binds_the_announcer else old,
        now if step.moves_flushed_time else havip.flushed,
        now,
        havip.drift_range,
        havip.tags,
        havip.eip,
        havip.is_next_hop,
    )
    change = Change(havip, after)
    if not step.tells_an_event:
        return (change,)
    return (change, Moved(after, old.nic_id if old else None, nic.id, Cause.ANNOUNCED, now))


def unbind(havip: Havip, cause: Cause, now: float) -> tuple[Effect, ...]:
    """The owner is gone: nobody owns the HAVIP until it is announced again. Nothing for one that is unbound."""
    if havip.binding is None:
        return ()
    after = replace(havip, binding=None, flushed=now)
    return Change(havip, after), Moved(after, havip.binding.nic_id, None, cause, now)


def recover(havip: Havip, owner: Nic | None, now: float) -> tuple[Effect, ...]:
    """The data path was found with this owner: the record follows it, with one event. Nothing if they agree.

    An owner outside a range that is in force cannot have announced: it was taken out, and the record holds.
    """
    if owner is None:
        return unbind(havip, Cause.RECOVERED, now)
    old = havip.binding
    if old is not None and old.nic_id == owner.id:
        return ()
    if havip.drift_range.enforced and owner.id not in havip.drift_range.nics:
        return ()
    after = replace(havip, binding=Binding(owner.id, owner.mac, now), flushed=now, announced=now)
    return Change(havip, after), Moved(after, old.nic_id if old else None, owner.id, Cause.RECOVERED, now)
