"""Faults in drift ranges: who is in one, when it counts, and what an edit of it does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import change_profile, change_rule, put
from pytest_havip.network.core import TENCENT, DriftRange, Havip, MemberKind, Network, Nic, Reason, drift
from pytest_havip.network.core.announcements import announce
from pytest_havip.network.dataplane import elements
from pytest_havip.network.dataplane.rules import RULES_BY_NAME, reject_chain

__all__ = ["MUTANTS"]

_RANGE_RULE = "announcement-range"


def _in_force(is_in_force: Callable[[bool, Sequence[str]], bool]) -> Callable[[], None]:
    """Let ranges be in force in other cases: by what was asked for, and the members."""

    def plant() -> None:
        def with_members(havip: Havip, members: tuple[str, ...], nics: Iterable[Nic]) -> DriftRange:
            right: DriftRange = rightly(havip, members, nics)
            return replace(right, enforced=is_in_force(right.enforced, members))

        rightly = put(drift, "_with_members", with_members)

    return plant


def _admit(admitted: Callable[[Iterable[Nic], DriftRange], Iterable[str]]) -> Callable[[], None]:
    """Let ranges admit other NICs."""

    def plant() -> None:
        def with_members(havip: Havip, members: tuple[str, ...], nics: Iterable[Nic]) -> DriftRange:
            here = [nic for nic in nics if nic.subnet_id == havip.subnet_id]
            right: DriftRange = rightly(havip, members, here)
            return replace(right, nics=frozenset(admitted(here, right)))

        rightly = put(drift, "_with_members", with_members)

    return plant


def _first_nics(nics: Iterable[Nic], right: DriftRange) -> Iterable[str]:
    first: dict[str, str] = {}
    for nic in nics:
        if nic.id in right.nics:
            first.setdefault(nic.instance_id if nic.instance_id in right.members else nic.id, nic.id)
    return first.values()


def _siblings_too(nics: Iterable[Nic], right: DriftRange) -> Iterable[str]:
    known = list(nics)
    instances = {nic.instance_id for nic in known if nic.id in right.nics}
    return (nic.id for nic in known if nic.instance_id in instances)


def _edits_bind() -> None:
    """Bind a HAVIP to the NIC that was added to its range last."""

    def associate(self: Network, members: Mapping[str, Sequence[str]]) -> None:
        before = {havip_id: self.havips[havip_id] for havip_id in members if havip_id in self.havips}
        rightly(self, members)
        for havip_id, old in before.items():
            havip = self.havips[havip_id]
            for nic_id in havip.drift_range.nics - old.drift_range.nics:
                self._commit(*announce(havip, self.nics[nic_id], havip.created))

    rightly = put(Network, "associate", associate)


def _edits_stay_on_paper() -> None:
    """Tell the kernel only of the range that a HAVIP began with."""

    def of_havip(havip: Havip) -> frozenset[elements.Element]:
        found: frozenset[elements.Element] = rightly(
            replace(havip, drift_range=first.setdefault(havip.id, havip.drift_range))
        )
        return found

    first: dict[str, DriftRange] = {}
    rightly = put(elements, "_of_havip", of_havip)


def _all_are_of_one_kind() -> None:
    put(drift, "kind_of", lambda _: MemberKind.CVM)


def _eleven_members() -> None:
    change_profile(range_members=TENCENT.range_members + 1)


def _outsiders_are_called_spoofers() -> None:
    text = RULES_BY_NAME[_RANGE_RULE].text
    change_rule(_RANGE_RULE, text.replace(reject_chain(Reason.NOT_IN_RANGE), reject_chain(Reason.NOT_YOURS)))


def _anything_is_a_member() -> None:
    put(drift, "_check_place", lambda *_: None)


def _one_after_the_other() -> None:
    """Carry out an edit member by member, until one is refused."""

    def plant(name: str) -> None:
        def edit(self: Network, members: Mapping[str, Sequence[str]], **more: Any) -> None:  # noqa: ANN401
            for havip_id, whole in members.items():
                for member in whole:
                    rightly(self, {havip_id: [member]}, **more)

        rightly = put(Network, name, edit)

    plant("associate")
    plant("dissociate")


def _members_may_go() -> None:
    put(drift, "check_no_member", lambda *_: None)


MUTANTS = (
    Mutant(
        "ranges-are-not-asked",
        "A drift range is never in force.",
        frozenset(
            {
                "HAVIP-RANGE-001",
                "HAVIP-RANGE-003",
                "HAVIP-RANGE-005",
                "HAVIP-RANGE-007",
                "HAVIP-RANGE-008",
                "HAVIP-RANGE-009",
                "HAVIP-RANGE-010",
                "HAVIP-RANGE-011",
                "HAVIP-RANGE-013",
            }
        ),
        _in_force(lambda *_: False),
    ),
    Mutant(
        "ranges-are-always-asked",
        "A drift range that has members is in force, whatever was asked for.",
        frozenset({"HAVIP-RANGE-004"}),
        _in_force(lambda asked, members: asked or bool(members)),
    ),
    Mutant(
        "an-empty-range-is-none",
        "A drift range that began empty is not in force.",
        frozenset({"HAVIP-RANGE-005"}),
        _in_force(lambda asked, members: asked and bool(members)),
    ),
    Mutant(
        "one-nic-of-each-instance",
        "An instance in a drift range admits one of its NICs.",
        frozenset({"HAVIP-RANGE-002"}),
        _admit(_first_nics),
    ),
    Mutant(
        "nics-bring-their-siblings",
        "A NIC in a drift range admits all NICs of its instance.",
        frozenset({"HAVIP-RANGE-003"}),
        _admit(_siblings_too),
    ),
    Mutant(
        "range-edits-bind",
        "Who is added to a drift range becomes the owner.",
        frozenset({"HAVIP-RANGE-006"}),
        _edits_bind,
    ),
    Mutant(
        "range-edits-stay-on-paper",
        "The data path knows only the drift range that a HAVIP began with.",
        frozenset({"HAVIP-RANGE-007"}),
        _edits_stay_on_paper,
    ),
    Mutant(
        "mixed-ranges",
        "A drift range may have instances and NICs as its members.",
        frozenset({"HAVIP-RANGE-008"}),
        _all_are_of_one_kind,
    ),
    Mutant(
        "eleven-members",
        "A drift range has room for one member too many.",
        frozenset({"HAVIP-RANGE-009"}),
        _eleven_members,
    ),
    Mutant(
        "outsiders-are-called-spoofers",
        "An announcement from outside the drift range is counted as one of an ordinary address.",
        frozenset({"HAVIP-RANGE-010"}),
        _outsiders_are_called_spoofers,
    ),
    Mutant(
        "anything-is-a-member",
        "A drift range may have members that there are not.",
        frozenset({"HAVIP-RANGE-012", "HAVIP-RANGE-013"}),
        _anything_is_a_member,
    ),
    Mutant(
        "range-edits-in-part",
        "A request about several members is carried out as far as it goes.",
        frozenset({"HAVIP-RANGE-013"}),
        _one_after_the_other,
    ),
    Mutant(
        "members-may-go",
        "A NIC may be detached while it is a member of a drift range.",
        frozenset({"HAVIP-RANGE-014"}),
        _members_may_go,
    ),
)
