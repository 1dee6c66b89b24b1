"""A run with stories: how far they have come, shown while they are played and at the end."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import Any

import pytest

from pytest_havip.fuzz import (
    BadBudget,
    Budget,
    Finds,
    Found,
    NoDatabase,
    Progress,
    progress_line,
    report,
    shown_database,
    unreached,
)
from pytest_havip.options import SEED, Settings
from pytest_havip.reports.board import TELL, Board, post
from pytest_havip.requirements import catalogue

__all__ = ["Watch"]

#: How a process of pytest-xdist's learns where to tell how far it has come.
_BOARD = "havip_board"
#: How many of them can.
_PROCESSES = 256
#: Seconds until progress is shown for the first time, and from then on: to a reader at a terminal, or in a log.
_FIRST, _TERMINAL, _LOG = 5.0, 10.0, 30.0
#: Seconds between two looks at what the other processes tell.
_LOOK_EVERY = 0.5


class Watch:
    """The plugin object that gathers what stories have come to.

    Args:
        config: pytest's configuration.
        settings: What this run was asked to do.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._input: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._said: dict[str, str] = {}
        self._board: Board | None = None
        self._over = threading.Event()
        self._looker = threading.Thread(target=self._look, name="havip-watch", daemon=True)
        self._due = monotonic() + _FIRST
        config.stash[TELL] = self._tell

    def pytest_report_header(self) -> list[str]:
        """Say what is played, and how to play it again."""
        fuzz = self._settings.fuzz
        if not fuzz.budget.value:
            return []
        seed, where = f"seed {fuzz.seed.value} ({fuzz.seed.source})", shown_database(fuzz.database.value)
        return [f"havip: a campaign of {fuzz.budget.value} ({fuzz.budget.source}), {seed}, finds kept in {where}"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Stop at once, with one message, where a setting makes no sense or the database cannot be used."""
        fuzz = self._settings.fuzz
        if self._input is not None or not fuzz.budget.value:
            return
        try:
            Budget.parse(fuzz.budget.value)
        except BadBudget as error:
            raise pytest.UsageError(f"{fuzz.budget.source}: {error}") from None
        if not fuzz.seed.value.isdecimal():
            raise pytest.UsageError(f"{fuzz.seed.source}: a seed is a number, such as 7, not {fuzz.seed.value!r}")
        try:
            Finds.open(fuzz.database.value, self._settings.target, folder=self._config.invocation_params.dir).close()
        except NoDatabase as error:
            raise pytest.UsageError(f"--havip-fuzz-database ({fuzz.database.source}): {error}") from None
        self._due = monotonic() + _FIRST

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - of pytest-xdist, which may be absent
        """Tell a process of pytest-xdist's the seed, and where to say how far it has come."""
        if self._board is None:
            self._board = Board(_PROCESSES)
            self._looker.start()
        node.workerinput |= {_BOARD: self._board.path, SEED: self._settings.fuzz.seed.value}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode) -> None:
        """Print what was played and found."""
        self._stop_looking()
        progress = self._progress()
        if progress.stories:
            terminalreporter.section(f"HAVIP stories, target {self._settings.target}")
            for line in self._summary(progress, is_interrupted=exitstatus == pytest.ExitCode.INTERRUPTED):
                terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        """Free what was needed for that."""
        self._stop_looking()
        if self._board is not None:
            self._board.close()

    def _tell(self, test: str, text: str) -> None:
        """Say something of a test of this process."""
        self._said[test] = text
        if self._input is None:
            self._show_if_due()
        elif _BOARD in self._input:
            number = int(self._input["workerid"].removeprefix("gw"))
            post(self._input[_BOARD], number % _PROCESSES, "\n".join(self._said.values()))

    def _progress(self) -> Progress:
        said = list(self._said.values()) if self._board is None else self._board.read()
        return Progress.of_all(Progress.parse(line) for text in said for line in text.splitlines())

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self._show_if_due()

    def _stop_looking(self) -> None:
        self._over.set()
        if self._looker.is_alive():
            self._looker.join()

    def _show_if_due(self) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if monotonic() < self._due or reporter is None or reporter.verbosity < 0:
            return
        progress = self._progress()
        if not progress.stories:
            return
        self._due = monotonic() + (_TERMINAL if reporter.isatty else _LOG)
        # Where a test runs in this process, its output is captured.
        captured = self._config.pluginmanager.get_plugin("capturemanager") if self._board is None else None
        with captured.global_and_fixture_disabled() if captured else nullcontext():
            reporter.ensure_newline()
            reporter.write_line(f"havip: {progress_line(progress)}")
            reporter.flush()

    def _summary(self, progress: Progress, *, is_interrupted: bool) -> Iterator[str]:
        fuzz = self._settings.fuzz
        yield f"{'interrupted: ' if is_interrupted else ''}{progress_line(progress)}"
        if fuzz.budget.value:
            yield f"the same stories again: --havip-fuzz {fuzz.budget.value} --havip-fuzz-seed {fuzz.seed.value}"
        for found in dict.fromkeys(progress.found):
            yield from _named(found)
        missed = unreached(progress.reached)
        yield f"never judged: {', '.join(f'{rule} ({state})' for rule, state in missed) or 'none of them'}"
        yield from _table(progress)


def _named(found: Found) -> Sequence[str]:
    requirement = catalogue()[found.requirement]
    length = f"{found.actions} actions" + ("" if found.is_shortest else ", not made short yet")
    lines = [f"{requirement.id} {requirement.level}  {requirement.text}", f"    story {found.story}, {length}"]
    if found.path:
        lines.append(f"    replay: havip replay {found.path} --target {found.target}")
    return lines


def _table(progress: Progress) -> Iterator[str]:
    yield "how often each rule was judged, by state:"
    yield from (f"  {row}" for row in report(progress.reached).splitlines())
