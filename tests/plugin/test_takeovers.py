"""What was measured of takeovers: distributions, the table, the JSON file, the page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema  # type: ignore[import-untyped]
import pytest

from pytest_havip.reports import Takeover
from pytest_havip.reports.distributions import MEASURES, Distribution, grouped
from pytest_havip.reports.takeover_page import page
from pytest_havip.reports.takeover_report import Conditions, write_report
from pytest_havip.reports.takeover_table import takeover_lines

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]
SCHEMA = Path(__file__).parents[2] / "docs" / "takeovers.schema.json"
CONDITIONS = Conditions("reference", "root, kernel 6.1", 2)
OUTAGE = MEASURES[0]
OWN = """
import pytest
from pytest_havip.reports import Takeover
from pytest_havip.requirements import requirement


@pytest.fixture(scope="session")
def repetition(request):
    return getattr(request, "param", 1)


@requirement("HAVIP-TAKE-003")
@pytest.mark.parametrize("name", ["a", "b"])
def test_takes_over(repetition, record_takeover, name):
    record_takeover(Takeover("keepalived", "kill -9 of " + name, 3000.0 + repetition, 5))
    assert repetition != 2 or name == "a"


@requirement("HAVIP-TAKE-004")
def test_something_else():
    pass
"""


def taken(number: int, outage: float, *, client: str = "keepalived", cause: str = "kill -9", **more: Any) -> Takeover:
    return Takeover(client, cause, outage, 5, repetition=number, **more)


def test_a_distribution_names_ranks_that_occurred() -> None:
    assert Distribution.of([5.0]) == Distribution(1, 5.0, 5.0, 5.0, 5.0)
    assert Distribution.of(range(20, 0, -1)) == Distribution(20, 1, 10.5, 19, 20)
    assert Distribution.of(range(1, 22)) == Distribution(21, 1, 11, 20, 21)


def test_takeovers_of_a_client_and_cause_stand_together() -> None:
    groups = grouped([taken(2, 20), taken(2, 5, client="wsfc"), taken(1, 10), taken(1, 7, cause="stop"), taken(3, 0.0)])
    assert [(group.client, group.cause) for group in groups] == [
        ("keepalived", "kill -9"),
        ("keepalived", "stop"),
        ("wsfc", "kill -9"),
    ]
    assert groups[0].values(OUTAGE) == [10, 20, 0.0]


def test_the_table_has_a_row_for_each_and_a_column_for_what_was_measured() -> None:
    lines = takeover_lines(
        [
            taken(1, 3100.44, lost_probes=310, connection="reset", connection_ms=6200.0),
            taken(2, 3300.0, lost_probes=330, connection="stalled", connection_ms=9000.0),
            taken(3, 3200.0, lost_probes=320, connection="reset", connection_ms=6300.0, outcome="stuck", note="why"),
            taken(1, 10.25, client="wsfc", note="served"),
        ]
    )
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in lines]
    assert [cell.strip() for cell in cells[0]] == [
        "client",
        "cause",
        "outcome",
        "outage ms",
        "probes lost",
        "heard",
        "TCP connection lost ms",
        "note",
    ]
    assert [cell.strip() for cell in cells[1]] == [
        "keepalived",
        "kill -9",
        "2 taken over, 1 stuck",
        "3100 / 3200 / 3300 / 3300",
        "310 / 320 / 330 / 330",
        "5",
        "2 reset, 1 stalled 6200 / 6300 / 9000 / 9000",
        "repetition 3: why",
    ]
    assert [cell.strip() for cell in cells[2]] == ["wsfc", "kill -9", "taken over", "10.2", "-", "5", "-", "served"]
    assert lines[3:] == ["of several repetitions: least / median / 95th percentile / most"]
    assert takeover_lines([]) == []


def test_the_file_follows_its_schema_and_holds_everything(tmp_path: Path) -> None:
    given = [
        taken(1, 3100.0, connection="reset", connection_ms=6200.0, first_answer_ms=3100.0, dual_answer_ms=0.0),
        taken(2, 3300.0, outage_ended=False, outcome="stuck", announcements_sent=10, announcements_needed=6),
    ]
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    data, _ = write_report(tmp_path / "new", given, CONDITIONS)
    found = json.loads(data.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert [Takeover(**each) for each in found["takeovers"]] == given
    (group,) = found["distributions"]
    assert group["outcomes"] == {"taken over": 1, "stuck": 1}
    assert group["measures"]["outage_ms"] == {
        "count": 2,
        "minimum": 3100.0,
        "median": 3200.0,
        "p95": 3300.0,
        "maximum": 3300.0,
    }
    assert "new_connection_ms" not in group["measures"]


def test_the_page_is_whole_by_itself_and_shows_every_takeover() -> None:
    given = [
        taken(1, 3100.0, connection="stalled", connection_ms=20_000.0),
        taken(2, 3300.0, connection="reset", connection_ms=6200.0),
        taken(1, 0.0, client="A & <B>"),
        taken(2, 90_000.0, client="A & <B>", outage_ended=False),
    ]
    text = page(grouped(given), "target <x>")
    assert "<x>" not in text
    for outside in ("http:", "https:", "<script", "<link", "@import", "url(", "src="):
        assert outside not in text
    assert "prefers-color-scheme: dark" in text
    drawn = [ET.fromstring(f"<svg{part.partition('</svg>')[0]}</svg>") for part in text.split("<svg")[1:]]
    assert [len(list(svg.iter("circle"))) for svg in drawn] == [4, 2]
    hollow = [circle for svg in drawn for circle in svg.iter("circle") if "hollow" in circle.get("class", "")]
    assert [circle.findtext("title") for circle in hollow] == [
        "A & <B>: kill -9, repetition 2: 90000.0 ms, taken over",
        "keepalived: kill -9, repetition 1: 20000.0 ms, taken over",
    ]
    for svg in drawn:
        width = float(str(svg.get("viewBox")).split()[2])
        assert all(0 < float(circle.get("cx", "nan")) < width for circle in svg.iter("circle"))
        assert all(0 < float(text.get("x", "nan")) < width for text in svg.iter("text"))
    for measure in MEASURES:
        assert measure.title in text


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_requirement_holds_if_it_holds_in_every_repetition(
    havip: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_own=OWN)
    result = havip("test_own.py", "--havip-repeat", "3", *workers)
    assert result.ret == 1
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(
        [
            "TAKE *1 pass, 1 fail*",
            "fail  HAVIP-TAKE-003*",
            "    test_own.py::test_takes_over[[]*repetition 2*",
            "takeovers written to havip-evidence/takeovers.json",
            "takeovers written to havip-evidence/takeovers.html",
        ]
    )
    # Processes end their tests in any order.
    result.stdout.fnmatch_lines_random(
        [f"keepalived  kill -9 of {name}  taken over  3001 / 3002 / 3003 / 3003 *" for name in ("a", "b")]
    )
    found = json.loads((pytester.path / "havip-evidence" / "takeovers.json").read_text(encoding="utf-8"))
    assert found["repetitions"] == 3
    assert sorted(each["repetition"] for each in found["takeovers"]) == [1, 1, 2, 2, 3, 3]


def test_repetitions_follow_each_other(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    lines = havip("test_own.py", "--havip-repeat", "2", "-v").outlines
    ran = [line.partition("[")[2].partition("]")[0] for line in lines if "::test_takes_over[" in line and "%" in line]
    assert [name.count("repetition 2") for name in ran] == [0, 0, 1, 1]


def test_without_repetitions_nothing_is_written_unless_asked_for(havip: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    assert havip("test_own.py").ret == 0
    assert not (pytester.path / "havip-evidence").exists()
    assert havip("test_own.py", "--havip-report", "figures").ret == 0
    assert {path.name for path in (pytester.path / "figures").iterdir()} == {"takeovers.json", "takeovers.html"}
    assert havip("test_own.py", "--havip-repeat", "2", "--havip-report", "").ret == 1
    assert not (pytester.path / "havip-evidence" / "takeovers.json").exists()


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5", ""])
def test_what_is_no_number_of_repetitions_ends_the_run(havip: Run, pytester: pytest.Pytester, number: str) -> None:
    pytester.makepyfile(test_own=OWN)
    result = havip("test_own.py", f"--havip-repeat={number}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --havip-repeat is '{number}'; it must be a whole number, 1 or more"])
