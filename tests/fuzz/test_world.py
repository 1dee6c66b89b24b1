"""A world gives names their addresses, and refuses what does not hang together."""

import json
from typing import Any

import pytest

from pytest_havip.fuzz import GATEWAY, NOBODY, WORLD, NotAWorld, World


def data(**changes: Any) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(WORLD.data()))
    for path, value in changes.items():
        kind, name = path.split("__")
        copied[kind][name] = value
    return copied


def test_it_comes_back_from_json() -> None:
    assert World.of(data()).data() == WORLD.data()


def test_names_have_the_addresses_of_the_asking_subnet() -> None:
    assert str(WORLD.address("a", "here")) == "172.17.16.7"
    assert str(WORLD.address("a", "there")) == "172.17.32.7"
    assert str(WORLD.address(GATEWAY, "there")) == "172.17.32.1"
    assert str(WORLD.address(NOBODY, "here")) == "172.17.16.200"
    assert WORLD.address("h1", "there") == WORLD.address("h5", "twin")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({}, "is no world"),
        (data(machines__x={"subnet": "nowhere", "number": 30}), "there is no nowhere"),
        (data(subnets__here={"vpc": "three", "cidr": "10.0.0.0/24"}), "there is no three"),
        (data(subnets__lonely={"vpc": "one", "cidr": "172.17.48.0/24"}), "no machine observes lonely"),
        (data(machines__x={"subnet": "here", "number": 1}), "reserved"),
        (data(machines__x={"subnet": "here", "number": 7}), "one number"),
        (data(machines__x={"subnet": "there", "number": 3}), "a machine and a HAVIP have the number 3"),
        (data(machines__h1={"subnet": "here", "number": 30}), "two things"),
        (data(subnets__here={"vpc": "one", "cidr": "nonsense"}), "is no world"),
    ],
)
def test_what_is_no_world_is_refused(changed: Any, complaint: str) -> None:
    with pytest.raises(NotAWorld, match=complaint):
        World.of(changed)
