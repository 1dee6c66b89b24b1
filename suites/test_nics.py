"""NIC: being the owner is a NIC's own: several HAVIPs of one NIC, several NICs of one instance, NICs that go."""

import pytest

from pytest_havip.clients.announcer import Instance
from pytest_havip.fixtures.troupe import Troupe, holding
from pytest_havip.observe.dialogue import Dialogue
from pytest_havip.requirements import requirement
from pytest_havip.targets.base import Havip

__all__: list[str] = []

#: HAVIPs of one NIC; with the one of the fence they fit into the smallest quota.
SEVERAL = 5


def assert_unbound(troupe: Troupe, havip: Havip, *machines: Instance) -> None:
    """The control plane names nobody, and packets reach nobody, not even by these machines' MAC addresses."""
    assert troupe.control_plane.owner_of(havip) is None
    for destination in (None, *(machine.mac for machine in machines)):
        assert troupe.observer.owner_of(havip.address, destination=destination) is None


def assert_owned(troupe: Troupe, havip: Havip, owner: Instance) -> None:
    """The control plane names a machine's NIC and instance, and packets reach it."""
    assert troupe.control_plane.owner_of(havip) is owner
    assert troupe.observer.owner_of(havip.address) is owner


@requirement("HAVIP-NIC-001")
def test_another_nic_of_the_owners_instance_becomes_the_owner(troupe: Troupe, floating: Havip) -> None:
    with troupe.guest("with two NICs") as first:
        second = troupe.stage.plug_in(first, troupe.subnet)
        assert second.nic.instance_id == first.nic.instance_id
        for owner in (first, second, first):
            owner.announce(floating.address)
            troupe.observer.wait_for_owner(floating.address, owner)
            assert troupe.control_plane.owner_of(floating) is owner


@requirement("HAVIP-NIC-002")
def test_only_the_nic_in_the_havips_subnet_binds(troupe: Troupe, floating: Havip) -> None:
    stage, target = troupe.stage, troupe.target
    elsewhere = target.create_subnet(stage.vpc, "172.17.32.0/24")
    far = stage.observer(elsewhere, prefix="far ")
    far_fence = stage.fence(elsewhere, far)
    with troupe.guest("in two subnets") as here:
        there = stage.plug_in(here, elsewhere)
        foreign = target.create_havip(elsewhere, name="foreign")
        for nic, havip, fence in ((there, floating, far_fence), (here, foreign, troupe.fence)):
            nic.announce(havip.address)
            fence(nic)
            assert troupe.control_plane.owner_of(havip) is None
        for nic, havip, observer in ((here, floating, troupe.observer), (there, foreign, far)):
            nic.announce(havip.address)
            observer.wait_for_owner(havip.address, nic)
        assert_owned(troupe, floating, here)
        assert troupe.control_plane.owner_of(foreign) is there
        target.delete_havip(foreign)


@requirement("HAVIP-NIC-003")
def test_several_havips_of_one_nic_move_one_at_a_time(troupe: Troupe) -> None:
    owners = {troupe.havip(): troupe.a for _ in range(SEVERAL)}
    for havip in owners:
        troupe.bind(troupe.a, havip)
    for havip in [*owners][::2] + [*owners][1::2]:
        troupe.b.announce(havip.address)
        troupe.observer.wait_for_owner(havip.address, troupe.b)
        owners[havip] = troupe.b
        for each, owner in owners.items():
            assert_owned(troupe, each, owner)


@requirement("HAVIP-NIC-004")
def test_a_detached_nic_loses_all_its_havips(troupe: Troupe, floating: Havip) -> None:
    other = troupe.havip()
    with troupe.guest("detached") as owner:
        for havip in (floating, other):
            troupe.bind(owner, havip)
        troupe.stage.detach(owner)
        for havip in (floating, other):
            assert_unbound(troupe, havip, owner)


@requirement("HAVIP-NIC-005")
@pytest.mark.parametrize("how", ["detach", "delete"])
def test_a_nic_that_goes_leaves_the_others(troupe: Troupe, floating: Havip, how: str) -> None:
    of_sibling, of_goer = troupe.havip(), troupe.havip()
    with troupe.guest("losing one") as goer:
        sibling = troupe.stage.plug_in(goer, troupe.subnet)
        for owner, havip in ((troupe.a, floating), (sibling, of_sibling), (goer, of_goer)):
            troupe.bind(owner, havip)
        if how == "detach":
            troupe.stage.detach(goer)
        else:
            troupe.stage.unplug(goer)
        assert troupe.control_plane.owner_of(of_goer) is None
        assert_owned(troupe, of_sibling, sibling)
        assert_owned(troupe, floating, troupe.a)


@requirement("HAVIP-NIC-006")
@pytest.mark.parametrize("where", ["the same instance", "another instance"])
def test_a_nic_that_comes_back_owns_nothing_until_it_announces(troupe: Troupe, floating: Havip, where: str) -> None:
    with troupe.guest("before") as before, troupe.guest("after") as after:
        troupe.bind(before, floating)
        host, interface = (before.host, "eth0") if where == "the same instance" else (after.host, "eth1")
        back = troupe.stage.attach(troupe.stage.detach(before), host, interface=interface)
        assert (back.nic.id, back.mac) == (before.nic.id, before.mac)
        troupe.fence(back)
        assert_unbound(troupe, floating, back)
        troupe.bind(back, floating)
        assert_owned(troupe, floating, back)


@requirement("HAVIP-NIC-007")
def test_a_new_nic_with_an_old_address_owns_nothing_until_it_announces(troupe: Troupe, floating: Havip) -> None:
    with troupe.guest("made anew") as old:
        troupe.bind(old, floating)
        troupe.stage.unplug(old)
        new = troupe.stage.plug_in(old, troupe.subnet, interface="eth0", address=str(old.address))
        assert new.address == old.address
        troupe.fence(new)
        assert_unbound(troupe, floating, old, new)
        troupe.bind(new, floating)
        assert_owned(troupe, floating, new)


def interrupt(troupe: Troupe, machine: Instance, what: str, *, up: bool) -> None:
    """Cut a machine off at the network's end of its link or at its own interface, or undo it."""
    if what == "link":
        troupe.target.set_link(machine.nic, up=up)
    elif up:
        machine.host.link_up(machine.interface)
    else:
        machine.host.link_down(machine.interface)


@requirement("HAVIP-NIC-008")
@pytest.mark.parametrize("what", ["link", "interface"])
def test_an_owner_that_was_cut_off_is_reached_again(troupe: Troupe, floating: Havip, what: str) -> None:
    with (
        troupe.guest("cut off") as owner,
        holding(owner, floating),
        Dialogue.open(floating.address, (owner,), "tcp") as dialogue,
    ):
        troupe.bind(owner, floating)
        interrupt(troupe, owner, what, up=False)
        assert troupe.control_plane.owner_of(floating) is owner
        interrupt(troupe, owner, what, up=True)
        # TCP asks again after a second, should the link need that.
        assert dialogue.ask(troupe.observer.instance) is owner
        assert troupe.control_plane.owner_of(floating) is owner


@requirement("HAVIP-API-003")
def test_every_havip_of_a_detached_nic_is_one_event(troupe: Troupe, floating: Havip) -> None:
    other = troupe.havip()
    with troupe.guest("in the events") as owner:
        for havip in (floating, other):
            troupe.bind(owner, havip)
        back = troupe.stage.attach(troupe.stage.detach(owner), owner.host)
        for havip in (floating, other):
            assert troupe.control_plane.moves_of(havip) == [(None, back), (back, None)]
