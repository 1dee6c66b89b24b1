import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_havip.wire import Ethernet, Malformed

FRAME = Ethernet("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01", 0x0806, b"payload")


def test_the_header_has_the_order_of_the_wire() -> None:
    assert FRAME.encode().hex() == "ffffffffffff" + "020000000001" + "0806" + b"payload".hex()


def test_padding_fills_up_to_sixty_bytes_and_no_further() -> None:
    assert FRAME.encode(padded=True) == FRAME.encode() + bytes(39)
    long = Ethernet(FRAME.destination, FRAME.source, FRAME.ethertype, bytes(100))
    assert long.encode(padded=True) == long.encode()


@given(st.binary(max_size=100))
def test_decoding_gives_a_value_that_encodes_to_the_same_bytes_or_says_why_not(data: bytes) -> None:
    if len(data) < 14:
        with pytest.raises(Malformed, match=f"not {len(data)}"):
            Ethernet.decode(data)
    else:
        assert Ethernet.decode(data).encode() == data


@pytest.mark.parametrize("ethertype", [-1, 0x10000])
def test_a_type_has_sixteen_bits(ethertype: int) -> None:
    with pytest.raises(Malformed, match="16 bits"):
        Ethernet(FRAME.destination, FRAME.source, ethertype, b"").encode()
