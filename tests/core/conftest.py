"""A small cloud for the rules to be tried on: two subnets of a VPC, and another VPC with the same addresses."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import pytest

from pytest_havip.network.core import Decision, Havip, Network, Nic, Profile, Subnet, Vpc
from pytest_havip.wire import gratuitous_request

CIDR = IPv4Network("10.0.0.0/16")
HERE = IPv4Network("10.0.0.0/24")
THERE = IPv4Network("10.0.1.0/24")


def tokens(seed: int) -> Callable[[int], str]:
    entropy = random.Random(seed)
    return lambda length: "".join(entropy.choices(string.digits + string.ascii_lowercase, k=length))


@dataclass
class Cloud:
    """NICs ``a``, ``b`` (with a secondary address) in ``here``, ``far`` in ``there``, ``twin`` in the other VPC.

    HAVIPs: ``owned`` by ``a``, ``unbound`` and ``elsewhere`` (in ``there``, owned by ``far``).
    """

    network: Network
    vpc: Vpc
    here: Subnet
    there: Subnet
    a: Nic
    b: Nic
    far: Nic
    other_vpc: Vpc
    other_subnet: Subnet
    twin: Nic
    owned: Havip
    unbound: Havip
    elsewhere: Havip

    def announce(self, nic: Nic, havip: Havip, *, now: float = 10.0) -> Decision:
        return self.network.receive(gratuitous_request(nic.mac, havip.address), nic.id, now=now)

    def now(self, havip: Havip) -> Havip:
        return self.network.havips[havip.id]

    def owner(self, havip: Havip) -> str | None:
        binding = self.now(havip).binding
        return binding.nic_id if binding else None


@pytest.fixture
def network() -> Network:
    return Network(new_token=tokens(1))


@pytest.fixture
def cloud() -> Cloud:
    network = Network(new_token=tokens(2), profile=Profile("test", havip_quota=5))

    def nic(subnet: Subnet, name: str, secondary_count: int = 0) -> Nic:
        made = network.create_nic(subnet.id, name, secondary_count=secondary_count, now=1.0)
        return network.attach_nic(made.id, f"ins-{name:0>8}")

    vpc = network.create_vpc("vpc", CIDR, now=1.0)
    here, there = (network.create_subnet(vpc.id, str(cidr), cidr, now=1.0) for cidr in (HERE, THERE))
    a, b, far = nic(here, "a"), nic(here, "b", secondary_count=1), nic(there, "far")
    other_vpc = network.create_vpc("other", CIDR, now=1.0)
    other_subnet = network.create_subnet(other_vpc.id, "here too", HERE, now=1.0)
    twin = nic(other_subnet, "twin")
    addresses = (here, "10.0.0.100"), (here, "10.0.0.101"), (there, "10.0.1.100")
    havips = [
        network.create_havip(vpc.id, subnet.id, "havip", address=IPv4Address(address), now=1.0)
        for subnet, address in addresses
    ]
    made = Cloud(network, vpc, here, there, a, b, far, other_vpc, other_subnet, twin, *havips)
    made.announce(a, made.owned, now=2.0)
    made.announce(far, made.elsewhere, now=2.0)
    network.take_effects()
    return made
