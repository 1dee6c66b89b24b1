"""A plain Linux bridge of lab hosts: the simplest network on which an HA client works."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from pytest_havip.lab import Host, Lab, Link


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.open() as lab:
        yield lab


@pytest.fixture(scope="module")
def links() -> dict[str, Link]:
    """Each host's cable to the bridge, by the host's name."""
    return {}


@pytest.fixture(scope="module")
def new_host(lab: Lab, links: dict[str, Link]) -> Callable[[str, str], Host]:
    """Add a host with this name and address to the subnet 172.17.16.0/24."""
    switch = lab.host("switch")
    switch.add_bridge("br0")

    def add(name: str, address: str) -> Host:
        host = lab.host(name)
        far = f"p{len(links)}"
        links[name] = lab.link(host, "eth0", switch, far)
        switch.join_bridge(far, "br0")
        host.add_address(f"{address}/24", "eth0")
        return host

    return add


@pytest.fixture(scope="module")
def observer(new_host: Callable[[str, str], Host]) -> Host:
    return new_host("observer", "172.17.16.200")


@pytest.fixture
def vip() -> IPv4Address:
    return IPv4Address("172.17.16.3")
