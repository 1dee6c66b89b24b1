"""Ids and MAC addresses, made from the caller's entropy and unique here."""

import re
from collections.abc import Callable, Container

from pytest_havip.wire import mac_text

__all__ = ["new_identity", "new_identity_with_mac"]

_TOKEN_LENGTH = 8
_TOKEN = re.compile(r"[0-9a-z]{8}")
_ATTEMPTS = 1000


def new_identity(kind: str, new_token: Callable[[int], str], used: Container[str]) -> str:
    """An id ``kind-xxxxxxxx`` that is not in ``used``."""
    return new_identity_with_mac(kind, new_token, used, ())[0]


def new_identity_with_mac(
    kind: str, new_token: Callable[[int], str], used: Container[str], used_macs: Container[str]
) -> tuple[str, str]:
    """An id and a locally administered unicast MAC (``02:…``) made from the same token, both unused.

    Raises:
        ValueError: the source of tokens gives something else than eight of [0-9a-z], or always the same.
    """
    for _ in range(_ATTEMPTS):
        token = new_token(_TOKEN_LENGTH)
        if _TOKEN.fullmatch(token) is None:
            raise ValueError(f"the source of tokens gave {token!r}; it must give {_TOKEN_LENGTH} of [0-9a-z]")
        identity = f"{kind}-{token}"
        mac = mac_text(bytes((2,)) + (int(token, 36) % 2**40).to_bytes(5, "big"))
        if identity not in used and mac not in used_macs:
            return identity, mac
    raise ValueError(f"{_ATTEMPTS} tokens in a row were used already; the source of tokens is not random")
