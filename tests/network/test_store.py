"""The store: everything comes back as it was, a write is all or nothing, and foreign files are left alone."""

import sqlite3
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from pytest_havip.network.codec import CodecError, decode, encode
from pytest_havip.network.core import Binding, DriftRange, Havip, Nic, Subnet, Vpc
from pytest_havip.network.events import Event
from pytest_havip.network.requests import Earlier, Task
from pytest_havip.network.store import Entry, Store, StoreError
from pytest_havip.network.terms import Terms

VPC = Vpc("vpc-00000000", "eins", IPv4Network("10.0.0.0/16"), 1.25, 10)
SUBNET = Subnet(
    "subnet-00000000", VPC.id, "零", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"), "02:00:00:00:00:09", 2.5
)
NIC = Nic(
    "eni-00000000",
    VPC.id,
    SUBNET.id,
    "",
    "02:00:00:00:00:02",
    (IPv4Address("10.0.0.2"), IPv4Address("10.0.0.3")),
    "ins-00000000",
    3.0,
)
UNBOUND = Havip("havip-00000000", '"quoted"', VPC.id, SUBNET.id, IPv4Address("10.0.0.100"), 4.0)
BOUND = replace(
    UNBOUND,
    id="havip-00000001",
    binding=Binding(NIC.id, NIC.mac, 5.5),
    flushed=5.5,
    announced=6.75,
    drift_range=DriftRange(True, (NIC.id, "eni-00000001"), frozenset({NIC.id})),
    tags=(("key", "value"), ("schlüssel", "")),
)
RECORDS = (VPC, SUBNET, NIC, UNBOUND, BOUND)
MOVE = Event(VPC.id, BOUND.id, "10.0.0.100", "", NIC.id, "announced", 5.5)
LOSS = Event(VPC.id, "", "", "", "", "OVERFLOW", 7.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.sqlite"


def fill(path: Path) -> None:
    store = Store(path)
    store.load()
    store.write(
        Entry(
            {record.id: record for record in RECORDS},
            [MOVE, LOSS],
            [Earlier("CreateHaVip", "token", "{}", '{"HaVip":{}}'), Task("request", BOUND.id)],
            {(NIC.id, IPv4Address("10.0.0.9"), "NOT_YOURS"): 3},
            Terms(12, admitted=False),
        )
    )
    store.close()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{type(record).__name__}")
def test_a_record_comes_back_from_its_text(record: object) -> None:
    assert decode(type(record), encode(record)) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        encode(UNBOUND).replace('"binding":null', '"binding":7'),
        encode(UNBOUND).replace('"10.0.0.100"', '"10.0.0.1000"'),
        encode(UNBOUND).replace('"created":4.0', '"created":"4"'),
        encode(UNBOUND).replace('"name"', '"noun"'),
        encode(BOUND).replace('"enforced":true', '"enforced":1'),
        encode(BOUND).replace('["key","value"]', '["key"]'),
        encode(NIC),
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(CodecError, match="is no Havip"):
        decode(Havip, text)


def test_everything_comes_back(path: Path) -> None:
    fill(path)
    store = Store(path)
    stored = store.load()
    store.close()
    assert tuple(stored.records) == RECORDS
    assert (stored.events, stored.last_event) == ([MOVE, LOSS], 2)
    assert stored.notes == [Earlier("CreateHaVip", "token", "{}", '{"HaVip":{}}'), Task("request", BOUND.id)]
    assert stored.rejections == {(NIC.id, IPv4Address("10.0.0.9"), "NOT_YOURS"): 3}
    assert stored.terms == Terms(12, admitted=False)


def test_a_change_keeps_its_place_and_a_deletion_leaves_none(path: Path) -> None:
    fill(path)
    store = Store(path)
    store.load()
    renamed = replace(UNBOUND, name="renamed")
    store.write(Entry({UNBOUND.id: renamed, BOUND.id: None}, [MOVE]))
    stored = store.load()
    store.close()
    assert stored.records == [VPC, SUBNET, NIC, renamed]
    assert (stored.events, stored.last_event) == ([MOVE, LOSS, MOVE], 3)


def test_a_write_is_all_or_nothing_and_may_be_repeated(path: Path) -> None:
    fill(path)
    store = Store(path)
    store.load()
    entry = Entry({UNBOUND.id: None}, [MOVE], [], {}, Terms(13))
    store._connection.execute("PRAGMA query_only = ON")  # as a full disk: it fails when it writes
    with pytest.raises(StoreError, match=r"network\.sqlite cannot be written .*; see that its folder"):
        store.write(entry)
    store._connection.execute("PRAGMA query_only = OFF")
    assert len(store.load().records) == len(RECORDS)
    store.write(entry)
    stored = store.load()
    store.close()
    assert (len(stored.records), stored.last_event, stored.terms) == (len(RECORDS) - 1, 3, Terms(13))


def test_in_memory_nothing_stays() -> None:
    for _ in range(2):
        store = Store(None)
        assert store.load().records == []
        store.write(Entry({VPC.id: VPC}))
        assert store.load().records == [VPC]
        store.close()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE theirs (one)")
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to another program; name a file of the network's own"):
        Store(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.write_bytes(b"[settings]\n" * 1000)
    with pytest.raises(StoreError, match="it is damaged, or no store of this network"):
        Store(path)
    assert path.read_bytes() == b"[settings]\n" * 1000


def test_another_version_is_left_alone(path: Path) -> None:
    fill(path)
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 3")
    later.close()
    with pytest.raises(StoreError, match="is of version 3, this program writes version 2"):
        Store(path)


def test_a_truncated_file_is_told(path: Path) -> None:
    fill(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 4096 * 4096])
    with pytest.raises(StoreError, match="it is damaged, or no store of this network"):
        Store(path).load()


def test_a_record_that_is_none_is_told(path: Path) -> None:
    fill(path)
    with sqlite3.connect(path) as spoilt:
        spoilt.execute("UPDATE record SET content = '{}' WHERE kind = 'Nic'")
    spoilt.close()
    store = Store(path)
    with pytest.raises(StoreError, match="is no Nic"):
        store.load()
    store.close()


def test_two_services_do_not_share_it(path: Path) -> None:
    store = Store(path)
    with pytest.raises(StoreError, match="another service is at work with it"):
        Store(path)
    store.close()


def test_its_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="see that its folder exists"):
        Store(tmp_path / "none" / "network.sqlite")
