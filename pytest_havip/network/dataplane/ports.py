"""The ports of a VPC: cables from its bridges to the hosts."""

import errno

from pytest_havip.kernel.requests import NewLink, add_fixed_station, add_veth, attach_port, guard_port, set_state
from pytest_havip.kernel.route import RouteSocket
from pytest_havip.network.core import Nic
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.remover import Remover

__all__ = ["Ports"]

_HOST_END_BUSY = (errno.EEXIST,)
_ALREADY_GONE = (errno.ENODEV,)


class Ports:
    """The plugged NICs of one VPC."""

    __slots__ = ("_by_index", "_by_nic", "_links", "_namespace", "_remover")

    def __init__(self, namespace: Namespace, links: RouteSocket, remover: Remover) -> None:
        self._namespace = namespace
        self._links = links
        self._remover = remover
        self._by_index: dict[int, str] = {}
        self._by_nic: dict[str, int] = {}

    def nic_of(self, index: int) -> str | None:
        """Return the NIC that is plugged behind an interface number, if any."""
        return self._by_index.get(index)

    def is_plugged(self, nic_id: str) -> bool:
        """Say whether a NIC has a cable."""
        return nic_id in self._by_nic

    def adopt(self, nic_id: str, index: int) -> None:
        """Take over the cable of a NIC that is plugged in already, by its interface number."""
        self._by_nic[nic_id] = index
        self._by_index[index] = nic_id

    def plug(self, nic: Nic, host: Namespace, interface: str, *, bridge: int, index: int) -> None:
        """Run a cable from a bridge to a host, whose end carries the NIC's MAC and is up.

        Raises:
            OSError: the host already has an interface of that name, or the name is none.
        """
        cable = add_veth(NewLink(nic.id, index), NewLink(interface, mac=nic.mac), host.fileno())
        try:
            self._links.send(cable)
        except OSError as error:
            if error.errno not in _HOST_END_BUSY:
                raise
            self._remover.wait()  # its last cable may still be on its way out
            self._links.send(cable)
        try:
            self._connect(nic, host, interface, bridge=bridge, index=index)
        except OSError:  # a cable that leads nowhere must not stay
            self._remover.remove(self._namespace, index)
            raise
        self.adopt(nic.id, index)

    def _connect(self, nic: Nic, host: Namespace, interface: str, *, bridge: int, index: int) -> None:
        self._links.send(attach_port(index, bridge, up=True), guard_port(index), add_fixed_station(index, nic.mac))
        host_links = host.route_socket()
        try:
            host_links.send(set_state(interface, up=True))
        finally:
            host_links.close()
        self._links.wait_until_up(index)

    def unplug(self, nic_id: str) -> None:
        """Take a NIC's cable out, if it has one: nothing passes from now on, and the interfaces go soon after."""
        index = self._by_nic.pop(nic_id, None)
        if index is None:
            return
        del self._by_index[index]
        try:
            self._links.send(set_state(index, up=False))
        except OSError as error:
            if error.errno not in _ALREADY_GONE:
                raise
            return
        self._remover.remove(self._namespace, index)

    def set_carrier(self, nic_id: str, *, up: bool) -> None:
        """Cut a plugged NIC's cable at the far end, or mend it; the host sees its carrier go and come.

        Raises:
            OSError: the host has gone, and the cable with it.
        """
        index = self._by_nic[nic_id]
        self._links.send(set_state(index, up=up))
        self._links.operational_state(
            index
        )  # the question makes the kernel notice the carrier now, not some time later
