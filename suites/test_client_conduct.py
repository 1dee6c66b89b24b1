"""TAKE: what a client must do on a HAVIP network; whoever breaks one of these has only itself to blame."""

import pytest

from pytest_havip.fixtures.acts import Act
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
    "keepalived careless",
    "keepalived preempting",
    "keepalived weighed",
    "keepalived tracked",
    "wsfc moved",
    "wsfc service",
    "wsfc careless",
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
    "keepalived third",
    "keepalived shared",
    "keepalived repeating",
    "wsfc host",
    "wsfc frozen",
)
#: Those in which nodes do not hear each other for a while, with a quorum and without one.
OUTVOTED = ("wsfc split", "wsfc deaf standby")
SPLIT = ("keepalived split", "keepalived deaf standby")
#: That in which a ghost defends the address against a client that asks first.
DEFENDED = ("wsfc ghost",)


def assert_obeyed(played: Act, rule: str) -> None:
    conducts = played.conducts()
    if not conducts:
        raise Inconclusive(f"nothing befell the client: {played.error}")
    assert [complaint for seen in conducts if (complaint := RULES[rule](seen))] == []


@requirement("HAVIP-TAKE-022")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_announces_what_it_takes(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces what it takes")


@requirement("HAVIP-TAKE-023")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_announces_in_its_declared_time(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces in its declared time")


@requirement("HAVIP-TAKE-024")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_announces_its_own_mac(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces its own MAC")


@requirement("HAVIP-TAKE-025")
@pytest.mark.parametrize("name", [*TAKEN, *DEFENDED, *OUTVOTED])
def test_the_client_is_silent_while_passive(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "is silent while passive")


@requirement("HAVIP-TAKE-026")
@pytest.mark.parametrize("name", GIVEN_UP)
def test_the_client_gives_up_the_address(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "gives up the address")


@requirement("HAVIP-TAKE-027")
@pytest.mark.parametrize("name", DEFENDED)
def test_the_client_heeds_a_defender(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "heeds a defender")


@requirement("HAVIP-TAKE-046")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_announces_again(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces again")


@requirement("HAVIP-TAKE-047")
@pytest.mark.parametrize("name", ["keepalived tracked"])
def test_the_client_announces_where_the_address_belongs(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces where the address belongs")


@requirement("HAVIP-TAKE-048")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_serves_what_it_announces(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "serves what it announces")


@requirement("HAVIP-TAKE-049")
@pytest.mark.parametrize("name", OUTVOTED)
def test_the_client_has_one_owner(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "has one owner")


@requirement("HAVIP-TAKE-050")
@pytest.mark.parametrize("name", [*SPLIT, *OUTVOTED])
def test_the_client_has_one_owner_again(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "has one owner again")


@requirement("HAVIP-TAKE-051")
@pytest.mark.parametrize("name", SPLIT)
def test_the_client_announces_what_it_keeps(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces what it keeps")


@requirement("HAVIP-TAKE-052")
@pytest.mark.parametrize("name", TAKEN)
def test_the_client_announces_as_declared(act: Acts, name: str) -> None:
    assert_obeyed(act(name), "announces as declared")
