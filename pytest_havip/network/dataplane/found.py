"""What a guard that is in force already holds, in the words in which it was rendered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

from pytest_havip.network.dataplane.elements import Element
from pytest_havip.network.dataplane.nft import Nft
from pytest_havip.network.dataplane.ruleset import FAMILY, FILLED, TABLE

__all__ = ["FoundGuard", "read_guard"]

_INTERFACE: Final = re.compile(r"(eni|gw)-[0-9a-z]+")


@dataclass(frozen=True, slots=True)
class FoundGuard:
    """The guard of one VPC.

    Attributes:
        elements: of the sets and maps that records fill.
        chains: names of all chains.
        owners: MAC of the owner by HAVIP.
    """

    elements: frozenset[Element]
    chains: frozenset[str]
    owners: Mapping[IPv4Address, str]


def read_guard(nft: Nft) -> FoundGuard:
    """Ask the kernel for the guard of a namespace.

    Raises:
        NftError: there is none.
    """
    elements: set[Element] = set()
    chains: set[str] = set()
    owners: dict[IPv4Address, str] = {}
    for item in nft.query(f"list table {FAMILY} {TABLE}"):
        if "chain" in item:
            chains.add(item["chain"]["name"])
        listed = item.get("set") or item.get("map")
        if listed is None or listed["name"] not in FILLED:
            continue
        for element in listed.get("elem", ()):
            text = _text(element)
            elements.add((listed["name"], text))
            if listed["name"] == "owners":
                address, _, mac = text.partition(" : ")
                owners[IPv4Address(address)] = mac
    return FoundGuard(frozenset(elements), frozenset(chains), owners)


def _text(element: Any) -> str:  # noqa: ANN401 - any JSON
    match element:
        case [key, value]:
            return f"{_text(key)} : {_text(value)}"
        case {"concat": fields}:
            return " . ".join(_text(field) for field in fields)
        case {"goto": {"target": chain}}:
            return f"goto {chain}"
        case _:
            text = str(element)
            return f'"{text}"' if _INTERFACE.fullmatch(text) else text
