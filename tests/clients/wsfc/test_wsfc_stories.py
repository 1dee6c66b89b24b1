"""Who owns the role when nodes die, freeze, are cut off, paused or told to move: one story each, in simulated time."""

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_havip.clients.wsfc.administration import Administration
from pytest_havip.clients.wsfc.arp import announcement
from pytest_havip.clients.wsfc.messages import WITNESS, RoleState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clients.wsfc.conftest import World

NewWorld: TypeAlias = "Callable[..., World]"
VIP = "172.17.16.3"


def test_the_preferred_owner_of_a_whole_cluster_comes_first(formed: NewWorld, new_world: NewWorld) -> None:
    assert formed("abc").online() == "a"
    world = new_world("abc", preferred_owners=("c", "b"))
    world.start()
    world.run(3.0)
    assert world.online() == "c"


def test_a_node_that_was_slow_to_start_is_still_preferred(new_world: NewWorld) -> None:
    world = new_world("ab", join_wait=3.0)
    world.start("b", WITNESS)
    world.run(2.5)
    world.start("a")
    world.until_online("a", 1.5)


def test_the_witness_need_not_be_there_when_nodes_form(new_world: NewWorld) -> None:
    world = new_world("ab")
    world.start("a", "b")
    assert world.until_online("a") <= world.told.check.latest + 0.05


def test_only_possible_owners_own(formed: NewWorld) -> None:
    world = formed("abc", possible_owners=("a", "c"))
    ticket = world.ask("a", "move", "b")
    assert world.replies[ticket] == (False, "the role stays on a: b is up; c could take it")
    world.crash("a")
    world.until_online("c")
    world.crash("c")
    world.run(20.0)
    assert world.online() == ""


def test_a_lone_node_forms_with_the_witness_after_it_has_waited_for_the_others(new_world: NewWorld) -> None:
    world = new_world("ab")
    world.start("b", WITNESS)
    world.run(world.told.join_wait - 0.1)
    assert world.owners() == []
    world.until_online("b", 3.0)


def test_a_lone_node_without_a_witness_has_no_quorum(new_world: NewWorld) -> None:
    world = new_world("ab", witness=False)
    world.start("a")
    world.run(20.0)
    assert world.owners() == []
    assert Administration(world.nodes["a"]).status(world.now)["quorum"] is False


@pytest.mark.parametrize("names", ["ab", "abc", "abcd", "abcde"])
def test_a_dead_owner_is_followed_after_the_threshold(formed: NewWorld, names: str) -> None:
    world = formed(names)
    world.crash("a")
    waited = world.until_online("b")
    assert world.told.lease - world.told.same_subnet_delay <= waited - world.told.check.earliest
    assert waited <= world.told.lease + world.told.check.latest + 0.05


def test_a_successor_waits_for_the_arbitration_of_a_disk(formed: NewWorld) -> None:
    world = formed(arbitration_delay=7.0)
    world.crash("a")
    assert world.until_online("b") >= 7.0 + world.told.lease - world.told.same_subnet_delay
    world.start("a")
    world.run(3.0)
    world.ask("b", "move", "a")
    assert world.until_online("a") < 1.0, "a planned move arbitrates nothing"


def test_half_of_two_without_a_witness_owns_nothing(formed: NewWorld) -> None:
    world = formed(witness=False)
    world.isolate("a")
    world.run(world.told.lease + 0.1)
    assert world.owners() == []
    world.run(20.0)
    assert world.owners() == []
    world.cut.clear()
    world.until_online("a", 5.0)


def test_the_witness_decides_for_the_half_that_reaches_it(formed: NewWorld) -> None:
    world = formed()
    world.isolate("a")
    world.until_online("b")
    assert world.online() == "b"
    world = formed()
    world.cut |= {("a", "b"), ("b", "a")}
    world.run(30.0)
    assert world.online() == "a", "the owner keeps the witness's vote"


def test_the_loser_stops_before_the_winner_starts(formed: NewWorld) -> None:
    world = formed("abc")
    world.isolate("a")
    held = []
    for _ in range(1000):
        world.run(0.01)
        held.append([name for name, node in world.nodes.items() if node.role.held])
    assert ["a"] in held
    assert ["b"] in held
    assert [] in held
    assert held.index([]) < held.index(["b"])


def test_a_cluster_outlives_its_witness_but_not_a_node_more(formed: NewWorld) -> None:
    world = formed()
    world.crash(WITNESS)
    world.run(20.0)
    assert world.online() == "a"
    world.crash("b")
    world.run(world.told.lease + 0.1)
    assert world.owners() == []


def test_a_planned_move_releases_first(formed: NewWorld) -> None:
    world = formed("abc")
    ticket = world.ask("b", "move", "c")
    world.run(0.02)
    assert world.replies[ticket] == (True, "the role goes from a to c")
    assert world.until_online("c") <= world.told.check.latest + 0.05
    places = [line for line in world.log if "Hold" in line or "Release" in line]
    assert [(line.split()[1], line.split()[2].split("(")[0]) for line in places] == [
        ("a", "Hold"),
        ("a", "Release"),
        ("c", "Hold"),
    ]


def test_moves_that_cannot_be_are_refused_with_the_reason(formed: NewWorld) -> None:
    world = formed("abc")
    world.crash("c")
    world.run(10.0)
    for node, reason in (("c", "c is down; b could take it"), ("x", "there is no node x; b could take it")):
        ticket = world.ask("b", "move", node)
        world.run(0.02)
        assert world.replies[ticket] == (False, f"the role stays on a: {reason}")
    ticket = world.ask("a", "move", "a")
    assert world.replies[ticket] == (True, "a owns the role already")


def test_failback_is_never_or_immediate(formed: NewWorld) -> None:
    for failback, owner in (("never", "b"), ("immediate", "a")):
        world = formed(failback=failback)
        world.crash("a")
        world.until_online("b")
        world.start("a")
        world.run(5.0)
        assert world.online() == owner


def test_a_paused_node_is_drained_and_gets_nothing_until_it_is_resumed(formed: NewWorld) -> None:
    world = formed(failback="immediate")
    world.ask("b", "pause", "a")
    world.until_online("b", 3.0)
    world.run(5.0)
    assert world.online() == "b"
    world.crash("b")
    world.run(20.0)
    assert world.owners() == []
    world.ask("a", "resume")
    world.until_online("a", 5.0)


def test_a_pause_without_a_drain_leaves_the_role(formed: NewWorld) -> None:
    world = formed()
    world.ask("a", "pause", "a", drain="")
    world.run(5.0)
    assert world.online() == "a"
    assert world.nodes["b"].state_of("a", world.now) == "paused"


def test_nobody_to_drain_to_leaves_the_role_until_somebody_comes(formed: NewWorld) -> None:
    world = formed()
    world.crash("b")
    world.run(10.0)
    world.ask("a", "pause")
    world.run(5.0)
    assert world.online() == "a"
    world.start("b")
    world.until_online("b", 5.0)


def test_a_leaving_owner_hands_over_at_once(formed: NewWorld) -> None:
    world = formed()
    world.leave("a")
    assert world.until_online("b") <= world.told.check.latest + 0.1
    assert "a" not in world.nodes


def test_the_vote_of_a_leaving_node_is_not_lent(formed: NewWorld) -> None:
    world = formed(witness=False)
    world.leave("a")
    world.run(10.0)
    assert [line for line in world.log if " b " in line and "Hold" in line] == []


def test_a_thawed_owner_believes_nothing_of_the_past(formed: NewWorld) -> None:
    world = formed()
    world.freeze("a")
    world.until_online("b")
    world.thaw("a")
    assert not world.nodes["a"].role.held
    world.run(5.0)
    assert world.online() == "b"


def test_a_short_freeze_moves_nothing(formed: NewWorld) -> None:
    world = formed()
    world.freeze("a")
    world.run(world.told.lease - 1.5)
    world.thaw("a")
    world.run(10.0)
    assert world.online() == "a"
    assert sum("Hold" in line for line in world.log) == 1


def test_a_restarted_owner_is_a_new_one(formed: NewWorld) -> None:
    world = formed()
    world.crash("a")
    world.start("a")
    world.run(5.0)
    assert world.online() in {"a", "b"}
    assert world.nodes[world.online()].term > 1


def test_a_restarted_voter_keeps_its_word(formed: NewWorld) -> None:
    world = formed()
    # b's and the witness's programs end at the moment at which they lose sight of the owner, who still believes them.
    world.isolate("a")
    world.run(0.01)
    for voter in ("b", WITNESS):
        world.crash(voter)
        world.start(voter)
    world.run(world.told.lease - world.told.same_subnet_delay - 0.1)
    assert world.owners() == ["a"]
    world.until_online("b")


def test_a_defended_address_fails_restarts_and_fails_over(formed: NewWorld) -> None:
    world = formed("abc", failover_threshold=2)
    foreign = announcement("02:00:00:00:00:99", IPv4Address(VIP))

    def defended(seconds: float) -> None:
        for _ in range(int(seconds / 0.05)):
            world.run(0.05)
            for name in tuple(world.nodes):
                world.perform(name, world.nodes[name].hear_arp(foreign, world.now))

    world.ask("a", "move", "b")
    defended(3.0)
    assert world.online() == ""
    failed = [node for node in world.nodes.values() if node.role.state is RoleState.FAILED]
    assert len(failed) == 1
    assert "event 1049: 172.17.16.3 is a duplicate: 02:00:00:00:00:99" in failed[0].role.event
    tried = {line.split()[1] for line in world.log if "1049" in line}
    assert tried == {"a", "b", "c"}, "two failovers, then it stays failed"
    world.run(world.told.retry_period + 2.0)
    assert world.online() == failed[0].name, "the conflict is over, and the role is tried again"


def test_a_node_whose_interface_or_service_fails_gives_the_role_up(formed: NewWorld) -> None:
    for event in (
        lambda node, now: node.inspect(now, carrier=False, missing=None),
        lambda node, now: node.look(now, service=False),
    ):
        world = formed()
        world.perform("a", event(world.nodes["a"], world.now))
        assert world.until_online("b") <= world.told.check.latest + 0.05


def test_an_address_that_vanished_is_brought_online_again(formed: NewWorld) -> None:
    world = formed()
    world.perform("a", world.nodes["a"].inspect(world.now, carrier=True, missing=IPv4Address(VIP)))
    assert not world.nodes["a"].role.held
    world.run(world.told.restart_delay + world.told.check.latest + 0.1)
    assert world.online() == "a"


def test_an_interface_that_refuses_the_address_fails_the_role(formed: NewWorld) -> None:
    world = formed()
    world.perform("a", world.nodes["a"].not_held(IPv4Address(VIP), "no room", world.now))
    assert world.nodes["a"].role.event == f"event 1048: {VIP} cannot be brought online: no room"
    world.run(2.0)
    assert world.online() == "a"
