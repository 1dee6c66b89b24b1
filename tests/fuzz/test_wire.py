"""Stories on the bundled network, on a real wire."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from pytest_havip.fuzz import (
    ACTIONS,
    WORLD,
    Action,
    Admit,
    Announce,
    Attach,
    Confine,
    Create,
    Cut,
    DataProbe,
    Detach,
    Expel,
    Follow,
    Look,
    Mend,
    Move,
    Packet,
    Player,
    Probe,
    Race,
    Release,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    Wait,
    Wake,
    WhoHas,
    WireExecutor,
    explore,
    machine_for,
    replay,
    tour,
    unreached,
)
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target

EVERYTHING: tuple[Action, ...] = (
    Announce("a", "h1"),
    DataProbe("o", "h1"),
    Race((Announce("b", "h2"), Announce("c", "h2"), Announce("b", "h2"))),
    WhoHas("o", "h2"),
    Detach("a"),
    DataProbe("o", "h1", "a"),
    Attach("a"),
    Announce("a", "h1", "reply", "own", "b", 60),
    Move("b", "there"),
    Announce("b", "h4"),
    Announce("b", "h1"),
    Cut("a"),
    WhoHas("o", "h1"),
    Mend("a"),
    Silence("a"),
    WhoHas("o", "h1"),
    Wake("a"),
    Probe("c", "h1"),
    Speak("c", "h1", "o"),
    Packet("a", "h1", "c"),
    Release("h1"),
    Announce("a", "h1"),
    Create("h1"),
    Follow("a", "h1", "o"),
    RoutedProbe("p", "h1"),
    Race((Announce("a", "h1"), Announce("c", "h1")) * 2, "loss", 1),
    Release("h1", against="c"),
    Confine("h1", "a"),
    Announce("c", "h1"),
    Admit("h1", "c"),
    Announce("c", "h1"),
    Expel("h1", "a"),
    Restart((Announce("c", "h1"),)),
    Wait(10),
    Look("h1"),
)


def test_everything_that_can_happen_happens_and_is_undone(wire: WireExecutor) -> None:
    for _ in range(2):
        player = Player(wire)
        player.play(EVERYTHING)
        player.finish()
        assert player.told == list(EVERYTHING)
    wire.reset()
    assert {name: machine.subnet for name, machine in wire.machines.items()} == {
        name: machine.subnet for name, machine in WORLD.machines.items()
    }
    assert all(machine.is_live and not machine.silent for machine in wire.machines.values())


def test_stories_are_played_as_they_should_be_and_come_to_every_rule_in_every_state(wire: WireExecutor) -> None:
    kinds = [kind for kind in ACTIONS if kind != "wait"]
    found = explore(wire, stories=30, kinds=kinds, seed=5, opening=tour())
    assert [str(finding.failure) for finding in found.findings] == []
    assert found.moves > 0
    assert unreached(found.reached) == []


def test_a_batch_is_sent_before_anything_is_waited_for(wire: WireExecutor) -> None:
    wire.reset()
    story = [Announce(machine, havip) for machine in "abc" for havip in ("h1", "h2", "h3")]
    seen = wire.run(story)
    assert max(each.ended for each in seen) < min(each.began for each in wire.run([DataProbe("o", "h1")]))
    assert [sorted(each.reached) for each in seen[:3]] == [["b", "c", "o"]] * 3
    assert all(each.began <= each.ended and each.began <= min(each.reached_at) for each in seen)


def test_a_world_can_stand_beside_another(wire: WireExecutor) -> None:
    with wire.renewed() as fresh:
        assert replay(fresh, [Announce("a", "h1")]) is None
        assert replay(wire, [Announce("b", "h1")]) is None


def test_a_network_without_order_is_given_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab.open() as lab, open_target("reference", lab) as target:
        monkeypatch.setattr(type(target), "settle_time", 0.05)
        with WireExecutor(lab, target) as executor:
            assert replay(executor, [Announce("a", "h1"), Announce("b", "h1"), DataProbe("o", "h1")]) is None


def test_what_a_network_cannot_do_is_left_out() -> None:
    story = [Release("h1"), Confine("h1", "a"), Restart(), RoutedProbe("p", "h1"), Look("h1")]
    with Lab.open() as lab, open_target("bridge", lab) as target, WireExecutor(lab, target) as executor:
        player = Player(executor, judged=())
        player.play(story)
    assert player.told == [Release("h1"), Look("h1")]


def test_a_plain_bridge_is_no_havip_network() -> None:
    with Lab.open() as lab, open_target("bridge", lab) as target, WireExecutor(lab, target) as executor:
        failure = replay(executor, [Announce("a", "b")])
        assert failure is not None
        assert failure.disagreement.requirement == "HAVIP-SPOOF-001"


def test_the_state_machine_runs_on_a_wire(wire: WireExecutor) -> None:
    kinds = tuple(kind for kind in ACTIONS if kind != "wait")
    machine = machine_for(wire, kinds=kinds, most=30)
    few = settings(
        max_examples=10, stateful_step_count=3, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )
    run_state_machine_as_test(machine, settings=settings(few, suppress_health_check=list(HealthCheck)))
