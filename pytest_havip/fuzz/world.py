"""The place of a story: subnets, machines and HAVIPs by name, with the addresses that these names have anywhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pytest_havip.fuzz.actions import GATEWAY, NOBODY

__all__ = ["WORLD", "Havip", "Machine", "NotAWorld", "Subnet", "World"]

#: Host numbers of every subnet that stand for the gateway, for an address that nobody has, and for the fence's HAVIP.
_GATEWAY, _NOBODY, _CANARY = 1, 200, 250
_RESERVED = {0, _GATEWAY, _NOBODY, _CANARY}


class NotAWorld(ValueError):
    """Data that describes no world; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet: in which VPC, and its range. VPCs may have the same ranges."""

    vpc: str
    cidr: str

    def host(self, number: int) -> IPv4Address:
        """The address with this number."""
        return IPv4Network(self.cidr)[number]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: the subnet of its NIC at first, and the number of its address in whatever subnet it is.

    An observer is a machine that announces nothing, and to which nothing happens: a third host, who asks and hears.
    """

    subnet: str
    number: int
    observes: bool = False


@dataclass(frozen=True, slots=True)
class Havip:
    """A HAVIP: its subnet, and the number of its address there."""

    subnet: str
    number: int


@dataclass(frozen=True, eq=False)
class World:
    """Where a story takes place. At its beginning everything is attached, and every HAVIP exists and is unbound.

    Args:
        vpcs: The range of each VPC.
        subnets: Each has an observer, and room for 250 hosts.
        machines: By name, the preferred ones first.
        havips: By name, the preferred ones first.
    """

    vpcs: Mapping[str, str]
    subnets: Mapping[str, Subnet]
    machines: Mapping[str, Machine]
    havips: Mapping[str, Havip]
    _addresses: dict[tuple[str, str], IPv4Address] = field(default_factory=dict, repr=False)
    _meant: dict[tuple[str, str], tuple[str | None, Sequence[str]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """See that every name leads somewhere.

        Raises:
            NotAWorld: One does not.
        """
        used = {machine.subnet for machine in self.machines.values()} | {each.subnet for each in self.havips.values()}
        unknown = used - self.subnets.keys() | {each.vpc for each in self.subnets.values()} - self.vpcs.keys()
        if unknown:
            raise NotAWorld(f"there is no {', '.join(sorted(unknown))}")
        observed = {machine.subnet for machine in self.machines.values() if machine.observes}
        if blind := self.subnets.keys() - observed:
            raise NotAWorld(f"no machine observes {', '.join(sorted(blind))}; every subnet needs a third host")
        if len(numbers := {machine.number for machine in self.machines.values()}) < len(self.machines):
            raise NotAWorld("two machines have one number; they may come into one subnet")
        havips = {havip.number for havip in self.havips.values()}
        if shared := numbers & havips:
            raise NotAWorld(f"a machine and a HAVIP have the number {min(shared)}; they may come into one subnet")
        numbers |= havips
        if reserved := numbers & _RESERVED:
            raise NotAWorld(f"the numbers {sorted(reserved)} are reserved in every subnet")
        if common := self.machines.keys() & self.havips.keys() | {GATEWAY, NOBODY} & {*self.machines, *self.havips}:
            raise NotAWorld(f"{', '.join(sorted(common))} is the name of two things")

    def address(self, name: str, subnet: str) -> IPv4Address:
        """What a name of an address means to a machine of a subnet; a machine's is the one that it has in there."""
        found = self._addresses.get((name, subnet))
        if found is None:
            here = self.subnets[subnet]
            if name in self.havips:
                havip = self.havips[name]
                found = self.subnets[havip.subnet].host(havip.number)
            else:
                special = {GATEWAY: _GATEWAY, NOBODY: _NOBODY}
                found = here.host(special[name] if name in special else self.machines[name].number)
            self._addresses[name, subnet] = found
        return found

    def havip_at(self, address: str, subnet: str) -> str | None:
        """The HAVIP of a subnet's VPC that has a named address."""
        return self._havips_at(address, subnet)[0]

    def twins_at(self, address: str, subnet: str) -> Sequence[str]:
        """The HAVIPs of other VPCs than a subnet's that have a named address."""
        return self._havips_at(address, subnet)[1]

    def _havips_at(self, address: str, subnet: str) -> tuple[str | None, Sequence[str]]:
        key = address, subnet
        found = self._meant.get(key)
        if found is None:
            meant, vpc = self.address(address, subnet), self.subnets[subnet].vpc
            alike = [name for name, each in self.havips.items() if self.address(name, each.subnet) == meant]
            here = [name for name in alike if self.subnets[self.havips[name].subnet].vpc == vpc]
            found = self._meant[key] = next(iter(here), None), tuple(name for name in alike if name not in here)
        return found

    def canary(self, subnet: str) -> IPv4Address:
        """The address of the HAVIP by which a play is fenced in a subnet."""
        return self.subnets[subnet].host(_CANARY)

    def observer(self, subnet: str) -> str:
        """The third host of a subnet."""
        return next(name for name, each in self.machines.items() if each.observes and each.subnet == subnet)

    def remote(self, subnet: str) -> str | None:
        """The third host of another subnet of the same VPC, if there is one."""
        vpc = self.subnets[subnet].vpc
        others = (name for name, each in self.subnets.items() if name != subnet and each.vpc == vpc)
        return next((self.observer(other) for other in others), None)

    @property
    def claimants(self) -> tuple[str, ...]:
        """The machines that observe nothing: they announce, and things happen to them."""
        return tuple(name for name, machine in self.machines.items() if not machine.observes)

    @property
    def names(self) -> Mapping[str, Collection[str]]:
        """What may stand in each field of an action that holds a name."""
        addresses = (*self.havips, *self.machines, GATEWAY, NOBODY)
        machines = dict.fromkeys(("machine", "to", "believing", "by", "against"), tuple(self.machines))
        return {
            **machines,
            "havip": tuple(self.havips),
            "subnet": tuple(self.subnets),
            "address": addresses,
            "source": addresses,
        }

    def data(self) -> dict[str, Any]:
        """The world as JSON has it."""
        return {
            "vpcs": dict(self.vpcs),
            "subnets": {name: _values(each) for name, each in self.subnets.items()},
            "machines": {name: _values(each) for name, each in self.machines.items()},
            "havips": {name: _values(each) for name, each in self.havips.items()},
        }

    @classmethod
    def of(cls, data: object) -> "World":
        """The world that some JSON describes.

        Raises:
            NotAWorld: It describes none.
        """
        try:
            assert isinstance(data, dict)
            return cls(
                {str(name): str(IPv4Network(cidr)) for name, cidr in data["vpcs"].items()},
                {
                    str(name): Subnet(each["vpc"], str(IPv4Network(each["cidr"])))
                    for name, each in data["subnets"].items()
                },
                {str(name): _machine(each) for name, each in data["machines"].items()},
                {str(name): Havip(each["subnet"], int(each["number"])) for name, each in data["havips"].items()},
            )
        except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, NotAWorld):
                raise
            raise NotAWorld(f"{str(data)[:200]} is no world: {error!r}") from error


def _machine(data: dict[str, Any]) -> Machine:
    return Machine(str(data["subnet"]), int(data["number"]), observes=data.get("observes") is True)


def _values(record: Subnet | Machine | Havip) -> dict[str, Any]:
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: value for name, value in values.items() if value is not False}


#: Three competing machines and a third host in one subnet, another subnet of the VPC, and a VPC with the same range
#: whose ``h5`` has ``h1``'s address.
WORLD = World(
    {"one": "172.17.0.0/16", "two": "172.17.0.0/16"},
    {
        "here": Subnet("one", "172.17.16.0/24"),
        "there": Subnet("one", "172.17.32.0/24"),
        "twin": Subnet("two", "172.17.16.0/24"),
    },
    {
        "a": Machine("here", 7),
        "b": Machine("here", 13),
        "c": Machine("here", 14),
        "d": Machine("there", 8),
        "e": Machine("twin", 9),
        "o": Machine("here", 21, observes=True),
        "p": Machine("there", 22, observes=True),
        "q": Machine("twin", 23, observes=True),
    },
    {
        "h1": Havip("here", 3),
        "h2": Havip("here", 4),
        "h3": Havip("here", 5),
        "h4": Havip("there", 3),
        "h5": Havip("twin", 3),
    },
)
