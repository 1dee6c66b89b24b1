"""What the network tells to those who follow it, and what it writes into its log."""

import json
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_havip.lab import Lab
from pytest_havip.network.activity import Activity, ActivityLog, Kind
from pytest_havip.network.dataplane.counters import Rejection
from pytest_havip.network.events import Event
from pytest_havip.targets.base import Refused

STRANGER = "10.0.0.250"
FOREVER = 2**62
MOVE = Event("vpc-1", "havip-1", "10.0.0.9", "eni-a", "eni-b", "announced", 7.5)
LOSS = Event("vpc-1", "", "", "", "", "OVERFLOW", 7.0)


def told(rig: Any, after: int, **more: object) -> list[tuple[str, ...]]:
    answer = rig.call("HavipLabDescribeActivity", After=after, **more)
    return [
        (entry["Kind"], entry["Address"], entry["NetworkInterfaceId"], entry["OldNetworkInterfaceId"], entry["Reason"])
        for entry in answer["ActivitySet"]
    ]


def now(rig: Any, action: str = "HavipLabDescribeActivity") -> int:
    return rig.call(action, After=FOREVER)["Last"]


def test_bindings_refreshes_and_rejections_are_told_in_order(rig: Any, place: Any) -> None:
    a, b, observer, havip = place.machine(), place.machine(), place.machine(), place.havip()
    vip, since, start = havip["Vip"], time.monotonic_ns(), now(rig)
    for machine in (a, a, b):
        machine.announce(vip)
    observer.saw(b.announcement(vip), since=since)
    assert told(rig, start) == [
        ("BOUND", vip, a.nic, "", "announced"),
        ("REFRESHED", vip, a.nic, a.nic, "announced"),
        ("MOVED", vip, b.nic, a.nic, "announced"),
    ]
    start = now(rig)
    a.announce(STRANGER)
    a.announce(STRANGER)
    rig.call("DeleteHaVip", HaVipId=havip["HaVipId"])
    assert told(rig, start) == [
        ("UNBOUND", vip, "", b.nic, "released"),
        ("REJECTED", STRANGER, a.nic, "", "NOT_YOURS"),
    ]
    entry = rig.call("HavipLabDescribeActivity", After=start)["ActivitySet"][1]
    assert (entry["Frames"], entry["VpcId"], entry["HaVipId"]) == (2, place.id, "")


def test_a_cursor_goes_on_page_by_page(rig: Any, place: Any) -> None:
    a, b, havip = place.machine(), place.machine(), place.havip()
    for action, found in (("HavipLabDescribeEvents", "EventSet"), ("HavipLabDescribeActivity", "ActivitySet")):
        start = now(rig, action)
        for machine in (a, b, a):
            machine.announce(havip["Vip"])
            assert rig.owner(havip) == machine.nic
        everything = rig.call(action, After=start)
        pages, cursor = [], start
        while (answer := rig.call(action, After=cursor, Limit=1))[found]:
            pages += answer[found]
            cursor = answer["Last"]
        assert len(pages) == 3
        assert (pages, cursor) == (everything[found], everything["Last"])


@pytest.mark.parametrize("action", ["HavipLabDescribeEvents", "HavipLabDescribeActivity"])
def test_who_waits_hears_of_a_change_at_once(rig: Any, place: Any, action: str) -> None:
    a, havip, start = place.machine(), place.havip(), now(rig, action)
    with ThreadPoolExecutor(1) as helper:
        waiting = helper.submit(rig.call, action, After=start, WaitSeconds=15)
        assert rig.owner(havip) == ""
        begun = time.monotonic()
        a.announce(havip["Vip"])
        answer = waiting.result(10)
    assert time.monotonic() - begun < 5
    (entry,) = answer["EventSet" if action == "HavipLabDescribeEvents" else "ActivitySet"]
    assert entry["HaVipId"] == havip["HaVipId"]
    assert answer["Last"] == entry["Sequence"]


def test_who_waits_hears_of_a_rejection(rig: Any, place: Any) -> None:
    a, start = place.machine(), now(rig)
    with ThreadPoolExecutor(1) as helper:
        waiting = helper.submit(told, rig, start, WaitSeconds=15)
        a.announce(STRANGER)
        assert waiting.result(10) == [("REJECTED", STRANGER, a.nic, "", "NOT_YOURS")]


def test_who_waits_in_vain_gets_an_answer(rig: Any) -> None:
    start = now(rig)
    begun = time.monotonic()
    answer = rig.call("HavipLabDescribeActivity", After=start, WaitSeconds=1)
    assert (answer["ActivitySet"], answer["Last"]) == ([], start)
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(("name", "value"), [("Limit", 0), ("WaitSeconds", -1), ("WaitSeconds", 61)])
def test_what_is_out_of_range_is_refused(rig: Any, name: str, value: int) -> None:
    with pytest.raises(Refused, match=f"{name} is {value}") as refused:
        rig.call("HavipLabDescribeActivity", **{name: value})
    assert refused.value.code == "InvalidParameterValue.Range"


def test_the_log_has_a_line_for_everything_and_the_end_comes_at_once(rig_class: Any) -> None:
    with Lab.open() as lab:
        program = ("-m", "pytest_havip.network", "--log", "/run/log.jsonl")
        rig = rig_class(lab, program=program)
        try:
            place = rig.place()
            a, havip = place.machine(), place.havip()
            a.announce(havip["Vip"])
            assert rig.owner(havip) == a.nic
            a.announce(STRANGER)
            with pytest.raises(Refused):
                rig.call("DeleteVpc", VpcId=place.id)
            with ThreadPoolExecutor(1) as helper:
                followed = helper.submit(rig.call, "HavipLabDescribeActivity", After=FOREVER, WaitSeconds=60)
                assert rig.rejected(a, "NOT_YOURS")
                rig.process.signal(signal.SIGTERM)
                assert rig.process.wait(10) == 0, rig.process.log()
                assert followed.result(10)["ActivitySet"] == []
            written = lab.spawn([sys.executable, "-c", "print(open('/run/log.jsonl').read())"])
            written.wait(10)
            lines = [json.loads(line) for line in written.log().splitlines() if line]
        finally:
            rig.close()
    assert [line["what"] for line in lines if line["what"] in {"started", "ended"}] == ["started", "ended"]
    (bound,) = [line for line in lines if line["what"] == "bound"]
    assert (bound["address"], bound["nic_id"], bound["reason"]) == (havip["Vip"], a.nic, "announced")
    refused = [line for line in lines if line["what"] == "request" and line["code"]]
    assert [(line["action"], line["code"]) for line in refused] == [("DeleteVpc", "ResourceInUse")]
    assert {"time", "level"} <= bound.keys()


def test_numbers_are_the_same_after_a_restart_and_grow_though_the_clock_went_back() -> None:
    first, again = ActivityLog([LOSS, MOVE]), ActivityLog([LOSS, MOVE])
    assert first.after(0) == again.after(0)
    assert [activity.kind for _, activity in first.after(0)] == [Kind.LOST, Kind.MOVED]
    first.extend([Activity.of_event(LOSS)])
    assert [number for number, _ in first.after(0)] == [7_000_000, 7_500_000, 7_500_001]
    assert first.after(7_500_000) == [(7_500_001, Activity.of_event(LOSS))]


def test_rejections_are_told_as_often_as_they_were_counted() -> None:
    def seen(frames: int) -> list[Rejection]:
        return [Rejection("eni-a", place, "OWN", frames)]

    place: Any = "10.0.0.9"
    log = ActivityLog()
    log.skip_rejections(seen(3))
    for frames in (3, 5, 1, 2):  # a VPC that is deleted takes its counters with it
        log.note_rejections(seen(frames), {"eni-a": "vpc-1"}, 1.0)
    assert [(activity.kind, activity.frames) for _, activity in log.after(0)] == [
        (Kind.UNDELIVERED, 2),
        (Kind.UNDELIVERED, 1),
    ]
