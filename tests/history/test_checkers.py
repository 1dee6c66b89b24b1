"""Each checker on good and bad histories, written by hand."""

import random
import time
from typing import TYPE_CHECKING

import pytest

from pytest_havip.history import Effect, View

if TYPE_CHECKING:
    from tests.history.conftest import Story


# --- register --------------------------------------------------------------------------------------------------------


def test_the_last_of_two_holds(story: "Story") -> None:
    story.settle("a", "b")
    story.read("b")
    assert story.outcome("register") == "pass"


def test_the_first_of_two_holds_wrongly(story: "Story") -> None:
    story.read()
    story.settle("a", "b")
    story.read("a", view=View.API)
    judgement = story.judged("register")
    assert judgement.outcome == "fail"
    assert judgement.reason == "havip-1 in api: a was read where only b was possible"
    assert [line.split(" to ")[1].split(maxsplit=1)[1] for line in judgement.witness.splitlines()[1:]] == [
        "a announces, handled by 0.024",
        "b announces, handled by 0.024",
        "a is read; possible: b   <-- not explained",
    ]


def test_what_is_not_handled_yet_may_or_may_not_be_seen(story: "Story") -> None:
    story.settle("a")
    story.announce("b")
    story.read("a")
    story.read("b")
    assert story.outcome("register") == "pass"


def test_nobody_reads_back_in_time(story: "Story") -> None:
    story.settle("a")
    story.announce("b")
    story.read("b")
    story.read("a")
    assert story.outcome("register") == "fail"


def test_one_view_may_lag_behind_another(story: "Story") -> None:
    story.settle("a")
    story.announce("b")
    story.read("b")
    story.read("a", view=View.API)
    assert story.outcome("register") == "pass"
    assert story.outcome("one-register") == "fail"


@pytest.mark.parametrize("owner", ["b", "c"])
def test_overlapping_announcements_may_take_either_order(story: "Story", owner: str) -> None:
    story.settle("a")
    story.announce("b", at=100, until=120)
    story.announce("c", at=110, until=130)
    story.handled(at=140)
    story.read(owner, at=150)
    assert story.outcome("register") == "pass"


def test_but_only_one_of_them(story: "Story") -> None:
    story.settle("a")
    story.announce("b", at=100, until=120)
    story.announce("c", at=110, until=130)
    story.handled(at=140)
    story.read("b", at=150)
    story.read("c", at=160)
    assert story.outcome("register") == "fail"


def test_the_owners_own_announcements_stand_in_the_same_order(story: "Story") -> None:
    story.settle("a")
    story.settle("b", "a")
    story.read("b")
    assert story.outcome("register") == "fail"


def test_a_rejected_announcement_is_no_write(story: "Story") -> None:
    story.settle("a")
    story.announce("b", effect=Effect.NONE)
    story.handled()
    story.read("a")
    assert story.outcome("register") == "pass"
    story.read("b")
    assert story.outcome("register") == "fail"


@pytest.mark.parametrize("owner", ["a", "b"])
def test_a_doubtful_announcement_was_accepted_or_not(story: "Story", owner: str) -> None:
    story.settle("a")
    story.announce("b", effect=Effect.POSSIBLE)
    story.handled()
    story.read(owner)
    assert story.outcome("register") == "pass"


def test_a_doubtful_announcement_is_not_accepted_after_it_was_handled(story: "Story") -> None:
    story.settle("a")
    story.announce("b", effect=Effect.POSSIBLE)
    story.handled()
    story.read("a")
    story.read("b")
    assert story.outcome("register") == "fail"


def test_a_detached_owner_owns_nothing(story: "Story") -> None:
    story.settle("a")
    story.unplug("a")
    story.read()
    assert story.outcome("register") == "pass"
    story.read("a")
    assert story.outcome("register") == "fail"


def test_a_detached_rival_changes_nothing(story: "Story") -> None:
    story.settle("b", "a")
    story.unplug("b")
    story.read("a")
    assert story.outcome("register") == "pass"
    story.read()
    assert story.outcome("register") == "fail"


def test_a_released_havip_is_nobodys_and_is_not_revived(story: "Story") -> None:
    story.settle("a")
    story.announce("b", at=200)
    story.release(at=202, until=230)
    story.handled(at=240)
    story.read(at=250)
    assert story.outcome("register") == "pass"
    story.read("b", at=260)
    assert story.outcome("register") == "fail"


def test_a_history_that_begins_in_the_middle_may_begin_with_anyone(story: "Story") -> None:
    story.records.pop()
    story.read("c")
    story.settle("a")
    story.read("a")
    assert story.outcome("register") == "pass"
    story.read("c")
    assert story.outcome("register") == "fail"


def test_the_witness_is_as_small_as_can_be(story: "Story") -> None:
    for number in range(200):
        name = "abc"[number % 3]
        story.settle(name)
        story.read(name)
    story.settle("a", "b")
    story.read("a")
    for _ in range(50):
        story.settle("c")
        story.read("c")
    judgement = story.judged("register")
    assert judgement.reason == "havip-1 in data: a was read where only b was possible"
    assert len(judgement.witness.splitlines()) == 4


def test_too_many_at_once_is_no_verdict_and_takes_no_time(story: "Story") -> None:
    generator = random.Random(1)
    for number in range(40):
        name = f"n{number}"
        for turn in range(4):
            at = 1000 + generator.randrange(60) + turn * 70
            story.announce(name, at=at, until=at + 60, effect=Effect.POSSIBLE)
    for at in range(1000, 1200):
        story.read(f"n{generator.randrange(40)}", at=at, until=at + 80)
    begun = time.monotonic()
    judgement = story.judged("register")
    assert time.monotonic() - begun < 60
    assert judgement.outcome == "inconclusive"
    assert "too many overlapping" in judgement.reason


# --- agreement, one-owner --------------------------------------------------------------------------------------------


def test_views_agree_when_quiet(story: "Story") -> None:
    story.settle("a", "b")
    story.read("b")
    story.read("b", view=View.API)
    assert story.outcome("agreement") == "pass"
    story.read("a", view=View.NEIGHBOURS)
    judgement = story.judged("agreement")
    assert judgement.outcome == "fail"
    assert judgement.reason == "havip-1: when all was quiet, data: b, api: b, neighbours: a"


def test_views_need_not_agree_while_something_is_under_way(story: "Story") -> None:
    story.settle("a")
    story.announce("b")
    story.read("a", view=View.API)
    story.read("b")
    story.handled()
    judgement = story.judged("agreement")
    assert (judgement.outcome, judgement.judged) == ("pass", 0)


def test_a_packet_to_two_is_wrong_at_any_time(story: "Story") -> None:
    story.settle("a")
    story.announce("b")
    story.read("a", "b")
    judgement = story.judged("one-owner")
    assert judgement.outcome == "fail"
    assert "one packet reached a and b" in judgement.reason


def test_two_answers_are_wrong_when_quiet_and_nothing_during_a_move(story: "Story") -> None:
    story.settle("a")
    story.announce("b", at=100)
    story.read("a", "b", view=View.WHO_HAS, at=110)
    story.handled(at=120)
    assert story.outcome("one-owner") == "inconclusive"
    story.read("a", "b", view=View.WHO_HAS, at=130)
    assert story.outcome("one-owner") == "fail"


# --- changes ---------------------------------------------------------------------------------------------------------

GOOD = [(1, "", "a"), (2, "a", "b"), (3, "b", "a")]


def changed(story: "Story", *changes: tuple[int, str, str]) -> str:
    story.settle("a", "a", "b", "b", "a")
    story.list(*changes)
    judgement = story.judged("changes")
    assert judgement.outcome == "pass" or judgement.witness or "number" in judgement.reason
    return f"{judgement.outcome} {judgement.reason}".strip()


def test_every_move_is_listed_once(story: "Story") -> None:
    assert changed(story, *GOOD) == "pass"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (GOOD[:2], "a move to a is not listed"),
        ([GOOD[0], GOOD[2]], "change 3 does not begin with a, the owner then"),
        ([(1, "", "a"), (2, "a", "b"), (2, "a", "b"), (3, "b", "a")], "number 2 is listed after number 2"),
        ([(1, "", "a"), (2, "a", "a"), (3, "a", "b"), (4, "b", "a")], "change 2 is none: the owner stays"),
        ([(1, "", "b"), (2, "b", "a")], "change 1 fits no order of the announcements"),
        ([*GOOD, (4, "a", "c")], "change 4 fits no order of the announcements"),
        ([*GOOD, (4, "a", "")], "change 4 has no cause: nothing was detached or released"),
        ([], "a move to a is not listed"),
    ],
)
def test_a_list_that_is_wrong(story: "Story", changes: list[tuple[int, str, str]], said: str) -> None:
    assert changed(story, *changes).startswith("fail")
    assert said in story.judged("changes").reason


@pytest.mark.parametrize("order", ["bc", "cb"])
def test_overlapping_moves_are_listed_in_either_order(story: "Story", order: str) -> None:
    story.settle("a")
    story.announce("b", at=100, until=120)
    story.announce("c", at=110, until=130)
    story.handled(at=140)
    story.now = 150
    story.list((1, "", "a"), (2, "a", order[0]), (3, *order))
    assert story.outcome("changes") == "pass"


def test_a_detachment_and_a_release_are_changes(story: "Story") -> None:
    story.settle("a", "a")
    story.unplug("a")
    story.settle("b")
    story.release()
    story.list((1, "", "a"), (2, "a", ""), (3, "", "b"), (4, "b", ""))
    assert story.outcome("changes") == "pass"
    story.list((5, "", "b"))
    assert story.judged("changes").reason.endswith("change 5 follows the release")


def test_a_list_that_came_late_tells_of_several_losses(story: "Story") -> None:
    story.settle("a", "a")
    story.unplug("a")
    story.settle("a", "a")
    story.release()
    story.list((1, "", "a"), (2, "a", ""), (3, "", "a"), (4, "a", ""))
    assert story.outcome("changes") == "pass"


def test_but_not_of_one_too_few(story: "Story") -> None:
    story.settle("a")
    story.unplug("a")
    story.settle("a")
    story.release()
    story.list((1, "", "a"), (2, "a", ""))
    assert story.outcome("changes") == "fail"


def test_no_list_is_nothing_to_judge(story: "Story") -> None:
    story.settle("a")
    assert story.judged("changes").judged == 0


# --- stamps, quota, scope --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        (("2026-01-01 00:00:01", "2026-01-01 00:00:01"), "pass"),
        (("2026-01-01 00:00:01", "2026-01-01 00:00:00"), "fail goes back"),
        (("2026-01-01 00:00:01", "2026-01-01 00:00:02"), "fail moves although nothing changed"),
        (("yesterday", "yesterday"), "inconclusive cannot be put in order"),
    ],
)
def test_stamps_of_a_refreshed_havip(story: "Story", stamps: tuple[str, str], said: str) -> None:
    story.settle("a")
    story.read("a", view=View.API, stamp=stamps[0])
    story.settle("a")
    story.read("a", view=View.API, stamp=stamps[1])
    judgement = story.judged("stamps")
    assert judgement.outcome == said.split(maxsplit=1)[0]
    assert judgement.reason.endswith(said.partition(" ")[2])


def test_a_move_and_back_moves_the_stamp(story: "Story") -> None:
    story.settle("a")
    story.read("a", view=View.API, stamp="2026-01-01 00:00:01")
    story.settle("b", "a")
    story.read("a", view=View.API, stamp="2026-01-01 00:00:02")
    assert story.outcome("stamps") == "pass"


def test_a_quota_is_kept_and_used(story: "Story") -> None:
    story.quota(2)
    story.create("havip-2")
    story.create("", refused="LimitExceeded")
    story.release("havip-2")
    story.create("havip-3")
    assert story.outcome("quota") == "pass"
    story.create("havip-4")
    assert "havip-4 was created beside 2 others, quota 2" in story.judged("quota").reason


def test_a_refusal_while_there_is_room(story: "Story") -> None:
    story.quota(2)
    story.create("", refused="LimitExceeded")
    assert "refused with LimitExceeded beside 1 others, quota 2" in story.judged("quota").reason


def test_an_owner_elsewhere(story: "Story") -> None:
    story.plug("z", subnet="subnet-2")
    story.settle("a")
    story.read("a")
    assert story.outcome("scope") == "pass"
    story.read("z")
    assert "z of subnet-2 owns it" in story.judged("scope").reason


def test_an_owner_that_nobody_knows(story: "Story") -> None:
    story.read("ghost")
    assert story.outcome("scope") == "inconclusive"
