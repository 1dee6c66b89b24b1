"""Many announcements: bursts, floods, and which of two is the later one."""

import gc
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.network.conftest import Place, Rig

_QUOTA = "vpc-max-havips"
_FLOOD = """
import socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
raw.bind(("eth0", 0))
frame = bytes.fromhex(sys.argv[1])
print("flooding", flush=True)
while True:
    raw.send(frame)
"""


@pytest.fixture
def large_quota(rig: "Rig") -> Iterator[None]:
    rig.call("HavipLabModifyQuota", LimitType=_QUOTA, LimitValue=500)
    yield
    rig.call("HavipLabModifyQuota", LimitType=_QUOTA, LimitValue=10)


@pytest.mark.usefixtures("large_quota")
@pytest.mark.parametrize("turn", range(5))
def test_a_burst_for_200_havips_binds_all(rig: "Rig", place: "Place", turn: int) -> None:
    owner = place.machine()
    havips = [place.havip(name=f"havip-{turn}-{number}") for number in range(200)]
    frames = [owner.announcement(havip["Vip"]) for havip in havips for _ in range(5)]
    with owner.raw_socket() as raw:
        gc.disable()
        before = time.monotonic()
        for frame in frames:
            raw.send(frame)
        took = time.monotonic() - before
        gc.enable()
    bound = 0
    for offset in (0, 100):
        of_vpc = [{"Name": "vpc-id", "Values": [place.id]}]
        page = rig.call("DescribeHaVips", Filters=of_vpc, Offset=offset, Limit=100)["HaVipSet"]
        bound += sum(view["NetworkInterfaceId"] == owner.nic for view in page)
    assert bound == 200, (
        f"1000 frames in {took * 1e3:.1f} ms; {place.events()[-3:]} {rig.rejected(owner, 'RATE_LIMITED')}"
    )
    assert len(place.events()) == 200


def test_a_flood_holds_nobody_else_up(rig: "Rig", place: "Place") -> None:
    hostile, honest, observer = place.machine(capture=False), place.machine(), place.machine()
    wanted, flooded = place.havip(), place.havip()
    flood = hostile.host.spawn([sys.executable, "-c", _FLOOD, hostile.announcement(flooded["Vip"]).hex()])
    try:
        deadline = time.monotonic() + 5
        while not rig.rejected(hostile, "RATE_LIMITED"):
            assert time.monotonic() < deadline, flood.log()
        delays = []
        for _ in range(20):
            for claimant in (honest, observer):
                third = observer if claimant is honest else honest
                since = claimant.announce(wanted["Vip"])
                seen = third.saw(claimant.announcement(wanted["Vip"]), since=since)
                delays.append((seen.time_ns - since) / 1e6)
        assert rig.owner(wanted) == observer.nic
    finally:
        flood.kill()
    assert max(delays) < 100, delays
    assert rig.rejected(hostile, "RATE_LIMITED")[flooded["Vip"]] > 1000


@pytest.mark.parametrize("pause", [0, 50, 200, 1000], ids=lambda pause: f"{pause}us")
@pytest.mark.parametrize("last", ["owner", "claimant"])
def test_the_later_one_holds(rig: "Rig", place: "Place", pause: int, last: str) -> None:
    a, b = place.machine(), place.machine()
    havip = place.havip()
    earlier, later = (b, a) if last == "owner" else (a, b)
    with earlier.raw_socket() as from_earlier, later.raw_socket() as from_later, a.raw_socket() as from_owner:
        owned = a.announcement(havip["Vip"])
        one, two = earlier.announcement(havip["Vip"]), later.announcement(havip["Vip"])
        held = 0
        for _ in range(100):
            from_owner.send(owned)
            assert rig.owner(havip) == a.nic
            from_earlier.send(one)
            until = time.perf_counter_ns() + pause * 1000
            while time.perf_counter_ns() < until:
                pass
            from_later.send(two)
            held += rig.owner(havip) == later.nic
    assert held == 100
