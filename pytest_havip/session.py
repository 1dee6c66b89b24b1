"""A run with ``--havip``: the hooks that give tests their requirements, verdicts and explanations."""

import shlex
from collections.abc import Generator
from importlib import import_module
from os.path import relpath
from pathlib import Path
from typing import Any

import pytest

from pytest_havip.options import BUNDLED, Settings
from pytest_havip.reports.collected import Collected, tell
from pytest_havip.reports.judging import PHASE_VERDICT, judge, judge_crash
from pytest_havip.reports.listing import listing_lines
from pytest_havip.reports.machine import describe
from pytest_havip.reports.runlog import RunLog
from pytest_havip.reports.summary import requirement_lines, trouble_lines
from pytest_havip.reports.takeover_report import Conditions, write_report
from pytest_havip.reports.takeover_table import takeover_lines
from pytest_havip.reports.verdict import Verdict
from pytest_havip.requirements import UnknownRequirement, catalogue, requirements_of
from pytest_havip.requirements.registry import AREAS, OF_CLIENTS
from pytest_havip.toml_file import TomlError

__all__ = ["HavipSession"]

#: How a process of pytest-xdist's learns where to tell what it has collected.
_COLLECTED = "havip_collected"

#: The file of the installed suites that is a campaign.
_CAMPAIGN = "campaign.py"

#: What a phase's verdict looks like while a run goes on: letter and word, where they are not pytest's own.
_LOOKS = {
    Verdict.UNSUPPORTED: ("u", "UNSUPPORTED"),
    Verdict.NON_STRICT: ("n", "NON-STRICT"),
    Verdict.INCONCLUSIVE: ("I", "INCONCLUSIVE"),
    Verdict.ENGINE_ERROR: ("E", "ENGINE-ERROR"),
}


class HavipSession:
    """The plugin object of a run with ``--havip``.

    Args:
        config: pytest's configuration.
        settings: What this run was asked to do.
        bundled: Whether it runs the installed suites, not one's own tests.
    """

    def __init__(self, config: pytest.Config, settings: Settings, *, bundled: bool) -> None:
        self._config = config
        self._settings = settings
        self._bundled = bundled
        self._log = RunLog()
        self._collected: Collected | None = None
        self._is_campaign = bundled and bool(settings.fuzz.budget.value)
        self._written: tuple[Path, ...] = ()

    def enable_fixtures(self) -> None:
        """Make the HAVIP fixtures and the requirement ids known to pytest."""
        # An observer asserts too, and its messages are part of a failure's explanation.
        pytest.register_assert_rewrite("pytest_havip.observe")
        modules = import_module("pytest_havip.fixtures").MODULES
        for module in ("pytest_havip.reports.recording", *modules):
            self._config.pluginmanager.import_plugin(module)
        for requirement in catalogue().values():
            self._config.addinivalue_line("markers", f"{requirement.id}: ({requirement.level}) {requirement.text}")

    def pytest_report_header(self) -> list[str]:
        """Say what is under test, and on what machine."""
        settings = self._settings
        lines = [f"havip: target {settings.target} ({settings.target_source})"]
        if settings.clients != (BUNDLED,):
            clients = import_module("pytest_havip.fixtures.clients")
            names = ", ".join(each.name for each in clients.clients_of(self._config))
            lines.append(f"havip: clients {names} ({settings.clients_source})")
            if devices := clients.devices_of(self._config):
                crash = import_module("pytest_havip.lab.lending").CRASH
                lines.append(f"havip: lends this machine's {', '.join(devices)} to the lab until the end; {crash}")
        return [*lines, f"havip: {describe()}"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stop at once, with one message, where there is no such target or the machine lacks something."""
        if hasattr(session.config, "workerinput"):
            return
        targets = import_module("pytest_havip.targets")
        try:
            targets.check_target(self._settings.target)
        except targets.UnknownTarget as error:
            raise pytest.UsageError(f"{self._settings.target_source}: {error}") from None
        self._check_areas()
        self._check_clients()
        option = session.config.option
        if self._settings.listing or option.collectonly or option.showfixtures:
            return
        preflight = import_module("pytest_havip.preflight")
        checks = preflight.machine_checks(bundled=self._bundled, clients=self._plays_ours)
        message = preflight.refusal(checks)
        if message is not None:
            # Not pytest.exit(): that would print the message twice.
            raise pytest.UsageError(message)

    @property
    def _plays_ours(self) -> bool:
        """Whether the clients that we bring along play."""
        return BUNDLED in self._settings.clients and self._settings.only != "network"

    def _check_clients(self) -> None:
        """Stop where there is no such client, or a network device that it wants cannot be lent."""
        if self._settings.clients == (BUNDLED,):
            return
        clients, lending = import_module("pytest_havip.fixtures.clients"), import_module("pytest_havip.lab.lending")
        try:
            for device in clients.devices_of(self._config):
                lending.may_lend(device)
        except (clients.UnknownClient, TomlError, lending.LabError) as error:
            raise pytest.UsageError(f"{self._settings.clients_source}: {error}") from None

    def _check_areas(self) -> None:
        unknown = [area for area in self._settings.areas if area not in AREAS]
        if unknown:
            raise pytest.UsageError(
                f"{self._settings.areas_source}: there is no area {' or '.join(unknown)}. "
                f"There are: {', '.join(AREAS)}."
            )

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Of the installed suites, a campaign runs one file."""
        is_left_out = self._is_campaign and collection_path.suffix == ".py" and collection_path.name != _CAMPAIGN
        return is_left_out or None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run what depends on a takeover once for each repetition; those of one repetition stay together."""
        if self._settings.repeat > 1 and "repetition" in metafunc.fixturenames:
            numbers = range(1, self._settings.repeat + 1)
            metafunc.parametrize("repetition", numbers, indirect=True, scope="session", ids="repetition {}".format)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Make a test selectable by its requirement ids, and let every report of it name them."""
        try:
            requirements = requirements_of(item)
        except UnknownRequirement as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None
        for requirement in requirements:
            item.add_marker(requirement.id)
            item.user_properties.append(("havip_requirement", requirement.id))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests of the wanted areas and of the wanted side, and of our clients' only where these play."""
        if self._is_campaign:  # it judges by the requirements of the wanted areas
            return
        kept = [item for item in items if self._is_wanted(item)]
        if len(kept) < len(items):
            self._config.hook.pytest_deselected(items=[item for item in items if not self._is_wanted(item)])
            items[:] = kept

    def _is_wanted(self, item: pytest.Item) -> bool:
        areas = {each.area for each in requirements_of(item)}
        if self._settings.areas and not areas.intersection(self._settings.areas):
            return False
        of_clients = areas.intersection(OF_CLIENTS)
        if self._settings.only and not (of_clients if self._settings.only == "client" else areas - of_clients):
            return False
        of_ours = of_clients and "client" not in getattr(item, "fixturenames", ())
        return not (self._bundled and of_ours) or BUNDLED in self._settings.clients

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object | None:  # noqa: ANN401 - xdist's
        """Let tests that share takeovers run in one process: ours, and one's own with ``--dist loadgroup``."""
        if config.option.dist not in ({"load", "loadgroup", "worksteal"} if self._bundled else {"loadgroup"}):
            return None
        from pytest_havip.sharing import GroupScheduling  # noqa: PLC0415 - pytest-xdist is optional

        return GroupScheduling(config, log)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """List what was collected instead of running it, if that was asked for."""
        if not self._settings.listing or session.testsfailed:
            return None
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line in listing_lines(session.items):
                reporter.write_line(line)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge each phase of a test."""
        report = yield
        judge(item, call, report, self._replay_test, self._settings.evidence)
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str | tuple[str, object]] | None:
        """Show verdicts that pytest has no word for."""
        word = getattr(report, PHASE_VERDICT, None)
        look = _LOOKS.get(Verdict(word)) if word else None
        if look is None:
            return None
        letter, word = look
        if word == "NON-STRICT":
            return "non-strict", letter, (word, {"yellow": True})
        if report.skipped:
            return "skipped", letter, word
        return ("error" if report.when in {"setup", "teardown"} else "failed"), letter, word

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a report; where tests run in several processes, all of them come by here."""
        self._log.add(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - of pytest-xdist, which may be absent
        """Tell a process of pytest-xdist's where to write down what it has collected."""
        self._collected = self._collected or Collected()
        node.workerinput[_COLLECTED] = self._collected.path

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """In such a process, write it down."""
        path = getattr(session.config, "workerinput", {}).get(_COLLECTED)
        if path:
            tell(path, session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Judge a test that took its process with it."""
        if self._collected is not None:
            judge_crash(report, self._collected.requirement_ids(crashitem))

    def pytest_unconfigure(self) -> None:
        """Free what was needed for that."""
        if self._collected is not None:
            self._collected.close()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write down what was measured of takeovers, where all results come together."""
        if self._settings.report is None or hasattr(session.config, "workerinput") or not self._log.takeovers:
            return
        conditions = Conditions(self._settings.target, describe(), self._settings.repeat)
        self._written = write_report(self._settings.report, self._log.takeovers, conditions)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the run's tables."""
        if not self._log.results:
            return
        terminalreporter.section(f"HAVIP requirements, target {self._settings.target}")
        for line in requirement_lines(self._log, catalogue()):
            terminalreporter.write_line(line)
        for title, lines in (
            ("takeovers", takeover_lines(self._log.takeovers)),
            ("HAVIP requirements that did not pass", trouble_lines(self._log, catalogue(), self._replay_requirement)),
        ):
            if lines:
                terminalreporter.section(title, sep="-")
            for line in lines:
                terminalreporter.write_line(line)
        for path in self._written:
            terminalreporter.write_line(f"takeovers written to {relpath(path, self._config.invocation_params.dir)}")

    def _replay_requirement(self, identifier: str) -> str:
        fuzz = self._settings.fuzz
        if self._is_campaign:
            return f"{self._command} --havip-fuzz {fuzz.budget.value} --havip-fuzz-seed {fuzz.seed.value}"
        where = "" if self._bundled else "".join(f" {shlex.quote(arg)}" for arg in self._config.args)
        return f"{self._command}{where} -k {identifier}"

    def _replay_test(self, item: pytest.Item, identifier: str) -> str:
        if self._bundled:
            return self._replay_requirement(identifier)
        _, _, inside = item.nodeid.partition("::")
        path = relpath(item.path, self._config.invocation_params.dir)
        return f"{self._command} {shlex.quote(f'{path}::{inside}')}"

    @property
    def _command(self) -> str:
        clients = self._settings.clients
        of_clients = "" if clients == (BUNDLED,) else f" --havip-client {shlex.quote(','.join(clients))}"
        return f"pytest --havip --havip-target {self._settings.target}{of_clients}"
