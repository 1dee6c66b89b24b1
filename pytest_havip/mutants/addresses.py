"""Faults in which address a HAVIP, or a machine beside it, gets."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network.api import havips
from pytest_havip.network.core import Havip, Network, Nic, Refused, parse_address
from pytest_havip.network.core.addresses import AddressPool

__all__ = ["MUTANTS"]

_Wanted = IPv4Address | None
#: How a network with a fault chooses: by the wanted address (`None`: any), and by what would be right.
_Choice = Callable[[Network, str, _Wanted, Callable[[_Wanted], IPv4Address]], IPv4Address]


def _choose(choice: _Choice) -> Callable[[], None]:
    """Let the addresses of HAVIPs be chosen in another way."""

    def plant() -> None:
        def create_havip(
            self: Network,
            vpc_id: str,
            subnet_id: str,
            name: str,
            *,
            address: _Wanted = None,
            **more: Any,  # noqa: ANN401
        ) -> Havip:
            def choose_wrongly(pool: AddressPool, _: Sequence[IPv4Address], **__: int) -> tuple[IPv4Address, ...]:
                def rightly(wanted: _Wanted) -> IPv4Address:
                    chosen: IPv4Address = choose(pool, () if wanted is None else (wanted,), automatic=wanted is None)[0]
                    return chosen

                return (choice(self, subnet_id, address, rightly),)

            choose = put(AddressPool, "choose", choose_wrongly)
            try:
                havip: Havip = create(self, vpc_id, subnet_id, name, address=address, **more)
            finally:
                put(AddressPool, "choose", choose)
            return havip

        create = put(Network, "create_havip", create_havip)

    return plant


def _reserved(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    subnet = network.subnets[subnet_id]
    reserved = (subnet.cidr.network_address, subnet.gateway, subnet.cidr.broadcast_address)
    return wanted if wanted in reserved else rightly(wanted)


def _of_the_vpc(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    subnet = network.subnets[subnet_id]
    is_near = wanted is not None and wanted in network.vpcs[subnet.vpc_id].cidr and wanted not in subnet.cidr
    return wanted if is_near and wanted is not None else rightly(wanted)


def _a_machines(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    machines = {address for nic in network.nics.values() if nic.subnet_id == subnet_id for address in nic.addresses}
    return wanted if wanted is not None and wanted in machines else rightly(wanted)


def _from_the_very_first(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    first = network.subnets[subnet_id].cidr.network_address
    is_used = any(havip.subnet_id == subnet_id and havip.address == first for havip in network.havips.values())
    return first if wanted is None and not is_used else rightly(wanted)


def _another_one(
    _network: Network, _subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    """Check the wish, and forget it."""
    rightly(wanted)
    return rightly(None)


def _machines_ignore_havips() -> None:
    def create_nic(
        self: Network, subnet_id: str, name: str, *, addresses: Sequence[IPv4Address] = (), **rest: float
    ) -> Nic:
        floating = {havip.address for havip in self.havips.values() if havip.subnet_id == subnet_id}
        choose = AddressPool.choose
        if floating.intersection(addresses):
            put(AddressPool, "choose", lambda _pool, wanted, **_: tuple(wanted))
        try:
            nic: Nic = create(self, subnet_id, name, addresses=addresses, **rest)
        finally:
            put(AddressPool, "choose", choose)
        return nic

    create = put(Network, "create_nic", create_nic)


def _nonsense_is_no_wish() -> None:
    def lenient(text: str) -> _Wanted:
        try:
            return parse_address(text)
        except Refused:
            return None

    put(havips, "parse_address", lenient)


MUTANTS = (
    Mutant(
        "subnets-own-address-is-given",
        "Automatic addresses begin with the one of the subnet itself.",
        frozenset({"HAVIP-ADDR-001"}),
        _choose(_from_the_very_first),
    ),
    Mutant(
        "wishes-are-forgotten",
        "A wanted address is checked, then another one is given.",
        frozenset({"HAVIP-ADDR-002"}),
        _choose(_another_one),
    ),
    Mutant(
        "any-address-of-the-vpc",
        "A HAVIP's address may be one of another subnet of the VPC.",
        frozenset({"HAVIP-ADDR-003"}),
        _choose(_of_the_vpc),
    ),
    Mutant(
        "reserved-addresses-are-free",
        "A HAVIP may have the network, the gateway or the broadcast address.",
        frozenset({"HAVIP-ADDR-004"}),
        _choose(_reserved),
    ),
    Mutant(
        "machines-addresses-are-free",
        "A HAVIP may have the address of a machine.",
        frozenset({"HAVIP-ADDR-005"}),
        _choose(_a_machines),
    ),
    Mutant(
        "havips-addresses-are-free",
        "A machine may have the address of a HAVIP.",
        frozenset({"HAVIP-ADDR-006"}),
        _machines_ignore_havips,
    ),
    Mutant(
        "nonsense-is-no-wish",
        "A text that is no address counts as no address: one is chosen.",
        frozenset({"HAVIP-ADDR-007"}),
        _nonsense_is_no_wish,
    ),
)
