"""What announcements do, seen in the API and by a third host."""

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.conftest import Place, Rig


def test_an_announcement_binds(rig: "Rig", place: "Place") -> None:
    owner, observer, havip = place.machine(), place.machine(), place.havip()
    assert (havip["State"], havip["NetworkInterfaceId"], havip["InstanceId"]) == ("UNBIND", "", "")
    assert havip["FlushedTime"] == "0000-00-00 00:00:00"
    since = owner.announce(havip["Vip"])
    observer.saw(owner.announcement(havip["Vip"]), since=since)
    state = rig.state(havip)
    assert (state["State"], state["NetworkInterfaceId"]) == ("AVAILABLE", owner.nic)
    assert state["InstanceId"].startswith("ins-")
    for stamp in (state["FlushedTime"], state["CreatedTime"]):
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", stamp)


def test_an_api_call_sees_what_was_announced_before_it(rig: "Rig", place: "Place") -> None:
    machines, havip = [place.machine(), place.machine()], place.havip()
    for turn in range(100):
        machines[turn % 2].announce(havip["Vip"])
        assert rig.owner(havip) == machines[turn % 2].nic


def test_a_reply_moves_and_is_one_event(rig: "Rig", place: "Place") -> None:
    a, b, havip = place.machine(), place.machine(), place.havip()
    a.announce(havip["Vip"])
    b.announce(havip["Vip"], operation=2)
    assert rig.owner(havip) == b.nic
    moves = [(e["OldNetworkInterfaceId"], e["NewNetworkInterfaceId"], e["Cause"]) for e in place.events()]
    assert moves == [("", a.nic, "announced"), (a.nic, b.nic, "announced")]


def test_a_refresh_is_re_sent_and_no_event(rig: "Rig", place: "Place") -> None:
    owner, observer, havip = place.machine(), place.machine(), place.havip()
    owner.announce(havip["Vip"])
    flushed, events = rig.state(havip)["FlushedTime"], place.events()
    since = owner.announce(havip["Vip"])
    observer.saw(owner.announcement(havip["Vip"]), since=since)
    assert (rig.state(havip)["FlushedTime"], place.events()) == (flushed, events)


def test_the_sender_gets_no_echo(rig: "Rig", place: "Place") -> None:
    owner, observer, havip = place.machine(), place.machine(), place.havip()
    since = time.time_ns()
    for operation in (1, 2, 1):
        owner.announce(havip["Vip"], operation=operation)
    observer.saw(owner.announcement(havip["Vip"]), since=since)
    assert rig.owner(havip) == owner.nic
    own = owner.announcement(havip["Vip"])[6:12]
    assert [frame for frame in owner.frames(since=since) if frame[6:12] == own] == []


def test_a_unicast_announcement_stays_unicast(rig: "Rig", place: "Place") -> None:
    owner, target, other, havip = place.machine(), place.machine(), place.machine(), place.havip()
    since = owner.announce(havip["Vip"], to=target.mac)
    target.saw(owner.announcement(havip["Vip"], to=target.mac), since=since)
    assert rig.owner(havip) == owner.nic
    owner.announce(havip["Vip"])
    other.saw(owner.announcement(havip["Vip"]), since=since)
    assert owner.announcement(havip["Vip"], to=target.mac) not in other.frames(since=since)


def test_release_while_bound_makes_later_announcements_spoofs(rig: "Rig", place: "Place") -> None:
    owner, observer, havip = place.machine(), place.machine(), place.havip()
    canary = place.havip()
    owner.announce(havip["Vip"])
    rig.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    assert place.events()[-1]["Cause"] == "released"
    since = owner.announce(havip["Vip"])
    owner.announce(canary["Vip"])
    observer.saw(owner.announcement(canary["Vip"]), since=since)
    assert owner.announcement(havip["Vip"]) not in observer.frames(since=since)
    assert rig.rejected(owner, "NOT_YOURS") == {havip["Vip"]: 1}


def test_detach_takes_the_binding_and_the_cable(rig: "Rig", place: "Place", until: "Callable[..., None]") -> None:
    owner, havip = place.machine(), place.havip()
    owner.announce(havip["Vip"])
    instance = rig.state(havip)["InstanceId"]
    rig.call("DetachNetworkInterface", NetworkInterfaceId=owner.nic, InstanceId=instance)
    assert rig.state(havip)["State"] == "UNBIND"
    assert place.events()[-1]["Cause"] == "detached"
    until(lambda: "eth0" not in owner.host.interfaces(), "the end of eth0")
    rig.call("AttachNetworkInterface", NetworkInterfaceId=owner.nic, InstanceId=instance)
    assert rig.patch({"do": "plug", "nic": owner.nic}, owner.host.namespace()) == {"ok": True}
    assert rig.state(havip)["State"] == "UNBIND"
    owner.announce(havip["Vip"])
    assert rig.owner(havip) == owner.nic


def test_delete_of_a_nic_takes_its_binding(rig: "Rig", place: "Place") -> None:
    owner, havip = place.machine(), place.havip()
    owner.announce(havip["Vip"])
    rig.call("DeleteNetworkInterface", NetworkInterfaceId=owner.nic)
    assert rig.state(havip)["State"] == "UNBIND"
    assert place.events()[-1]["Cause"] == "deleted"


def test_a_cut_cable_keeps_the_binding(rig: "Rig", place: "Place", until: "Callable[..., None]") -> None:
    owner, havip = place.machine(), place.havip()
    owner.announce(havip["Vip"])
    assert rig.patch({"do": "cut", "nic": owner.nic}) == {"ok": True}
    carrier = "cat /sys/class/net/eth0/carrier"
    until(lambda: owner.host.run(["sh", "-c", carrier]).stdout.strip() == "0", "the loss of the carrier")
    assert rig.owner(havip) == owner.nic
    assert rig.patch({"do": "mend", "nic": owner.nic}) == {"ok": True}
    until(lambda: owner.host.run(["sh", "-c", carrier]).stdout.strip() == "1", "the return of the carrier")
    other = place.machine()
    other.announce(havip["Vip"])
    owner.announce(havip["Vip"])
    assert rig.owner(havip) == owner.nic


def test_equal_ranges_side_by_side_do_not_mix(rig: "Rig", make_place: "Callable[..., Place]") -> None:
    left, right = make_place(), make_place()
    a, b = left.machine(), right.machine()
    one, two = left.havip(address="10.0.0.77"), right.havip(address="10.0.0.77")
    a.announce("10.0.0.77")
    assert (rig.owner(one), rig.owner(two)) == (a.nic, "")
    b.announce("10.0.0.77")
    assert (rig.owner(one), rig.owner(two)) == (a.nic, b.nic)


def test_another_machines_address_is_rejected_and_counted(rig: "Rig", place: "Place") -> None:
    a, b = place.machine(), place.machine()
    since = time.time_ns()
    for _ in range(3):
        a.announce(b.address)
    a.announce("10.0.0.1")
    a.announce(a.address, sender_mac=b.mac)
    assert rig.rejected(a, "NOT_YOURS") == {b.address: 3, "10.0.0.1": 1}
    assert rig.rejected(a, "MAC_MISMATCH") == {a.address: 1}
    assert b.frames(since=since) == []
