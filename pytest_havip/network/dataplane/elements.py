"""What a record puts into the sets of the guard. Each record tells its own elements, so a change is a difference."""

from pytest_havip.network.core import Havip, Nic, Record, Subnet, next_hop_mac

__all__ = ["Element", "elements", "from_chain", "gateway_interface", "to_chain"]

Element = tuple[str, str]
"""A set's or map's name and one element in nft's words; a map's element is ``key : value``."""


def gateway_interface(subnet_id: str) -> str:
    """The gateway's port on a subnet's bridge: ``gw-`` and the eight characters of the subnet's id."""
    return f"gw-{subnet_id.removeprefix('subnet-')}"


def from_chain(subnet_id: str) -> str:
    """The chain that a frame from a NIC of the subnet goes through."""
    return f"from_{subnet_id}"


def to_chain(subnet_id: str) -> str:
    """The chain that decides where a frame in the subnet goes."""
    return f"to_{subnet_id}"


def elements(record: Record) -> frozenset[Element]:
    """The elements that a record puts into the guard's sets; a NIC that is attached to nothing only holds addresses."""
    match record:
        case Subnet():
            return _of_gateway(record)
        case Nic():
            return _of_nic(record)
        case Havip():
            return _of_havip(record)
        case _:
            return frozenset()


def _of_gateway(subnet: Subnet) -> frozenset[Element]:
    port = f'"{gateway_interface(subnet.id)}"'
    return frozenset(
        {
            ("held", str(subnet.gateway)),
            ("nic_macs", f"{port} . {subnet.gateway_mac}"),
            ("ports", f"{port} : goto {to_chain(subnet.id)}"),
        }
    )


def _of_nic(nic: Nic) -> frozenset[Element]:
    found = {("held", str(address)) for address in nic.addresses}
    if nic.instance_id:
        found |= {("senders", f'"{nic.id}" . {address}') for address in nic.addresses}
        found.add(("ports", f'"{nic.id}" : goto {from_chain(nic.subnet_id)}'))
        found.add(("nic_macs", f'"{nic.id}" . {nic.mac}'))
        if nic.forwards:
            found.add(("forwarders", f'"{nic.id}"'))
    return frozenset(found)


def _of_havip(havip: Havip) -> frozenset[Element]:
    address = str(havip.address)
    found = {("havips", address), ("announcements", f"{address} . {address}")}
    if havip.drift_range.enforced:
        found.add(("ranged", f"{address} . {address}"))
        found |= {("candidates", f'"{nic_id}" . {address}') for nic_id in havip.drift_range.nics}
    if havip.binding is not None:
        found.add(("owners", f"{address} : {havip.binding.mac}"))
        found.add(("senders", f'"{havip.binding.nic_id}" . {address}'))
        if havip.is_next_hop:
            found.add(("next_hops", f"{next_hop_mac(havip.address)} : {havip.binding.mac}"))
    return frozenset(found)
