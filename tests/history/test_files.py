"""Histories as files: what is written is read, and what is wrong with a file is said."""

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_havip.cli import main
from pytest_havip.history import (
    CHECKERS,
    Fault,
    ForeignHistory,
    Header,
    HistoryReader,
    Integrity,
    Mark,
    Recorder,
    UnknownChecker,
    judge_file,
)
from pytest_havip.history.codec import decode, encode

if TYPE_CHECKING:
    from tests.history.conftest import Story

HEADER = Header("made by hand", "tests", "tencent", "42", None, {"why": "größer 的"})


@pytest.fixture
def good(story: "Story") -> str:
    """A history with every kind of record, all as it should be, marked once."""
    story.quota(10)
    story.settle("a", "b")
    story.read("b", stamp="2026-01-01 00:00:00")
    story.unplug("c")
    story.release()
    story.list((1, "", "a"), (2, "a", "b"), (3, "b", ""))
    story.records += [Fault(1, 2, "link cut", "a"), Mark(3, 3)]
    return written(story, complete=True)


@pytest.fixture
def bad(story: "Story") -> str:
    """A history with a wrong reading above its mark, and one record below."""
    story.settle("a", "b")
    story.read("a")
    story.records.append(Mark(story.now, story.now))
    story.read("b")
    return written(story, complete=True)


def written(story: "Story", *, complete: bool) -> str:
    sink = io.StringIO(newline="")
    recorder = Recorder(HEADER, sink)
    for record in story.records:
        recorder.add(record)
    recorder.close(complete=complete, reason="" if complete else "interrupted")
    recorder.close()
    return sink.getvalue()


def cut(text: str, lines: int) -> str:
    """Without its last lines, and half of the one before."""
    kept = text.splitlines(keepends=True)[:-lines]
    return "".join(kept[:-1]) + kept[-1][: len(kept[-1]) // 2]


def test_what_is_written_is_read(good: str, story: "Story") -> None:
    reader = HistoryReader(io.StringIO(good))
    assert list(reader) == story.records
    assert (reader.header, reader.integrity, reader.problem) == (HEADER, Integrity.WHOLE, "")
    assert all(decode(encode(record)) == record for record in story.records)


def test_records_come_from_all_threads() -> None:
    sink = io.StringIO(newline="")
    recorder = Recorder(HEADER, sink)

    def record() -> None:
        for number in range(500):
            recorder.add(Fault(number, number, threading.current_thread().name))

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recorder.flush()
    recorder.close()
    sink.seek(0)
    reader = HistoryReader(sink)
    faults = list(reader)
    assert reader.integrity is Integrity.WHOLE
    for thread in threads:
        assert [each.begun for each in faults if isinstance(each, Fault) and each.what == thread.name] == [*range(500)]


def outcomes(text: str) -> dict[str, str]:
    report = judge_file(io.StringIO(text))
    return {each.checker: each.outcome.value for each in report.judgements if each.judged}


def test_a_failure_above_the_last_mark_stands_in_a_history_that_is_cut_off(bad: str) -> None:
    report = judge_file(io.StringIO(cut(bad, 1)))
    assert report.integrity is Integrity.CUT_OFF
    assert "no record" in report.problem
    assert (outcomes(bad)["register"], outcomes(bad)["scope"]) == ("fail", "pass")
    assert outcomes(cut(bad, 1))["register"] == "fail"
    assert outcomes(cut(bad, 1))["scope"] == "inconclusive"


def test_below_the_last_mark_nothing_is_judged(bad: str) -> None:
    lines = bad.splitlines(keepends=True)
    no_mark = "".join(line for line in lines[:-1] if '"mark"' not in line)
    report = judge_file(io.StringIO(no_mark))
    assert report.records == 0
    assert report.problem.endswith(f"{len(lines) - 3} records below the last mark are left out")
    assert all(not each.judged for each in report.judgements)


def test_a_recorder_that_was_stopped_says_so(story: "Story") -> None:
    story.settle("a")
    report = judge_file(io.StringIO(written(story, complete=False)))
    assert report.integrity is Integrity.CUT_OFF
    assert "interrupted" in report.problem


def test_nothing_stands_in_a_history_that_was_altered(bad: str) -> None:
    report = judge_file(io.StringIO(bad.replace('["a"]', '["b"]')))
    assert report.integrity is Integrity.ALTERED
    assert {each.outcome.value for each in report.judgements} == {"inconclusive"}
    assert judge_file(io.StringIO(bad + "\n")).integrity is Integrity.ALTERED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{}\n", "no header"),
        ("hello\n", "no header"),
        ("[1]\n", "no header"),
        ('{"format":"havip-history","version":2}\n', "version 2 of the format"),
        ('{"format":"havip-history","version":1,"network":"x"}\n', "the header has other fields"),
    ],
)
def test_a_foreign_file_is_told_from_a_history(text: str, said: str) -> None:
    with pytest.raises(ForeignHistory, match=said):
        judge_file(io.StringIO(text))


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "[]",
        "nonsense",
        '{"kind":"reading"}',
        '{"kind":"mark","begun":1.5,"ended":2}',
        '{"kind":"mark","begun":1,"ended":2,"more":3}',
        '{"kind":"reading","begun":1,"ended":2,"havip":"h","view":"dream","owners":[]}',
        '{"kind":"listing","begun":1,"ended":2,"changes":[{"sequence":1}]}',
    ],
)
def test_a_damaged_line_ends_what_can_be_relied_on(good: str, line: str) -> None:
    lines = good.splitlines(keepends=True)
    report = judge_file(io.StringIO("".join([*lines[:-1], f"{line}\n", lines[-1]])))
    assert report.integrity is Integrity.CUT_OFF
    assert report.problem.startswith(f"line {len(lines)} is no record") or "whole nanoseconds" in report.problem
    assert report.records == len(lines) - 2


def test_an_unknown_checker_is_told_those_that_there_are(good: str) -> None:
    with pytest.raises(UnknownChecker, match="choose from register"):
        judge_file(io.StringIO(good), ["luck"])


@pytest.mark.parametrize(
    ("which", "arguments", "code", "shown"),
    [
        ("good", [], 0, "register"),
        ("good", ["--checker", "scope"], 0, "scope"),
        ("bad", [], 1, "a was read where only b was possible"),
        ("bad", ["--checker", "scope"], 0, "scope"),
        ("good", ["--checker", "luck"], 2, "choose from register"),
    ],
)
def test_the_command(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    which: str,
    arguments: list[str],
    code: int,
    shown: str,
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(request.getfixturevalue(which), encoding="utf-8")
    assert main(["check", str(path), *arguments]) == code
    printed = capsys.readouterr()
    assert shown in printed.out + printed.err


def test_the_command_with_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str) -> None:
    binary, part = tmp_path / "binary", tmp_path / "part.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    part.write_text(cut(bad, 2), encoding="utf-8")
    assert [main(["check", str(path)]) for path in (tmp_path / "none", binary, tmp_path)] == [2, 2, 2]
    assert "is no text" in capsys.readouterr().err
    assert main(["check", str(part)]) == 1
    assert "the history is cut off: line" in capsys.readouterr().out


def test_the_document_names_all_checkers() -> None:
    text = (Path(__file__).parents[2] / "docs/history.md").read_text(encoding="utf-8")
    assert [name for name in CHECKERS if f"| `{name}` |" not in text] == []
