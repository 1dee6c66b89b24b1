"""Faults that show only when requests come at the same time: each is judged by what there was when it arrived."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network import command
from pytest_havip.network.core import Havip, Network
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]

#: Seconds between a request's arrival and its being carried out: long enough for all others to arrive.
_PAUSE = 0.1
#: The HAVIPs that there were when the request arrived that is being carried out.
_SEEN: ContextVar[Mapping[str, Havip]] = ContextVar("seen")


def _pause(action: bytes) -> None:
    """Let requests for an action wait, and remember what there was when they came."""

    def application(service: Service, *secrets: Any) -> ASGIApp:  # noqa: ANN401
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if (b"x-tc-action", action) in scope["headers"]:
                _SEEN.set(dict(service.network.havips))
                await asyncio.sleep(_PAUSE)
            await at_once(scope, receive, send)

        at_once: ASGIApp = make(service, *secrets)
        return serve

    make = put(command, "application", application)


def _count_early() -> None:
    def create_havip(self: Network, *wanted: str, **more: Any) -> Havip:  # noqa: ANN401
        inventory, whole = self._inventory, self._inventory.havips
        inventory.havips = MappingProxyType(dict(_SEEN.get()))
        try:
            havip: Havip = create(self, *wanted, **more)
        finally:
            inventory.havips = whole
        return havip

    create = put(Network, "create_havip", create_havip)
    _pause(b"CreateHaVip")


def _share() -> None:
    def create_havip(self: Network, vpc_id: str, subnet_id: str, name: str, **more: Any) -> Havip:  # noqa: ANN401
        for havip in self.havips.values():
            is_late = havip.id not in _SEEN.get()
            if is_late and (havip.subnet_id, havip.name) == (subnet_id, name):
                return havip
        made: Havip = create(self, vpc_id, subnet_id, name, **more)
        return made

    create = put(Network, "create_havip", create_havip)
    _pause(b"CreateHaVip")


def _release_again() -> None:
    def delete_havip(self: Network, havip_id: str, *, now: float) -> Havip:
        seen = _SEEN.get()
        if havip_id in seen and havip_id not in self.havips:
            return seen[havip_id]
        havip: Havip = delete(self, havip_id, now=now)
        return havip

    delete = put(Network, "delete_havip", delete_havip)
    _pause(b"DeleteHaVip")


MUTANTS = (
    Mutant(
        "the-quota-is-counted-early",
        "Creations at the same time don't count each other.",
        frozenset({"HAVIP-QUOTA-006"}),
        _count_early,
    ),
    Mutant(
        "creations-at-once-are-one",
        "Of equal creations at the same time the first is carried out, and answers the others.",
        frozenset({"HAVIP-ADDR-012", "HAVIP-ADDR-013", "HAVIP-QUOTA-006"}),
        _share,
    ),
    Mutant(
        "releases-at-once-all-succeed",
        "Releases at the same time of one HAVIP all succeed.",
        frozenset({"HAVIP-API-020"}),
        _release_again,
    ),
)
