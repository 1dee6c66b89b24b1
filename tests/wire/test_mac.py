import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_havip.wire import Malformed, mac_bytes, mac_text


@given(st.binary(min_size=6, max_size=6))
def test_text_and_bytes_are_the_same_address(octets: bytes) -> None:
    assert mac_bytes(mac_text(octets)) == octets


@pytest.mark.parametrize(
    "text",
    ["", "02", "02:00:5e:10:00", "02:00:5e:10:00:07:08", "2:0:5e:10:0:7", "02-00-5e-10-00-07", "gg:00:00:00:00:00"],
)
def test_what_is_no_mac_address_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="six pairs"):
        mac_bytes(text)


@pytest.mark.parametrize("length", [0, 5, 7])
def test_a_mac_address_has_six_bytes(length: int) -> None:
    with pytest.raises(Malformed, match=f"not {length}"):
        mac_text(bytes(length))
