"""The patch panel: whoever holds its socket connects NICs to hosts."""

import asyncio
import json
import os
import socket
from typing import Any, Final

from pytest_havip.network.core import Nic
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.vpc import VpcFabric
from pytest_havip.network.service import Service

__all__ = ["PatchPanel"]

_ORDER_BYTES: Final = 65536
_DESCRIPTORS: Final = 8


class _OrderError(ValueError):
    """An order that cannot be carried out."""


class PatchPanel:
    """Answers orders on a `SOCK_SEQPACKET` socket, one JSON object each.

    `{"do": "plug", "nic": …, "interface": …}` with the descriptor of the host's network namespace beside it,
    `{"do": "unplug" | "cut" | "mend", "nic": …}`; the answer is `{"ok": true}` or `{"error": text}`. To
    `{"do": "plug-outside", "interface": …}`, which puts a host outside of all VPCs, it names an `address`, too.
    """

    __slots__ = ("_loop", "_service", "_socket")

    def __init__(self, service: Service, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._take_order)

    def close(self) -> None:
        """Stop answering."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _take_order(self) -> None:
        try:
            text, descriptors, _flags, _sender = socket.recv_fds(self._socket, _ORDER_BYTES, _DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        try:
            if not text:
                self.close()
                return
            self._answer(self._carry_out(text, descriptors))
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the service
            self._service.fail(error)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _answer(self, answer: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(answer).encode())
        except OSError:  # whoever asked has gone
            self.close()

    def _carry_out(self, text: bytes, descriptors: list[int]) -> dict[str, Any]:
        try:
            order = json.loads(text)
        except (ValueError, RecursionError):
            return {"error": "the order is not JSON"}
        if not isinstance(order, dict):
            return {"error": "the order is not a JSON object"}
        try:
            self._service.settle()
            if order.get("do") == "plug-outside":
                return {"ok": True, "address": self._plug_outside(order, descriptors)}
            self._patch(order, descriptors)
        except (_OrderError, OSError) as error:
            return {"error": str(error)}
        return {"ok": True}

    def _plug_outside(self, order: dict[str, Any], descriptors: list[int]) -> str:
        host = _host(order.get("interface", "eth0"), descriptors)
        return str(self._service.plane.internet.plug(*host))

    def _patch(self, order: dict[str, Any], descriptors: list[int]) -> None:
        nic = self._nic(order)
        fabric = self._service.plane.fabrics[nic.vpc_id]
        match order.get("do"):
            case "plug":
                _plug(fabric, nic, order.get("interface", "eth0"), descriptors)
            case "unplug":
                _plugged(fabric, nic)
                fabric.ports.unplug(nic.id)
            case "cut":
                _plugged(fabric, nic)
                fabric.ports.set_carrier(nic.id, up=False)
            case "mend":
                _plugged(fabric, nic)
                fabric.ports.set_carrier(nic.id, up=True)
            case other:
                raise _OrderError(f"do is {other!r}; it must be plug, unplug, cut or mend")

    def _nic(self, order: dict[str, Any]) -> Nic:
        nic_id = order.get("nic")
        nic = self._service.network.nics.get(nic_id) if isinstance(nic_id, str) else None
        if nic is None:
            raise _OrderError(f"there is no NIC {nic_id!r}; create it over the API first")
        return nic


def _plugged(fabric: VpcFabric, nic: Nic) -> None:
    if not fabric.ports.is_plugged(nic.id):
        raise _OrderError(f"{nic.id} is not plugged in")


def _host(interface: object, descriptors: list[int]) -> tuple[Namespace, str]:
    """Return the end of a cable that an order names: a host's namespace and an interface there."""
    if not isinstance(interface, str) or not interface.isprintable():  # JSON also writes what UTF-8 cannot
        raise _OrderError(f"the interface {interface!r} is no name")
    if len(descriptors) != 1:
        raise _OrderError(
            f"{len(descriptors)} descriptors came with the order; send the host's network namespace, only"
        )
    return Namespace(descriptors[0]), interface


def _plug(fabric: VpcFabric, nic: Nic, interface: object, descriptors: list[int]) -> None:
    host = _host(interface, descriptors)
    if not nic.instance_id:
        raise _OrderError(f"{nic.id} is attached to no instance; attach it over the API first")
    if fabric.ports.is_plugged(nic.id):
        raise _OrderError(f"{nic.id} is plugged in already; unplug it first")
    fabric.plug(nic, *host)
