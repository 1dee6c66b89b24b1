"""Faults in what an account may have, and in what is told of who has an address."""

from collections.abc import Iterator

from pytest_havip.mutants.model import Mutant
from pytest_havip.mutants.planting import Request, Rightly, change_action, put
from pytest_havip.network.api import addresses
from pytest_havip.network.api.actions import Answer
from pytest_havip.network.core import Network
from pytest_havip.network.service import Service
from pytest_havip.network.terms import Terms

__all__ = ["MUTANTS"]


def _lower_quota_releases() -> None:
    def set_terms(self: Service, terms: Terms) -> None:
        rightly(self, terms)
        for vpc_id in self.network.vpcs:
            held = [havip.id for havip in self.network.havips.values() if havip.vpc_id == vpc_id]
            for havip_id in held[terms.havip_quota :]:
                self.network.delete_havip(havip_id, now=self.now())

    rightly = put(Service, "set_terms", set_terms)


def _quota_of_new_vpcs() -> None:
    def set_terms(self: Service, terms: Terms) -> None:
        self.network.admitted = terms.admitted
        self.terms = terms

    put(Service, "set_terms", set_terms)


def _everyone_is_admitted() -> None:
    def check(_: Network) -> None:
        return

    put(Network, "check_admitted", check)


def _classic_is_the_first_vpc(rightly: Rightly, service: Service, request: Request) -> Answer:
    if request.get("VpcId") not in {"", "0"}:
        return rightly(request)
    subnet = service.network.subnets.get(request.get("SubnetId", ""))
    return rightly({**request, "VpcId": subnet.vpc_id if subnet else tuple(service.network.vpcs)[-1]})


def _inventory_of_nics() -> None:
    def uses(network: Network, vpc_id: str) -> Iterator[addresses.Use]:
        return (use for use in rightly(network, vpc_id) if use.kind != "HAVIP")

    rightly = put(addresses, "_uses", uses)


MUTANTS = (
    Mutant(
        "lower-quota-releases",
        "A lowered quota releases the HAVIPs that are beyond it.",
        frozenset({"HAVIP-QUOTA-011"}),
        _lower_quota_releases,
    ),
    Mutant(
        "quota-of-new-vpcs",
        "A changed quota counts for VPCs that are made later.",
        frozenset({"HAVIP-QUOTA-011", "HAVIP-QUOTA-012"}),
        _quota_of_new_vpcs,
    ),
    Mutant(
        "everyone-is-admitted",
        "An account need not be admitted to HAVIPs.",
        frozenset({"HAVIP-API-033"}),
        _everyone_is_admitted,
    ),
    Mutant(
        "classic-is-a-vpc",
        "A HAVIP in no VPC is made in some VPC.",
        frozenset({"HAVIP-API-032"}),
        lambda: change_action(_classic_is_the_first_vpc, "CreateHaVip"),
    ),
    Mutant(
        "inventory-of-nics",
        "The inventory of addresses names NICs alone.",
        frozenset({"HAVIP-ADDR-019"}),
        _inventory_of_nics,
    ),
)
