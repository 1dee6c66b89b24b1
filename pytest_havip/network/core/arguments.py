"""Checks of what a caller hands in, before anything is changed."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from pytest_havip.network.core.refusal import Code, Refused

__all__ = ["check_id", "check_name", "parse_address", "parse_cidr"]

_IDENTIFIER = re.compile(r"(vpc|subnet|eni|ins|havip|eip|rtb)-[0-9a-z]{8}")


def parse_address(text: str) -> IPv4Address:
    """An address as a person writes it: four decimal numbers, no leading zeros, no mask.

    Raises:
        Refused: Malformed.
    """
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise Refused(
            Code.MALFORMED, f"{text[:60]!r} is not an IPv4 address ({str(error)[:100]}); write it as 10.0.0.5"
        ) from None


def parse_cidr(text: str) -> IPv4Network:
    """A range as a person writes it: network address and prefix length.

    Raises:
        Refused: Malformed, also when address bits are set behind the prefix or the prefix is missing.
    """
    try:
        cidr = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise Refused(
            Code.MALFORMED, f"{text[:60]!r} is not an IPv4 range ({str(error)[:100]}); write it as 10.0.0.0/16"
        ) from None
    if str(cidr) != text:
        raise Refused(Code.MALFORMED, f"{text[:60]!r} is not an IPv4 range with a prefix length; did you mean {cidr}?")
    return cidr


def check_id(kind: str, identifier: str) -> None:
    """An id of the kind ``vpc``, ``subnet``, ``eni``, ``ins``, ``havip``, ``eip`` or ``rtb`` has its shape.

    Raises:
        Refused: Malformed.
    """
    found = _IDENTIFIER.fullmatch(identifier)
    if found is None or found[1] != kind:
        raise Refused(Code.MALFORMED, f"{identifier[:60]!r} is no id of this kind; it is {kind}- and eight of [0-9a-z]")


def check_name(name: str, *, longest: int) -> None:
    """A name has at least one and at most ``longest`` characters.

    Raises:
        Refused: Empty or TooLong.
    """
    if not name:
        raise Refused(Code.EMPTY, "the name is empty; give one")
    if len(name) > longest:
        raise Refused(Code.TOO_LONG, f"the name has {len(name)} characters; at most {longest} are allowed")
