"""Faults of the network's DHCP."""

from collections.abc import Iterable
from typing import Any

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import put
from pytest_havip.network import dhcp
from pytest_havip.network.core import Cause, Network, Nic, Subnet
from pytest_havip.network.core.announcements import unbind
from pytest_havip.network.dhcp import Dhcp
from pytest_havip.network.service import Service

__all__ = ["MUTANTS"]


def _leases_name_no_gateway() -> None:
    def configuration(subnets: Iterable[Subnet], nics: Iterable[Nic]) -> str:
        return f"{rightly(subnets, nics)}dhcp-option=option:router\n"

    rightly = put(dhcp, "configuration", configuration)


def _leases_are_of_havips() -> None:
    """Lease a NIC the HAVIP that it owns when the server starts."""

    def start(self: Dhcp, vpc_id: str, text: str) -> object:
        network: Network = self._network
        for havip in network.havips.values():
            if havip.binding is not None:
                nic = network.nics[havip.binding.nic_id]
                text = text.replace(f"{nic.mac},{nic.addresses[0]}\n", f"{nic.mac},{havip.address}\n")
        return rightly(self, vpc_id, text)

    rightly = put(Dhcp, "_start", start)


def _leases_unbind() -> None:
    """Unbind the HAVIPs of a VPC when its server starts."""
    services: list[Service] = []

    def begin(self: Service, *arguments: Any) -> None:  # noqa: ANN401 - passed on
        services.append(self)
        rightly_begun(self, *arguments)

    def start(self: Dhcp, vpc_id: str, text: str) -> object:
        (service,) = services
        for havip in tuple(service.network.havips.values()):
            if havip.vpc_id == vpc_id:
                service.network._commit(*unbind(havip, Cause.EXCLUDED, service.now()))  # noqa: SLF001
        service.apply()
        return rightly(self, vpc_id, text)

    rightly_begun = put(Service, "__init__", begin)
    rightly = put(Dhcp, "_start", start)


MUTANTS = (
    Mutant(
        "leases-name-no-gateway",
        "DHCP leases an address without a gateway.",
        frozenset({"HAVIP-DHCP-001"}),
        _leases_name_no_gateway,
    ),
    Mutant(
        "leases-are-of-havips",
        "DHCP leases the owner of a HAVIP that address in place of its own.",
        frozenset({"HAVIP-DHCP-002"}),
        _leases_are_of_havips,
    ),
    Mutant(
        "leases-unbind",
        "A machine that boots by DHCP unbinds the HAVIPs of its VPC.",
        frozenset({"HAVIP-DHCP-004"}),
        _leases_unbind,
    ),
)
