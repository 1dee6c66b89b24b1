"""The drift range of a HAVIP: which machines may announce it. A range limits where it may go; it never moves it.

A member is an instance, which admits every NIC that it has in the HAVIP's subnet, or one NIC; never both kinds in one
range (Tencent: "HAVIP", create and manage; HaVipAssociation). The range is in force where ``CheckAssociate`` says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from pytest_havip.network.core.announcements import unbind
from pytest_havip.network.core.arguments import check_id
from pytest_havip.network.core.effects import Cause, Change, Effect
from pytest_havip.network.core.model import DriftRange, Havip, Nic
from pytest_havip.network.core.profile import OwnerRemoval, Profile
from pytest_havip.network.core.refusal import Code, Refused

__all__ = ["MemberKind", "check_no_member", "dissociate", "extended", "followed", "kind_of"]


class MemberKind(StrEnum):
    """What a member of a range is, in Tencent's words."""

    CVM = "CVM"
    ENI = "ENI"


def kind_of(member: str) -> MemberKind:
    """The kind of a member, which its id tells.

    Raises:
        Refused: Malformed; it is the id of neither.
    """
    kind = MemberKind.ENI if member.startswith("eni-") else MemberKind.CVM
    check_id("eni" if kind is MemberKind.ENI else "ins", member)
    return kind


def extended(havip: Havip, members: Sequence[str], nics: Mapping[str, Nic], profile: Profile) -> DriftRange:
    """The range of a HAVIP with more members.

    Raises:
        Refused: Malformed, Duplicate (one twice among the new ones), DuplicatedHaVipAssociations (one that it has),
            InvalidParameterValue (both kinds, or a machine that is not in the subnet), ResourceNotFound, LimitExceeded.
    """
    kinds = {kind_of(member) for member in (*members, *havip.drift_range.members)}
    if len(set(members)) < len(members):
        raise Refused(Code.DUPLICATE, f"a member is named twice for {havip.id or 'the HAVIP'}; name each once")
    for member in members:
        if member in havip.drift_range.members:
            raise Refused(Code.DUPLICATED_ASSOCIATION, f"{member} is in the range of {havip.id} already")
    if len(kinds) > 1:
        raise Refused(Code.INVALID, "a range has instances as its members, or NICs; not both. Name the instances' NICs")
    whole = (*havip.drift_range.members, *members)
    if len(whole) > profile.range_members:
        raise Refused(
            Code.LIMIT_EXCEEDED,
            f"the range would have {len(whole)} members; it may have {profile.range_members}. Dissociate some first",
        )
    for member in members:
        _check_place(member, havip.subnet_id, nics)
    return _with_members(havip, whole, nics.values())


def dissociate(
    havip: Havip, members: Sequence[str], nics: Mapping[str, Nic], profile: Profile, now: float
) -> tuple[Effect, ...]:
    """Take members out of the range of a HAVIP; the profile says what becomes of an owner among them.

    Raises:
        Refused: Malformed, Duplicate, ResourceNotFound (one that is no member), UnsupportedOperation (the owner, where
            the profile keeps it in the range).
    """
    if len(set(members)) < len(members):
        raise Refused(Code.DUPLICATE, f"a member is named twice for {havip.id}; name each once")
    for member in members:
        kind_of(member)
        if member not in havip.drift_range.members:
            raise Refused(Code.NOT_FOUND, f"{member} is not in the range of {havip.id}; list what is")
    rest = tuple(member for member in havip.drift_range.members if member not in members)
    reduced = replace(havip, drift_range=_with_members(havip, rest, nics.values()))
    change = Change(havip, reduced)
    owner = havip.binding and havip.binding.nic_id
    if not havip.drift_range.enforced or owner not in havip.drift_range.nics - reduced.drift_range.nics:
        return (change,)
    match profile.owner_removal:
        case OwnerRemoval.KEEPS:
            return (change,)
        case OwnerRemoval.UNBINDS:
            return (change, *unbind(reduced, Cause.EXCLUDED, now))
        case OwnerRemoval.REFUSED:
            raise Refused(Code.UNSUPPORTED, f"{owner} owns {havip.id}; let another machine announce it first")


def check_no_member(nic: Nic, havips: Iterable[Havip]) -> None:
    """A NIC may be detached.

    Raises:
        Refused: InstanceAssociateHavip; it is a member of a range.
    """
    for havip in havips:
        if nic.id in havip.drift_range.members:
            raise Refused(Code.IN_RANGE, f"{nic.id} is in the drift range of {havip.id}; dissociate it first")


def followed(before: Nic, after: Nic | None, havips: Iterable[Havip]) -> Iterator[tuple[Havip, Havip]]:
    """The HAVIPs whose ranges admit a NIC, or no longer do, once it is attached to another instance, or to none.

    Args:
        before: the NIC as it was.
        after: as it will be; None if it is deleted.
        havips: all there are.
    """
    for havip in havips:
        drift_range = havip.drift_range
        if not drift_range.members or havip.subnet_id != before.subnet_id:
            continue
        admitted = drift_range.nics - {before.id}
        if after is not None and _admits(drift_range.members, after):
            admitted |= {after.id}
        if admitted != drift_range.nics:
            yield havip, replace(havip, drift_range=replace(drift_range, nics=admitted))


def _check_place(member: str, subnet_id: str, nics: Mapping[str, Nic]) -> None:
    """A member has a NIC in the HAVIP's subnet, attached to an instance."""
    found = [nic for nic in nics.values() if member in {nic.id, nic.instance_id}]
    if not found:
        raise Refused(Code.NOT_FOUND, f"there is no {member}; an instance is known by the NICs that are attached to it")
    if not any(nic.subnet_id == subnet_id and nic.instance_id for nic in found):
        raise Refused(Code.INVALID, f"{member} has no NIC in {subnet_id} that is attached to an instance; attach one")


def _with_members(havip: Havip, members: tuple[str, ...], nics: Iterable[Nic]) -> DriftRange:
    admitted = frozenset(nic.id for nic in nics if nic.subnet_id == havip.subnet_id and _admits(members, nic))
    return DriftRange(havip.drift_range.enforced, members, admitted)


def _admits(members: tuple[str, ...], nic: Nic) -> bool:
    return bool(nic.instance_id) and (nic.id in members or nic.instance_id in members)
