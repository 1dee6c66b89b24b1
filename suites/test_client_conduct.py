"""TAKE: what a client must do on a HAVIP network; whoever breaks one of these has only itself to blame."""

import pytest

from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.observe.conduct import RULES
from pytest_havip.reports import Inconclusive
from pytest_havip.requirements import requirement

__all__: list[str] = []

pytestmark = pytest.mark.xdist_group("takeovers")

#: The acts in which the old owner lives, and is told or must notice that it is to give the address up.
GIVEN_UP = (
    "keepalived stopped",
    "keepalived service",
    "wsfc moved",
    "arping request",
    "arping reply",
    "ipaddr2",
)
#: Those in which somebody takes over.
TAKEN = (
    *GIVEN_UP,
    "keepalived killed",
    "keepalived link",
    "keepalived frozen",
    "keepalived stuck",
    "keepalived edited",
    "wsfc host",
    "wsfc frozen",
)
#: That in which a ghost defends the address against a client that asks first.
DEFENDED = ("wsfc ghost",)

DEMANDS = (
    ("HAVIP-TAKE-022", "announces what it takes", TAKEN),
    ("HAVIP-TAKE-023", "announces in its declared time", TAKEN),
    ("HAVIP-TAKE-024", "announces its own MAC", TAKEN),
    ("HAVIP-TAKE-025", "is silent while passive", (*TAKEN, *DEFENDED)),
    ("HAVIP-TAKE-026", "gives up the address", GIVEN_UP),
    ("HAVIP-TAKE-027", "heeds a defender", DEFENDED),
)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param(name, rule, marks=requirement(identifier), id=f"{name}: {rule}")
        for identifier, rule, names in DEMANDS
        for name in names
    ],
)
def test_the_client(act: Acts, name: str, rule: str) -> None:
    played = act(name)
    conducts = played.conducts()
    if not conducts:
        raise Inconclusive(f"nothing befell the client: {played.error}")
    assert [complaint for seen in conducts if (complaint := RULES[rule](seen))] == []
