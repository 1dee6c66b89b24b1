"""The addresses of one subnet: which are taken, and which come next."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network

from pytest_havip.network.core.model import Nic
from pytest_havip.network.core.refusal import Code, Refused

__all__ = ["AddressPool", "check_secondary"]


class AddressPool:
    """The addresses of one subnet, for NICs and HAVIPs alike.

    The network's, the gateway's (the first host) and the broadcast address are nobody's to have. Choosing changes
    nothing; taking and freeing are told separately, so that a request with several addresses is granted whole or not.
    """

    def __init__(self, cidr: IPv4Network) -> None:
        self._cidr = cidr
        self._first = int(cidr.network_address) + 2
        self._end = int(cidr.broadcast_address)
        self._taken: set[int] = set()
        self._lowest = self._first
        """No address below this one is free: the search for the lowest starts here."""

    @property
    def gateway(self) -> IPv4Address:
        """The first host address."""
        return self._cidr.network_address + 1

    @property
    def free(self) -> int:
        """How many addresses may still be taken."""
        return self._end - self._first - len(self._taken)

    def choose(self, wanted: Sequence[IPv4Address] = (), *, automatic: int = 0) -> tuple[IPv4Address, ...]:
        """The wanted addresses, checked, and behind them the ``automatic`` lowest free ones.

        Raises:
            Refused: Range (outside the subnet), Reserved, Duplicate (wanted twice), ResourceInUse,
                ResourceInsufficient.
        """
        for address in wanted:
            self._check(address)
        if len(set(wanted)) < len(wanted):
            raise Refused(Code.DUPLICATE, "an address is named twice; name each once")
        chosen = {int(address) for address in wanted}
        found: list[IPv4Address] = []
        candidate = self._lowest
        while len(found) < automatic:
            if candidate >= self._end:
                raise Refused(
                    Code.INSUFFICIENT,
                    f"subnet {self._cidr} has {self.free - len(chosen)} free addresses, {automatic} are needed; "
                    "delete a NIC or a HAVIP, or use another subnet",
                )
            if candidate not in self._taken and candidate not in chosen:
                found.append(IPv4Address(candidate))
            candidate += 1
        return (*wanted, *found)

    def take(self, addresses: Iterable[IPv4Address]) -> None:
        """The addresses are used from now on."""
        self._taken.update(map(int, addresses))
        while self._lowest in self._taken:
            self._lowest += 1

    def give_back(self, addresses: Iterable[IPv4Address]) -> None:
        """The addresses are free again."""
        numbers = set(map(int, addresses))
        self._taken -= numbers
        self._lowest = min({self._lowest} | numbers)

    def _check(self, address: IPv4Address) -> None:
        if address not in self._cidr:
            raise Refused(Code.RANGE, f"{address} is not in the subnet {self._cidr}; choose one of its addresses")
        if not self._first <= int(address) < self._end:
            raise Refused(
                Code.RESERVED,
                f"{address} is the network, gateway or broadcast address of {self._cidr}; "
                f"choose one from {IPv4Address(self._first)} to {IPv4Address(self._end - 1)}",
            )
        if int(address) in self._taken:
            raise Refused(Code.IN_USE, f"{address} is used by a NIC or a HAVIP; choose a free one, or let it be chosen")


def check_secondary(nic: Nic, addresses: Sequence[IPv4Address]) -> None:
    """Addresses are a NIC's, and may be taken from it.

    Raises:
        Refused: Duplicate, ResourceNotFound, PrimaryIp.
    """
    if len(set(addresses)) < len(addresses):
        raise Refused(Code.DUPLICATE, "an address is named twice; name each once")
    for address in addresses:
        if address not in nic.addresses:
            raise Refused(Code.NOT_FOUND, f"{nic.id} has no address {address}")
        if address == nic.addresses[0]:
            raise Refused(Code.PRIMARY_ADDRESS, f"{address} is the primary address of {nic.id}, which it keeps")
