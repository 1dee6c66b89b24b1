"""RELEASE: a released HAVIP is an ordinary address again; those who keep announcing it are spoofers."""

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.judges import Bind
from pytest_havip.observe.control_plane import ControlPlane
from pytest_havip.observe.fence import Fence
from pytest_havip.observe.observer import Observer
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip, Target, Vpc

__all__: list[str] = []


@requirement("HAVIP-RELEASE-001")
def test_a_released_havip_reaches_nobody(
    target: Target, vpc: Vpc, havip: Havip, a: Instance, observer: Observer, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    assert target.havip_state(havip) is None
    assert havip not in target.havips(vpc)
    # A neighbour that still believes in the old owner must not reach it either.
    assert observer.owner_of(havip.address, destination=a.mac) is None


@requirement("HAVIP-RELEASE-001")
def test_announcing_a_released_havip_is_spoofing(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, fence: Fence, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    for machine in (a, b):
        since = machine.announce(havip.address)
        fence(machine)
        assert observer.heard_arp_from(havip.address, since=since) == []
        assert observer.owner_of(havip.address, destination=machine.mac) is None


@requirement("HAVIP-RELEASE-002")
def test_a_released_address_is_free_again_and_unbound(
    control_plane: ControlPlane,
    target: Target,
    havip: Havip,
    a: Instance,
    b: Instance,
    observer: Observer,
    fence: Fence,
    bind: Bind,
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    again = target.create_havip(a.nic.subnet, address=str(havip.address))
    assert again.address == havip.address
    assert again.id != havip.id
    fence(a)
    assert control_plane.owner_of(again) is None
    b.announce(again.address)
    observer.wait_for_owner(again.address, b)
    assert control_plane.owner_of(again) is b


@requirement("HAVIP-RELEASE-003")
def test_releasing_one_leaves_the_others(
    target: Target, havip: Havip, a: Instance, b: Instance, observer: Observer, bind: Bind
) -> None:
    other = target.create_havip(a.nic.subnet, name="other")
    bind(a, havip)
    bind(b, other)
    target.delete_havip(havip)
    assert observer.owner_of(other.address) is b


@requirement("HAVIP-API-003")
def test_releasing_a_bound_havip_is_one_event(
    control_plane: ControlPlane, target: Target, havip: Havip, a: Instance, bind: Bind
) -> None:
    bind(a, havip)
    target.delete_havip(havip)
    assert control_plane.moves_of(havip) == [(None, a), (a, None)]
