"""For faults of wires, clients and people there are networks that get them wrong, and the suite's own tests see it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_havip.fixtures.acts import Act
from pytest_havip.fixtures.programme import PROGRAMME
from pytest_havip.fixtures.scenes import set_scene
from pytest_havip.fixtures.takeovers import Acts
from pytest_havip.lab import Lab
from pytest_havip.reports import Takeover as Row
from pytest_havip.suites import test_announcers as announcers
from pytest_havip.suites import test_takeover_faults as faults
from pytest_havip.suites import test_takeover_variants as variants
from pytest_havip.targets import open_target

if TYPE_CHECKING:
    from pytest_havip.targets.base import Target

REQUEST, REPLY = announcers.REQUEST, announcers.REPLY
Trial: TypeAlias = Callable[[Acts], None]


def ignore(_: Row) -> None:
    """Take no note of a takeover."""


#: Requirement -> the mutant that breaks it, the act in which it shows, and the test that must fail there.
TRIALS: dict[str, tuple[str, str, Trial]] = {
    "HAVIP-TAKE-032": (
        "first-wins",
        "keepalived lossy",
        lambda act: faults.test_the_first_announcement_that_gets_through_moves_the_havip(
            act, ignore, "keepalived lossy", 0
        ),
    ),
    "HAVIP-TAKE-034": (
        "first-wins",
        "keepalived lossy",
        lambda act: faults.test_a_refresh_repairs_a_takeover_that_nobody_heard(act, ignore),
    ),
    "HAVIP-TAKE-035": (
        "refresh-is-a-change",
        "keepalived jumbled",
        lambda act: faults.test_repeated_announcements_are_one_takeover(act, ignore),
    ),
    "HAVIP-TAKE-036": (
        "no-way-back",
        "keepalived jumbled",
        lambda act: faults.test_a_late_announcement_of_the_old_owner_is_followed_until_the_next(act, ignore),
    ),
    "HAVIP-TAKE-037": (
        "any-subnet-announces",
        "keepalived astray",
        lambda act: faults.test_an_announcement_by_another_subnets_interface_moves_nothing(act, ignore),
    ),
    "HAVIP-TAKE-038": (
        "silent-moves",
        "keepalived split",
        lambda act: faults.test_a_split_brain_has_one_owner_at_any_time(act, ignore, "keepalived split"),
    ),
    "HAVIP-TAKE-039": (
        "no-way-back",
        "keepalived split",
        lambda act: faults.test_a_healed_split_brain_ends_with_one_owner_for_good(act, ignore, "keepalived split"),
    ),
    "HAVIP-TAKE-042": (
        "the-old-owner-is-asked",
        "keepalived careless",
        lambda act: faults.test_the_standby_follows_an_owner_whose_nic_is_down(act, ignore, "keepalived"),
    ),
    "HAVIP-TAKE-044": (
        "bindings-age",
        "wsfc split",
        lambda act: faults.test_a_quorum_keeps_the_havip_where_it_is(act, ignore, "wsfc split"),
    ),
    "HAVIP-TAKE-054": (
        "one-owner-for-all",
        "keepalived shared",
        variants.test_each_machine_serves_an_address_of_its_own,
    ),
    "HAVIP-TAKE-055": (
        "no-way-back",
        "keepalived preempting",
        lambda act: variants.test_the_address_is_taken_over(act, ignore, "keepalived preempting", 1),
    ),
    "HAVIP-TAKE-059": (
        "first-wins",
        "keepalived once",
        lambda act: variants.test_the_address_is_taken_over(act, ignore, "keepalived once", 0),
    ),
    "HAVIP-TAKE-060": (
        "refresh-is-a-change",
        "keepalived repeating",
        lambda act: variants.test_a_takeover_is_one_change_however_often_it_is_announced(act, "keepalived repeating"),
    ),
    "HAVIP-TAKE-064": (
        "first-wins",
        "metallb",
        lambda act: announcers.test_the_address_goes_where_it_is_announced(act, ignore, "metallb", 0, {REQUEST, REPLY}),
    ),
    "HAVIP-TAKE-065": (
        "first-wins",
        "kube-vip",
        lambda act: announcers.test_the_address_goes_where_it_is_announced(
            act, ignore, "kube-vip", 0, {REQUEST, REPLY}
        ),
    ),
}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[tuple[str, str], Act]]:
    """The acts by mutant and name: all faulty networks in one lab, all acts at the same time."""
    acts: dict[tuple[str, str], Act] = {}
    networks: dict[str, Target] = {}
    with Lab.open() as lab, ExitStack() as ends:
        with ThreadPoolExecutor(len(TRIALS)) as stage:
            for mutant, name, _ in TRIALS.values():
                if (mutant, name) in acts:
                    continue
                if mutant not in networks:
                    networks[mutant] = ends.enter_context(open_target(f"mutant:{mutant}", lab))
                number, place = PROGRAMME[name], f"{mutant} {name}".replace(" ", "-")
                scene = set_scene(
                    ends, lab, networks[mutant], place, number.form, setting=number.setting, beside=number.beside
                )
                acts[mutant, name] = Act(scene)
                stage.submit(acts[mutant, name].play, number.script)
        yield acts


@pytest.mark.parametrize("identifier", TRIALS)
def test_the_suite_sees_what_a_faulty_network_gets_wrong(played: dict[tuple[str, str], Act], identifier: str) -> None:
    mutant, _, trial = TRIALS[identifier]
    with pytest.raises(AssertionError):
        trial(lambda name: played[mutant, name])
