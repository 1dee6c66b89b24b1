"""What a run prints at its end of requirements: by area and level, and what needs a reader."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pytest_havip.reports.runlog import RunLog
from pytest_havip.reports.table import table
from pytest_havip.reports.verdict import Verdict
from pytest_havip.requirements import Catalogue, Level, Requirement
from pytest_havip.requirements.registry import AREAS

__all__ = ["requirement_lines", "trouble_lines"]


def requirement_lines(log: RunLog, catalogue: Catalogue) -> list[str]:
    """Return the table of requirements, a row for each area and a column for each level."""
    verdicts = log.verdicts(catalogue.values())
    levels = [level for level in Level if any(each.level is level for each in verdicts)]
    rows = [
        [area, *(_cell(_where(verdicts, area=area, level=level)) for level in levels)]
        for area in AREAS
        if any(each.area == area and verdict is not Verdict.NOT_RUN for each, verdict in verdicts.items())
    ]
    rows.append(["all", *(_cell(_where(verdicts, level=level)) for level in levels)])
    return table(["area", *levels], rows)


def trouble_lines(log: RunLog, catalogue: Catalogue, replay: Callable[[str], str]) -> list[str]:
    """Return what did not pass, the worst first: requirement, test, reason, and the command that shows it again.

    Args:
        log: The run.
        catalogue: The requirements.
        replay: Makes the command from a requirement's id.
    """
    troubled = [
        (verdict, requirement)
        for requirement, verdict in log.verdicts(catalogue.values()).items()
        if verdict.rank > Verdict.PASS.rank
    ]
    lines = []
    for verdict, requirement in sorted(troubled, key=lambda pair: -pair[0].rank):
        lines.append(f"{verdict}  {requirement.id} {requirement.level}  {requirement.text}")
        guilty = (result for result in log.of(requirement) if result.verdict.rank > Verdict.PASS.rank)
        lines += [f"    {result.test}: {result.reason}" for result in guilty]
        lines.append(f"    replay: {replay(requirement.id)}")
    return lines


def _where(verdicts: Mapping[Requirement, Verdict], *, level: Level, area: str | None = None) -> Iterable[Verdict]:
    return (
        verdict for each, verdict in verdicts.items() if each.level is level and (area is None or each.area == area)
    )


def _cell(verdicts: Iterable[Verdict]) -> str:
    counts = Counter(verdicts)
    order = [Verdict.PASS, *(verdict for verdict in reversed(Verdict) if verdict is not Verdict.PASS)]
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict]) or "-"
