"""A plain Linux bridge under a scripted control plane: a network that forwards well and guards nothing.

It keeps the suites honest. What passes here is ordinary Ethernet; what only a HAVIP network can pass (spoof rejection,
scope, release) must fail here, and which requirements those are is a test of our own.
"""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from itertools import count
from threading import Lock

from pytest_havip.lab import Host, Lab, Link
from pytest_havip.targets.base import Feature, Havip, HavipState, Nic, Refused, Subnet, Target, Vpc

__all__ = ["PlainBridge"]

_QUOTA = 10
_BRIDGE = "br0"
#: The gateway's MAC address; those of NICs stay below it.
_GATEWAY_MAC = "02:00:00:01:00:00"
_SPA, _TPA, _SHA = slice(28, 32), slice(38, 42), slice(22, 28)


class PlainBridge(Target):
    """One bridge for each VPC; its subnets share it, and the bridge's own host routes between them.

    Args:
        lab: Where the bridges stand.
    """

    features = frozenset({Feature.ROUTING, Feature.SECONDARY_ADDRESSES})

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._numbers = count(1)
        self._switches: dict[str, Host] = {}
        self._subnets: dict[str, Subnet] = {}
        self._nics: dict[str, Nic] = {}
        self._links: dict[str, Link] = {}
        self._havips: dict[str, Havip] = {}
        self._creating = Lock()

    @property
    def name(self) -> str:
        """How the target was chosen."""
        return "bridge"

    def create_vpc(self, cidr: str) -> Vpc:
        """See `Target.create_vpc`."""
        vpc = Vpc(self._id("vpc"), IPv4Network(cidr))
        switch = self._lab.host(vpc.id)
        switch.add_bridge(_BRIDGE, mac=_GATEWAY_MAC)
        switch.sysctl("net.ipv4.ip_forward", "1")
        for hook in ("iptables", "arptables", "ip6tables"):
            switch.sysctl(f"net.bridge.bridge-nf-call-{hook}", "0")
        # The control plane learns owners as any neighbour does: it listens to announcements.
        switch.port(_BRIDGE)
        self._switches[vpc.id] = switch
        return vpc

    def delete_vpc(self, vpc: Vpc) -> None:
        """See `Target.delete_vpc`."""
        for nic in tuple(self._nics.values()):
            if nic.subnet.vpc_id == vpc.id:
                self.unplug(nic)
        for havip in self.havips(vpc):
            self.delete_havip(havip)
        for subnet in tuple(self._subnets.values()):
            if subnet.vpc_id == vpc.id:
                del self._subnets[subnet.id]
        self._lab.remove(self._switches.pop(vpc.id))

    def create_subnet(self, vpc: Vpc, cidr: str) -> Subnet:
        """See `Target.create_subnet`."""
        network = IPv4Network(cidr)
        subnet = Subnet(self._id("subnet"), vpc.id, network, network.network_address + 1)
        self._switches[vpc.id].add_address(f"{subnet.gateway}/{network.prefixlen}", _BRIDGE)
        self._subnets[subnet.id] = subnet
        return subnet

    def delete_subnet(self, subnet: Subnet) -> None:
        """See `Target.delete_subnet`."""
        if any(held.subnet.id == subnet.id for held in self._nics.values()):
            raise Refused("ResourceInUse", f"{subnet.id} still has NICs.")
        if any(havip.subnet_id == subnet.id for havip in self._havips.values()):
            raise Refused("ResourceInUse", f"{subnet.id} still has HAVIPs.")
        gateway = f"{subnet.gateway}/{subnet.cidr.prefixlen}"
        self._switches[subnet.vpc_id].remove_address(gateway, _BRIDGE)
        del self._subnets[subnet.id]

    def plug(
        self,
        host: Host,
        subnet: Subnet,
        *,
        address: str | None = None,
        secondary: Sequence[str] = (),
        interface: str = "eth0",
    ) -> Nic:
        """See `Target.plug`."""
        fixed, *others = (self._address(subnet, wanted) for wanted in (address, *secondary))
        number = next(self._numbers)
        mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        return self.attach(Nic(f"eni-{number:08}", subnet, mac, fixed, "", tuple(others)), host, interface=interface)

    def unplug(self, nic: Nic) -> None:
        """See `Target.unplug`."""
        if nic.id in self._links:
            self.detach(nic)
        del self._nics[nic.id]

    def detach(self, nic: Nic) -> None:
        """See `Target.detach`."""
        self._links.pop(nic.id).remove()

    def attach(self, nic: Nic, host: Host, *, interface: str = "eth0") -> Nic:
        """See `Target.attach`."""
        switch = self._switches[nic.subnet.vpc_id]
        self._links[nic.id] = self._lab.link(host, interface, switch, nic.id, mac=nic.mac)
        switch.join_bridge(nic.id, _BRIDGE)
        switch.wait_until_up(nic.id)
        self._nics[nic.id] = attached = replace(nic, instance_id=host.name)
        return attached

    def set_link(self, nic: Nic, *, up: bool) -> None:
        """See `Target.set_link`."""
        link = self._links[nic.id]
        if up:
            link.mend()
        else:
            link.cut()

    def create_havip(self, subnet: Subnet, *, address: str | None = None, name: str = "havip") -> Havip:
        """See `Target.create_havip`."""
        with self._creating:
            if sum(havip.vpc_id == subnet.vpc_id for havip in self._havips.values()) >= _QUOTA:
                raise Refused("LimitExceeded", f"{subnet.vpc_id} has {_QUOTA} HAVIPs already.")
            havip = Havip(self._id("havip"), name, self._address(subnet, address), subnet.vpc_id, subnet.id)
            self._havips[havip.id] = havip
        return havip

    def rename_havip(self, havip: Havip, name: str) -> None:
        """See `Target.rename_havip`."""
        self._havips[havip.id] = replace(havip, name=name)

    def delete_havip(self, havip: Havip) -> None:
        """See `Target.delete_havip`: the control plane forgets the address, and the bridge is not told."""
        if havip.id not in self._havips:
            raise Refused("ResourceNotFound", f"there is no {havip.id}.")
        del self._havips[havip.id]

    def havip_state(self, havip: Havip) -> HavipState | None:
        """See `Target.havip_state`: the owner is the NIC whose MAC last announced the address."""
        if havip.id not in self._havips:
            return None
        capture = self._switches[havip.vpc_id].port(_BRIDGE).capture
        capture.sync()
        vip = havip.address.packed
        heard = [frame.data for frame in capture.frames() if frame.data[_SPA] == vip == frame.data[_TPA]]
        mac = heard[-1][_SHA].hex(":") if heard else None
        owner = next((self._nics[nic_id] for nic_id in self._links if self._nics[nic_id].mac == mac), None)
        if owner is None:
            return HavipState(self._havips[havip.id], bound=False, nic_id="", instance_id="", flushed="")
        return HavipState(
            self._havips[havip.id], bound=True, nic_id=owner.id, instance_id=owner.instance_id, flushed=""
        )

    def havips(self, vpc: Vpc) -> list[Havip]:
        """See `Target.havips`."""
        return [havip for havip in self._havips.values() if havip.vpc_id == vpc.id]

    def havip_quota(self, vpc: Vpc) -> int:
        """See `Target.havip_quota`."""
        del vpc
        return _QUOTA

    def close(self) -> None:
        """See `Target.close`."""
        for switch in self._switches.values():
            self._lab.remove(switch)
        self._switches.clear()

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers):08}"

    def _address(self, subnet: Subnet, wanted: str | None) -> IPv4Address:
        """The wanted address if it is free and not reserved, else the lowest free one."""
        nics = [nic for nic in self._nics.values() if nic.subnet.id == subnet.id]
        taken = {address for nic in nics for address in (nic.address, *nic.secondary)}
        taken |= {havip.address for havip in self._havips.values() if havip.subnet_id == subnet.id}
        taken.add(subnet.gateway)
        if wanted is None:
            free = next((address for address in subnet.cidr.hosts() if address not in taken), None)
            if free is None:
                raise Refused("ResourceInsufficient", f"{subnet.id} has no address left.")
            return free
        try:
            address = IPv4Address(wanted)
        except AddressValueError as error:
            raise Refused("InvalidParameterValue.Malformed", f"{wanted!r} is no IPv4 address.") from error
        if address not in subnet.cidr:
            raise Refused("InvalidParameterValue.Range", f"{address} is not in {subnet.cidr}.")
        if address in {subnet.cidr.network_address, subnet.cidr.broadcast_address, subnet.gateway}:
            raise Refused("InvalidParameterValue.Reserved", f"{address} is reserved.")
        if address in taken:
            raise Refused("ResourceInUse", f"{address} is used already.")
        return address
