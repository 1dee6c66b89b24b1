from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_havip.wire import Arp, Malformed

WELL_FORMED = bytes.fromhex("0001 0800 06 04 0001 020000000001 0a000003 000000000000 0a000004")


def test_a_message_is_read_field_by_field() -> None:
    message = Arp.decode(WELL_FORMED)
    assert message == Arp(1, "02:00:00:00:00:01", IPv4Address("10.0.0.3"), "00:00:00:00:00:00", IPv4Address("10.0.0.4"))
    assert message.encode() == WELL_FORMED


@given(st.one_of(st.binary(max_size=60), st.binary(min_size=20, max_size=50).map(lambda rest: WELL_FORMED[:8] + rest)))
def test_decoding_gives_a_value_that_encodes_to_the_same_bytes_or_says_why_not(data: bytes) -> None:
    try:
        message = Arp.decode(data)
    except Malformed:
        return
    assert message.encode() == data[:28]


@pytest.mark.parametrize(
    ("at", "field"), [(1, "hardware type"), (3, "protocol type"), (4, "hardware address l"), (5, "protocol address l")]
)
def test_only_ipv4_over_ethernet_is_understood(at: int, field: str) -> None:
    spoiled = bytearray(WELL_FORMED)
    spoiled[at] ^= 0x10
    with pytest.raises(Malformed, match=field):
        Arp.decode(bytes(spoiled))


def test_a_truncated_message_says_how_long_it_should_be() -> None:
    with pytest.raises(Malformed, match="28 bytes, not 27"):
        Arp.decode(WELL_FORMED[:27])


def test_an_operation_has_sixteen_bits() -> None:
    message = Arp.decode(WELL_FORMED)
    with pytest.raises(Malformed, match="16 bits"):
        Arp(0x10000, message.sender_mac, message.sender_ip, message.target_mac, message.target_ip).encode()


@pytest.mark.parametrize(
    ("operation", "sender", "target", "gratuitous", "probe"),
    [
        (1, "10.0.0.3", "10.0.0.3", True, False),
        (2, "10.0.0.3", "10.0.0.3", True, False),
        (1, "10.0.0.3", "10.0.0.4", False, False),
        (1, "0.0.0.0", "10.0.0.3", False, True),
        (2, "0.0.0.0", "10.0.0.3", False, False),
        (1, "0.0.0.0", "0.0.0.0", False, True),
    ],
)
def test_what_a_message_is(operation: int, sender: str, target: str, *, gratuitous: bool, probe: bool) -> None:
    message = Arp(operation, "02:00:00:00:00:01", IPv4Address(sender), "00:00:00:00:00:00", IPv4Address(target))
    assert (message.is_gratuitous, message.is_probe) == (gratuitous, probe)
