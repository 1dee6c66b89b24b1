"""MAC addresses: lower-case colon text for people, six bytes for the wire."""

from pytest_havip.wire.malformed import Malformed

__all__ = ["BROADCAST", "MAC_LENGTH", "ZERO", "mac_bytes", "mac_text"]

MAC_LENGTH = 6
BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO = "00:00:00:00:00:00"


def mac_bytes(text: str) -> bytes:
    """The six bytes of a MAC address written as ``02:00:5e:10:00:07``.

    Raises:
        Malformed: the text is not six pairs of hexadecimal digits with colons between.
    """
    parts = text.split(":")
    try:
        octets = bytes(int(part, 16) for part in parts if len(part) == 2)  # noqa: PLR2004 - two digits an octet
    except ValueError:
        octets = b""
    if len(parts) != MAC_LENGTH or len(octets) != MAC_LENGTH:
        raise Malformed(f"{text!r} is not a MAC address; write six pairs of hexadecimal digits, as 02:00:5e:10:00:07")
    return octets


def mac_text(octets: bytes) -> str:
    """Six bytes as lower-case colon text.

    Raises:
        Malformed: there are not exactly six bytes.
    """
    if len(octets) != MAC_LENGTH:
        raise Malformed(f"a MAC address has {MAC_LENGTH} bytes, not {len(octets)}")
    return octets.hex(":")
