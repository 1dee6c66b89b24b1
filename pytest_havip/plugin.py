"""The pytest plugin: hooks and nothing else. Without ``--havip`` it stays out of the way and imports nothing heavy."""

from collections.abc import Generator

import pytest

from pytest_havip.options import add_options, enabled_early, settings_of

__all__: list[str] = []

_MARKER_HELP = "havip_requirement(*ids): the requirements that this test proves; written as @requirement(id, ...)"
#: pytest-xdist has this marker; without it, it does nothing.
_GROUP_HELP = (
    "xdist_group(name): tests that share a costly fixture; with --havip, pytest-xdist runs a file's in one process"
)
_CASE_HELP = (
    "havip_case: a use case of the product document with much real software (haproxy, PostgreSQL); leave it out by "
    '-m "not havip_case"'
)


def _suites() -> str:
    """The folder of the installed conformance tests."""
    from pytest_havip.requirements.coverage import suites_folder  # noqa: PLC0415 - only with --havip

    try:
        return str(suites_folder())
    except FileNotFoundError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flags and ini keys."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """With ``--havip`` and no path, keep the surrounding project's conftest files out of the run."""
    known = early_config.known_args_namespace
    if enabled_early(early_config) and not known.file_or_dir:
        known.file_or_dir = [_suites()]
        known.confcutdir = _suites()
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; with ``--havip``, everything else."""
    config.addinivalue_line("markers", _MARKER_HELP)
    config.addinivalue_line("markers", _GROUP_HELP)
    config.addinivalue_line("markers", _CASE_HELP)
    settings = settings_of(config)
    if not settings.enabled:
        return
    from pytest_havip.session import HavipSession  # noqa: PLC0415 - only with --havip

    # Whoever set them, the run's own options now say it, to the fixtures and to the processes of pytest-xdist.
    config.option.havip, config.option.havip_target = "yes", settings.target
    config.option.havip_evidence = str(settings.evidence or "")
    config.option.havip_client, config.option.havip_only = ",".join(settings.clients), settings.only or "both"
    config.option.havip_areas = ",".join(settings.areas) or "all"
    config.option.havip_repeat = str(settings.repeat)
    config.option.havip_report = str(settings.report or "")
    if settings.listing:
        # A list is made in one process.
        config.option.dist = "no"
    bundled = config.args_source is not pytest.Config.ArgsSource.ARGS
    if bundled:
        config.args = [_suites()]
        config.option.importmode = "importlib"
        # A surrounding project may call its tests otherwise; ours are still to be found.
        config.addinivalue_line("python_files", "campaign.py" if settings.fuzz.budget.value else "test_*.py")
        config.addinivalue_line("python_functions", "test_*")
    if settings.fuzz.budget.value or settings.fuzz.pairs:
        from pytest_havip.watch import Watch  # noqa: PLC0415 - only with --havip-fuzz

        config.pluginmanager.register(Watch(config, settings), "havip-watch")
    session = HavipSession(config, settings, bundled=bundled)
    config.pluginmanager.register(session, "havip-session")
    session.enable_fixtures()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--havip``, skip the tests that need it, and say so."""
    if settings_of(config).enabled:
        return
    skip = pytest.mark.skip(reason="a HAVIP conformance test; run it with --havip")
    for item in items:
        if item.get_closest_marker("havip_requirement") is not None:
            item.add_marker(skip)
