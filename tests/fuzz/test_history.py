"""Every story on a wire leaves a history that checkers can judge again, without the model."""

from pathlib import Path
from time import time_ns

import pytest

from pytest_havip.cli import main
from pytest_havip.fuzz import (
    Action,
    Announce,
    Attach,
    Broken,
    Create,
    Cut,
    DataProbe,
    Detach,
    Follow,
    Look,
    Mend,
    Move,
    Player,
    Race,
    Release,
    Restart,
    Silence,
    Wait,
    Wake,
    WhoHas,
    WireExecutor,
)
from pytest_havip.history import Outcome, judge
from pytest_havip.lab import Lab
from pytest_havip.targets import open_target

CLAIM, RIVAL = Announce("a", "h1"), Announce("b", "h1")
EVERYTHING: tuple[Action, ...] = (
    *(CLAIM, DataProbe("o", "h1"), RIVAL, CLAIM, Announce("a", "h1", "reply", to="c"), WhoHas("o", "h1"), Look("h1")),
    *(Announce("c", "h1", fault="vlan"), Announce("d", "h1"), Announce("e", "h5"), Follow("b", "h1", "o")),
    *(Race((CLAIM, RIVAL, CLAIM, RIVAL)), DataProbe("o", "h1"), Race((CLAIM, RIVAL) * 3, "duplication", 3)),
    *(Race((CLAIM, RIVAL) * 3, "loss", 4), Race((CLAIM, RIVAL) * 3, "reordering", 5), Look("h1"), WhoHas("o", "h1")),
    *(Cut("a"), DataProbe("o", "h1"), Mend("a"), CLAIM, Silence("a"), WhoHas("o", "h1"), Wake("a")),
    *(Detach("a"), Look("h1"), Attach("a"), CLAIM, Move("a", "there"), Announce("a", "h4"), Look("h4")),
    *(Release("h1", against="b"), Create("h1"), RIVAL, Restart((Announce("c", "h1"),)), Look("h1")),
)


def test_a_right_network_passes_the_checkers(
    wire: WireExecutor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player = Player(wire)
    player.play(EVERYTHING)
    player.finish()
    history = wire.history()
    judgements = judge(history.header, history.records)
    assert {each.checker: each.reason for each in judgements if each.outcome is not Outcome.PASS} == {}
    assert all(each.judged > 0 for each in judgements if each.checker != "quota")
    file = tmp_path / "history.jsonl"
    file.write_text(history.text(), encoding="utf-8")
    assert main(["check", str(file)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("mutant", "story", "checker"),
    [
        ("first-wins", (CLAIM, RIVAL), "register"),
        ("stale-api", (CLAIM, Look("h1"), RIVAL), "agreement"),
        ("changes-in-a-row-are-one", (CLAIM, RIVAL, CLAIM), "changes"),
        ("refresh-is-stamped", (CLAIM, Look("h1"), Wait(1100), CLAIM), "stamps"),
        ("any-subnet-announces", (Announce("a", "h4"), Look("h4")), "scope"),
    ],
)
def test_a_wrong_one_does_not(mutant: str, story: tuple[Action, ...], checker: str) -> None:
    """Where the model lets everything pass, the checkers alone are left."""
    with (
        Lab.open() as lab,
        open_target(f"mutant:{mutant}", lab) as target,
        WireExecutor(lab, target) as executor,
    ):
        player = Player(executor, judged=())
        player.play(story)
        player.finish()
        history = executor.history()
    failed = [each.checker for each in judge(history.header, history.records) if each.outcome is Outcome.FAIL]
    assert checker in failed


def test_what_the_checkers_find_is_a_failure(wire: WireExecutor) -> None:
    player = Player(wire)
    player.play((CLAIM, Look("h1")))
    # The NIC is said to have gone when it has not: then it should own nothing.
    wire.history().unplugged(wire.machines["a"].nic, time_ns(), time_ns())
    with pytest.raises(Broken, match="HAVIP-ORDER-001") as broken:
        player.finish()
    assert "owner at first: nobody" in broken.value.failure.word
