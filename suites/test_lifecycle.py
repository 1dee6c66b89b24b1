"""API: a HAVIP from its creation to its release, as the control plane tells it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import sleep
from typing import Any

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.crowd import AtOnce
from pytest_havip.fixtures.judges import Bind
from pytest_havip.fixtures.stage import Launch, Stage
from pytest_havip.lab import Lab
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Feature, Havip, HavipState, Refused, Subnet, Target, Vpc

__all__: list[str] = []

#: The stamp of a HAVIP whose binding never changed, in Tencent's words.
NEVER = "0000-00-00 00:00:00"
#: Seconds after which a stamp surely differs: it counts whole ones, by the network's own clock.
SECOND = 1.0
#: The address of the HAVIP whose life is told.
ADDRESS = "172.17.16.33"


@requirement("HAVIP-API-004")
def test_a_created_havip_is_described_at_once(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    havip = target.create_havip(subnet, address="172.17.16.3", name="just made")
    state = target.havip_state(havip)
    assert state is not None
    assert (state.havip, state.bound, state.nic_id, state.instance_id) == (havip, False, "", "")
    assert target.havips(vpc) == [havip]
    assert (havip.name, str(havip.address)) == ("just made", "172.17.16.3")
    assert (havip.vpc_id, havip.subnet_id) == (vpc.id, subnet.id)


@requirement("HAVIP-API-005")
def test_no_id_is_given_again(target: Target, subnet: Subnet) -> None:
    ids = []
    for _ in range(5):
        made = [target.create_havip(subnet) for _ in range(2)]
        ids += [havip.id for havip in made]
        for havip in made:
            target.delete_havip(havip)
    assert len(set(ids)) == len(ids)


@requirement("HAVIP-API-014")
def test_two_havips_may_have_one_name(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    for address in ("172.17.16.3", "172.17.16.4"):
        target.create_havip(subnet, address=address, name="database")
    assert sorted((havip.name, str(havip.address)) for havip in target.havips(vpc)) == [
        ("database", "172.17.16.3"),
        ("database", "172.17.16.4"),
    ]


@requirement("HAVIP-API-015")
def test_equal_requests_get_no_equal_answer(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    first = target.create_havip(subnet, name="database")
    try:
        second = target.create_havip(subnet, name="database")
    except Refused:
        return  # that is an answer of its own
    assert second.id != first.id
    assert second.address != first.address
    assert {havip.id for havip in target.havips(vpc)} == {first.id, second.id}


@requirement("HAVIP-API-021")
def test_an_unbound_havip_can_be_released(target: Target, vpc: Vpc, subnet: Subnet) -> None:
    gone, other = (target.create_havip(subnet, name=name) for name in ("gone", "other"))
    target.delete_havip(gone)
    assert target.havip_state(gone) is None
    assert target.havips(vpc) == [other]


@requirement("HAVIP-API-020")
def test_of_parallel_releases_one_succeeds(target: Target, vpc: Vpc, havip: Havip, at_once: AtOnce) -> None:
    released, refused = at_once(lambda: target.delete_havip(havip), 10)
    assert len(released) == 1
    # All that the others may hear: it is gone, or is just going.
    assert {refusal.code.partition(".")[0] for refusal in refused} <= {"ResourceNotFound", "UnsupportedOperation"}
    assert target.havips(vpc) == []


@requirement("HAVIP-API-022")
def test_a_subnet_in_use_is_not_deleted(
    target: Target, subnet: Subnet, elsewhere: Subnet, havip: Havip, launch: Launch
) -> None:
    with pytest.raises(Refused):
        target.delete_subnet(subnet)
    assert target.havip_state(havip) is not None
    machine = launch("machine", elsewhere)
    with pytest.raises(Refused):
        target.delete_subnet(elsewhere)
    # The control: it was what they held that kept them.
    target.unplug(machine.nic)
    target.delete_havip(havip)
    for free in (subnet, elsewhere):
        target.delete_subnet(free)


@requirement("HAVIP-API-023")
def test_what_happens_to_others_changes_nothing(
    target: Target, havip: Havip, a: Instance, b: Instance, launch: Launch, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    other = target.create_havip(a.nic.subnet, name="other")
    bind(b, other)
    before = target.havip_state(havip)
    target.rename_havip(other, "another")
    target.detach(b.nic)
    target.unplug(launch("passer-by", a.nic.subnet, address="172.17.16.40").nic)
    target.delete_havip(other)
    assert target.havip_state(havip) == before
    assert observer.owner_of(havip.address) is a


@requirement("HAVIP-API-009")
def test_nic_and_instance_are_those_of_one_owner(
    target: Target, havip: Havip, a: Instance, b: Instance, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    seen = set()
    for number in range(30):
        for machine in (a, b) if number % 2 else (b, a):
            machine.announce(havip.address)
        state = target.havip_state(havip)
        assert state is not None
        seen.add((state.nic_id, state.instance_id))
    fence(b)
    assert seen <= {(machine.nic.id, machine.nic.instance_id) for machine in (a, b)}


@dataclass(frozen=True)
class Moment:
    """What the control plane said of a HAVIP after a step of its life.

    Args:
        state: The network's own word.
        views: The same by Tencent's API, asked by id and by a filter; none where a network does not speak it.
    """

    state: HavipState
    views: tuple[Mapping[str, Any], ...]

    @classmethod
    def now(cls, target: Target, havip: Havip) -> "Moment":
        """Ask the control plane."""
        state = target.havip_state(havip)
        assert state is not None, f"the control plane does not know {havip.id}"
        questions: tuple[dict[str, object], ...] = ()
        if Feature.TENCENT_API in target.features:
            questions = ({"HaVipIds": [havip.id]}, {"Filters": [{"Name": "havip-id", "Values": [havip.id]}]})
        return cls(
            state, tuple(view for asked in questions for view in target.call("DescribeHaVips", **asked)["HaVipSet"])
        )


@dataclass(frozen=True)
class Life:
    """A HAVIP's life, step by step.

    Args:
        first: Its first owner.
        second: Its second owner.
        moments: What the control plane said after each step.
    """

    first: Instance
    second: Instance
    moments: Mapping[str, Moment]

    def shown(self, step: str, *fields: str) -> list[tuple[object, ...]]:
        """What Tencent's API showed in these fields, both ways of asking; a field that is not there is an error."""
        return [tuple(view[name] for name in fields) for view in self.moments[step].views]


@pytest.fixture(scope="module")
def life(lab: Lab, target: Target, request: pytest.FixtureRequest) -> Iterator[Life]:
    """A HAVIP is made, renamed, bound, and in a later second, which a stamp would show, renamed and moved."""
    with Stage.build(lab, target) as stage:
        stage.attach_to(request)
        subnet = stage.subnet()
        observer = stage.observer(subnet, prefix="life ")
        first, second = (stage.launch(f"life {host}", subnet, address=f"172.17.16.{host}") for host in (7, 13))
        havip = target.create_havip(subnet, address=ADDRESS, name="newborn")
        moments = {"created": Moment.now(target, havip)}

        def bind(machine: Instance) -> None:
            machine.announce(havip.address)
            observer.wait_for_owner(havip.address, machine)

        steps: dict[str, Callable[[], None]] = {
            "renamed": lambda: target.rename_havip(havip, "named"),
            "bound": lambda: bind(first),
            "a second later": lambda: sleep(SECOND),
            "renamed while bound": lambda: target.rename_havip(havip, "named again"),
            "moved": lambda: bind(second),
        }
        for name, step in steps.items():
            step()
            moments[name] = Moment.now(target, havip)
        yield Life(first, second, moments)


@requirement("HAVIP-API-012")
@pytest.mark.parametrize(
    ("before", "after", "name"),
    [("created", "renamed", "named"), ("a second later", "renamed while bound", "named again")],
)
def test_renaming_changes_the_name_alone(life: Life, before: str, after: str, name: str) -> None:
    was = life.moments[before].state
    assert life.moments[after].state == replace(was, havip=replace(was.havip, name=name))


@requirement("HAVIP-ADDR-018")
def test_the_address_stays_the_same_for_life(life: Life) -> None:
    assert {str(moment.state.havip.address) for moment in life.moments.values()} == {ADDRESS}


@requirement("HAVIP-API-007")
def test_an_unbound_havip_names_nobody(life: Life) -> None:
    for step in ("created", "renamed"):
        shown = life.shown(step, "State", "NetworkInterfaceId", "InstanceId", "AddressIp")
        assert shown == [("UNBIND", "", "", "")] * 2


@requirement("HAVIP-API-008")
def test_a_bound_havip_names_its_owner(life: Life) -> None:
    for step, owner in (("bound", life.first), ("renamed while bound", life.first), ("moved", life.second)):
        shown = life.shown(step, "State", "NetworkInterfaceId", "InstanceId")
        assert shown == [("AVAILABLE", owner.nic.id, owner.nic.instance_id)] * 2


@requirement("HAVIP-API-010")
def test_the_stamp_of_the_last_change_begins_as_zeros(life: Life) -> None:
    for step in ("created", "renamed"):
        assert life.shown(step, "FlushedTime") == [(NEVER,)] * 2
    stamps = [stamp for step in ("bound", "moved") for (stamp,) in life.shown(step, "FlushedTime")]
    bound, _, moved, _ = [seconds(stamp) for stamp in stamps]
    assert stamps == [stamps[0], stamps[0], stamps[2], stamps[2]]
    assert bound < moved


@requirement("HAVIP-API-011")
def test_the_time_of_creation_stays_the_same_for_life(life: Life) -> None:
    (created,), _ = life.shown("created", "CreatedTime")
    seconds(created)
    for step in life.moments:
        assert life.shown(step, "CreatedTime") == [(created,)] * 2


def seconds(stamp: object) -> datetime:
    """Read a time as Tencent's API writes it: ``YYYY-MM-DD HH:MM:SS``."""
    form = "%Y-%m-%d %H:%M:%S"
    try:
        read = datetime.strptime(str(stamp), form)  # noqa: DTZ007 - Tencent names no zone
    except ValueError:
        pytest.fail(f"{stamp!r} is no time as the API writes it: YYYY-MM-DD HH:MM:SS")
    assert read.strftime(form) == stamp
    return read
