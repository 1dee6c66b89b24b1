"""The model by itself: what it lets pass, what it does not, and whom it blames."""

from typing import Any

import pytest

from pytest_havip.fuzz import (
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
    Disagreement,
    Expel,
    Follow,
    Look,
    Model,
    Move,
    Observation,
    Packet,
    Probe,
    Race,
    Release,
    Rename,
    Restart,
    RoutedProbe,
    Silence,
    Speak,
    View,
    Wait,
    WhoHas,
)

EVERYONE = ("b", "c", "o")


def seen(*reached: str, answers: tuple[str, ...] = (), **more: Any) -> Observation:
    return Observation(reached=reached, answers=answers, **more)


def look(owner: str | None, *changes: tuple[str | None, str | None], stamp: str = "1", **more: Any) -> Observation:
    view = View(exists=True, owner=owner, flushed=stamp, changes=changes, **{"belief": owner, **more})
    return Observation(view=view)


class Tale:
    """A model to which observations are told; it must agree until it must not."""

    def __init__(self, judged: set[str] | None = None) -> None:
        self.model = Model(WORLD, judged=judged)

    def tell(self, action: Action, observation: Observation | None = None) -> "Tale":
        assert self.model.now.fit(action) == action
        assert self.model.judge(action, observation or Observation()) is None
        return self

    def bind(self, machine: str = "a", havip: str = "h1") -> "Tale":
        others = [name for name in ("a", "b", "c", "o") if name != machine]
        return self.tell(Announce(machine, havip), seen(*others))

    def wrong(self, action: Action, observation: Observation) -> str:
        before = self.model.now.owners.copy()
        found = self.model.judge(action, observation)
        assert isinstance(found, Disagreement)
        assert self.model.now.owners == before
        return found.requirement


@pytest.fixture
def tale() -> Tale:
    return Tale()


@pytest.mark.parametrize(
    ("action", "requirement"),
    [
        (Announce("a", "h1"), "HAVIP-BIND-001"),
        (Announce("a", "h1", "reply"), "HAVIP-BIND-002"),
        (Announce("a", "h1", target_mac="zero"), "HAVIP-BIND-010"),
        (Announce("a", "h1", length=60), "HAVIP-BIND-010"),
    ],
)
def test_an_announcement_is_heard_by_everyone(tale: Tale, action: Announce, requirement: str) -> None:
    assert tale.wrong(action, seen()) == requirement
    assert tale.wrong(action, seen("b", "c")) == requirement
    assert tale.wrong(action, seen("a", *EVERYONE)) == "HAVIP-BIND-012"
    assert tale.wrong(action, seen("d", *EVERYONE)) == "HAVIP-BIND-012"
    tale.tell(action, seen(*EVERYONE))
    assert tale.model.now.owners["h1"] == ("a",)


def test_one_addressed_is_heard_by_that_one(tale: Tale) -> None:
    assert tale.wrong(Announce("a", "h1", to="b"), seen(*EVERYONE)) == "HAVIP-BIND-011"
    assert tale.wrong(Announce("a", "h1", to="b"), seen()) == "HAVIP-BIND-011"
    tale.tell(Announce("a", "h1", to="b"), seen("b"))


@pytest.mark.parametrize(
    ("action", "requirement"),
    [
        (Announce("a", "h4"), "HAVIP-SCOPE-001"),
        (Announce("e", "h2"), "HAVIP-SCOPE-002"),
        (Announce("a", "b"), "HAVIP-SPOOF-001"),
        (Announce("a", "gateway"), "HAVIP-SPOOF-002"),
        (Announce("a", "nobody"), "HAVIP-SPOOF-003"),
        (Announce("a", "d"), "HAVIP-SPOOF-003"),
        (Announce("a", "h1", fault="sender-mac"), "HAVIP-SPOOF-004"),
        (Announce("a", "h1", fault="vlan"), "HAVIP-SPOOF-008"),
        (Speak("a", "h1", "o"), "HAVIP-SPOOF-006"),
        (Packet("a", "h1", "o"), "HAVIP-SPOOF-007"),
        (Packet("a", "b", "o"), "HAVIP-SPOOF-010"),
    ],
)
def test_a_spoof_reaches_nobody(tale: Tale, action: Action, requirement: str) -> None:
    assert tale.wrong(action, seen("o")) == requirement
    tale.tell(action, seen())


@pytest.mark.parametrize(
    ("action", "observation", "requirement"),
    [
        (Announce("b", "h1", fault="both-macs"), seen(), "HAVIP-SPOOF-005"),
        (Speak("b", "h1", "o"), seen(), "HAVIP-BIND-007"),
        (Speak("b", "h1", "o", "reply"), seen(), "HAVIP-SPOOF-006"),
        (Packet("b", "h1", "o"), seen(), "HAVIP-SPOOF-007"),
        (Probe("b", "h1"), seen("a"), "HAVIP-BIND-005"),
    ],
)
def test_who_took_it_wrongly_is_blamed_for_how(
    tale: Tale, action: Action, observation: Observation, requirement: str
) -> None:
    tale.bind().tell(action, observation)
    assert tale.wrong(DataProbe("o", "h1"), seen("b")) == requirement


@pytest.mark.parametrize(
    ("event", "requirement"),
    [
        (Cut("a"), "HAVIP-BIND-009"),
        (Silence("a"), "HAVIP-BIND-008"),
        (Wait(2500), "HAVIP-BIND-008"),
        (Rename("h1"), "HAVIP-API-001"),
        (Release("h2"), "HAVIP-RELEASE-003"),
        (Detach("a"), "HAVIP-BIND-015"),
        (Detach("b"), "HAVIP-API-023"),
        (Move("a", "there"), "HAVIP-BIND-015"),
    ],
)
def test_what_happened_last_is_blamed_for_a_wrong_owner(tale: Tale, event: Action, requirement: str) -> None:
    tale.bind().tell(event)
    assert tale.wrong(DataProbe("o", "h1"), seen("c")) == requirement


def test_of_several_announcements_the_last_decides(tale: Tale) -> None:
    tale.bind("a").bind("b")
    assert tale.wrong(DataProbe("o", "h1"), seen("a")) == "HAVIP-ORDER-001"
    tale.bind("a")
    assert tale.wrong(DataProbe("o", "h1"), seen("b")) == "HAVIP-ORDER-002"
    tale.tell(DataProbe("o", "h1"), seen("a"))
    assert tale.wrong(DataProbe("o", "h1"), seen("a", "b")) == "HAVIP-PATH-003"


def test_a_race_allows_several_answers_until_one_was_seen(tale: Tale) -> None:
    race = Race((Announce("a", "h1"), Announce("b", "h1")))
    tale.tell(race, Observation(parts=[seen(*EVERYONE), seen("a", "c", "o")]))
    assert tale.model.now.owners["h1"] == ("a", "b")
    assert tale.wrong(DataProbe("o", "h1"), seen("c")) == "HAVIP-ORDER-001"
    assert tale.wrong(DataProbe("o", "h1"), seen()) == "HAVIP-ORDER-001"
    tale.tell(DataProbe("o", "h1"), seen("b"))
    assert tale.wrong(Look("h1"), look("a")) == "HAVIP-API-002"
    tale.tell(Look("h1"), look("b"))


def test_a_race_is_run_by_those_who_can(tale: Tale) -> None:
    race = Race((Announce("a", "h1"), Announce("b", "h1"), Announce("d", "h1"), Announce("c", "h1", fault="vlan")))
    tale.tell(Detach("b"))
    assert tale.model.now.fit(race) == Race((Announce("a", "h1"),))
    tale.tell(Release("h1"))
    assert tale.model.now.fit(race) is None


def test_nobody_owns_what_is_unbound(tale: Tale) -> None:
    assert tale.wrong(DataProbe("o", "h1"), seen("a")) == "HAVIP-PATH-001"
    assert tale.wrong(WhoHas("o", "h1"), seen("a")) == "HAVIP-PATH-001"
    assert tale.wrong(WhoHas("o", "h1"), seen(answers=("a",))) == "HAVIP-PATH-001"
    assert tale.wrong(Probe("o", "h1"), seen("a", "b")) == "HAVIP-PATH-005"
    tale.tell(Probe("o", "h1"), seen("a", "b", "c"))


def test_a_dead_or_silent_owner_stays_and_is_not_heard(tale: Tale) -> None:
    tale.bind().tell(Silence("a")).tell(DataProbe("o", "h1"), seen("a")).tell(WhoHas("o", "h1"), seen("a"))
    tale.tell(Cut("a")).tell(DataProbe("o", "h1"), seen())
    assert tale.model.now.fit(Announce("a", "h1")) is None
    assert tale.model.now.owners["h1"] == ("a",)


def test_a_detached_owner_loses_it(tale: Tale) -> None:
    tale.bind().tell(Detach("a")).tell(Attach("a"))
    assert tale.model.now.owners["h1"] == (None,)


def test_a_released_havip_is_gone(tale: Tale) -> None:
    tale.bind().tell(Release("h1"))
    assert tale.wrong(Announce("a", "h1"), seen(*EVERYONE)) == "HAVIP-RELEASE-001"
    assert tale.wrong(DataProbe("o", "h1"), seen("a")) == "HAVIP-RELEASE-001"
    assert tale.wrong(Look("h1"), look("a")) == "HAVIP-RELEASE-001"
    assert tale.wrong(Create("h1"), Observation(refused="ResourceInUse")) == "HAVIP-RELEASE-002"
    tale.tell(Create("h1"))
    assert tale.wrong(DataProbe("o", "h1"), seen("a")) == "HAVIP-RELEASE-002"


def test_the_owner_may_speak(tale: Tale) -> None:
    tale.bind()
    assert tale.wrong(Speak("a", "h1", "o"), seen("b")) == "HAVIP-PATH-006"
    assert tale.wrong(Packet("a", "h1", "o"), seen()) == "HAVIP-PATH-006"
    assert tale.wrong(Packet("a", "a", "o"), seen()) == "HAVIP-PATH-007"
    assert tale.wrong(Speak("a", "a", "o"), seen()) == "HAVIP-PATH-007"
    tale.tell(Speak("a", "h1", "o"), seen(*EVERYONE)).tell(Packet("a", "h1", "o"), seen("o"))


def test_what_the_control_plane_says_is_judged(tale: Tale) -> None:
    tale.bind().bind("b").tell(DataProbe("o", "h1"), seen("b"))
    moves: tuple[tuple[str | None, str | None], ...] = ((None, "a"), ("a", "b"))
    assert tale.wrong(Look("h1"), look("a", *moves)) == "HAVIP-API-002"
    assert tale.wrong(Look("h1"), look("b", *moves, belief="a")) == "HAVIP-API-002"
    assert tale.wrong(Look("h1"), look("b", *moves[:1])) == "HAVIP-API-003"
    assert tale.wrong(Look("h1"), Observation(view=View(exists=False))) == "HAVIP-API-002"
    tale.tell(Look("h1"), look("b", *moves))
    tale.bind("b")
    assert tale.wrong(Look("h1"), look("b", *moves, stamp="2")) == "HAVIP-BIND-004"
    tale.tell(Look("h1"), look("b", *moves))


def test_a_new_name_is_no_change(tale: Tale) -> None:
    tale.bind().tell(Look("h1"), look("a", (None, "a"))).tell(Rename("h1"))
    assert tale.wrong(Look("h1"), look("a", (None, "a"), stamp="2")) == "HAVIP-API-012"
    tale.tell(Look("h1"), look("a", (None, "a")))
    assert tale.wrong(Look("h1"), look("a", (None, "a"), stamp="2")) == "HAVIP-BIND-004"


def test_who_was_not_told_need_not_know(tale: Tale) -> None:
    tale.bind().tell(Announce("b", "h1", to="c"), seen("c"))
    tale.tell(Look("h1"), look("b", (None, "a"), ("a", "b"), belief="a"))


def test_equal_addresses_of_two_vpcs_move_apart(tale: Tale) -> None:
    tale.bind().tell(Announce("e", "h5"), seen("q"))
    assert tale.wrong(DataProbe("o", "h1"), seen()) == "HAVIP-SCOPE-003"
    tale.tell(DataProbe("o", "h1"), seen("a")).tell(DataProbe("q", "h5"), seen("e"))


def test_what_nobody_judges_by_passes_and_the_story_goes_on() -> None:
    tale = Tale({"HAVIP-SPOOF-001"})
    tale.bind().bind("b").tell(DataProbe("o", "h1"), seen("a"))
    assert tale.model.now.owners["h1"] == ("a",)
    assert tale.wrong(Announce("a", "b"), seen("o")) == "HAVIP-SPOOF-001"


@pytest.mark.parametrize(
    "action",
    [
        Detach("o"),
        Cut("o"),
        Announce("o", "h1"),
        Attach("a"),
        Create("h1"),
        Move("a", "here"),
        DataProbe("d", "h1"),
        Packet("a", "a", "d"),
        Announce("a", "h1", to="d"),
        Follow("a", "h1", "d"),
        RoutedProbe("p", "h1"),
        Release("h1", against="d"),
        Confine("h1", "a"),
        Admit("h1", "a"),
        Expel("h1", "a"),
    ],
)
def test_what_cannot_happen_is_no_part_of_a_story(tale: Tale, action: Action) -> None:
    assert tale.model.now.fit(action) is None


def test_who_has_heard_of_a_new_owner_reaches_no_other(tale: Tale) -> None:
    told, follow = seen("a", "c", "o"), Follow("b", "h1", "o")
    tale.bind()
    assert tale.wrong(follow, Observation(parts=(told, seen("a")))) == "HAVIP-MOVE-002"
    assert tale.wrong(follow, Observation(parts=(seen("a", "c"), seen("a")))) == "HAVIP-BIND-003"
    tale.tell(follow, Observation(parts=(told, seen())))
    assert tale.model.now.owners["h1"] == ("b",)


def test_a_gateway_finds_the_owner_sooner_or_later(tale: Tale) -> None:
    tale.bind()
    for reached in ((), ("b",)):
        found = tale.model.judge(RoutedProbe("p", "h1"), seen(*reached))
        assert found is not None
        assert (found.requirement, found.is_missing) == ("HAVIP-PATH-004", True)
    tale.tell(RoutedProbe("p", "h1"), seen("a"))
    assert tale.model.now.fit(RoutedProbe("q", "h1")) is None
    tale.tell(Cut("a"))
    assert tale.model.now.fit(RoutedProbe("p", "h1")) is None


def test_bad_cables_leave_it_open_who_owns_it(tale: Tale) -> None:
    race = (Announce("b", "h1"), Announce("c", "h1"))
    heard = (seen("a", "c", "o"), seen("a", "b", "o"))
    tale.bind()
    assert tale.wrong(Race(race, "duplication", 1), Observation(parts=(seen(), heard[1]))) == "HAVIP-BIND-012"
    assert tale.wrong(Race(race, "loss", 1), Observation(parts=(seen("o"), heard[1]))) == "HAVIP-BIND-012"
    tale.tell(Race(race, "loss", 1), Observation(parts=(seen(), heard[1])))
    assert set(tale.model.now.owners["h1"]) == {"a", "b", "c"}
    tale.tell(Race(race, "reordering", 1), Observation(parts=heard))
    assert set(tale.model.now.owners["h1"]) == {"b", "c"}


def test_what_is_announced_during_a_release_leaves_nothing(tale: Tale) -> None:
    tale.bind().tell(Release("h1", against="b"))
    assert tale.wrong(DataProbe("o", "h1"), seen("b")) == "HAVIP-RELEASE-005"
    assert tale.wrong(Look("h1"), look("b")) == "HAVIP-RELEASE-005"
    tale.tell(Create("h1")).tell(Look("h1"), look(None))


def test_a_range_shuts_out_all_others(tale: Tale) -> None:
    tale.tell(Release("h1")).tell(Confine("h1", "a"))
    assert tale.wrong(Announce("b", "h1"), seen("a", "c", "o")) == "HAVIP-RANGE-001"
    tale.tell(Announce("b", "h1"), seen()).bind()
    assert tale.wrong(DataProbe("o", "h1"), seen("b")) == "HAVIP-RANGE-001"
    assert tale.model.now.fit(Race((Announce("b", "h1"),))) is None
    assert [tale.model.now.fit(each) for each in (Detach("a"), Move("a", "there"), Expel("h1", "a"))] == [None] * 3
    tale.tell(Admit("h1", "b"))
    assert tale.wrong(DataProbe("o", "h1"), seen()) == "HAVIP-RANGE-006"
    assert tale.wrong(Announce("b", "h1"), seen()) == "HAVIP-RANGE-007"
    tale.bind("b").tell(Expel("h1", "a")).tell(Announce("a", "h1"), seen()).tell(DataProbe("o", "h1"), seen("b"))


def test_a_restart_changes_nothing(tale: Tale) -> None:
    tale.bind().tell(Look("h1"), look("a", (None, "a"))).tell(Restart())
    assert tale.wrong(DataProbe("o", "h1"), seen()) == "HAVIP-DUR-001"
    assert tale.wrong(Look("h1"), look("a", (None, "a"), (None, "a"))) == "HAVIP-DUR-006"
    assert tale.wrong(Look("h1"), look("a", (None, "a"), stamp="2")) == "HAVIP-DUR-001"


def test_what_is_announced_during_a_restart_counts(tale: Tale) -> None:
    restart = Restart((Announce("b", "h1"), Announce("c", "h1")))
    heard = (seen("a", "c", "o"), seen("a", "b", "o"))
    tale.bind()
    assert tale.wrong(restart, Observation(parts=(heard[0], seen()))) == "HAVIP-DUR-005"
    tale.tell(restart, Observation(parts=heard))
    assert tale.wrong(DataProbe("o", "h1"), seen("b")) == "HAVIP-DUR-005"
    tale.tell(DataProbe("o", "h1"), seen("c"))


def test_where_nothing_is_promised_for_a_restart_all_is_open() -> None:
    tale = Tale({"HAVIP-ORDER-001"})
    tale.bind().tell(Restart((Announce("b", "h1"),)), Observation(parts=(seen(),)))
    assert tale.model.now.owners["h1"] == ("a", "b")
