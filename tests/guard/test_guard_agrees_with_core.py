"""The kernel's guard and the core's give every frame the same verdict, and each rule of the guard matters.

Random frames from every port of a bridge that is made as the data plane does it. What arrived where, with which
Ethernet destination, what was punted and what was counted under which reason is compared with what ``core`` says. Run
it again with the seed that a failure prints: ``World(lab, seed)``.
"""

import random
from collections import Counter
from typing import Any

import pytest

from pytest_havip.network.core import Change, Reason
from pytest_havip.network.dataplane import ruleset
from tests.guard.grammar import Grammar, differences, send, shuffle_bindings

pytestmark = pytest.mark.usefixtures("one_processor")


def test_every_frame_gets_the_same_verdict(world: Any) -> None:
    grammar = Grammar(world, random.Random(world.seed))
    actions: Counter[object] = Counter()
    for _ in range(4):
        expected, actual, sent = send(world, grammar, 1000)
        assert not differences(expected, actual, sent), f"seed {world.seed}"
        assert expected.punted == actual.punted, "punted in another order than sent"
        actions.update(arrived=expected.arrived.total(), punted=len(expected.punted))
        for (reason, _, _), number in expected.counted.items():
            actions[reason] += number
        effects = shuffle_bindings(world, grammar.entropy)
        world.follow([effect for effect in effects if isinstance(effect, Change)])
    by_frames = set(Reason) - {Reason.RATE_LIMITED, Reason.DAMPED}
    quiet = {"arrived", "punted", *by_frames} - {kind for kind, number in actions.items() if number}
    assert not quiet, f"the grammar never led to {quiet}"


NOT_SEEN_IN_SINGLE_FRAMES = {"announcement-rate", "echo"}


@pytest.mark.parametrize("name", [n for n in ruleset.RULES_BY_NAME if n not in NOT_SEEN_IN_SINGLE_FRAMES])
def test_no_rule_can_be_missed(shared_world: Any, name: str) -> None:
    grammar = Grammar(shared_world, random.Random(7))
    shared_world.load(shared_world.render(frozenset({name})))
    found: list[str] = []
    for _ in range(20):
        found = differences(*send(shared_world, grammar, 400))
        if found:
            break
    assert found, f"without the rule {name} nothing is different"
    if ruleset.RULES_BY_NAME[name].role is ruleset.Role.EXPLAINS:
        assert all("counted" in line for line in found), found
