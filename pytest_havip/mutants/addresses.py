"""Faults in which address a HAVIP, or a machine beside it, gets."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action, put
from pytest_havip.network.api import havips
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.core import Code, Havip, Network, Nic, Refused, parse_address
from pytest_havip.network.core.addresses import AddressPool
from pytest_havip.network.service import Service

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
    pool = network._inventory.pools[subnet_id]  # noqa: SLF001 - a mutant's
    pool._lowest = max(pool._lowest, pool._first)  # noqa: SLF001 - the gateway's address stays the gateway's
    return first if wanted is None and not is_used else rightly(wanted)


def _another_one(
    _network: Network, _subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    """Check the wish, and forget it."""
    rightly(wanted)
    return rightly(None)


def _a_secondary(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    nics = (nic for nic in network.nics.values() if nic.subnet_id == subnet_id)
    secondary = {address for nic in nics for address in nic.addresses[1:]}
    return wanted if wanted is not None and wanted in secondary else rightly(wanted)


def _broadcast_at_last(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    last = network.subnets[subnet_id].cidr.broadcast_address
    is_used = any(havip.subnet_id == subnet_id and havip.address == last for havip in network.havips.values())
    try:
        return rightly(wanted)
    except Refused as refused:
        if refused.code is Code.INSUFFICIENT and not is_used:
            return last
        raise


def _but_the_last(
    network: Network, subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    if wanted is None and network._inventory.pools[subnet_id].free == 1:  # noqa: SLF001 - a mutant's
        raise Refused(Code.INSUFFICIENT, "one address is held back")
    return rightly(wanted)


def _nobodys_anywhere(
    network: Network, _subnet_id: str, wanted: _Wanted, rightly: Callable[[_Wanted], IPv4Address]
) -> IPv4Address:
    if wanted in {havip.address for havip in network.havips.values()}:
        raise Refused(Code.IN_USE, f"{wanted} is a HAVIP's of some VPC")
    return rightly(wanted)


def _machines_choose_without_unbound() -> None:
    def create_nic(
        self: Network, subnet_id: str, name: str, *, addresses: Sequence[IPv4Address] = (), **rest: float
    ) -> Nic:
        choose = AddressPool.choose
        if not addresses:
            subnet = self.subnets[subnet_id]
            taken = {one for nic in self.nics.values() if nic.subnet_id == subnet_id for one in nic.addresses}
            taken |= {one.address for one in self.havips.values() if one.subnet_id == subnet_id and one.binding}
            free = (address for address in subnet.cidr.hosts() if address not in {*taken, subnet.gateway})
            addresses = [next(free)]
            put(AddressPool, "choose", lambda _pool, wanted, **_: tuple(wanted))
        try:
            nic: Nic = create(self, subnet_id, name, addresses=addresses, **rest)
        finally:
            put(AddressPool, "choose", choose)
        return nic

    create = put(Network, "create_nic", create_nic)


def _machines_keep_their_addresses() -> None:
    def keep(self: AddressPool, addresses: Iterable[IPv4Address]) -> None:
        if not deleting:
            give_back(self, addresses)

    def delete_nic(self: Network, nic_id: str, *, now: float) -> Nic:
        deleting.append(nic_id)
        try:
            nic: Nic = delete(self, nic_id, now=now)
        finally:
            deleting.clear()
        return nic

    deleting: list[str] = []
    give_back = put(AddressPool, "give_back", keep)
    delete = put(Network, "delete_nic", delete_nic)


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


def _zeros_lead_nowhere() -> None:
    def lenient(text: str) -> IPv4Address:
        return parse_address(".".join(part.lstrip("0") or part[-1:] for part in text.split(".")))

    put(havips, "parse_address", lenient)


def _special_is_any() -> None:
    def lenient(text: str) -> _Wanted:
        address = parse_address(text)
        is_special = address.is_unspecified or address.is_loopback or address.is_link_local or address.is_multicast
        return None if is_special or int(address) == 2**32 - 1 else address

    put(havips, "parse_address", lenient)


def _empty_is_any(rightly: Rightly, _: Service, request: Request) -> Answer:
    return rightly({name: value for name, value in request.items() if (name, value) != ("Vip", "")})


MUTANTS = (
    Mutant(
        "subnets-own-address-is-given",
        "Automatic addresses begin with the one of the subnet itself.",
        frozenset({"HAVIP-ADDR-001", "HAVIP-ADDR-009", "HAVIP-ADDR-010"}),
        _choose(_from_the_very_first),
    ),
    Mutant(
        "wishes-are-forgotten",
        "A wanted address is checked, then another one is given.",
        frozenset(
            {"HAVIP-ADDR-002", "HAVIP-ADDR-013", "HAVIP-ADDR-018", "HAVIP-API-004", "HAVIP-API-014", "HAVIP-QUOTA-010"}
        ),
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
        frozenset({"HAVIP-ADDR-005", "HAVIP-ADDR-008"}),
        _choose(_a_machines),
    ),
    Mutant(
        "havips-addresses-are-free",
        "A machine may have the address of a HAVIP.",
        frozenset({"HAVIP-ADDR-006", "HAVIP-ADDR-008"}),
        _machines_ignore_havips,
    ),
    Mutant(
        "nonsense-is-no-wish",
        "A text that is no address counts as no address: one is chosen.",
        frozenset({"HAVIP-ADDR-007", "HAVIP-ADDR-015"}),
        _nonsense_is_no_wish,
    ),
    Mutant(
        "secondary-addresses-are-free",
        "A HAVIP may have a secondary address of a machine.",
        frozenset({"HAVIP-ADDR-008"}),
        _choose(_a_secondary),
    ),
    Mutant(
        "broadcast-at-last",
        "When no other address is left, a HAVIP gets the broadcast address.",
        frozenset({"HAVIP-ADDR-009", "HAVIP-ADDR-010"}),
        _choose(_broadcast_at_last),
    ),
    Mutant(
        "the-last-address-is-held-back",
        "The last free address of a subnet is never given automatically.",
        frozenset({"HAVIP-ADDR-010"}),
        _choose(_but_the_last),
    ),
    Mutant(
        "machines-choose-without-unbound",
        "A machine's automatic address may be an unbound HAVIP's.",
        frozenset({"HAVIP-ADDR-001", "HAVIP-ADDR-011"}),
        _machines_choose_without_unbound,
    ),
    Mutant(
        "one-address-for-all-vpcs",
        "A HAVIP's address is refused if a HAVIP of another VPC has it.",
        frozenset({"HAVIP-ADDR-014", "HAVIP-SCOPE-003"}),
        _choose(_nobodys_anywhere),
    ),
    Mutant(
        "zeros-lead-nowhere",
        "The leading zeros of an address's numbers are ignored.",
        frozenset({"HAVIP-ADDR-015"}),
        _zeros_lead_nowhere,
    ),
    Mutant(
        "empty-is-any",
        "An empty address counts as no wish: one is chosen.",
        frozenset({"HAVIP-ADDR-015"}),
        lambda: change_action(_empty_is_any, "CreateHaVip"),
    ),
    Mutant(
        "special-is-any",
        "A special address, a multicast one or the like, counts as no wish: one is chosen.",
        frozenset({"HAVIP-ADDR-016"}),
        _special_is_any,
    ),
    Mutant(
        "machines-keep-their-addresses",
        "The address of a deleted NIC is not free again.",
        frozenset({"HAVIP-ADDR-008", "HAVIP-ADDR-017"}),
        _machines_keep_their_addresses,
    ),
)
